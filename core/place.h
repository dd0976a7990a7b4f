/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* First homes: what best-fit, round-robin, wide and proportional placement share. */
#ifndef NEARQ_CORE_PLACE_H
#define NEARQ_CORE_PLACE_H

#include "core/homes.h"

struct nq_placing {
	struct nq_homes homes;
	uint32_t last_node;   /* round robin: index of the node that was used last, NQ_NONE at first */
	uint32_t most_cores;  /* of any node */
	uint32_t *clients[3]; /* [n_nodes]: of the home chosen, of one that is tried, and of where the vm is */
};

/* The home found for a vm; its clients are the placing's. */
struct nq_first_home {
	struct nq_home home;
	struct nq_reason reason; /* without a home: why there is none */
	struct nq_rejected rejected;
	struct nq_proposal proposal;
};

/* 0 or -ENOMEM. */
int nq_placing_open(struct nq_placing *ret, const struct nq_draft *draft);
void nq_placing_close(struct nq_placing *placing);
/*
 * Why a vm that floats has no home, asked of the board as it stands; a rule of KEPT_*. For core/why.c, which must
 * have looked after pins itself.
 */
struct nq_reason nq_placing_why(struct nq_placing *placing, uint32_t vm);

/* core/wide.c: has it more vCPUs than any node has cores? */
bool nq_place_is_wide(const struct nq_placing *placing, uint32_t vm);
/* core/wide.c, core/proportional.c: true with a home, false with the reason. The vm is lifted. */
bool nq_place_wide(struct nq_placing *placing, uint32_t vm, struct nq_first_home *ret);
bool nq_place_proportional(struct nq_placing *placing, uint32_t vm, struct nq_first_home *ret);
/* core/home.c: what the home costs as a choice, ns within the horizon. */
uint64_t nq_place_price(struct nq_placing *placing, uint32_t vm, struct nq_home *home);

#endif
