/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What settings an action of a plan is made of, in the order in which they are written. Looks at the host value and
 * asks the running kernel only what tells which of several settings applies (has the cgroup a cpuset? what is
 * the thread's start time?); writes nothing.
 */
#ifndef NEARQ_HOST_STEPS_H
#define NEARQ_HOST_STEPS_H

#include <nearq/plan.h>

#include "host/setting.h"

struct nq_step {
	const struct nq_setting_kind *kind;
	char *key, *value;
};

struct nq_steps {
	struct nq_step *steps;
	size_t n_steps;
	const char *remark; /* what the settings themselves do not say about the action, NULL: nothing */
};

/*
 * 0, or -errno with a sentence in ctx->why: -EOPNOTSUPP (this host or build cannot), -ENODEV (the object is gone),
 * -ENOMEM. *ret must be empty; the caller clears it, also on failure.
 */
int nq_steps_make(struct nq_setting_ctx *ctx, const struct nq_host *host, const struct nq_action *action,
		  struct nq_steps *ret);
void nq_steps_clear(struct nq_steps *steps); /* for __attribute__((cleanup)) */

#endif
