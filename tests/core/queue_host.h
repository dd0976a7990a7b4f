/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of pools, lanes and splitting share: a small host with queues, and plans that must be final. */
#ifndef NEARQ_TESTS_CORE_QUEUE_HOST_H
#define NEARQ_TESTS_CORE_QUEUE_HOST_H

#include "support.h"

#include "build_host.h"

#define KPPS 1000u

struct outcome {
	struct nq_plan *plan;
	struct nq_host *planned;
};

/* Plans and applies; the planned host must be valid, not dearer, and its own plan empty. */
struct outcome plan_with(const struct nq_host *host, const struct nq_policy *policy);
void forget(struct outcome *outcome);
/* What is done to that vnic, or NULL. */
const struct nq_action *steering_of(const struct nq_plan *plan, uint32_t vnic);
uint32_t count_kind(const struct nq_plan *plan, enum nq_action_kind kind);
/* Two nodes of 8 CPUs, the NIC on node 0, a default queue and so many free ones, on CPUs of both nodes in turn. */
struct nq_host *host_with(uint32_t free);
/* Rates of queues and load of their CPUs as their vnics make them. */
void settle(struct nq_host *host, const struct nq_policy *policy);
/* The same host an hour later, every vnic at so many packets/s each way. */
void change_rates(struct nq_host *host, const struct nq_policy *policy, uint64_t packets);

#endif
