/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Steering by XDP and cpumap: what is steered on an interface, and the counters that prove it.
 *
 * Theory of operation in host/steer.c. Everything here works on the objects pinned below
 * /sys/fs/bpf/nearq/<interface>/, which outlive the process that made them; whoever may open them can
 * read, also while another process acts.
 */
#ifndef NEARQ_HOST_STEER_H
#define NEARQ_HOST_STEER_H

#include <nearq/types.h>

struct nq_steered {
	struct nq_mac mac;
	uint32_t cpu; /* kernel number of the CPU whose cpumap thread serves frames to this MAC; NQ_NONE: not steered */
	uint32_t tx_queue; /* transmit queue of frames from this MAC, NQ_NONE: not chosen by nearq */
	uint64_t received; /* frames to this MAC that reached the program; counts from 0 when the rule is made anew */
	uint64_t *served;  /* [n_cpus] frames served on the CPU with this kernel number; received - sum = lost or on the
			      way */
};

struct nq_steer_table {
	uint32_t n_cpus;	 /* possible CPUs of the host: length of each `served` */
	uint32_t cpumap_id;	 /* the threads are named "cpumap/<cpu>/map:<id>" (cut to the kernel's 15 characters) */
	bool native;		 /* the program runs in the driver */
	uint64_t other;		 /* frames without a rule: broadcast, multicast and MACs left to the default queues */
	struct nq_steered *macs; /* sorted by MAC */
	uint32_t n_macs;
};

/*
 * What nearq steers on the interface now. One batch lookup per map, no matter how many MACs. 0 with *ret;
 * -ENOENT when nearq steers nothing there; -EPERM, -EACCES without the privilege to open the pins; -ENOMEM;
 * -EOPNOTSUPP in a build without BPF.
 */
int nq_steer_read(const char *interface, struct nq_steer_table **ret);
struct nq_steer_table *nq_steer_table_free(struct nq_steer_table *table); /* accepts NULL, returns NULL */

/*
 * Could this host steer at all? 0; -EOPNOTSUPP: built without BPF; -ENOENT: no bpffs on /sys/fs/bpf. Needs no
 * privilege and says nothing of an interface: the kernel's generic mode takes any Ethernet interface.
 */
int nq_steer_available(void);

#endif
