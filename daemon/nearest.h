/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which known word was meant by an unknown one. */
#ifndef NEARQ_DAEMON_NEAREST_H
#define NEARQ_DAEMON_NEAREST_H

struct nq_nearest {
	const char *word;
	const char *best;  /* NULL: nothing is near enough */
	unsigned distance; /* of best */
};

/* A candidate is near when at most every third letter of the word has to be typed anew, or the word is its beginning.
 */
void nq_nearest_init(struct nq_nearest *nearest, const char *word);
void nq_nearest_offer(struct nq_nearest *nearest, const char *candidate);

#endif
