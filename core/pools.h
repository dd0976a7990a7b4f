/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of the pools stage. */
#ifndef NEARQ_CORE_POOLS_H
#define NEARQ_CORE_POOLS_H

#include "core/trial.h"

/* core/preempt.c: meets the claims of pools that lack queues and of units that share theirs. 0 or -ENOMEM. */
int nq_preempt(struct nq_draft *draft);

#endif
