/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the processes 1100, 1300 and 1400 share: where a queue is to be had on a node, and the move itself. */
#ifndef NEARQ_CORE_MATCH_H
#define NEARQ_CORE_MATCH_H

#include "core/assign.h"

struct nq_match {
	struct nq_draft *draft;
	struct nq_market market; /* for what is admissible; its prices are not asked for */
	uint32_t *order;	 /* [n_units]: all units, largest traffic first, then by MAC */
	uint32_t *rank;		 /* [n_units] scratch: units of one queue */
	uint32_t *nodes;	 /* [n_nodes]: what nq_match_rank() found, best first */
	uint32_t n_matching;	 /* so many of them are the vm's */
	uint32_t *clients;	 /* [n_nodes] scratch */
	uint64_t *traffic;	 /* [n_nodes] scratch */
};

/* A queue to move to. */
struct nq_match_place {
	struct nq_place place; /* its cost is not filled in */
	uint32_t next;	       /* the queue that came second or had no room, NQ_NONE: no other was considered */
};

/* packets/s of one queue at that part of its capacity, per mille. */
static inline uint64_t nq_match_threshold(const struct nq_policy *policy, uint64_t per_mille)
{
	return policy->queue_capacity_pps * per_mille / 1000;
}

/* The queues of the pnic on the node, along market.next_at, in no order. */
static inline uint32_t nq_match_first_on(const struct nq_match *match, uint32_t pnic, uint32_t node)
{
	return match->market.first_at[(size_t)pnic * match->draft->board->n_nodes + node];
}

/* May the unit not be moved now? */
bool nq_match_held(const struct nq_match *match, uint32_t unit);
/* Fills match->nodes for the unit: nodes of its vm, most vCPUs first; then the pnic's, then the nearest. */
void nq_match_rank(struct nq_match *match, uint32_t unit);
/*
 * A queue in use on the node, that the unit may use and that stays within queue_full with it (1140). ret->next is set
 * in any case.
 */
bool nq_match_in_use(const struct nq_match *match, uint32_t unit, uint32_t node, struct nq_match_place *ret);
/*
 * A free queue that is on the node or can be brought there, or the unit's own when nobody else uses it (1130).
 * ret->next is left alone.
 */
bool nq_match_new(const struct nq_match *match, uint32_t unit, uint32_t node, struct nq_match_place *ret);
/* 1150. Notes, and counts the move. */
void nq_match_move(struct nq_match *match, uint32_t unit, const struct nq_match_place *to, struct nq_reason reason);
uint64_t nq_match_node_id(const struct nq_match *match, uint32_t node); /* the kernel's, for reasons */

/* core/match_queues.c */
void nq_match_split(struct nq_match *match);	   /* process 1300 */
void nq_match_consolidate(struct nq_match *match); /* process 1400 */

#endif
