/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/show.h"
#include "cli/text.h"
#include "host/cpulist.h"

#include <string.h>

#define COLUMNS(array) .columns = array, .n_columns = sizeof(array) / sizeof((array)[0])

void nq_vnic_label(const struct nq_host *host, uint32_t index, char ret[NQ_LABEL_TEXT])
{
	uint32_t vm = host->vnics[index].vm, before = 0, all = 0;

	for (uint32_t i = 0; i < host->n_vnics; i++) {
		all += host->vnics[i].vm == vm;
		before += i < index && host->vnics[i].vm == vm;
	}
	if (all > 1)
		snprintf(ret, NQ_LABEL_TEXT, "%s/%u", host->vms[vm].name, before);
	else
		snprintf(ret, NQ_LABEL_TEXT, "%s", host->vms[vm].name);
}

static bool is_member(const struct nq_host *host, uint32_t cpu, uint32_t node, bool online)
{
	return host->cpus[cpu].online == online && (node == NQ_NONE || host->cpus[cpu].node == node);
}

/* The lowest kernel number of a member that is >= from, or NQ_NONE. */
static uint32_t next_cpu(const struct nq_host *host, uint32_t node, bool online, uint32_t from)
{
	uint32_t best = NQ_NONE;

	for (uint32_t i = 0; i < host->n_cpus; i++) {
		if (is_member(host, i, node, online) && host->cpus[i].id >= from && host->cpus[i].id < best)
			best = host->cpus[i].id;
	}
	return best;
}

void nq_cpus_text(const struct nq_host *host, uint32_t node, bool online, char ret[NQ_LIST_TEXT])
{
	uint32_t first = next_cpu(host, node, online, 0);
	size_t used = 0;

	ret[0] = '\0';
	while (first != NQ_NONE && used < NQ_LIST_TEXT) {
		uint32_t last = first, next;

		while ((next = next_cpu(host, node, online, last + 1)) == last + 1)
			last = next;
		used += (size_t)snprintf(ret + used, NQ_LIST_TEXT - used, "%s%u", used ? "," : "", first);
		if (last > first && used < NQ_LIST_TEXT)
			used += (size_t)snprintf(ret + used, NQ_LIST_TEXT - used, "-%u", last);
		first = next;
	}
}

uint32_t nq_node_id(const struct nq_host *host, uint32_t node)
{
	return node == NQ_NONE ? NQ_NONE : host->nodes[node].id;
}

uint32_t nq_cpu_id(const struct nq_host *host, uint32_t cpu)
{
	return cpu == NQ_NONE ? NQ_NONE : host->cpus[cpu].id;
}

uint64_t nq_node_busy(const struct nq_host *host, uint32_t node)
{
	uint64_t sum = 0, n = 0;

	for (uint32_t i = 0; i < host->n_cpus; i++) {
		if (!is_member(host, i, node, true))
			continue;
		sum += host->cpus[i].busy;
		n++;
	}
	return n ? sum / n : 0;
}

void nq_share_text(const struct nq_share *share, char ret[NQ_SHARE_TEXT])
{
	char percent[NQ_UNIT_TEXT];

	nq_text_share(nq_share_permille(share), percent);
	if (share->packets > 0)
		snprintf(ret, NQ_SHARE_TEXT, "%u of %u vnics, %s of packets (%s)", share->remote_vnics, share->vnics,
			 percent, nq_served_name(share->how));
	else if (share->vnics > 0)
		snprintf(ret, NQ_SHARE_TEXT, "unknown, no traffic was counted for %u vnics", share->vnics);
	else
		snprintf(ret, NQ_SHARE_TEXT, "nobody, there is no vnic");
}

void nq_show_share(struct nq_writer *writer, const struct nq_host *host, const char *title)
{
	struct nq_share share = nq_share_of_host(host);
	enum nq_style style = share.remote_vnics > 0 ? NQ_STYLE_BAD : NQ_STYLE_GOOD;
	char text[NQ_SHARE_TEXT];

	nq_share_text(&share, text);
	nq_writer_field(writer, "remote", title, nq_styled(style, nq_text(text)));
	nq_writer_field(writer, "vnics", NULL, nq_number(share.vnics));
	nq_writer_field(writer, "remote_vnics", NULL, nq_number(share.remote_vnics));
	nq_writer_field(writer, "served_pps", NULL, nq_rate(share.packets));
	nq_writer_field(writer, "remote_pps", NULL, nq_rate(share.remote));
	nq_writer_field(writer, "remote_permille", NULL, nq_share(nq_share_permille(&share)));
	nq_writer_field(writer, "served_by", NULL, nq_text(nq_served_name(share.how)));
}

