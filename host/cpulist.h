/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sets of CPU or memory-node numbers, and the two texts in which the kernel writes them: the list format
 * ("0-3,8") of smp_affinity_list, cpuset.* and cpulist files, and the hexadecimal masks in words of 32 bits
 * ("00000001,0000000f", highest first) of xps_cpus and rps_cpus.
 */
#ifndef NEARQ_HOST_CPULIST_H
#define NEARQ_HOST_CPULIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest NR_CPUS that any architecture's Kconfig allows (x86 with MAXSMP). */
#define NQ_MAX_CPUS 8192u

struct nq_cpumask {
	uint64_t word[NQ_MAX_CPUS / 64];
};

void nq_cpumask_add(struct nq_cpumask *mask, uint32_t cpu); /* cpu < NQ_MAX_CPUS */
bool nq_cpumask_has(const struct nq_cpumask *mask, uint32_t cpu);
bool nq_cpumask_equal(const struct nq_cpumask *a, const struct nq_cpumask *b);
bool nq_cpumask_empty(const struct nq_cpumask *mask);
/* The lowest member that is >= from, or UINT32_MAX. */
uint32_t nq_cpumask_next(const struct nq_cpumask *mask, uint32_t from);

/*
 * Reading. White space at the end is ignored, "" is the empty set. 0, or -EINVAL for anything else that is
 * not the format, an inverted range, or a number over the limit; *ret is untouched then.
 */
int nq_cpulist_parse(const char *text, struct nq_cpumask *ret);
int nq_cpumask_parse(const char *text,
		     struct nq_cpumask *ret); /* the hexadecimal form; a leading "0x" is not the format */

/* The shortest list, "" for none. 0, or -ENAMETOOLONG when it does not fit (ret is "" then). */
int nq_cpulist_format(const struct nq_cpumask *mask, char *ret, size_t size);

/* Do two lists name the same set? False when either is not a list. */
bool nq_cpulist_same(const char *a, const char *b);

#endif
