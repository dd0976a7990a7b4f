/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What must hold of every plan on every host. A property is a function of one case, that says why when it does not
 * hold, so that a case can be tried again while it is made smaller (shrink.h).
 *
 * Not every policy promises everything:
 *   all          the plan is valid, says what it costs, is the same for the same input in any order, does to each
 * object only what may be done to it guarded      (guard on) nothing moves before its dwell is over or without a
 * credit, the host gets no dearer, and a second plan is empty: a policy without guard is a system that lacks all this,
 * and is believed by cost      (settling, and every stage decides by cost or is off) no CPU and no node becomes fuller
 * than it may: the systems of the seed documents have thresholds of their own, or none
 */
#ifndef NEARQ_TESTS_CORE_PROPERTIES_H
#define NEARQ_TESTS_CORE_PROPERTIES_H

#include <nearq/plan.h>

/* A host, how to plan it, and what came of it. */
struct trial {
	uint64_t seed;
	bool huge; /* numbers at their limits, where sums saturate: costs are no longer exact */
	struct nq_host *host;
	struct nq_policy policy;
	struct nq_memory *memory; /* may be NULL */
	struct nq_plan *plan;	  /* NULL: there is none, and so for all that follows */
	struct nq_host *planned;
	char *plan_text;
	char why[1024]; /* of the property that did not hold */
};

struct property {
	const char *name;
	bool (*applies)(const struct trial *trial);
	bool (*holds)(struct trial *trial); /* false: `why` says what is wrong */
};

extern const struct property properties[];
extern const size_t properties_count;

/* Everything from the seed; and the plan of a trial whose host, policy and memory are set. */
void trial_from_seed(struct trial *ret, uint64_t seed);
void trial_plan(struct trial *trial);
void trial_clear(struct trial *trial);
/* Copies host, policy and memory, and plans. */
void trial_copy(const struct trial *trial, struct trial *ret);

/* false with trial->why. */
bool trial_fail(struct trial *trial, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool is_guarded(const struct trial *trial);
bool is_by_cost(const struct trial *trial);

/* properties_load.c */
bool holds_cpus(struct trial *trial);
bool holds_nodes(struct trial *trial);
bool holds_pools(struct trial *trial);
bool holds_rules(struct trial *trial);

#endif
