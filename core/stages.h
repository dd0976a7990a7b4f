/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The stages of a plan. Each looks at the board, moves what its rule says and what the guard lets pass, and counts its
 * moves; core/plan.c calls them in turn until none moves anything. What a stage decides must depend on the board, the
 * policy and the memory only, never on what was moved before in the same plan: that is what makes a plan for a planned
 * host empty.
 */
#ifndef NEARQ_CORE_STAGES_H
#define NEARQ_CORE_STAGES_H

#include "core/board.h"
#include "core/memory.h"

struct nq_draft {
	struct nq_board *board;
	const struct nq_memory *memory; /* may be NULL */
	bool by_cost_only; /* rules that may cost something (first homes, default queues, returns) are to hold still */
	uint64_t moves;	   /* made by the stages so far */
};

/* Each 0 or -ENOMEM. */
typedef int (*nq_stage)(struct nq_draft *draft);
int nq_stage_home(struct nq_draft *draft);	     /* core/home.c */
int nq_stage_rebalance(struct nq_draft *draft);	     /* core/rebalance.c */
int nq_stage_migrate(struct nq_draft *draft);	     /* core/migrate.c */
int nq_stage_default_queues(struct nq_draft *draft); /* core/defaults.c */
int nq_stage_pools(struct nq_draft *draft);	     /* core/pools.c */
int nq_stage_lanes(struct nq_draft *draft);	     /* core/lanes.c */
int nq_stage_follow(struct nq_draft *draft);	     /* core/follow.c: all together */
int nq_stage_follow_most(struct nq_draft *draft);    /* core/follow.c: the many */
int nq_stage_assign(struct nq_draft *draft);	     /* core/assign.c */
int nq_stage_split(struct nq_draft *draft);	     /* core/split.c */
int nq_stage_spread(struct nq_draft *draft);	     /* core/spread.c */
/* What other policies do instead. */
int nq_stage_match(struct nq_draft *draft);	/* core/match.c: processes 400, 1100, 1300, 1400 */
int nq_stage_static(struct nq_draft *draft);	/* core/static.c: static VMQ */
int nq_stage_threshold(struct nq_draft *draft); /* core/threshold.c: Dynamic VMQ */

/*
 * core/guard.c. True: the object may not move now, *ret says why: it moved less than dwell_ms ago or has no credit
 * left. A policy without guard never holds anything back.
 */
bool nq_guard_holds(const struct nq_draft *draft, enum nq_action_kind kind, uint32_t object, struct nq_reason *ret);
/* Does the proposal pay, within horizon_ms? If not, *ret says why. */
bool nq_guard_pays(const struct nq_draft *draft, const struct nq_proposal *proposal, uint64_t horizon_ms,
		   struct nq_reason *ret);
/* What it must save at least, ns/s: least_gain, least_gain_ns and the one-off cost within the horizon. */
uint64_t nq_guard_needs(const struct nq_policy *policy, uint64_t remote_ns, uint64_t once_ns, uint64_t horizon_ms);

/* core/why.c: lists the vnics that are remote with the reason why they stay; plan->kept has room. 0 or -ENOMEM. */
int nq_why_all(const struct nq_draft *draft, bool (*is_remote)(const struct nq_board *board, uint32_t vnic),
	       struct nq_plan *plan);

#endif
