/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Spread: which CPU of its node serves each queue (FEATURES D2, D3; 001_cfbf0f5011fec43f.txt, "Dynamic VMQ").
 *
 * Aim. The part of nq_board_cost() that the CPUs of a node make up: packets that wait on each, convex in its
 * utilization, and cpu_used_ns for each that serves queues in use. A queue does not leave its node here, so nothing
 * else of the cost changes, and gains are exact.
 *
 * Who. Hard queues with traffic that can be moved and that the guard does not hold, default queues among them.
 *
 * Steps. From the fullest CPU on: the move of a queue to the least crowded CPU, else to the emptiest, that comes
 * nearest to halving the difference between the two; if no move pays, the exchange of two queues that does. W, the
 * waiting, is one convex function of the fullness f of a CPU, so what moves a part d from one at a to one at b < a
 * leaves W(a - d) + W(b + d), which is least at d = (a - b) / 2 and grows alike on both sides. Only 0 < d < a - b can
 * gain: then both CPUs end below a. Hence the fullest CPU of a node never becomes fuller by a step, and neither does
 * the largest over the mean, since the mean stays. What halving the difference would gain bounds what any step between
 * two CPUs gains, and grows with a and falls with b: an even node is left alone after one look at its fullest and its
 * emptiest CPU.
 *
 * From scratch. Steps can end where only moving several queues at once helps. So the node is also laid out anew: by
 * falling load, each queue to the least crowded CPU, its own if that is as good, then the same steps. This may replace
 * the steps when it leaves the fullest CPU no fuller than they do and pays for all its moves together. It does
 *  - when the fullest CPU is now `imbalance` over what it will be, and fuller after the steps: such a node is badly
 *    placed, and its largest over mean counts first;
 *  - else when it is cheaper than the steps by least_gain of all the waiting: to lay out a running node anew for less
 *    would move a third of its queues whenever loads change by some per cent, for next to nothing.
 * Before its steps it is Open vSwitch's `group`, and the steps cannot make the fullest fuller. So a badly placed node,
 * if it pays to move there at all, ends with a largest over mean no worse than that of `group`; where the loads are so
 * small that no CPU of the node waits longer for being fuller, it pays for nobody.
 *
 * Steps and layouts are tried again on what came out until neither pays. The cost falls each time, so this ends, and
 * a second plan finds nothing.
 *
 * Why no threshold. Dynamic VMQ moves a queue when its CPU is over a limit. The curve knows more: it rises slowly on
 * a CPU with little to do and steeply near the limit, so the same difference pays there and not here, and no load
 * that swings about a limit makes queues go and come. What remains of cpu_busy is the limit of coalescing, and a
 * number to compare with in the reason.
 *
 * imbalance_after. A step may turn the difference of its two CPUs round, but leave at most so much of it: a queue that
 * is nearly all of the difference would be the first candidate for the way back. What is left in the old direction
 * is no such candidate and not limited. A layout from scratch that moves one or two queues is a step and goes by the
 * same rule; a larger one is held by the price of all its moves.
 *
 * Coalesce. A CPU under cpu_quiet all of whose queues can move joins the emptiest one that serves queues and stays
 * within cpu_busy with them, when cpu_used_ns is more than what they wait longer. With cpu_used_ns 0, the default,
 * nothing coalesces here: few queues in quiet times come from queue_used_ns.
 *
 * Hardware threads. A sibling's work counts half when the least crowded CPU is chosen, as in nq_board_pick_cpu(): a
 * queue goes to an idle core before an idle thread of a busy one. The cost knows no siblings, so a queue that is once
 * beside a busy sibling does not move for that alone.
 *
 * Lost: all pairs of all queues (quadratic; two falling lists are passed once for each pair of CPUs). A solver.
 */
#include "core/stages.h"

#include <errno.h>
#include <stdlib.h>

#include "core/cost.h"
#include "core/layout.h"

#define PER_MILLE 1000u
#define PPM_PER_MILLE 1000u
#define FEW 2u /* queues that a step moves at most */

struct stage {
	struct nq_draft *draft;
	struct nq_layout now, steps, scratch;
	uint32_t *slot_of; /* [n_cpus] scratch */
};

