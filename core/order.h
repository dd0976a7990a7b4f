/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The stable order of a host's objects. Indices depend on the order in which somebody happened to read
 * the host; names, ids and MACs do not. Everything that must not depend on the input's order (ties,
 * round robin, the order of actions) goes by these keys.
 */
#ifndef NEARQ_CORE_ORDER_H
#define NEARQ_CORE_ORDER_H

#include <nearq/host.h>

enum nq_array {
	NQ_ARRAY_NODES,
	NQ_ARRAY_CPUS,
	NQ_ARRAY_PNICS,
	NQ_ARRAY_QUEUES,
	NQ_ARRAY_VMS,
	NQ_ARRAY_VNICS,
	NQ_ARRAY_COUNT
};

struct nq_key {
	const char *text; /* compared first */
	uint64_t number;  /* then this */
	uint32_t index;	  /* of the object in its array; last, so that equal keys have an order too */
};

uint32_t nq_array_size(const struct nq_host *host, enum nq_array array);
struct nq_key nq_array_key(const struct nq_host *host, enum nq_array array, uint32_t index);
/* Does each object come after the one before it, no two having the same key? Takes no memory. */
bool nq_array_is_sorted(const struct nq_host *host, enum nq_array array);
/* All keys of the array, sorted; an array of at least one element, to be freed. NULL on lack of memory. */
struct nq_key *nq_array_keys(const struct nq_host *host, enum nq_array array);
/* Do two keys name the same object? (the index does not count) */
bool nq_key_same(const struct nq_key *a, const struct nq_key *b);

#endif
