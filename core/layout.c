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
