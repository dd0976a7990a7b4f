/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A plan in the making: the what-if host that the stages change in turn, and a note per object that says why.
 */
#ifndef NEARQ_CORE_DRAFT_H
#define NEARQ_CORE_DRAFT_H

#include <nearq/plan.h>

struct nq_note {
	bool moved; /* some round moved the object; the rest is about that */
	struct nq_reason reason;
	struct nq_rejected rejected;
	uint64_t cost_before_ns; /* of the first move */
	uint64_t cost_after_ns;	 /* of the last */
	uint64_t once_ns;
	struct nq_reason kept; /* why the last round left it where it is */
	bool has_kept;
};

struct nq_draft {
	const struct nq_policy *policy;
	const struct nq_memory *memory;		/* may be NULL */
	struct nq_host *host;			/* in canonical order; the stages change it */
	struct nq_note *homes, *queues, *vnics; /* by index in the host's arrays */
	bool keep_homes;			/* the home stage has nothing to say in this round */
};

/* Each 0 or -ENOMEM. */
int nq_stage_home(struct nq_draft *draft);
int nq_stage_default_queues(struct nq_draft *draft);
int nq_stage_assign(struct nq_draft *draft);

/* A proposal: cost of the object before and after, ns/s; what of the cost before is due to distance; one-off cost, ns.
 */
struct nq_proposal {
	uint64_t before_ns, after_ns, remote_ns, once_ns;
};

/* core/guard.c. Each fills *ret with the reason when the answer is to keep things as they are. */
bool nq_guard_dwells(const struct nq_draft *draft, enum nq_action_kind kind, uint32_t object, struct nq_reason *ret);
bool nq_guard_pays(const struct nq_draft *draft, const struct nq_proposal *proposal, struct nq_reason *ret);
bool nq_guard_may_place(const struct nq_draft *draft, const struct nq_proposal *proposal, struct nq_reason *ret);
bool nq_guard_accepts_round(const struct nq_policy *policy, const struct nq_host *before, const struct nq_host *after);

void nq_note_move(struct nq_note *note, struct nq_reason reason, struct nq_rejected rejected,
		  const struct nq_proposal *proposal);
void nq_note_keep(struct nq_note *note, struct nq_reason reason);

/*
 * The CPU of that node on which one more queue disturbs least: fewest queues on it, then on its core (distinct cores
 * before hardware threads of one), then least busy, then lowest id. NQ_NONE when none is online. *ret_next, if not
 * NULL: the one that comes next.
 */
uint32_t nq_pick_cpu(const struct nq_host *host, uint32_t node, uint32_t *ret_next);
bool nq_node_has_cpus(const struct nq_host *host, uint32_t node);

#endif
