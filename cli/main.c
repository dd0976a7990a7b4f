/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"

#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SOURCE "from", "config"
#define OUTPUT "format", "color"
#define RATES "interval", "save-snapshot"
#define LIST(...)                                                                                                      \
	(const char *const[])                                                                                          \
	{                                                                                                              \
		__VA_ARGS__, NULL                                                                                      \
	}

#define INTERVAL_MS 1000 /* long enough for rates that mean something, short enough to wait for */
#define WIDTH_UNKNOWN 80
#define WIDTH_LEAST 40

const struct nq_verb nq_verbs[] = {
	{ "topology", NULL, "Show nodes, CPUs, NICs and their queues", LIST(SOURCE, OUTPUT, "save-snapshot"), false,
	  nq_verb_topology },
	{ "status", NULL, "Show who is served where, and what is remote", LIST(SOURCE, OUTPUT, RATES, "compare"), true,
	  nq_verb_status },
	{ "plan", NULL, "Show what would be changed, and why; change nothing", LIST(SOURCE, OUTPUT, RATES, "policy"),
	  false, nq_verb_plan },
	{ "apply", NULL, "Carry out a plan on this host, once", LIST(OUTPUT, RATES, "config", "plan", "state"), false,
	  nq_verb_apply },
	{ "run", NULL, "Observe, plan, act and verify, tick after tick",
	  LIST(SOURCE, OUTPUT, "act", "tick", "for", "once", "keep", "state"), false, nq_verb_run },
	{ "restore", NULL, "Put every changed setting back as it was", LIST(OUTPUT, "force", "config", "state"), false,
	  nq_verb_restore },
	{ "check-config", NULL, "Check the configuration", LIST("config", "print"), false, nq_verb_check_config },
	{ "capture", "DIR", "Copy what nearq reads of this host into a directory, for --from", LIST("color", "config"),
	  false, nq_verb_capture },
	{ "help", "[VERB]", "Show this help, or that of a verb", LIST("color"), false, nq_verb_help },
	{ "version", NULL, "Show the version", LIST("color"), false, nq_verb_version },
	{ 0 },
};

/* Names on the host may be UTF-8 whatever the language of the terminal; only what is printed depends on it. */
static bool use_locale(void)
{
	bool unicode;

	setlocale(LC_CTYPE, "");
	unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	if (!unicode)
		setlocale(LC_CTYPE, "C.UTF-8");
	return unicode;
}

static bool use_color(const struct nq_options *options)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	switch ((enum nq_color)options->color) {
	case NQ_COLOR_ALWAYS:
		return true;
	case NQ_COLOR_NEVER:
		return false;
	case NQ_COLOR_AUTO:
	case NQ_COLOR_COUNT:
		break;
	}
	return !(no_color && *no_color) && isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0;
}

static unsigned terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	unsigned long width = 0;

	if (columns)
		width = strtoul(columns, NULL, 10);
	else if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		width = size.ws_col;
	if (width == 0)
		return WIDTH_UNKNOWN;
	return width < WIDTH_LEAST ? WIDTH_LEAST : width > 10000 ? 10000 : (unsigned)width;
}

/* `nearq --help` and `nearq --version` are what people try first. */
static const char *verb_name(const char *word)
{
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return "help";
	return strcmp(word, "--version") == 0 ? "version" : word;
}

int main(int argc, char **argv)
{
	struct nq_cli cli = { .options = { .interval_ms = INTERVAL_MS } };
	enum nq_exit code;

	/* A reader that goes away must not kill a run that still has to put things back: it is an error of write(). */
	signal(SIGPIPE, SIG_IGN);
	cli.unicode = use_locale();
	if (argc < 2) {
		nq_help_all(stderr);
		return NQ_EXIT_USAGE;
	}
	cli.verb = nq_verb_find(verb_name(argv[1]));
	if (!cli.verb)
		return NQ_EXIT_USAGE;
	code = nq_options_parse(&cli, argc - 1, argv + 1);
	if (code != NQ_EXIT_OK)
		return (int)code;
	if (cli.options.help) {
		nq_help_verb(stdout, cli.verb);
		return (int)nq_cli_flush(stdout);
	}
	cli.color = use_color(&cli.options);
	cli.width = terminal_width();
	return (int)cli.verb->run(&cli);
}