/* What no layout can be cheaper than: everything divided evenly over the slots. */
static uint64_t least_cost(const struct nq_layout *layout)
{
	const struct nq_policy *policy = layout->draft->board->policy;
	uint64_t full = 0;

	for (uint32_t i = 0; i < layout->n_slots; i++)
		full = nq_sat_add(full, nq_slot_full(&layout->slots[i]));
	return nq_sat_mul(nq_cost_waiting(nq_mul_div(full / layout->n_slots, NQ_PPM, policy->queue_capacity_pps)),
			  layout->n_slots * policy->queue_wait);
}

/* The preferred one of equals, else the first. No crowd is below `floor`, so that one as low ends the search. */
static uint32_t least_crowded(const struct nq_layout *layout, uint32_t preferred, uint64_t floor)
{
	uint64_t least = nq_slot_crowd(layout, &layout->slots[preferred]);
	uint32_t best = preferred;

	for (uint32_t i = 0; i < layout->n_slots && least > floor; i++) {
		uint64_t crowd = nq_slot_crowd(layout, &layout->slots[i]);

		if (crowd < least) {
			least = crowd;
			best = i;
		}
	}
	return best;
}

static void lay_out_anew(struct nq_layout *layout)
{
	uint32_t emptiest;
	uint64_t floor;

	for (uint32_t i = 0; i < layout->n_items; i++)
		nq_layout_put(layout, i, NQ_NONE);
	emptiest = least_crowded(layout, 0, 0);
	floor = nq_slot_crowd(layout, &layout->slots[emptiest]);
	for (uint32_t i = 0; i < layout->n_items; i++)
		nq_layout_put(layout, i, least_crowded(layout, layout->items[i].from, floor));
	nq_layout_sort(layout);
	if (nq_layout_moves(layout))
		nq_layout_improve(layout);
}

/*
 * Does every queue that moves leave less between its two CPUs than imbalance_after allows? What does not change the
 * sign of their difference does no harm.
 */
static bool is_steady(const struct nq_layout *layout, const struct nq_layout *now)
{
	const struct nq_policy *policy = layout->draft->board->policy;

	for (uint32_t i = 0; policy->guard == NQ_ON && i < layout->n_items; i++) {
		uint32_t from = layout->items[i].from, to = layout->items[i].slot;
		uint64_t before = nq_sat_sub(nq_slot_full(&now->slots[from]), nq_slot_full(&now->slots[to]));
		uint64_t after = nq_sat_sub(nq_slot_full(&layout->slots[to]), nq_slot_full(&layout->slots[from]));

		if (from != to && after > nq_mul_div(before, policy->imbalance_after, PER_MILLE))
			return false;
	}
	return true;
}

/* By least_gain of all the waiting, not only by what the further moves cost. */
static bool is_much_cheaper(const struct nq_layout *layout, uint64_t before_ns, uint64_t after_ns, uint32_t moves)
{
	const struct nq_policy *policy = layout->draft->board->policy;
	struct nq_proposal proposal = { before_ns, after_ns, before_ns, moves * policy->queue_cpu_once_ns };
	struct nq_reason ignored;

	return nq_guard_pays(layout->draft, &proposal, policy->horizon_ms, &ignored);
}

/* Is the layout from scratch better than the steps? See above. */
static bool is_better(const struct nq_layout *scratch, const struct nq_layout *steps, const struct nq_layout *now)
{
	const struct nq_policy *policy = scratch->draft->board->policy;
	uint64_t cost = nq_layout_cost(scratch), fullest = nq_layout_fullest(scratch), least = nq_layout_fullest(steps);
	uint64_t poor = fullest + nq_mul_div(fullest, policy->imbalance, PER_MILLE);
	uint32_t moves = nq_layout_moves(scratch), others = nq_layout_moves(steps);

	if (fullest > least || !nq_layout_pays(scratch, nq_layout_cost(now), cost, moves))
		return false;
	if (moves <= FEW && !is_steady(scratch, now))
		return false;
	if (fullest < least && nq_layout_fullest(now) >= poor)
		return true;
	return is_much_cheaper(scratch, nq_layout_cost(steps), cost, moves > others ? moves - others : 0);
}

