/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small hosts for tests of single rules: everything is plain, and the test changes what it is about. */
#ifndef NEARQ_TESTS_CORE_BUILD_HOST_H
#define NEARQ_TESTS_CORE_BUILD_HOST_H

#include <nearq/plan.h>

/* Nodes 0 … n-1, 20 apart, 16 GiB of which 8 are free, each with that many CPUs, one thread a core, idle. */
struct nq_host *build_host(uint32_t n_nodes, uint32_t cpus_per_node);
/* eth0, eth1, … on that node. Each returns the index of what it added. */
uint32_t build_pnic(struct nq_host *host, uint32_t node, enum nq_steering steering);
/* The next channel of the pnic, movable, served by that CPU. */
uint32_t build_queue(struct nq_host *host, uint32_t pnic, enum nq_queue_role role, uint32_t cpu);
/* A free soft queue on every CPU; returns the first. */
uint32_t build_soft_queues(struct nq_host *host, uint32_t pnic);
/* A container named vm<number>, on that node; on all and not placed for NQ_NONE. One CPU, idle, no memory. */
uint32_t build_vm(struct nq_host *host, uint32_t node);
/* Receives and sends through that queue, packets/s each way. */
uint32_t build_vnic(struct nq_host *host, uint32_t vm, uint32_t queue, uint32_t pnic, uint64_t packets);

#endif
