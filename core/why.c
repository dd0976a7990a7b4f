/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why not: the reason for each vnic that stays remote, asked of the board once the plan is made (FEATURES X2). */
#include "core/assign.h"
#include "core/cost.h"
#include "core/place.h"

static struct nq_reason is(enum nq_rule rule)
{
	return (struct nq_reason){ .rule = rule };
}

/* Thresholds leave a unit on another node for want of room only; on a node of its vm, they are content. */
static struct nq_reason why_matched(const struct nq_board *board, const struct nq_unit *unit)
{
	uint32_t node = nq_board_queue_node(board, unit->rx_queue);
	bool matches = node != NQ_NONE && nq_nodeset_has(nq_board_home_of(board, unit->vm), node);

	return is(matches ? NQ_RULE_KEPT_OFF : NQ_RULE_KEPT_NO_ROOM);
}

/* The unit's own reason. */
static struct nq_reason why_unit(struct nq_market *market, uint32_t index)
{
	const struct nq_board *board = market->board;
	const struct nq_policy *policy = board->policy;
	const struct nq_unit *unit = &board->units[index];
	const struct nq_vnic *vnic = &board->host->vnics[unit->vnic];
	uint64_t traffic = vnic->rx.packets + vnic->tx.packets, enter = policy->pools[unit->pool].enter_pps;
	struct nq_proposal proposal = { .before_ns = nq_market_leaving(market, index),
					.once_ns = policy->steer_once_ns };
	struct nq_places places;
	struct nq_reason reason;

	if (!board->pnics[unit->pnic].steers)
		return is(NQ_RULE_KEPT_NO_STEERING);
	if (policy->assignment == NQ_ASSIGN_NONE || policy->assignment == NQ_ASSIGN_STATIC)
		return is(NQ_RULE_KEPT_OFF);
	if (traffic == 0)
		return is(NQ_RULE_KEPT_NO_TRAFFIC);
	if (unit->rx_queue == NQ_NONE && traffic < enter)
		return (struct nq_reason){ NQ_RULE_KEPT_LITTLE, { traffic, enter } };
	if (nq_guard_holds(market->draft, NQ_ACTION_STEER, unit->vnic, &reason))
		return reason;
	if (policy->assignment == NQ_ASSIGN_MATCH)
		return why_matched(board, unit);
	proposal.remote_ns = nq_board_unit_path(board, index);
	places = nq_market_find(market, index, NQ_MAX_VALUE);
	if (places.full && (places.best.queue == NQ_NONE || places.best.cost_ns >= proposal.before_ns))
		return is(NQ_RULE_KEPT_NO_ROOM);
	if (places.best.queue == NQ_NONE)
		return (struct nq_reason){ NQ_RULE_KEPT_BEST, { proposal.before_ns, proposal.before_ns } };
	proposal.after_ns = places.best.cost_ns;
	if (places.best.bring)
		proposal.once_ns += policy->queue_cpu_once_ns;
	if (nq_guard_pays(market->draft, &proposal, policy->horizon_ms, &reason))
		reason = (struct nq_reason){ NQ_RULE_KEPT_BEST, { proposal.before_ns, proposal.after_ns } };
	return reason;
}

/* A vm on several nodes is partly remote wherever its queue is; then the reason is that of its home. */
static struct nq_reason why(struct nq_market *market, struct nq_placing *placing, uint32_t vnic)
{
	const struct nq_board *board = market->board;
	const struct nq_vm *vm = &board->host->vms[board->host->vnics[vnic].vm];
	uint32_t index = board->host->vnics[vnic].vm;
	bool several = board->vms[index].node == NQ_NONE;

	if (board->host->vnics[vnic].pnic == NQ_NONE)
		return is(NQ_RULE_KEPT_NO_UPLINK);
	if (several && vm->pinned)
		return is(NQ_RULE_KEPT_PINNED);
	if (several && !nq_board_placed(board, index) && vm->kind != NQ_VM_HOST)
		return nq_placing_why(placing, index);
	return why_unit(market, board->first_unit[vnic]);
}

int nq_why_all(const struct nq_draft *draft, bool (*is_remote)(const struct nq_board *board, uint32_t vnic),
	       struct nq_plan *plan)
{
	struct nq_placing placing;
	struct nq_market market;
	int result = nq_market_open(&market, draft);

	if (result < 0)
		return result;
	result = nq_placing_open(&placing, draft);
	if (result < 0) {
		nq_market_close(&market);
		return result;
	}
	nq_market_price(&market);
	for (uint32_t i = 0; i < draft->board->host->n_vnics; i++)
		if (is_remote(draft->board, i))
			plan->kept[plan->n_kept++] = (struct nq_kept){ i, why(&market, &placing, i) };
	nq_placing_close(&placing);
	nq_market_close(&market);
	return 0;
}
