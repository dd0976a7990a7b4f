/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much memory is held at once, exactly: the program is linked with --wrap for malloc, calloc, realloc and free, so
 * that each block that it and the libraries linked into it take is counted with what the allocator rounds it up to.
 */
#ifndef NEARQ_BENCH_COUNTED_H
#define NEARQ_BENCH_COUNTED_H

#include <stdint.h>

void bench_count_from_here(void);
/* The most bytes held at once since then, without those that were held then. */
uint64_t bench_most_counted(void);

#endif