void nq_show_notices(struct nq_writer *writer, const struct nq_host *host)
{
	static const struct nq_column columns[] = {
		{ .key = "number", .human = true, .title = "", .machine = false },
		{ .key = "kind", .title = "kind" },
		{ .key = "subject", .title = "about", .shrink = true },
		{ .key = "detail", .title = "detail", .shrink = true },
	};
	static const struct nq_table table = {
		.key = "notices",
		.one = "notice",
		.title = "NOTICES",
		.layout = NQ_LAYOUT_BLOCKS,
		COLUMNS(columns),
	};

	nq_writer_table(writer, &table);
	for (uint32_t i = 0; i < host->n_notices; i++) {
		const struct nq_notice *notice = &host->notices[i];

		nq_writer_cell(writer, nq_number(i + 1));
		nq_writer_cell(writer, nq_text(nq_notice_name(notice->kind)));
		nq_writer_cell(writer, nq_text(notice->subject));
		nq_writer_cell(writer, nq_text(notice->detail));
	}
	nq_writer_table_end(writer);
}

/* No machine has a CPU beyond the limit, but a snapshot may. */
static bool is_idle(const struct nq_queue *queue)
{
	return queue->kind == NQ_QUEUE_SOFT && queue->role == NQ_ROLE_FREE && queue->index < NQ_MAX_CPUS &&
	       queue->rx.packets + queue->rx.drops + queue->tx.packets + queue->tx.drops == 0;
}

static void note_idle(struct nq_writer *writer, const struct nq_host *host, uint32_t pnic)
{
	struct nq_cpumask cpus = { 0 };
	char list[NQ_LIST_TEXT];
	uint32_t n = 0;

	for (uint32_t i = 0; i < host->n_queues; i++) {
		if (host->queues[i].pnic != pnic || !is_idle(&host->queues[i]))
			continue;
		nq_cpumask_add(&cpus, host->queues[i].index);
		n++;
	}
	if (n == 0)
		return;
	if (nq_cpulist_format(&cpus, list, sizeof(list)) < 0)
		snprintf(list, sizeof(list), "too many to list");
	nq_writer_note(writer, NQ_STYLE_DIM, "%u soft queue%s of %s %s free (CPU%s %s)", n, n > 1 ? "s" : "",
		       host->pnics[pnic].name, n > 1 ? "are" : "is", n > 1 ? "s" : "", list);
}

void nq_show_queues(struct nq_writer *writer, const struct nq_host *host, const struct nq_table *table,
		    void (*row)(struct nq_writer *writer, const struct nq_host *host, uint32_t queue))
{
	nq_writer_table(writer, table);
	for (uint32_t i = 0; i < host->n_queues; i++) {
		if (is_idle(&host->queues[i]))
			nq_writer_machine_row(writer);
		row(writer, host, i);
	}
	nq_writer_table_end(writer);
	for (uint32_t i = 0; i < host->n_pnics; i++)
		note_idle(writer, host, i);
}

/* What the action saves every second, and what it takes once. Some are made for room or order and save nothing. */
static void gain_text(const struct nq_action *action, char ret[NQ_SENTENCE])
{
	char saved[NQ_UNIT_TEXT], before[NQ_UNIT_TEXT], after[NQ_UNIT_TEXT], once[NQ_UNIT_TEXT];
	bool gains = action->cost_after_ns <= action->cost_before_ns;

	nq_text_time(gains ? action->cost_before_ns - action->cost_after_ns
			   : action->cost_after_ns - action->cost_before_ns,
		     saved);
	nq_text_time(action->cost_before_ns, before);
	nq_text_time(action->cost_after_ns, after);
	nq_text_time(action->once_ns, once);
	snprintf(ret, NQ_SENTENCE, "%s %s of CPU%s each second (%s now, %s then) for %s once",
		 gains ? "saves" : "costs", saved, gains ? "" : " more", before, after, once);
}

static void outcome_text(const struct nq_outcome *outcome, char ret[NQ_SENTENCE])
{
	snprintf(ret, NQ_SENTENCE, "%s%s%s", nq_outcome_name(outcome->kind), outcome->detail[0] ? ": " : "",
		 outcome->detail);
}

static void show_action(struct nq_writer *writer, const struct nq_host *host, const struct nq_action *action,
			uint32_t number, const struct nq_outcome *outcome)
{
	char what[NQ_SENTENCE], why[NQ_SENTENCE], instead[NQ_SENTENCE], gain[NQ_SENTENCE], result[NQ_SENTENCE] = "";
	bool good = outcome && (outcome->kind == NQ_OUTCOME_DONE || outcome->kind == NQ_OUTCOME_SAME);

	nq_explain_action(host, action, what);
	nq_explain_reason(host, &action->reason, why);
	nq_explain_rejected(host, action, instead);
	gain_text(action, gain);
	if (outcome)
		outcome_text(outcome, result);
	nq_writer_cell(writer, nq_number(number));
	nq_writer_cell(writer, nq_text(what));
	nq_writer_cell(writer, nq_text(nq_action_name(action->kind)));
	nq_writer_cell(writer, nq_text(nq_rule_name(action->reason.rule)));
	nq_writer_cell(writer, nq_text(why));
	nq_writer_cell(writer, nq_text(instead));
	nq_writer_cell(writer, nq_text(gain));
	nq_writer_cell(writer, nq_time(action->cost_before_ns));
	nq_writer_cell(writer, nq_time(action->cost_after_ns));
	nq_writer_cell(writer, nq_time(action->once_ns));
	nq_writer_cell(writer, nq_text(outcome ? nq_outcome_name(outcome->kind) : NULL));
	nq_writer_cell(writer,
		       outcome ? nq_styled(good ? NQ_STYLE_GOOD : NQ_STYLE_BAD, nq_text(result)) : nq_unknown());
}

