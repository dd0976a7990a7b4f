/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Improving a layout by moves and exchanges; core/spread.c says which and why. */
#include "core/cost.h"
#include "core/layout.h"

#define PER_MILLE 1000u

/* A queue that moves, and perhaps one that comes in return. */
struct step {
	uint32_t item, back, to; /* back NQ_NONE: nothing comes back; item NQ_NONE: no step */
	uint64_t gain;
};

/* What may go from one slot to another: more would leave too much of their difference, the other way round. */
static uint64_t most_of(const struct nq_layout *layout, uint64_t difference)
{
	const struct nq_policy *policy = layout->draft->board->policy;
	uint64_t most = policy->guard == NQ_OFF ? difference
						: difference / 2 + nq_mul_div(difference, policy->imbalance_after,
									      2 * (uint64_t)PER_MILLE);

	return most < difference ? most : difference - 1;
}

static uint64_t distance_to_half(uint64_t part, uint64_t difference)
{
	return 2 * part > difference ? 2 * part - difference : difference - 2 * part;
}

static uint64_t gain_of(const struct nq_layout *layout, uint32_t from, const struct step *step)
{
	const struct nq_slot *a = &layout->slots[from], *b = &layout->slots[step->to];
	const struct nq_item *item = &layout->items[step->item];
	uint64_t load = item->load, before, after;
	uint32_t used = item->used;

	if (step->back != NQ_NONE) {
		load -= layout->items[step->back].load;
		used -= layout->items[step->back].used;
	}
	before = nq_layout_price(layout, a, a->load, a->used) + nq_layout_price(layout, b, b->load, b->used);
	after = nq_layout_price(layout, a, a->load - load, a->used - used) +
		nq_layout_price(layout, b, b->load + load, b->used + used);
	return nq_layout_pays(layout, before, after, step->back == NQ_NONE ? 1 : 2) ? before - after : 0;
}

/* The queue that comes nearest to halving the difference: by convexity the one that gains most. */
static struct step find_move(const struct nq_layout *layout, uint32_t from, uint32_t to)
{
	const struct nq_slot *a = &layout->slots[from], *b = &layout->slots[to];
	uint64_t difference = nq_sat_sub(nq_slot_full(a), nq_slot_full(b)), nearest = UINT64_MAX;
	uint64_t most = difference ? most_of(layout, difference) : 0;
	struct step step = { .item = NQ_NONE, .back = NQ_NONE, .to = to };

	for (uint32_t i = a->first; i != NQ_NONE; i = layout->items[i].next) {
		uint64_t load = layout->items[i].load;

		if (load > most)
			continue;
		if (distance_to_half(load, difference) < nearest) {
			nearest = distance_to_half(load, difference);
			step.item = i;
		}
		if (2 * load <= difference)
			break; /* the rest is farther away */
	}
	if (step.item != NQ_NONE)
		step.gain = gain_of(layout, from, &step);
	return step;
}

/* The pair whose difference comes nearest to halving that of the slots. Both lists fall, so that one pass will do. */
static struct step find_exchange(const struct nq_layout *layout, uint32_t from, uint32_t to)
{
	const struct nq_slot *a = &layout->slots[from], *b = &layout->slots[to];
	uint64_t difference = nq_sat_sub(nq_slot_full(a), nq_slot_full(b)), nearest = UINT64_MAX;
	uint64_t most = difference ? most_of(layout, difference) : 0;
	uint32_t last = NQ_NONE, next = b->first;
	struct step step = { .item = NQ_NONE, .back = NQ_NONE, .to = to };

	for (uint32_t i = a->first; i != NQ_NONE; i = layout->items[i].next) {
		uint64_t load = layout->items[i].load;

		while (next != NQ_NONE && 2 * load <= 2 * layout->items[next].load + difference) {
			last = next;
			next = layout->items[next].next;
		}
		for (int side = 0; side < 2; side++) {
			uint32_t back = side ? next : last;
			uint64_t part = back == NQ_NONE ? 0 : nq_sat_sub(load, layout->items[back].load);

			if (part == 0 || part > most || distance_to_half(part, difference) >= nearest)
				continue;
			nearest = distance_to_half(part, difference);
			step.item = i;
			step.back = back;
		}
	}
	if (step.item != NQ_NONE)
		step.gain = gain_of(layout, from, &step);
	return step;
}

