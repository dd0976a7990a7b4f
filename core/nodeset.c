/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <nearq/types.h>

void nq_nodeset_add(struct nq_nodeset *set, uint32_t node)
{
	set->word[node / 64] |= UINT64_C(1) << (node % 64);
}

void nq_nodeset_remove(struct nq_nodeset *set, uint32_t node)
{
	set->word[node / 64] &= ~(UINT64_C(1) << (node % 64));
}

bool nq_nodeset_has(const struct nq_nodeset *set, uint32_t node)
{
	return node < NQ_MAX_NODES && (set->word[node / 64] >> (node % 64)) & 1;
}

bool nq_nodeset_equal(const struct nq_nodeset *a, const struct nq_nodeset *b)
{
	for (uint32_t i = 0; i < NQ_MAX_NODES / 64; i++)
		if (a->word[i] != b->word[i])
			return false;
	return true;
}

uint32_t nq_nodeset_count(const struct nq_nodeset *set)
{
	uint32_t count = 0;

	/* Each step removes the lowest bit; popcount would be a call into the compiler's library. */
	for (uint32_t i = 0; i < NQ_MAX_NODES / 64; i++)
		for (uint64_t rest = set->word[i]; rest; rest &= rest - 1)
			count++;
	return count;
}

uint32_t nq_nodeset_next(const struct nq_nodeset *set, uint32_t from)
{
	uint32_t i = from / 64;
	uint64_t rest;

	if (from >= NQ_MAX_NODES)
		return NQ_NONE;
	rest = set->word[i] & (UINT64_MAX << (from % 64));
	while (rest == 0) {
		if (++i == NQ_MAX_NODES / 64)
			return NQ_NONE;
		rest = set->word[i];
	}
	return i * 64 + (uint32_t)__builtin_ctzll(rest);
}

uint32_t nq_nodeset_single(const struct nq_nodeset *set)
{
	uint32_t first = nq_nodeset_next(set, 0);

	return first != NQ_NONE && nq_nodeset_next(set, first + 1) == NQ_NONE ? first : NQ_NONE;
}
