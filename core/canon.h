/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A host in canonical order: every array sorted by its stable key, every reference following. The planner works on
 * such a copy, so that whatever it does in order of index is the same for every order of the input.
 */
#ifndef NEARQ_CORE_CANON_H
#define NEARQ_CORE_CANON_H

#include "core/order.h"

struct nq_canon {
	struct nq_host *host;
	uint32_t *original[NQ_ARRAY_COUNT]; /* canonical index -> index in the host it was made from */
};

/* 0 or -ENOMEM. */
int nq_canon_new(const struct nq_host *host, struct nq_canon **ret);
struct nq_canon *nq_canon_free(struct nq_canon *canon);
uint32_t nq_canon_original(const struct nq_canon *canon, enum nq_array array, uint32_t index);
struct nq_nodeset nq_canon_original_set(const struct nq_canon *canon, const struct nq_nodeset *set);

#endif
