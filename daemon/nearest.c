/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/nearest.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define WORD_MAX 64
#define PREFIX_LEAST 3

/* Letters to insert, drop or replace (Levenshtein), row by row. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[WORD_MAX + 1];
	size_t length = strnlen(b, WORD_MAX);

	for (unsigned j = 0; j <= length; j++)
		row[j] = j;
	for (unsigned i = 1; i <= strnlen(a, WORD_MAX); i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= length; j++) {
			unsigned best = diagonal + (a[i - 1] != b[j - 1]);

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[length];
}

void nq_nearest_init(struct nq_nearest *nearest, const char *word)
{
	*nearest = (struct nq_nearest){ .word = word, .distance = (unsigned)(strnlen(word, WORD_MAX) + 2) / 3 + 1 };
}

/* Whoever typed only the beginning is one step away, however much is missing. */
static bool begins(const char *word, const char *candidate)
{
	size_t length = strnlen(word, WORD_MAX);

	return length >= PREFIX_LEAST && strncmp(word, candidate, length) == 0;
}

void nq_nearest_offer(struct nq_nearest *nearest, const char *candidate)
{
	unsigned found = begins(nearest->word, candidate) ? 1 : distance(nearest->word, candidate);

	if (found >= nearest->distance)
		return;
	nearest->best = candidate;
	nearest->distance = found;
}