/* The slot that a quiet one joins: the emptiest that serves queues and stays within cpu_busy; NQ_NONE: none. */
static uint32_t find_host(const struct nq_layout *layout, uint32_t guest, uint64_t load)
{
	const struct nq_policy *policy = layout->draft->board->policy;
	uint64_t room = nq_mul_div(policy->queue_capacity_pps, policy->cpu_busy, PER_MILLE);
	uint32_t best = NQ_NONE;

	for (uint32_t i = 0; i < layout->n_slots; i++) {
		const struct nq_slot *slot = &layout->slots[i];

		if (i == guest || !slot->used || nq_slot_full(slot) + load > room)
			continue;
		if (best == NQ_NONE || nq_slot_full(slot) < nq_slot_full(&layout->slots[best]))
			best = i;
	}
	return best;
}

/* All queues of the slot join another when that pays. */
static bool join(struct nq_layout *layout, uint32_t guest)
{
	const struct nq_slot *slot = &layout->slots[guest];
	uint64_t load = 0, before, after;
	uint32_t moves = 0, host, next;

	for (uint32_t i = slot->first; i != NQ_NONE; i = layout->items[i].next) {
		load += layout->items[i].load;
		moves++;
	}
	host = find_host(layout, guest, load);
	if (host == NQ_NONE)
		return false;
	before = nq_layout_price(layout, slot, slot->load, slot->used) +
		 nq_layout_price(layout, &layout->slots[host], layout->slots[host].load, 1);
	after = nq_layout_price(layout, slot, slot->load - load, 0) +
		nq_layout_price(layout, &layout->slots[host], layout->slots[host].load + load, 1);
	if (!nq_layout_pays(layout, before, after, moves))
		return false;
	for (uint32_t i = slot->first; i != NQ_NONE; i = next) {
		next = layout->items[i].next;
		layout->items[i].joins = true;
		nq_layout_put(layout, i, host);
	}
	nq_layout_sort(layout);
	return true;
}

/* From the emptiest on; those of which a queue cannot move would not be saved. */
static void coalesce(struct nq_layout *layout)
{
	const struct nq_policy *policy = layout->draft->board->policy;
	uint64_t quiet = nq_mul_div(policy->queue_capacity_pps, policy->cpu_quiet, PER_MILLE);

	if (policy->cpu_used_ns == 0)
		return;
	for (uint32_t i = layout->n_slots; i-- > 0;) {
		const struct nq_slot *slot = &layout->slots[layout->order[i]];

		if (nq_slot_full(slot) >= quiet)
			break;
		if (slot->used && slot->used == slot->items && join(layout, layout->order[i]))
			i = layout->n_slots; /* the order is another one */
	}
}

static uint64_t per_mille(const struct nq_layout *layout, const struct nq_slot *slot)
{
	return nq_board_ppm(layout->draft->board, slot->cpu, slot->load) / PPM_PER_MILLE;
}

/* What the queue adds to a slot that has it, ns/s. */
static uint64_t share(const struct nq_layout *layout, const struct nq_slot *slot, const struct nq_item *item)
{
	return nq_layout_price(layout, slot, slot->load, slot->used) -
	       nq_layout_price(layout, slot, slot->load - item->load, slot->used - item->used);
}

/* The emptiest other slot, and what the queue would add to it. */
static struct nq_rejected rejected(const struct nq_layout *layout, const struct nq_item *item)
{
	for (uint32_t i = layout->n_slots; i-- > 0;) {
		const struct nq_slot *slot = &layout->slots[layout->order[i]];
		struct nq_slot with = *slot;

		if (layout->order[i] == item->slot || layout->order[i] == item->from)
			continue;
		with.load += item->load;
		with.used += item->used;
		return (struct nq_rejected){ slot->cpu, share(layout, &with, item) };
	}
	return (struct nq_rejected){ NQ_NONE, 0 };
}

