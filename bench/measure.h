/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every measurement needs: the CPU time of this process, and medians. */
#ifndef NEARQ_BENCH_MEASURE_H
#define NEARQ_BENCH_MEASURE_H

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

static inline uint64_t bench_cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline int bench_by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Sorts the values. */
static inline uint64_t bench_median(uint64_t *values, size_t n)
{
	qsort(values, n, sizeof(*values), bench_by_size);
	return values[n / 2];
}

#endif
