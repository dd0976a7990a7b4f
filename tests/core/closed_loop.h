/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The daemon's loop with a host that is nothing but numbers: loads follow a function of time, each tick they are
 * measured where things are, planned, carried out and learnt, and every move is written down.
 *
 * The host is simple on purpose: a queue serves what is steered to it, default queues share the rest by their RSS
 * entries, a CPU is busy with its queues and what it had at the start, at most 1,000 per mille, a node with its vms.
 */
#ifndef NEARQ_TESTS_CORE_CLOSED_LOOP_H
#define NEARQ_TESTS_CORE_CLOSED_LOOP_H

#include <nearq/plan.h>

#define TICK_NS UINT64_C(2000000000)
#define HOUR_TICKS 1800u

struct move {
	enum nq_action_kind kind;
	char *key; /* as in the planner's memory */
	uint64_t tick;
};

struct loop {
	struct nq_host *host; /* where everything is; its loads are those of the last tick */
	struct nq_policy policy;
	uint32_t lag; /* ticks by which what is measured is late */
	/* Sets rx and tx of the vnics and busy of the vms as they are at that tick. */
	void (*load)(const struct loop *loop, uint64_t tick, struct nq_host *ret);
	const void *context; /* of load() */
	/* private */
	struct nq_memory *memory;
	struct nq_host **past; /* [lag + 1] what was measured, by tick modulo */
	uint32_t *others;      /* [n_cpus] per mille that no queue explains */
	uint64_t tick;
	struct move *moves; /* all of them, by time */
	size_t n_moves;
};

/* Takes the host, whose busy CPUs are what no queue of it explains. */
void loop_begin(struct loop *loop);
void loop_run(struct loop *loop, uint64_t ticks);
void loop_end(struct loop *loop);

/* Moves from that tick on, of that kind; NQ_ACTION_KIND_COUNT: of any. */
size_t loop_moves(const struct loop *loop, enum nq_action_kind kind, uint64_t from_tick);
/* The most moves that one object made in so many ticks in a row; *ret_key, if not NULL, is that object's. */
size_t loop_worst(const struct loop *loop, uint64_t ticks, const char **ret_key);
/* What docs/stability.md allows an object in so many ticks; SIZE_MAX: the policy has no bound. */
size_t loop_bound(const struct nq_policy *policy, uint64_t ticks);

#endif
