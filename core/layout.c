/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/cost.h"

#define PER_MILLE 1000u

int nq_layout_open(struct nq_layout *ret, const struct nq_draft *draft)
{
	size_t cpus = (size_t)draft->board->n_cpus + 1, queues = (size_t)draft->board->n_queues + 1;

	*ret = (struct nq_layout){
		.draft = draft,
		.slots = calloc(cpus, sizeof(*ret->slots)),
		.items = calloc(queues, sizeof(*ret->items)),
		.order = calloc(cpus, sizeof(*ret->order)),
	};
	return ret->slots && ret->items && ret->order ? 0 : -ENOMEM;
}

void nq_layout_close(struct nq_layout *layout)
{
	free(layout->slots);
	free(layout->items);
	free(layout->order);
}

static void set_ppm(struct nq_layout *layout, uint32_t slot)
{
	layout->slots[slot].ppm = nq_mul_div(nq_slot_full(&layout->slots[slot]), NQ_PPM,
					     layout->draft->board->policy->queue_capacity_pps);
}

static void read_slots(struct nq_layout *layout, uint32_t node, uint32_t *slot_of)
{
	const struct nq_board *board = layout->draft->board;

	layout->n_slots = 0;
	for (uint32_t i = board->nodes[node].first_cpu; i != NQ_NONE; i = board->cpus[i].next_on_node) {
		const struct nq_board_cpu *cpu = &board->cpus[i];

		/* The first CPU of a core comes first on the node, but may be offline. */
		if (cpu->core == i)
			slot_of[i] = NQ_NONE;
		if (!cpu->online)
			continue;
		if (slot_of[cpu->core] == NQ_NONE)
			slot_of[cpu->core] = layout->n_slots;
		layout->order[layout->n_slots] = layout->n_slots;
		layout->slots[layout->n_slots++] = (struct nq_slot){
			.cpu = i,
			.core = slot_of[cpu->core],
			.first = NQ_NONE,
			.used = cpu->used,
			.other = nq_mul_div(cpu->other, board->policy->queue_capacity_pps, PER_MILLE),
			.load = cpu->load,
		};
		set_ppm(layout, layout->n_slots - 1);
		layout->slots[slot_of[cpu->core]].core_full += nq_slot_full(&layout->slots[layout->n_slots - 1]);
	}
}

static bool may_move(const struct nq_draft *draft, uint32_t queue)
{
	const struct nq_board_queue *self = &draft->board->queues[queue];
	struct nq_reason ignored;

	return !self->soft && self->movable && self->load + self->through > 0 &&
	       !nq_guard_holds(draft, NQ_ACTION_QUEUE_CPU, queue, &ignored);
}

static int by_load(const void *left, const void *right)
{
	const struct nq_item *a = left, *b = right;

	if (a->load != b->load)
		return a->load < b->load ? 1 : -1;
	return (a->queue > b->queue) - (a->queue < b->queue);
}

static void read_items(struct nq_layout *layout)
{
	const struct nq_board *board = layout->draft->board;

	layout->n_items = 0;
	for (uint32_t slot = 0; slot < layout->n_slots; slot++)
		for (uint32_t i = board->cpus[layout->slots[slot].cpu].first_queue; i != NQ_NONE;
		     i = board->queues[i].next_on_cpu)
			if (may_move(layout->draft, i))
				layout->items[layout->n_items++] = (struct nq_item){
					.queue = i,
					.slot = slot,
					.from = slot,
					.load = board->queues[i].load + board->queues[i].through,
					.used = nq_board_used(board, i),
				};
	qsort(layout->items, layout->n_items, sizeof(*layout->items), by_load);
	for (uint32_t i = layout->n_items; i-- > 0;) {
		struct nq_slot *slot = &layout->slots[layout->items[i].slot];

		layout->items[i].next = slot->first;
		slot->first = i;
		slot->items += layout->items[i].used;
	}
}

