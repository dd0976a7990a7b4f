/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Small value types shared by the whole model.
 *
 * Everything in the model is a plain integer value: no pointers to foreign objects, only indices into
 * the arrays of the same host. NQ_NONE stands for "unknown" or "none" in every index and id.
 */
#ifndef NEARQ_TYPES_H
#define NEARQ_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#define NQ_NONE UINT32_MAX

/* Largest number of NUMA nodes a host may have: the kernel's own limit (MAX_NUMNODES with NODES_SHIFT 10). */
#define NQ_MAX_NODES 1024u

/*
 * Limits of what a host may claim. They keep every product of the cost model within 64 bits (core/cost.c) and every
 * number within a JSON integer; a real machine stays far below them.
 */
#define NQ_MAX_RATE (UINT64_C(1) << 40)	   /* packets/s, bytes/s: 8.8 Tb/s */
#define NQ_MAX_VALUE ((uint64_t)INT64_MAX) /* bytes, nanoseconds, costs */
#define NQ_MAX_DISTANCE 255u		   /* ACPI SLIT: unreachable */
#define NQ_MAX_RSS_ENTRIES 65536u	   /* entries of one RSS table; drivers have 128 to 2,048 */
#define NQ_MAX_LANES 8u		   /* queues over which one vnic may spread */
#define NQ_MAX_SHARES 1000000u	   /* weight of one vm */
#define NQ_MAX_BUSY 100000000u	   /* per mille of one CPU: 100,000 CPUs */
#define NQ_MAX_NAME 47u			   /* bytes of a pnic's name, so that NQ_QUEUE_TEXT holds its queues' */

/* A set of node *indices* (positions in nq_host.nodes, not kernel ids). */
struct nq_nodeset {
	uint64_t word[NQ_MAX_NODES / 64];
};

void nq_nodeset_add(struct nq_nodeset *set, uint32_t node);
void nq_nodeset_remove(struct nq_nodeset *set, uint32_t node);
bool nq_nodeset_has(const struct nq_nodeset *set, uint32_t node);
bool nq_nodeset_equal(const struct nq_nodeset *a, const struct nq_nodeset *b);
uint32_t nq_nodeset_count(const struct nq_nodeset *set);
/* The lowest member that is >= from, or NQ_NONE. Iterate with from = last + 1. */
uint32_t nq_nodeset_next(const struct nq_nodeset *set, uint32_t from);
/* The only member, or NQ_NONE when the set has none or several. */
uint32_t nq_nodeset_single(const struct nq_nodeset *set);

struct nq_mac {
	uint8_t byte[6];
};

/* <0, 0, >0 in the order of the bytes on the wire. */
int nq_mac_compare(const struct nq_mac *a, const struct nq_mac *b);
bool nq_mac_is_zero(const struct nq_mac *mac);
bool nq_mac_is_multicast(const struct nq_mac *mac);

/* Rates per second, averaged over nq_host.interval_ns. */
struct nq_rates {
	uint64_t packets; /* packets/s */
	uint64_t bytes;	  /* bytes/s */
	uint64_t drops;	  /* packets/s that were dropped */
};

#endif
