/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `nearq run`: the loop in the foreground, one paragraph per tick (JSON: one line). */
#include "cli/cli.h"
#include "cli/show.h"
#include "cli/text.h"
#include "daemon/loop.h"

#include <errno.h>
#include <string.h>

struct face {
	const struct nq_cli *cli;
	int output_error;    /* of standard output */
	const char *nothing; /* why this host has nothing to manage, said once */
};

static void show_promise(struct nq_writer *writer, const struct nq_promise *promise)
{
	char mac[NQ_MAC_TEXT];

	nq_mac_text(&promise->mac, mac);
	nq_writer_cell(writer, nq_text(mac));
	nq_writer_cell(writer, nq_share(promise->before));
	nq_writer_cell(writer, nq_share(promise->predicted));
	nq_writer_cell(writer, nq_share(promise->realised));
}

static void show_promises(struct nq_writer *writer, const struct nq_verification *verified)
{
	static const struct nq_column columns[] = {
		{ .key = "mac", .title = "VNIC" },
		{ .key = "before_permille", .title = "REMOTE BEFORE", .right = true },
		{ .key = "predicted_permille", .title = "PREDICTED", .right = true },
		{ .key = "realised_permille", .title = "NOW", .right = true },
	};
	static const struct nq_table table = {
		.key = "promises",
		.one = "promise",
		.columns = columns,
		.n_columns = sizeof(columns) / sizeof(columns[0]),
	};

	nq_writer_table(writer, &table);
	for (uint32_t i = 0; i < verified->n_promises; i++)
		show_promise(writer, &verified->promises[i]);
	nq_writer_table_end(writer);
}

static void show_verdict(struct nq_writer *writer, const struct nq_verification *verified)
{
	static const enum nq_style styles[NQ_VERDICT_COUNT] = {
		[NQ_VERDICT_PAID] = NQ_STYLE_GOOD,
		[NQ_VERDICT_PART] = NQ_STYLE_BAD,
		[NQ_VERDICT_MISSED] = NQ_STYLE_BAD,
	};
	char before[NQ_UNIT_TEXT], predicted[NQ_UNIT_TEXT], realised[NQ_UNIT_TEXT], text[160];

	nq_text_share(verified->before, before);
	nq_text_share(verified->predicted, predicted);
	nq_text_share(verified->realised, realised);
	snprintf(text, sizeof(text), "%s after %u tick%s; remote %s, predicted %s, before %s",
		 nq_verdict_name(verified->verdict), verified->ticks, verified->ticks == 1 ? "" : "s", realised,
		 predicted, before);
	nq_writer_field(writer, "verified", "verified", nq_styled(styles[verified->verdict], nq_text(text)));
	nq_writer_field(writer, "verdict", NULL, nq_text(nq_verdict_name(verified->verdict)));
	if (nq_verify_is_final(verified))
		show_promises(writer, verified);
}

/* A tick in which nothing happens is one line; the others are set off. */
static void show_tick(struct nq_writer *writer, const struct nq_loop_tick *tick)
{
	struct nq_share share = nq_share_of_host(tick->host);
	unsigned long long number = tick->number;
	char text[NQ_SHARE_TEXT];

	nq_share_text(&share, text);
	nq_writer_field(writer, "tick", NULL, nq_number(tick->number));
	nq_writer_field(writer, "time_ns", NULL, nq_number(tick->host->time_ns));
	nq_show_share(writer, tick->host, NULL);
	nq_writer_field(writer, "acting", NULL, nq_flag(tick->outcomes));
	nq_writer_field(writer, "held", NULL, nq_flag(tick->held));
	nq_writer_note(writer, share.remote_vnics ? NQ_STYLE_BAD : NQ_STYLE_GOOD, "tick %llu: remote %s", number, text);
	if (tick->verified->verdict != NQ_VERDICT_NONE)
		show_verdict(writer, tick->verified);
	if (tick->held && tick->plan->n_actions > 0)
		nq_writer_note(writer, NQ_STYLE_DIM, "%u actions wait for the verdict", tick->plan->n_actions);
	else if (tick->plan->n_actions > 0)
		nq_show_actions(writer, tick->host, tick->plan, tick->outcomes, true);
}

/* Without anything to manage, observing goes on, since a VM or NIC may come; acting is refused, as by `nearq apply`. */
static int check_sense(struct face *face, const struct nq_host *host)
{
	const char *nothing = nq_cli_nothing(host);

	if (nothing && !face->nothing)
		nq_cli_complain(NQ_EXIT_NOTHING, "nothing to manage: %s", nothing);
	face->nothing = nothing;
	return nothing && face->cli->options.act ? -ENODATA : 0;
}

static int on_tick(const struct nq_loop_tick *tick, void *userdata)
{
	struct face *face = userdata;
	struct nq_writer *writer;

	if (nq_cli_writer(face->cli, true, &writer) != NQ_EXIT_OK)
		return -ENOMEM;
	show_tick(writer, tick);
	face->output_error = nq_writer_finish(writer);
	return face->output_error < 0 ? face->output_error : check_sense(face, tick->host);
}

static void on_message(enum nq_loop_level level, const char *text, void *userdata)
{
	(void)level;
	(void)userdata;
	fprintf(stderr, "nearq: %s\n", text);
}

static void on_restored(const char *kind, const char *key, const char *value, const struct nq_outcome *outcome,
			void *userdata)
{
	(void)userdata;
	if (outcome->kind == NQ_OUTCOME_DONE || outcome->kind == NQ_OUTCOME_SAME)
		fprintf(stderr, "nearq: restored %s %s to \"%s\"\n", kind, key, value);
	else
		fprintf(stderr, "nearq: %s %s: %s, %s\n", kind, key, nq_outcome_name(outcome->kind), outcome->detail);
}

enum nq_exit nq_verb_run(struct nq_cli *cli)
{
	static const struct nq_loop_events events = { .tick = on_tick, .message = on_message, .restored = on_restored };
	struct nq_loop_options options = {
		.from = cli->options.from,
		.config = cli->options.config,
		.state = cli->options.state,
		.tick_ms = cli->options.tick_ms,
		.for_ms = cli->options.for_ms,
		.once = cli->options.once,
		.act = cli->options.act,
		.keep = cli->options.keep,
	};
	struct face face = { .cli = cli };
	struct nq_fault fault = { 0 };
	int r;

	if (options.act && options.from && strcmp(options.from, "live") != 0)
		return nq_cli_complain(NQ_EXIT_USAGE,
				       "run: --act writes to this host, so it cannot be used with --from %s",
				       options.from);
	r = nq_loop_run(&options, &events, &face, &fault);
	if (face.output_error < 0)
		return nq_cli_output_failed(face.output_error);
	if (face.nothing && options.act)
		return NQ_EXIT_NOTHING;
	if (r < 0)
		return nq_cli_fail(r, &fault);
	return r > 0 ? nq_cli_complain(NQ_EXIT_FAILED, "%d actions or settings did not end as wanted", r) : NQ_EXIT_OK;
}