static void note(const struct stage *stage, const struct nq_layout *chosen, const struct nq_item *item)
{
	struct nq_board *board = stage->draft->board;
	const struct nq_policy *policy = board->policy;
	const struct nq_slot *from = &stage->now.slots[item->from];
	struct nq_proposal proposal = { .before_ns = share(&stage->now, from, item),
					.after_ns = share(chosen, &chosen->slots[item->slot], item),
					.once_ns = policy->queue_cpu_once_ns };
	struct nq_reason reason = {
		item->joins ? NQ_RULE_CPU_COALESCE : NQ_RULE_CPU_SPREAD,
		{ per_mille(&stage->now, from), item->joins ? policy->cpu_quiet : policy->cpu_busy,
		  per_mille(&stage->now, &stage->now.slots[item->slot]) },
	};

	nq_board_note(board, NQ_NOTE_QUEUE, item->queue, reason, rejected(chosen, item), &proposal);
}

static void apply(struct stage *stage, const struct nq_layout *chosen)
{
	for (uint32_t i = 0; i < chosen->n_items; i++) {
		const struct nq_item *item = &chosen->items[i];

		if (item->slot == item->from)
			continue;
		note(stage, chosen, item);
		nq_board_queue_cpu(stage->draft->board, item->queue, chosen->slots[item->slot].cpu);
		stage->draft->moves++;
	}
}

/* Is there so little between the fullest and the emptiest CPU that nothing can be gained? */
static bool is_even(const struct nq_board *board, uint32_t node)
{
	const struct nq_policy *policy = board->policy;
	uint64_t most = 0, least = UINT64_MAX;

	for (uint32_t i = board->nodes[node].first_cpu; i != NQ_NONE; i = board->cpus[i].next_on_node) {
		uint64_t ppm = nq_board_ppm(board, i, board->cpus[i].load);

		if (!board->cpus[i].online)
			continue;
		most = ppm > most ? ppm : most;
		least = ppm < least ? ppm : least;
	}
	if (most <= least)
		return true;
	return nq_sat_sub(nq_cost_waiting(most) + nq_cost_waiting(least), 2 * nq_cost_waiting((most + least) / 2)) *
		       policy->queue_wait <
	       nq_guard_needs(policy, 0, policy->queue_cpu_once_ns, policy->horizon_ms);
}

/* One turn on the node; false: nothing moved. */
static bool spread(struct stage *stage, uint32_t node)
{
	struct nq_layout *chosen = &stage->steps;

	nq_layout_read(&stage->now, node, stage->slot_of);
	if (stage->now.n_items == 0 || stage->now.n_slots < 2)
		return false;
	nq_layout_copy(&stage->steps, &stage->now);
	nq_layout_improve(&stage->steps);
	if (nq_layout_pays(&stage->now, nq_layout_cost(&stage->now), least_cost(&stage->now), 1)) {
		nq_layout_copy(&stage->scratch, &stage->now);
		lay_out_anew(&stage->scratch);
		if (is_better(&stage->scratch, &stage->steps, &stage->now))
			chosen = &stage->scratch;
	}
	coalesce(chosen);
	if (nq_layout_moves(chosen) == 0)
		return false;
	apply(stage, chosen);
	return true;
}

static void spread_all(struct stage *stage)
{
	const struct nq_board *board = stage->draft->board;

	for (uint32_t node = 0; node < board->n_nodes; node++)
		if (board->policy->cpu_used_ns || !is_even(board, node))
			while (spread(stage, node))
				;
}

int nq_stage_spread(struct nq_draft *draft)
{
	struct stage stage = { .draft = draft };
	int result = nq_layout_open(&stage.now, draft);

	if (result == 0)
		result = nq_layout_open(&stage.steps, draft);
	if (result == 0)
		result = nq_layout_open(&stage.scratch, draft);
	stage.slot_of = calloc((size_t)draft->board->n_cpus + 1, sizeof(*stage.slot_of));
	if (result == 0 && !stage.slot_of)
		result = -ENOMEM;
	nq_board_refresh(draft->board);
	if (result == 0)
		spread_all(&stage);
	nq_layout_close(&stage.now);
	nq_layout_close(&stage.steps);
	nq_layout_close(&stage.scratch);
	free(stage.slot_of);
	return result;
}
