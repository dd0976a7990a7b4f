/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A trial: several moves on the board that are one decision. They are made, the whole is compared with before, and
 * stays when it saves what the guard asks of it, or is undone to the last queue. Exact where sums of single gains
 * would not be: units that move together change each other's waiting.
 */
#ifndef NEARQ_CORE_TRIAL_H
#define NEARQ_CORE_TRIAL_H

#include "core/assign.h"

struct nq_trial_move {
	uint32_t unit, rx, tx; /* where it was */
	uint64_t path_ns;      /* and what its way cost there */
	struct nq_place next;  /* the best place that was not taken */
};

struct nq_trial {
	struct nq_draft *draft;
	struct nq_market *market;
	struct nq_trial_move *moves;
	uint32_t n_moves, room;
	struct nq_trial_bring {
		uint32_t queue, from; /* CPU before */
	} brought[NQ_MAX_LANES];
	uint32_t n_brought;
	uint64_t before_ns, after_ns; /* of the board but for the ways of those who did not move */
	uint64_t once_ns;
	uint64_t bonus_ns;    /* what it saves besides, known to the caller */
	uint32_t between[2];  /* units move from the first of these queues to the second only; NQ_NONE: wherever */
	uint32_t vnic, lanes; /* the one whose lanes changed, NQ_NONE: none; how many it had */
	bool claims;	      /* claims are counted (core/quota.h); costs a look at every unit */
	bool failed;	      /* out of memory; nothing more is moved */
};

/* The market must stay open and its prices be right. */
void nq_trial_begin(struct nq_trial *ret, struct nq_draft *draft, struct nq_market *market, bool claims);
/*
 * The same for units that all move from one assigned queue to another: looks at these two alone, however large the
 * host. Leaves the market's prices as they were.
 */
void nq_trial_begin_between(struct nq_trial *ret, struct nq_draft *draft, struct nq_market *market, uint32_t from,
			    uint32_t to);
/* To that place; false, and nothing moves, when there is none, or more than NQ_MAX_LANES queues would be brought. */
bool nq_trial_place(struct nq_trial *trial, uint32_t unit, const struct nq_place *place, const struct nq_place *next);
/* To that queue where it stands. */
bool nq_trial_queue(struct nq_trial *trial, uint32_t unit, uint32_t queue);
/* Gives the vnic that many lanes; once in a trial, and first. */
bool nq_trial_lanes(struct nq_trial *trial, uint32_t vnic, uint32_t lanes);
/* To the default queues. */
bool nq_trial_default(struct nq_trial *trial, uint32_t unit);
/* Does all of it together pay? */
bool nq_trial_pays(struct nq_trial *trial);
/* Everything back to where it was. */
void nq_trial_undo(struct nq_trial *trial);
/*
 * It stays: counts the moves and notes the reason for those vnics whose reason none gave before; frees the rest.
 * nq_trial_undo() or this ends a trial.
 */
void nq_trial_accept(struct nq_trial *trial, struct nq_reason reason);
/* The same with a reason for one unit of its own. */
void nq_trial_accept_for(struct nq_trial *trial, struct nq_reason reason, uint32_t unit, struct nq_reason own);
/* The units that receive through the queue, largest first, then by index; to be freed. NULL: the plan is off. */
uint32_t *nq_units_on(struct nq_board *board, uint32_t queue, uint32_t *ret_n);
/* Can the unit be moved now: steering reaches it and the guard does not hold its vnic? */
bool nq_trial_can_move(const struct nq_draft *draft, uint32_t unit);

#endif
