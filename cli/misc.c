/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The small verbs. */
#include "cli/cli.h"
#include "host/observe.h"

enum nq_exit nq_verb_check_config(struct nq_cli *cli)
{
	NQ_CLEANUP(nq_config) struct nq_config *config = NULL;
	enum nq_exit code = nq_cli_config(cli, &config);

	if (code != NQ_EXIT_OK)
		return code;
	if (cli->options.print)
		nq_config_print(stdout, config);
	else
		puts("ok");
	return nq_cli_flush(stdout);
}

enum nq_exit nq_verb_capture(struct nq_cli *cli)
{
	NQ_CLEANUP(nq_config) struct nq_config *config = NULL;
	struct nq_source_options options = { 0 };
	struct nq_fault fault = { 0 };
	enum nq_exit code = nq_cli_config(cli, &config);
	int r;

	if (code != NQ_EXIT_OK)
		return code;
	options.exclude = (const char *const *)config->exclude;
	r = nq_source_capture(cli->options.argument, &options, &fault);
	return r < 0 ? nq_cli_fail(r, &fault) : NQ_EXIT_OK;
}

enum nq_exit nq_verb_help(struct nq_cli *cli)
{
	const struct nq_verb *verb = NULL;

	if (cli->options.argument) {
		verb = nq_verb_find(cli->options.argument);
		if (!verb)
			return NQ_EXIT_USAGE;
	}
	if (verb)
		nq_help_verb(stdout, verb);
	else
		nq_help_all(stdout);
	return nq_cli_flush(stdout);
}

enum nq_exit nq_verb_version(struct nq_cli *cli)
{
	(void)cli;
	puts("nearq " NQ_VERSION);
	return nq_cli_flush(stdout);
}