void nq_layout_read(struct nq_layout *layout, uint32_t node, uint32_t *slot_of)
{
	read_slots(layout, node, slot_of);
	read_items(layout);
	nq_layout_sort(layout);
}

void nq_layout_copy(struct nq_layout *to, const struct nq_layout *from)
{
	memcpy(to->slots, from->slots, from->n_slots * sizeof(*from->slots));
	memcpy(to->items, from->items, from->n_items * sizeof(*from->items));
	memcpy(to->order, from->order, from->n_slots * sizeof(*from->order));
	to->n_slots = from->n_slots;
	to->n_items = from->n_items;
}

uint64_t nq_layout_price(const struct nq_layout *layout, const struct nq_slot *slot, uint64_t load, uint32_t used)
{
	const struct nq_board *board = layout->draft->board;

	return nq_board_cpu_waiting(board, slot->cpu, load) + (used ? board->policy->cpu_used_ns : 0);
}

uint64_t nq_layout_cost(const struct nq_layout *layout)
{
	uint64_t cost = 0;

	for (uint32_t i = 0; i < layout->n_slots; i++)
		cost = nq_sat_add(
			cost, nq_layout_price(layout, &layout->slots[i], layout->slots[i].load, layout->slots[i].used));
	return cost;
}

uint64_t nq_layout_fullest(const struct nq_layout *layout)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < layout->n_slots; i++)
		if (nq_slot_full(&layout->slots[i]) > most)
			most = nq_slot_full(&layout->slots[i]);
	return most;
}

uint32_t nq_layout_moves(const struct nq_layout *layout)
{
	uint32_t moves = 0;

	for (uint32_t i = 0; i < layout->n_items; i++)
		moves += layout->items[i].slot != layout->items[i].from;
	return moves;
}

/* More or, as a two's complement, less on the slot. */
static void charge(struct nq_layout *layout, uint32_t slot, uint64_t load, uint32_t used)
{
	layout->slots[slot].load += load;
	layout->slots[slot].used += used;
	layout->slots[slot].items += used;
	layout->slots[layout->slots[slot].core].core_full += load;
	set_ppm(layout, slot);
}

void nq_layout_put(struct nq_layout *layout, uint32_t item, uint32_t slot)
{
	struct nq_item *self = &layout->items[item];
	uint32_t *link;

	if (self->slot != NQ_NONE) {
		for (link = &layout->slots[self->slot].first; *link != item;)
			link = &layout->items[*link].next;
		*link = self->next;
		charge(layout, self->slot, -self->load, -(uint32_t)self->used);
	}
	self->slot = slot;
	if (slot == NQ_NONE)
		return;
	for (link = &layout->slots[slot].first; *link < item;) /* NQ_NONE is the largest */
		link = &layout->items[*link].next;
	self->next = *link;
	*link = item;
	charge(layout, slot, self->load, self->used);
}

static bool is_fuller(const struct nq_layout *layout, uint32_t a, uint32_t b)
{
	uint64_t full_a = nq_slot_full(&layout->slots[a]), full_b = nq_slot_full(&layout->slots[b]);

	return full_a != full_b ? full_a > full_b : a < b;
}

/* By insertion: between two steps only two slots change. */
void nq_layout_sort(struct nq_layout *layout)
{
	for (uint32_t i = 1; i < layout->n_slots; i++) {
		uint32_t slot = layout->order[i], at = i;

		for (; at > 0 && is_fuller(layout, slot, layout->order[at - 1]); at--)
			layout->order[at] = layout->order[at - 1];
		layout->order[at] = slot;
	}
}

bool nq_layout_pays(const struct nq_layout *layout, uint64_t before_ns, uint64_t after_ns, uint32_t moves)
{
	const struct nq_policy *policy = layout->draft->board->policy;
	struct nq_proposal proposal = { before_ns, after_ns, 0, moves * policy->queue_cpu_once_ns };
	struct nq_reason ignored;

	return nq_guard_pays(layout->draft, &proposal, policy->horizon_ms, &ignored);
}

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
