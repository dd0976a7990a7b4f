/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text for people: widths on a terminal, cutting, wrapping, and numbers with units.
 *
 * Names of interfaces, cgroups and VMs come from the host and may hold any byte; nothing of them reaches a
 * terminal or a JSON document before nq_text_clean() has made valid, harmless UTF-8 of it.
 */
#ifndef NEARQ_CLI_TEXT_H
#define NEARQ_CLI_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* A copy, to be freed: invalid UTF-8 and control characters are replaced by '?'. NULL on lack of memory. */
char *nq_text_clean(const char *text);

/* Columns on a terminal; text is clean. */
unsigned nq_text_width(const char *text);

/* Bytes of the longest start of text that is at most width columns wide. */
size_t nq_text_fit(const char *text, unsigned width);

/*
 * Bytes of text that go on a line of width columns: up to the last space that fits, a whole word that is too long
 * on its own. *ret_next: where the next line begins, after the spaces.
 */
size_t nq_text_line(const char *text, unsigned width, size_t *ret_next);

#define NQ_UNIT_TEXT 24
void nq_text_rate(uint64_t pps, char ret[NQ_UNIT_TEXT]);	     /* "987", "12.3k", "1.20M" */
void nq_text_bytes(uint64_t bytes, char ret[NQ_UNIT_TEXT]);	     /* "512 B", "1.5 GiB" */
void nq_text_share(uint64_t permille, char ret[NQ_UNIT_TEXT]);	     /* "78.1 %", "100 %" */
void nq_text_share_short(uint64_t permille, char ret[NQ_UNIT_TEXT]); /* tenths below 10 % only: "9.4 %", "78 %" */
void nq_text_time(uint64_t ns, char ret[NQ_UNIT_TEXT]);		     /* "850 ns", "1.25 ms", "3.4 s" */

#endif
