/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random hosts, strange ones included; the same seed gives the same host. */
#ifndef NEARQ_TESTS_CORE_RANDOM_HOST_H
#define NEARQ_TESTS_CORE_RANDOM_HOST_H

#include <nearq/plan.h>

struct random {
	uint64_t state;
};

uint64_t random_next(struct random *random);
/* low to high, inclusive */
uint64_t random_in(struct random *random, uint64_t low, uint64_t high);
/* true in `of` of a hundred cases */
bool random_chance(struct random *random, unsigned int of);

/* huge: one number in three is the largest that a host may claim */
struct nq_host *random_host(struct random *random, bool huge);
/* The default, a system of the seed documents, or any modes of the stages; numbers and pools partly at random. */
void random_policy(struct random *random, struct nq_policy *ret);
/* Some objects of the host moved some time ago; NULL in half of the cases. */
struct nq_memory *random_memory(struct random *random, const struct nq_host *host);

#endif
