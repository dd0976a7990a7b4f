/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Processes as far as VMs and serving threads need them: which network namespace each is in, and on demand
 * its cgroup, CPUs, account and name.
 */
#ifndef NEARQ_HOST_PROCESS_H
#define NEARQ_HOST_PROCESS_H

#include <nearq/types.h>

#include <host/cpulist.h>
#include <host/rootfs.h>

struct nq_process {
	uint32_t pid;
	uint64_t netns; /* inode of its network namespace */
};

struct nq_processes {
	struct nq_process *process; /* sorted by namespace, then pid: the processes of one namespace are a range */
	uint32_t n;
	uint64_t own_netns; /* namespace of the observer, 0 when unknown */
	uint32_t n_denied;  /* processes whose namespace may not be read */
};

/* A part of nq_processes.process. */
struct nq_members {
	uint32_t first, n;
};

int nq_processes_read(struct nq_root *root, struct nq_processes *ret);
void nq_processes_clear(struct nq_processes *processes);
/* The processes of one namespace; n is 0 when there are none. */
struct nq_members nq_processes_in(const struct nq_processes *processes, uint64_t netns);

struct nq_process_stat {
	char comm[64]; /* a kernel thread's full name is longer than the 15 characters of other tasks */
	uint32_t parent, threads;
	uint64_t ticks;	     /* user and system time of all threads, in USER_HZ (100 per second) */
	uint64_t start_time; /* in USER_HZ since boot */
	uint32_t last_cpu;   /* where it ran last */
};
/* Each: 0, -ESRCH when it is gone, -errno. _kept: the file stays open for the next time. */
int nq_process_stat_kept(struct nq_root *root, uint32_t pid, struct nq_process_stat *ret);
int nq_process_cgroup(struct nq_root *root, uint32_t pid, char *ret,
		      size_t size); /* "" when it is in none of version 2 */
int nq_process_affinity(struct nq_root *root, uint32_t pid, struct nq_cpumask *ret);
/* ns on CPU of one thread, as the scheduler counts it. */
int nq_process_runtime_kept(struct nq_root *root, uint32_t pid, uint64_t *ret);
/* Does it have locked or huge pages? */
int nq_process_fixed_memory(struct nq_root *root, uint32_t pid, bool *ret);
/* Adds resident bytes by kernel node id: node[id] for id < n. Slow: walks its page tables. */
int nq_process_memory(struct nq_root *root, uint32_t pid, uint64_t *node, uint32_t n);

/* Kernel threads whose full name starts with prefix: calls back with pid and name. */
int nq_process_find(struct nq_root *root, const char *prefix,
		    int (*found)(uint32_t pid, const char *name, void *userdata), void *userdata);

#endif
