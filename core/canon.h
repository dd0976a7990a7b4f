/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A host in canonical order: every array sorted by its stable key, every reference following. The planner works on
 * such a host, so that whatever it does in order of index is the same for every order of the input. A host that is
 * in that order already, as observed ones mostly are, is taken as it is: it must then outlive the canon.
 */
#ifndef NEARQ_CORE_CANON_H
#define NEARQ_CORE_CANON_H

#include "core/order.h"

struct nq_canon {
	const struct nq_host *host;	    /* the one it was made from, or `own` */
	struct nq_host *own;		    /* a sorted copy, NULL when none was needed */
	uint32_t *original[NQ_ARRAY_COUNT]; /* canonical index -> index in the host it was made from; NULL: the same */
};

/* The host has passed nq_host_check(). 0 or -ENOMEM. */
int nq_canon_new(const struct nq_host *host, struct nq_canon **ret);
struct nq_canon *nq_canon_free(struct nq_canon *canon);
uint32_t nq_canon_original(const struct nq_canon *canon, enum nq_array array, uint32_t index);
struct nq_nodeset nq_canon_original_set(const struct nq_canon *canon, const struct nq_nodeset *set);

#endif
