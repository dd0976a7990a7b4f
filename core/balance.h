/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What changing homes shares: which vms are on which node, how loaded the nodes are, and whether a change evens them.
 */
#ifndef NEARQ_CORE_BALANCE_H
#define NEARQ_CORE_BALANCE_H

#include "core/homes.h"

struct nq_balance {
	struct nq_draft *draft;
	struct nq_homes homes;
	uint64_t *load;	   /* [n_nodes] per mille of one CPU, as last measured; lifting a vm does not change it */
	uint32_t *start;   /* [n_nodes + 1] into members: the vms of each node that may move */
	uint32_t *members; /* [n_vms]; one that has moved since is known by its node */
	bool *sorted;	   /* [n_nodes] its members are in order of what they use */
	uint32_t *clients; /* [n_nodes] scratch, all 0 between calls */
};

/* 0 or -ENOMEM. */
int nq_balance_open(struct nq_balance *ret, struct nq_draft *draft);
void nq_balance_close(struct nq_balance *balance);

/* Loads as the board is: CPU time used, or with rebalance by load what is owed (002: "resource entitlements"). */
void nq_balance_measure(struct nq_balance *balance);
/* The two nodes that are furthest apart, by load and then id; false: less than imbalance. */
bool nq_balance_extremes(const struct nq_balance *balance, uint32_t *ret_most, uint32_t *ret_least);
/* Per mille of the node's CPUs; 0 without CPUs. */
uint64_t nq_balance_load(const struct nq_balance *balance, uint32_t node);
/* The difference of both loads when `moved` of CPU time has gone from the first to the second (per mille of one CPU).
 */
uint64_t nq_balance_apart(const struct nq_balance *balance, uint32_t from, uint32_t to, int64_t moved);
/*
 * Does that bring the more loaded `from` closer to `to`? What it overshoots is at most imbalance_after of the
 * difference before, without guard: less than all of it.
 */
bool nq_balance_evens(const struct nq_balance *balance, uint32_t from, uint32_t to, int64_t moved);
/* The vm is still a member of the node, and nothing holds it. */
bool nq_balance_may_move(const struct nq_balance *balance, uint32_t vm, uint32_t node);
/* Room and memory of a lifted vm. */
bool nq_balance_fits(const struct nq_balance *balance, uint32_t vm, uint32_t node);
/* The parts of the cost that depend on where the lifted vm is: where it is, and on that node; as the queues are, and by
 * the best ways that assigning could find. */
struct nq_home nq_balance_now(struct nq_balance *balance, uint32_t vm);
struct nq_home nq_balance_at(struct nq_balance *balance, uint32_t vm, uint32_t node, bool as_queues_are);
/* A move by both: what it is for the board as it stands, and once assigning has done its best on both nodes. */
struct nq_balance_offer {
	struct nq_proposal board, best;
};
/* now, best_now: the vm where it is, by either. */
struct nq_balance_offer nq_balance_offer(struct nq_balance *balance, uint32_t vm, uint32_t node,
					 const struct nq_home *now, const struct nq_home *best_now);
/*
 * What the offer saves within home_horizon_ms after what it costs once, plus 1, by whichever is less; 0: it does not
 * pay by both. A way that assigning can shorten where the vm is, is no reason to move it.
 */
uint64_t nq_balance_worth(const struct nq_balance *balance, const struct nq_balance_offer *offer);
/* The vm's new home, noted; it must not be lifted. Measures. */
void nq_balance_move(struct nq_balance *balance, uint32_t vm, uint32_t node, struct nq_reason reason,
		     struct nq_rejected rejected, const struct nq_proposal *proposal);
/* No other node came into question. */
#define NQ_BALANCE_NO_OTHER ((struct nq_rejected){ NQ_NONE, 0 })

/* core/home_swap.c: the best exchange of two vms between these nodes, made when it pays. */
bool nq_balance_exchange(struct nq_balance *balance, uint32_t from, uint32_t to);
/* core/home_memory.c: has a vm memory elsewhere that cannot move? All such vms go to it when it pays. */
bool nq_balance_wants_memory(const struct nq_board *board);
void nq_balance_to_memory(struct nq_balance *balance);

/* core/rebalance_load.c: instead of all that, by load alone. 0 or -ENOMEM. */
int nq_rebalance_by_load(struct nq_draft *draft);

#endif
