/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What placing, balancing and explaining homes share: what vms are owed, where there is room, and what a home costs.
 *
 * Entitlement (FEATURES V8; 002_a1e87099c2bc83d0.txt: "without violating fairness or resource entitlements"). A vm is
 * owed min(limit, max(busy, reservation)) of CPU time: what it uses or has reserved, whichever is more, and never more
 * than its limit. A node's room is counted by what the vms there are owed, so a reservation keeps its place free while
 * its vm is idle, all the reservations of a node fit its CPUs, and a vm does not need room that it may not use.
 *
 * Room. The node has CPUs online, and a domain or process has at most as many vCPUs as the node has cores, hardware
 * threads not counted (003_e02e5b8df2f7f331.txt); how many threads a container could use says nothing of how many it
 * does. What is owed there with the vm stays within node_full (900 per mille: ESXi's core cap for locality moves). Its
 * free memory holds what has to follow. Memory that cannot move allows only homes that have more than half of it: a vm
 * never leaves memory that cannot follow, and is never torn from half of it.
 */
#ifndef NEARQ_CORE_HOMES_H
#define NEARQ_CORE_HOMES_H

#include "core/stages.h"

struct nq_homes {
	const struct nq_draft *draft;
	struct nq_board *board;
	uint64_t *owed; /* [n_nodes] per mille of one CPU: background, and what the vms there are owed */
	uint64_t *busy; /* [n_nodes] per mille of one CPU: background, and what the vms there use */
	uint64_t *path; /* [n_pnics * n_nodes] 1/256 ns: best way that assigning could find to a vm there */
	uint64_t total; /* bytes of memory of the vm looked at */
	/* scratch, [n_nodes] */
	uint32_t *clients;
	uint64_t *mem;
};

/* A home, and what of the board's cost depends on it. */
struct nq_home {
	struct nq_nodeset nodes;
	uint32_t *clients; /* [n_nodes] vCPUs on each, the caller's */
	uint64_t bytes;	   /* that have to follow */
	uint64_t ways_ns, waiting_ns, memory_ns;
};

/* 0 or -ENOMEM. */
int nq_homes_open(struct nq_homes *ret, const struct nq_draft *draft);
void nq_homes_close(struct nq_homes *homes);

/* Per mille of one CPU. */
uint64_t nq_homes_owed(const struct nq_vm *vm);
/* Cores of a node must be as many as it has vCPUs; a container's do not count. */
bool nq_homes_has_vcpus(const struct nq_vm *vm);
/* Takes the vm out of owed and busy, so that homes can be tried for it, and puts it back where the board has it. */
void nq_homes_lift(struct nq_homes *homes, uint32_t vm);
void nq_homes_put(struct nq_homes *homes, uint32_t vm);
/* With several vms lifted: this is the one that is looked at. It is the last one lifted otherwise. */
void nq_homes_look_at(struct nq_homes *homes, uint32_t vm);
/* Room for `clients` of its vCPUs and `bytes` of its memory? The vm is lifted. */
bool nq_homes_has_room(const struct nq_homes *homes, uint32_t vm, uint32_t node, uint32_t clients, uint64_t bytes);
/* What is owed on the node with so many of its vCPUs there, per mille of one CPU. The vm is lifted. */
uint64_t nq_homes_owed_with(const struct nq_homes *homes, uint32_t vm, uint32_t node, uint32_t clients);
/* Is more than half of the memory of a vm whose memory cannot move in these nodes? True for every other vm. */
bool nq_homes_keep_memory(const struct nq_homes *homes, uint32_t vm, const struct nq_nodeset *nodes);
/* Where its memory will be when that is its home; ret[n_nodes]. Returns the bytes that have to follow. */
uint64_t nq_homes_gather(const struct nq_homes *homes, uint32_t vm, const struct nq_nodeset *nodes, uint64_t *ret);
/* Bytes of the vm looked at that are not on the node. */
uint64_t nq_homes_outside(const struct nq_homes *homes, uint32_t vm, uint32_t node);
uint64_t nq_homes_once(const struct nq_homes *homes, uint64_t bytes);

/* Prices of the home whose nodes and clients are given. The vm is lifted. */
void nq_homes_price(struct nq_homes *homes, uint32_t vm, bool as_queues_are, struct nq_home *home);
/* The same of where it is. */
void nq_homes_price_now(struct nq_homes *homes, uint32_t vm, struct nq_home *ret);
/* Ways, waiting and memory together, ns/s. */
uint64_t nq_home_cost(const struct nq_home *home);

#endif
