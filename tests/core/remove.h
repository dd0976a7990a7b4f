/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Taking objects out of a host, with all that refers to them. The result need not be valid (a vm of 2,000 per mille on
 * the one CPU that is left): whoever removes, checks.
 */
#ifndef NEARQ_TESTS_CORE_REMOVE_H
#define NEARQ_TESTS_CORE_REMOVE_H

#include <nearq/host.h>

void remove_vnic(struct nq_host *host, uint32_t vnic);
void remove_vm(struct nq_host *host, uint32_t vm);	 /* with its vnics */
void remove_queue(struct nq_host *host, uint32_t queue); /* its vnics are left to the default queues */
void remove_pnic(struct nq_host *host, uint32_t pnic);	 /* with its vnics and queues */
void remove_cpu(struct nq_host *host, uint32_t cpu);	 /* with its soft queues */
/* A node without CPUs, pnics, and vms that live on it alone; else false, and nothing is done. */
bool remove_node(struct nq_host *host, uint32_t node);

#endif
