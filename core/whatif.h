/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changing a host that is only thought of: each action's effect on what the planner looks at, loads
 * included. The stages and nq_plan_apply() use the same functions.
 */
#ifndef NEARQ_CORE_WHATIF_H
#define NEARQ_CORE_WHATIF_H

#include <nearq/host.h>

/* The vm is confined to those nodes; its CPU load and, unless it is fixed, its memory go there. */
void nq_whatif_home(struct nq_host *host, uint32_t vm, const struct nq_nodeset *home);
/* The queue is served there; its thread's load goes along, and so does what it serves. */
void nq_whatif_queue_cpu(struct nq_host *host, uint32_t queue, uint32_t cpu);
/* The vnic's traffic goes through these queues (NQ_NONE: the default ones). A free queue becomes an assigned one. */
void nq_whatif_steer(struct nq_host *host, uint32_t vnic, uint32_t rx_queue, uint32_t tx_queue);

#endif
