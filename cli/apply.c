/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `nearq apply` and `nearq restore`: the verbs that write, once. */
#include "host/apply.h"
#include "cli/cli.h"
#include "cli/show.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static enum nq_exit open_applier(const struct nq_cli *cli, const struct nq_config *config, struct nq_applier **ret)
{
	struct nq_fault fault = { 0 };
	int r = nq_applier_open(cli->options.state ? cli->options.state : config->state, ret, &fault);

	return r < 0 ? nq_cli_fail(r, &fault) : NQ_EXIT_OK;
}

static enum nq_exit read_plan(const char *path, const struct nq_host *host, struct nq_plan **ret)
{
	struct nq_fault fault = { 0 };
	FILE *stream = fopen(path, "re");
	int r;

	if (!stream) {
		r = -errno;
		nq_fault_set(&fault, path, "cannot be opened: %s", strerror(-r));
		return nq_cli_fail(r, &fault);
	}
	r = nq_plan_read(stream, path, host, ret, &fault);
	fclose(stream);
	return r < 0 ? nq_cli_fail(r, &fault) : NQ_EXIT_OK;
}

static enum nq_exit make_plan(const struct nq_cli *cli, const struct nq_config *config, const struct nq_host *host,
			      struct nq_plan **ret)
{
	int r;

	if (cli->options.plan)
		return read_plan(cli->options.plan, host, ret);
	r = nq_plan_make(host, &config->policy, NULL, ret);
	return r < 0 ? nq_cli_complain(NQ_EXIT_FAILED, "no plan could be made: %s", strerror(-r)) : NQ_EXIT_OK;
}

static enum nq_exit put_outcomes(const struct nq_cli *cli, const struct nq_config *config, const struct nq_host *host,
				 const struct nq_plan *plan, const struct nq_outcome *outcomes, int failed)
{
	struct nq_writer *writer;
	enum nq_exit code = nq_cli_writer(cli, false, &writer);

	if (code != NQ_EXIT_OK)
		return code;
	nq_show_totals(writer, host, &config->policy, plan);
	nq_writer_field(writer, "failed", NULL, nq_number((uint64_t)failed));
	nq_show_actions(writer, host, plan, outcomes, !cli->options.plan);
	nq_show_kept(writer, host, plan, !cli->options.plan);
	return nq_cli_finish(writer);
}

static enum nq_exit carry_out(const struct nq_cli *cli, const struct nq_config *config, struct nq_applier *applier,
			      const struct nq_host *host, const struct nq_plan *plan)
{
	struct nq_outcome *outcomes = calloc(plan->n_actions ? plan->n_actions : 1, sizeof(*outcomes));
	int failed = outcomes ? nq_applier_apply(applier, host, plan, outcomes) : -ENOMEM;
	enum nq_exit code;

	if (failed < 0)
		code = nq_cli_complain(NQ_EXIT_FAILED, "cannot act: %s", strerror(-failed));
	else
		code = put_outcomes(cli, config, host, plan, outcomes, failed);
	free(outcomes);
	if (code == NQ_EXIT_OK && failed > 0)
		return nq_cli_complain(NQ_EXIT_FAILED, "%d of %u actions did not end as wanted", failed,
				       plan->n_actions);
	return code;
}

static enum nq_exit apply(const struct nq_cli *cli, const struct nq_config *config, struct nq_applier *applier)
{
	NQ_CLEANUP(nq_host) struct nq_host *host = NULL;
	NQ_CLEANUP(nq_plan) struct nq_plan *plan = NULL;
	enum nq_exit code = nq_cli_observe(cli, config, true, &host);
	const char *nothing;

	if (code == NQ_EXIT_OK)
		code = nq_cli_save(cli, host);
	if (code != NQ_EXIT_OK)
		return code;
	nothing = nq_cli_nothing(host);
	if (nothing && !cli->options.plan)
		return nq_cli_complain(NQ_EXIT_NOTHING, "nothing to manage: %s", nothing);
	code = make_plan(cli, config, host, &plan);
	return code == NQ_EXIT_OK ? carry_out(cli, config, applier, host, plan) : code;
}