void nq_show_actions(struct nq_writer *writer, const struct nq_host *host, const struct nq_plan *plan,
		     const struct nq_outcome *outcomes, bool reasons)
{
	const struct nq_column columns[] = {
		{ .key = "number", .title = "" },
		{ .key = "what", .title = "" },
		{ .key = "kind", .title = "kind", .machine = true },
		{ .key = "rule", .title = "rule", .machine = true },
		{ .key = "why", .title = "why", .machine = !reasons },
		{ .key = "instead", .title = "instead", .machine = !reasons },
		{ .key = "gain", .title = "gain", .human = true, .machine = !reasons },
		{ .key = "cost_before_ns", .title = "before", .machine = true },
		{ .key = "cost_after_ns", .title = "after", .machine = true },
		{ .key = "once_ns", .title = "once", .machine = true },
		{ .key = "outcome", .title = "outcome", .machine = true },
		{ .key = "outcome_detail", .title = "outcome" },
	};
	const struct nq_table table = {
		.key = "actions",
		.one = "action",
		.title = "ACTIONS",
		.layout = NQ_LAYOUT_BLOCKS,
		.empty = "None: nothing to do.",
		COLUMNS(columns),
	};

	nq_writer_table(writer, &table);
	for (uint32_t i = 0; i < plan->n_actions; i++)
		show_action(writer, host, &plan->actions[i], i + 1, outcomes ? &outcomes[i] : NULL);
	nq_writer_table_end(writer);
}

void nq_show_kept(struct nq_writer *writer, const struct nq_host *host, const struct nq_plan *plan, bool reasons)
{
	static const struct nq_column columns[] = {
		{ .key = "number", .title = "", .human = true },
		{ .key = "vnic", .title = "" },
		{ .key = "rule", .title = "rule", .machine = true },
		{ .key = "why", .title = "why" },
	};
	const struct nq_table table = {
		.key = "kept",
		.one = "kept",
		.title = "LEFT AS IT IS",
		.layout = NQ_LAYOUT_BLOCKS,
		.machine = !reasons,
		COLUMNS(columns),
	};

	nq_writer_table(writer, &table);
	for (uint32_t i = 0; i < plan->n_kept; i++) {
		char label[NQ_LABEL_TEXT], why[NQ_SENTENCE];

		nq_vnic_label(host, plan->kept[i].vnic, label);
		nq_explain_reason(host, &plan->kept[i].reason, why);
		nq_writer_cell(writer, nq_number(i + 1));
		nq_writer_cell(writer, nq_text(label));
		nq_writer_cell(writer, nq_text(nq_rule_name(plan->kept[i].reason.rule)));
		nq_writer_cell(writer, nq_text(why));
	}
	nq_writer_table_end(writer);
}

static void show_predicted(struct nq_writer *writer, const struct nq_host *host, const struct nq_policy *policy,
			   const struct nq_plan *plan)
{
	struct nq_host *after = NULL;
	struct nq_share share;
	char text[NQ_SHARE_TEXT];

	if (nq_plan_apply(host, policy, plan, &after) < 0)
		return;
	share = nq_share_of_host(after);
	nq_share_text(&share, text);
	nq_writer_field(writer, "predicted", plan->n_actions > 0 ? "predicted" : NULL, nq_text(text));
	nq_writer_field(writer, "predicted_remote_permille", NULL, nq_share(nq_share_permille(&share)));
	nq_host_free(after);
}

void nq_show_totals(struct nq_writer *writer, const struct nq_host *host, const struct nq_policy *policy,
		    const struct nq_plan *plan)
{
	char before[NQ_UNIT_TEXT], after[NQ_UNIT_TEXT], text[96];

	nq_show_share(writer, host, "remote");
	show_predicted(writer, host, policy, plan);
	nq_text_time(plan->cost_before_ns, before);
	nq_text_time(plan->cost_after_ns, after);
	snprintf(text, sizeof(text), "%s of CPU per second now, %s with the plan", before, after);
	nq_writer_field(writer, "cost", "cost", nq_text(text));
	nq_writer_field(writer, "cost_before_ns", NULL, nq_time(plan->cost_before_ns));
	nq_writer_field(writer, "cost_after_ns", NULL, nq_time(plan->cost_after_ns));
}
