/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rule by which vCPUs are dealt over a home (FEATURES H4). */
#ifndef NEARQ_CORE_CLIENTS_H
#define NEARQ_CORE_CLIENTS_H

#include <nearq/host.h>

/*
 * Deals vCPUs over nodes[n], which are in order of their kernel ids: as many as each has cores, what is left over
 * evenly. ret[node]: cores on entry, vCPUs after.
 */
void nq_deal_vcpus(uint32_t cpus, const uint32_t *nodes, uint32_t n, uint32_t *ret);

#endif