/* What halving the difference of two slots would gain: more than anything that moves between them. */
static uint64_t bound_of(const struct nq_layout *layout, uint32_t from, uint32_t to)
{
	uint64_t a = layout->slots[from].ppm, b = layout->slots[to].ppm;

	return nq_sat_sub(nq_cost_waiting(a) + nq_cost_waiting(b), 2 * nq_cost_waiting((a + b) / 2)) *
	       layout->draft->board->policy->queue_wait;
}

/* Where to: the least crowded slot, the emptiest, and the emptiest of those that serve queues already. */
#define TARGETS 3

static void find_targets(const struct nq_layout *layout, uint32_t ret[TARGETS])
{
	uint32_t crowd = layout->order[0], serving = layout->order[0];

	for (uint32_t i = 0; i < layout->n_slots; i++) {
		uint32_t slot = layout->order[i];

		if (nq_slot_crowd(layout, &layout->slots[slot]) <= nq_slot_crowd(layout, &layout->slots[crowd]))
			crowd = slot;
		if (layout->slots[slot].used)
			serving = slot;
	}
	ret[0] = crowd;
	ret[1] = layout->order[layout->n_slots - 1];
	ret[2] = serving;
}

/* How many slots, from the emptiest on, are so far below that one that an exchange may pay. */
static uint32_t count_partners(const struct nq_layout *layout, uint32_t from)
{
	const struct nq_policy *policy = layout->draft->board->policy;
	uint64_t needed = nq_guard_needs(policy, 0, 2 * policy->queue_cpu_once_ns, policy->horizon_ms);
	uint32_t low = 0, high = layout->n_slots;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2, slot = layout->order[layout->n_slots - 1 - middle];

		if (layout->slots[slot].ppm <= layout->slots[from].ppm && bound_of(layout, from, slot) >= needed)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* What is left on the slot at least (the largest item gone) or at most (the smallest one). */
static uint64_t rest_of(const struct nq_layout *layout, uint32_t slot, bool at_most)
{
	uint32_t item = layout->slots[slot].first;

	while (at_most && item != NQ_NONE && layout->items[item].next != NQ_NONE)
		item = layout->items[item].next;
	return nq_slot_full(&layout->slots[slot]) - (item == NQ_NONE ? 0 : layout->items[item].load);
}

/* Only the larger queue beside the larger rest has something to gain from an exchange. */
static struct step find_exchanges(const struct nq_layout *layout, uint32_t from)
{
	uint32_t partners = count_partners(layout, from);
	uint64_t rest = partners ? rest_of(layout, from, true) : 0;
	struct step best = { .item = NQ_NONE };

	for (uint32_t i = 0; i < partners; i++) {
		uint32_t to = layout->order[layout->n_slots - 1 - i];
		struct step step;

		if (rest_of(layout, to, false) >= rest)
			continue;
		step = find_exchange(layout, from, to);
		if (step.gain > best.gain)
			best = step;
	}
	return best;
}

/* The best move; only if none pays, since it disturbs two queues, the best exchange. */
static struct step find_step(const struct nq_layout *layout, uint32_t from, const uint32_t targets[TARGETS])
{
	struct step best = { .item = NQ_NONE };

	for (int i = 0; i < TARGETS; i++) {
		struct step step = find_move(layout, from, targets[i]);

		if (step.gain > best.gain)
			best = step;
		if (i == 0 && best.gain)
			break; /* siblings count before the last bit of waiting */
	}
	return best.gain ? best : find_exchanges(layout, from);
}

static void take(struct nq_layout *layout, uint32_t from, const struct step *step)
{
	nq_layout_put(layout, step->item, step->to);
	if (step->back != NQ_NONE)
		nq_layout_put(layout, step->back, from);
	nq_layout_sort(layout);
}

/* From the fullest slot on, as long as there is something to gain; false: nothing was. */
static bool improve_once(struct nq_layout *layout)
{
	const struct nq_policy *policy = layout->draft->board->policy;
	uint64_t needed = nq_guard_needs(policy, 0, policy->queue_cpu_once_ns, policy->horizon_ms);
	uint32_t targets[TARGETS], i = 0;
	bool changed = false;

	find_targets(layout, targets);
	while (i < layout->n_slots) {
		uint32_t from = layout->order[i], emptiest = layout->order[layout->n_slots - 1];
		struct step step;

		if (bound_of(layout, from, emptiest) + policy->cpu_used_ns < needed)
			break;
		step = find_step(layout, from, targets);
		i += step.gain == 0;
		if (step.gain == 0)
			continue;
		take(layout, from, &step);
		find_targets(layout, targets);
		changed = true;
	}
	return changed;
}

void nq_layout_improve(struct nq_layout *layout)
{
	while (layout->n_slots > 1 && improve_once(layout))
		;
}
