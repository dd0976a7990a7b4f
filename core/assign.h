/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What assigning, swapping, splitting and explaining share: which queues a unit may use, and what it costs there. */
#ifndef NEARQ_CORE_ASSIGN_H
#define NEARQ_CORE_ASSIGN_H

#include "core/stages.h"

/* A place for a unit. */
struct nq_place {
	uint32_t queue;	  /* NQ_NONE: none */
	uint32_t cpu;	  /* that serves it then: its own, or the one it is brought to */
	bool bring, open; /* the queue has to be brought; was not in use */
	uint64_t cost_ns; /* what the unit adds to the board there: path, waiting of all on that CPU, a queue in use */
};

struct nq_places {
	struct nq_place best, next;
	bool full; /* a queue that would be cheaper than where the unit is has no room */
};

/* The emptiest queues of a pool on a node of a pnic: [0] in use, [1] free; each the best and the next, NQ_NONE: none.
 */
struct nq_shelf {
	uint32_t generation;
	uint32_t queue[2][2];
	uint64_t least_load[2]; /* packets/s of the CPU with the fewest among them */
};

/* The queues of the board by pnic and node, and what a packet costs at least. Owned by the caller. */
struct nq_market {
	struct nq_board *board;
	const struct nq_draft *draft;
	uint32_t *first_at; /* [n_pnics * n_nodes]: queues that can be assigned, along next_at [n_queues] */
	uint32_t *next_at;
	uint32_t *spare; /* [n_pnics]: no free queue that could be brought has a lower index */
	uint64_t *slope; /* [n_pnics * n_pools * n_nodes]: least price of one more packet, without delivery, 1/256 ns;
			    UINT64_MAX: no queue */
	uint64_t
		*least; /* [n_pnics * n_pools * n_nodes]: the same with delivery to that home, over all queues' nodes */
	bool *pool_used;	  /* [n_pools]: some unit belongs to it */
	bool relief;		  /* leaving the default queues saves all that is waited less, not only its own part */
	struct nq_shelf *shelves; /* [n_pnics * n_pools * n_nodes], valid while of the node's generation */
	uint32_t *generation;	  /* [n_nodes] */
	uint32_t *picked;	  /* [n_nodes]: nq_board_pick_cpu() there, while not stale */
	bool *stale;		  /* [n_nodes] */
};

/* 0 or -ENOMEM. */
int nq_market_open(struct nq_market *ret, const struct nq_draft *draft);
void nq_market_close(struct nq_market *market);
/* The prices as the board stands now. */
void nq_market_price(struct nq_market *market);

/* What the board saves when the unit leaves its place: its path, waiting of the others there, the queue if it is alone.
 */
uint64_t nq_market_leaving(const struct nq_market *market, uint32_t unit);
/* The cheapest place other than its own; none that costs `limit` or more is looked for. */
struct nq_places nq_market_find(struct nq_market *market, uint32_t unit, uint64_t limit);
/*
 * A quick no: does each of its packets cost no more where it is, by the slope of the waiting there, than the cheapest
 * further packet anywhere? Then no place can be better. False says nothing.
 */
bool nq_market_is_content(const struct nq_market *market, uint32_t unit);
/* A bound from below of what any place costs. */
uint64_t nq_market_bound(const struct nq_market *market, uint32_t unit);
/* The same for a place on that node. */
uint64_t nq_market_bound_at(const struct nq_market *market, uint32_t unit, uint32_t node);
/* The queue is served by that CPU from now on; NQ_NONE: by none that is known. */
void nq_market_bring(struct nq_market *market, uint32_t queue, uint32_t cpu);
/* What the unit would cost on that queue, on its present CPU. */
uint64_t nq_market_cost_at(const struct nq_market *market, uint32_t unit, uint32_t queue);
/* May the unit be there: pool, exclusiveness, features, lanes, room? */
bool nq_market_admits(const struct nq_market *market, uint32_t unit, uint32_t queue);
/* Does its pnic's steering reach the queue? */
bool nq_market_reaches(const struct nq_board *board, uint32_t queue);
/* Is it served by a CPU that is known and online? */
bool nq_market_is_online(const struct nq_board *board, uint32_t queue);
/* What the board pays, ns/s, when a free queue is brought to that CPU, for what passes through it anyway. */
uint64_t nq_market_shift(const struct nq_market *market, uint32_t queue, uint32_t cpu);
/* Does the queue have room for so many packets/s more? An idle CPU takes any one unit. */
bool nq_market_has_room(const struct nq_market *market, uint32_t queue, uint32_t cpu, uint64_t packets);
/* Packets/s that the unit brings to its receive queue. */
uint64_t nq_unit_demand(const struct nq_unit *unit);
/* The cheapest free queue for the unit on that node, there or brought; queue NQ_NONE: none, or no room. */
struct nq_place nq_market_open_place(struct nq_market *market, uint32_t unit, uint32_t node);
/* The CPU of the node to which a queue would be brought, NQ_NONE: none online. */
uint32_t nq_market_pick_cpu(struct nq_market *market, uint32_t node);
/* Moves the unit to the default queues. */
void nq_market_default(struct nq_market *market, uint32_t unit);
/* Moves the unit there, bringing the queue first when needed. */
void nq_market_take(struct nq_market *market, uint32_t unit, const struct nq_place *place);

/* core/opening.c: queues that pay for several units together though for none alone. order: units, largest first. */
int nq_open_queues(struct nq_draft *draft, struct nq_market *market, const uint32_t *order, uint32_t n);
/* core/exchange.c: two units change places when that pays though neither can move alone. eligible: [n_units] */
int nq_exchange(struct nq_draft *draft, struct nq_market *market, const bool *eligible);

/* core/squeeze.c: room for a unit that fits nowhere, by two others that change places. order: units, largest first. */
int nq_squeeze(struct nq_draft *draft, struct nq_market *market, const uint32_t *order, uint32_t n);

#endif
