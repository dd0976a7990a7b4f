/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A layout: which CPU of one node serves each of the queues that may move; a small copy of the board, on which
 * core/spread.c tries things out. Slots are the node's online CPUs by index, items the queues by falling load. What
 * slots have besides items (other work, queues that stay) is fixed.
 *
 * Fullness of a slot is its other work and its queues' together, packets/s: exact, where utilization is rounded.
 */
#ifndef NEARQ_CORE_LAYOUT_H
#define NEARQ_CORE_LAYOUT_H

#include "core/stages.h"

struct nq_slot {
	uint32_t cpu;
	uint32_t core;	    /* first slot of the same core */
	uint32_t first;	    /* items, by falling load, along nq_item.next */
	uint32_t items;	    /* of `used`, those that may move */
	uint32_t used;	    /* queues in use */
	uint64_t other;	    /* work that is no queue's, packets/s */
	uint64_t load;	    /* of its queues, packets/s */
	uint64_t ppm;	    /* its utilization, rounded down: for bounds */
	uint64_t core_full; /* of the first slot of a core: fullness of all its slots */
};

struct nq_item {
	uint32_t queue;
	uint32_t slot, next;
	uint32_t from; /* slot at the start */
	uint64_t load; /* packets/s; never 0 */
	bool used;     /* in use: counts for cpu_used_ns */
	bool joins;    /* moved to save a CPU */
};

struct nq_layout {
	const struct nq_draft *draft;
	struct nq_slot *slots;
	struct nq_item *items;
	uint32_t *order; /* slots by falling fullness, then by index */
	uint32_t n_slots, n_items;
};

/* Room for the largest node. 0 or -ENOMEM; close also what failed to open. */
int nq_layout_open(struct nq_layout *ret, const struct nq_draft *draft);
void nq_layout_close(struct nq_layout *layout);
/* The node as it is on the board; slot_of: [n_cpus] scratch. */
void nq_layout_read(struct nq_layout *layout, uint32_t node, uint32_t *slot_of);
void nq_layout_copy(struct nq_layout *to, const struct nq_layout *from);

static inline uint64_t nq_slot_full(const struct nq_slot *slot)
{
	return slot->other + slot->load;
}

/* How full it is for one more queue: a busy hardware thread leaves its sibling about half of a core. */
static inline uint64_t nq_slot_crowd(const struct nq_layout *layout, const struct nq_slot *slot)
{
	return nq_slot_full(slot) + (layout->slots[slot->core].core_full - nq_slot_full(slot)) / 2;
}

/* What the slot costs with that load and so many queues in use, ns/s. */
uint64_t nq_layout_price(const struct nq_layout *layout, const struct nq_slot *slot, uint64_t load, uint32_t used);
uint64_t nq_layout_cost(const struct nq_layout *layout);
uint64_t nq_layout_fullest(const struct nq_layout *layout);
/* Items that are not where they were. */
uint32_t nq_layout_moves(const struct nq_layout *layout);
/* Moves the item; NQ_NONE takes it off. */
void nq_layout_put(struct nq_layout *layout, uint32_t item, uint32_t slot);
/* Puts the slots in order. */
void nq_layout_sort(struct nq_layout *layout);
/* Moves and exchanges, as long as one pays; core/spread.c says which. */
void nq_layout_improve(struct nq_layout *layout);
/* Does a change of the node's cost pay, that moves so many queues? */
bool nq_layout_pays(const struct nq_layout *layout, uint64_t before_ns, uint64_t after_ns, uint32_t moves);

#endif