/* The applier comes first: whoever may not write should not wait for an observation to hear it. */
enum nq_exit nq_verb_apply(struct nq_cli *cli)
{
	NQ_CLEANUP(nq_config) struct nq_config *config = NULL;
	struct nq_applier *applier = NULL;
	enum nq_exit code = nq_cli_config(cli, &config);

	if (code == NQ_EXIT_OK)
		code = open_applier(cli, config, &applier);
	if (code == NQ_EXIT_OK)
		code = apply(cli, config, applier);
	nq_applier_close(applier);
	return code;
}

struct report {
	struct nq_writer *writer;
	uint64_t n;
	char *troubles; /* sentences about what was not put back, one a line */
	size_t size;
	FILE *stream;
};

static void on_restored(const char *kind, const char *key, const char *value, const struct nq_outcome *outcome,
			void *userdata)
{
	struct report *report = userdata;
	bool good = outcome->kind == NQ_OUTCOME_DONE || outcome->kind == NQ_OUTCOME_SAME ||
		    outcome->kind == NQ_OUTCOME_GONE;

	nq_writer_cell(report->writer, nq_number(++report->n));
	nq_writer_cell(report->writer, nq_text(kind));
	nq_writer_cell(report->writer, nq_text(key));
	nq_writer_cell(report->writer, nq_text(value));
	nq_writer_cell(report->writer,
		       nq_styled(good ? NQ_STYLE_GOOD : NQ_STYLE_BAD, nq_text(nq_outcome_name(outcome->kind))));
	nq_writer_cell(report->writer, nq_text(outcome->detail[0] ? outcome->detail : NULL));
	if (!good && report->stream)
		fprintf(report->stream, "%s %s: %s: %s\n", kind, key, nq_outcome_name(outcome->kind), outcome->detail);
}

/* A table has no room for a sentence in each row, and rows that went well need none. */
static void show_troubles(struct report *report)
{
	if (!report->stream || fclose(report->stream) != 0)
		return;
	for (char *line = strtok(report->troubles, "\n"); line; line = strtok(NULL, "\n"))
		nq_writer_note(report->writer, NQ_STYLE_BAD, "%s", line);
	free(report->troubles);
}

static int restore(struct nq_applier *applier, bool force, struct report *report)
{
	static const struct nq_column columns[] = {
		{ .key = "number", .title = "", .machine = true },
		{ .key = "kind", .title = "KIND" },
		{ .key = "key", .title = "SETTING", .shrink = true },
		{ .key = "value", .title = "PUT BACK TO", .shrink = true },
		{ .key = "outcome", .title = "OUTCOME" },
		{ .key = "detail", .machine = true },
	};
	static const struct nq_table table = {
		.key = "settings",
		.one = "setting",
		.empty = "Nothing to restore: no setting is held by nearq.",
		.columns = columns,
		.n_columns = sizeof(columns) / sizeof(columns[0]),
	};
	int r;

	report->stream = open_memstream(&report->troubles, &report->size);
	nq_writer_table(report->writer, &table);
	r = nq_applier_restore(applier, force, on_restored, report);
	nq_writer_table_end(report->writer);
	show_troubles(report);
	nq_writer_field(report->writer, "settings_seen", NULL, nq_number(report->n));
	nq_writer_field(report->writer, "failed", NULL, nq_number(r > 0 ? (uint64_t)r : 0));
	return r;
}

enum nq_exit nq_verb_restore(struct nq_cli *cli)
{
	NQ_CLEANUP(nq_config) struct nq_config *config = NULL;
	struct nq_applier *applier = NULL;
	struct report report = { 0 };
	enum nq_exit code = nq_cli_config(cli, &config);
	int failed = 0;

	if (code == NQ_EXIT_OK)
		code = open_applier(cli, config, &applier);
	if (code == NQ_EXIT_OK)
		code = nq_cli_writer(cli, false, &report.writer);
	if (code == NQ_EXIT_OK) {
		failed = restore(applier, cli->options.force, &report);
		code = nq_cli_finish(report.writer);
	}
	nq_applier_close(applier);
	if (failed < 0)
		return nq_cli_complain(NQ_EXIT_FAILED, "cannot restore: %s", strerror(-failed));
	if (failed > 0)
		return nq_cli_complain(NQ_EXIT_FAILED, "%d setting%s could not be put back", failed,
				       failed == 1 ? "" : "s");
	return code;
}
