/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"
#include "daemon/nearest.h"
#include "daemon/quantity.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char *const outputs[] = {
	[NQ_OUTPUT_TABLE] = "table",	 [NQ_OUTPUT_JSON] = "json", [NQ_OUTPUT_KV] = "kv",
	[NQ_OUTPUT_PICTURE] = "picture", [NQ_OUTPUT_SVG] = "svg",
};
_Static_assert(sizeof(outputs) / sizeof(outputs[0]) == NQ_OUTPUT_COUNT, "an output without name");

static const char *const colors[] = {
	[NQ_COLOR_AUTO] = "auto",
	[NQ_COLOR_ALWAYS] = "always",
	[NQ_COLOR_NEVER] = "never",
};
_Static_assert(sizeof(colors) / sizeof(colors[0]) == NQ_COLOR_COUNT, "a color without name");

enum kind {
	TEXT,
	FLAG,
	CHOICE,
	DURATION, /* ms, 1 ms to 30 days */
	PRESET,	  /* name of a preset */
};
#define DURATION_MAX_MS (30ull * 24 * 3600 * 1000)

struct option_row {
	const char *name, *argument;
	enum kind kind;
	size_t offset; /* in struct nq_options */
	const char *const *choices;
	size_t n_choices, n_plain; /* n_plain: without the pictures */
	const char *help;
};

#define AT(field) .offset = offsetof(struct nq_options, field)

