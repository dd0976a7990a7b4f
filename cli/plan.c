/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `nearq plan`: what would be changed, and why. */
#include "cli/cli.h"
#include "cli/show.h"

#include <errno.h>
#include <string.h>

static enum nq_exit put_plan(const struct nq_cli *cli, const struct nq_host *host, const struct nq_policy *policy,
			     const struct nq_plan *plan)
{
	struct nq_writer *writer;
	enum nq_exit code;

	/* The one form that is also read: `nearq apply --plan`. */
	if (cli->options.format == NQ_OUTPUT_JSON) {
		int r = nq_plan_write(stdout, host, plan);

		return r < 0 ? nq_cli_output_failed(r) : nq_cli_flush(stdout);
	}
	code = nq_cli_writer(cli, false, &writer);
	if (code != NQ_EXIT_OK)
		return code;
	nq_show_totals(writer, host, policy, plan);
	nq_show_actions(writer, host, plan, NULL, true);
	nq_show_kept(writer, host, plan, true);
	return nq_cli_finish(writer);
}

enum nq_exit nq_verb_plan(struct nq_cli *cli)
{
	NQ_CLEANUP(nq_config) struct nq_config *config = NULL;
	NQ_CLEANUP(nq_host) struct nq_host *host = NULL;
	NQ_CLEANUP(nq_plan) struct nq_plan *plan = NULL;
	enum nq_exit code = nq_cli_config(cli, &config);
	const char *nothing;
	int r;

	if (code == NQ_EXIT_OK)
		code = nq_cli_observe(cli, config, true, &host);
	if (code == NQ_EXIT_OK)
		code = nq_cli_save(cli, host);
	if (code != NQ_EXIT_OK)
		return code;
	if (cli->options.policy)
		nq_policy_use(&config->policy, cli->options.policy);
	r = nq_plan_make(host, &config->policy, NULL, &plan);
	if (r < 0)
		return nq_cli_complain(NQ_EXIT_FAILED, "no plan could be made: %s", strerror(-r));
	code = put_plan(cli, host, &config->policy, plan);
	nothing = nq_cli_nothing(host);
	if (code == NQ_EXIT_OK && nothing)
		return nq_cli_complain(NQ_EXIT_NOTHING, "nothing to manage: %s", nothing);
	return code;
}