static const struct option_row rows[] = {
	{ "from", "SOURCE", TEXT, AT(from),
	  .help = "live (this host, the default), a snapshot, a captured tree, or an hwloc XML file" },
	{ "format", "FORM", CHOICE, AT(format), outputs, NQ_OUTPUT_COUNT, NQ_OUTPUT_PICTURE,
	  "form of the output (table)" },
	{ "interval", "TIME", DURATION, AT(interval_ms), .help = "between the two observations that give rates (1s)" },
	{ "save-snapshot", "FILE", TEXT, AT(save_snapshot), .help = "also write what was observed as JSON" },
	{ "compare", "FILE", TEXT, AT(compare), .help = "picture, svg: a second host below, as it was afterwards" },
	{ "policy", "NAME", PRESET, AT(policy),
	  .help = "plan by this preset instead of [policy] of the configuration" },
	{ "plan", "FILE", TEXT, AT(plan), .help = "carry out this plan instead of a new one" },
	{ "act", NULL, FLAG, AT(act), .help = "write to this host; without it only say what would be done" },
	{ "tick", "TIME", DURATION, AT(tick_ms), .help = "between two observations (from the configuration)" },
	{ "for", "TIME", DURATION, AT(for_ms), .help = "stop after this time (never)" },
	{ "once", NULL, FLAG, AT(once), .help = "stop after the first tick that has rates" },
	{ "keep", NULL, FLAG, AT(keep), .help = "leave the settings as they are when stopping" },
	{ "force", NULL, FLAG, AT(force), .help = "also put back what somebody else changed after nearq" },
	{ "print", NULL, FLAG, AT(print), .help = "print all effective values" },
	{ "config", "FILE", TEXT, AT(config), .help = "configuration (" NQ_CONFIG_PATH ")" },
	{ "state", "DIR", TEXT, AT(state), .help = "directory of the journal (from the configuration)" },
	{ "color", "WHEN", CHOICE, AT(color), colors, NQ_COLOR_COUNT, NQ_COLOR_COUNT, "colors on the terminal (auto)" },
	{ "help", NULL, FLAG, AT(help), .help = "show this help" },
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static bool takes(const struct nq_verb *verb, const struct option_row *row)
{
	for (size_t i = 0; verb->options[i]; i++) {
		if (strcmp(verb->options[i], row->name) == 0)
			return true;
	}
	return strcmp(row->name, "help") == 0;
}

static size_t choices_of(const struct nq_verb *verb, const struct option_row *row)
{
	return verb->pictures ? row->n_choices : row->n_plain;
}

static enum nq_exit complain_suggest(const struct nq_cli *cli, const char *word, struct nq_nearest *nearest)
{
	if (nearest->best)
		return nq_cli_complain(NQ_EXIT_USAGE, "%s: unknown option \"%s\"; did you mean \"--%s\"?",
				       cli->verb->name, word, nearest->best);
	return nq_cli_complain(NQ_EXIT_USAGE, "%s: unknown option \"%s\"; see \"nearq %s --help\"", cli->verb->name,
			       word, cli->verb->name);
}

static enum nq_exit unknown_option(const struct nq_cli *cli, const char *word)
{
	char name[64];
	struct nq_nearest nearest;

	snprintf(name, sizeof(name), "%s", word + strspn(word, "-"));
	name[strcspn(name, "=")] = '\0';
	nq_nearest_init(&nearest, name);
	for (size_t i = 0; i < N_ROWS; i++) {
		if (takes(cli->verb, &rows[i]))
			nq_nearest_offer(&nearest, rows[i].name);
	}
	return complain_suggest(cli, word, &nearest);
}

static enum nq_exit bad_choice(const struct nq_cli *cli, const struct option_row *row, const char *text,
			       const char *allowed, const char *nearest)
{
	return nq_cli_complain(NQ_EXIT_USAGE, "%s: --%s: found \"%s\"; allowed: %s%s%s%s", cli->verb->name, row->name,
			       text, allowed, nearest ? "; did you mean \"" : "", nearest ? nearest : "",
			       nearest ? "\"?" : "");
}

static enum nq_exit parse_choice(struct nq_cli *cli, const struct option_row *row, const char *text)
{
	struct nq_nearest nearest;
	char allowed[128] = "";
	size_t used = 0;

	nq_nearest_init(&nearest, text);
	for (size_t i = 0; i < choices_of(cli->verb, row); i++) {
		if (strcmp(row->choices[i], text) == 0) {
			*(uint64_t *)((char *)&cli->options + row->offset) = i;
			return NQ_EXIT_OK;
		}
		nq_nearest_offer(&nearest, row->choices[i]);
		used += (size_t)snprintf(allowed + used, sizeof(allowed) - used, "%s%s", i > 0 ? ", " : "",
					 row->choices[i]);
	}
	return bad_choice(cli, row, text, allowed, nearest.best);
}

static enum nq_exit parse_preset(struct nq_cli *cli, const struct option_row *row, const char *text)
{
	char allowed[NQ_ALLOWED_TEXT];
	struct nq_nearest nearest;

	nq_nearest_init(&nearest, text);
	for (size_t i = 0; i < nq_policy_presets_count; i++) {
		if (strcmp(nq_policy_presets[i].name, text) == 0) {
			*(const char **)((char *)&cli->options + row->offset) = nq_policy_presets[i].name;
			return NQ_EXIT_OK;
		}
		nq_nearest_offer(&nearest, nq_policy_presets[i].name);
	}
	nq_presets_allowed(allowed);
	return bad_choice(cli, row, text, allowed, nearest.best);
}

static enum nq_exit parse_duration(struct nq_cli *cli, const struct option_row *row, const char *text)
{
	uint64_t value;
	char units[64];

	if (nq_quantity_parse(text, "s", "ms", &value) == 0 && value >= 1 && value <= DURATION_MAX_MS) {
		*(uint64_t *)((char *)&cli->options + row->offset) = value;
		return NQ_EXIT_OK;
	}
	nq_quantity_units("ms", units, sizeof(units));
	return nq_cli_complain(NQ_EXIT_USAGE,
			       "%s: --%s: found \"%s\"; allowed: 1 ms - %llu s (units: %s; s when none is given)",
			       cli->verb->name, row->name, text, (unsigned long long)DURATION_MAX_MS / 1000, units);
}

static enum nq_exit parse_value(struct nq_cli *cli, const struct option_row *row, const char *text)
{
	void *at = (char *)&cli->options + row->offset;

	switch (row->kind) {
	case TEXT:
		if (!*text)
			return nq_cli_complain(NQ_EXIT_USAGE, "%s: --%s: found \"\"; allowed: %s", cli->verb->name,
					       row->name, row->argument);
		*(const char **)at = text;
		return NQ_EXIT_OK;
	case FLAG:
		*(bool *)at = true;
		return NQ_EXIT_OK;
	case CHOICE:
		return parse_choice(cli, row, text);
	case DURATION:
		return parse_duration(cli, row, text);
	case PRESET:
		return parse_preset(cli, row, text);
	}
	return NQ_EXIT_USAGE;
}

static enum nq_exit parse_argument(struct nq_cli *cli, int argc, char **argv)
{
	const char *name = cli->verb->argument;

	if (optind < argc && name)
		cli->options.argument = argv[optind++];
	else if (name && name[0] != '[' && !cli->options.help)
		return nq_cli_complain(NQ_EXIT_USAGE, "%s: %s is missing; see \"nearq %s --help\"", cli->verb->name,
				       name, cli->verb->name);
	if (optind < argc)
		return nq_cli_complain(NQ_EXIT_USAGE, "%s: \"%s\" is too much; see \"nearq %s --help\"",
				       cli->verb->name, argv[optind], cli->verb->name);
	return NQ_EXIT_OK;
}

/* The verb's rows in the form of getopt_long(); val is the row's place plus one. */
static void make_long(const struct nq_verb *verb, struct option ret[N_ROWS + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < N_ROWS; i++) {
		if (!takes(verb, &rows[i]))
			continue;
		ret[n++] = (struct option){
			.name = rows[i].name,
			.has_arg = rows[i].argument ? required_argument : no_argument,
			.val = (int)i + 1,
		};
	}
	ret[n] = (struct option){ 0 };
}

enum nq_exit nq_options_parse(struct nq_cli *cli, int argc, char **argv)
{
	struct option table[N_ROWS + 1];
	enum nq_exit code = NQ_EXIT_OK;
	int found;

	make_long(cli->verb, table);
	opterr = 0;
	optind = 1;
	while (code == NQ_EXIT_OK && (found = getopt_long(argc, argv, ":h", table, NULL)) != -1) {
		if (found == 'h')
			cli->options.help = true;
		else if (found == ':')
			code = nq_cli_complain(NQ_EXIT_USAGE, "%s: --%s needs %s", cli->verb->name,
					       rows[optopt - 1].name, rows[optopt - 1].argument);
		else if (found == '?' && optopt > 0 && optopt <= (int)N_ROWS)
			code = nq_cli_complain(NQ_EXIT_USAGE, "%s: --%s takes no value", cli->verb->name,
					       rows[optopt - 1].name);
		else if (found == '?')
			code = unknown_option(cli, argv[optind - 1]);
		else
			code = parse_value(cli, &rows[found - 1], optarg);
	}
	return code == NQ_EXIT_OK ? parse_argument(cli, argc, argv) : code;
}

const struct nq_verb *nq_verb_find(const char *name)
{
	struct nq_nearest nearest;

	nq_nearest_init(&nearest, name);
	for (const struct nq_verb *verb = nq_verbs; verb->name; verb++) {
		if (strcmp(verb->name, name) == 0)
			return verb;
		nq_nearest_offer(&nearest, verb->name);
	}
	if (nearest.best)
		nq_cli_complain(NQ_EXIT_USAGE, "unknown verb \"%s\"; did you mean \"%s\"?", name, nearest.best);
	else
		nq_cli_complain(NQ_EXIT_USAGE, "unknown verb \"%s\"; see \"nearq help\"", name);
	return NULL;
}

void nq_help_verb(FILE *stream, const struct nq_verb *verb)
{
	fprintf(stream, "nearq %s [OPTION...]%s%s\n%s.\n\n", verb->name, verb->argument ? " " : "",
		verb->argument ? verb->argument : "", verb->summary);
	for (size_t i = 0; i < N_ROWS; i++) {
		char head[40];

		if (!takes(verb, &rows[i]))
			continue;
		snprintf(head, sizeof(head), "--%s%s%s", rows[i].name, rows[i].argument ? " " : "",
			 rows[i].argument ? rows[i].argument : "");
		fprintf(stream, "  %-22s %s", head, rows[i].help);
		for (size_t j = 0; rows[i].kind == CHOICE && j < choices_of(verb, &rows[i]); j++)
			fprintf(stream, "%s%s", j > 0 ? ", " : ": ", rows[i].choices[j]);
		for (size_t j = 0; rows[i].kind == PRESET && j < nq_policy_presets_count; j++)
			fprintf(stream, "%s%s", j > 0 ? ", " : ": ", nq_policy_presets[j].name);
		fputc('\n', stream);
	}
}

void nq_help_all(FILE *stream)
{
	fputs("nearq VERB [OPTION...]\nKeeps every VM and container next to its network queue.\n\n", stream);
	for (const struct nq_verb *verb = nq_verbs; verb->name; verb++)
		fprintf(stream, "  %-14s %s\n", verb->name, verb->summary);
	fputs("\n\"nearq VERB --help\" shows the options of a verb. Manual: nearq(1), nearq.conf(5).\n", stream);
}
