/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Keys and values of the maps that the steering programs and host/steer.c share.
 */
#ifndef NEARQ_BPF_TABLES_H
#define NEARQ_BPF_TABLES_H

#include <linux/types.h>

/* Most MACs one pnic can steer; host/steer.c makes the maps smaller on hosts with very many CPUs. */
#define NQ_STEER_MACS_MAX 65536

/* The slot of frames whose destination has no rule of its own. */
#define NQ_STEER_SLOT_OTHER 0

/* A MAC as a map key; the two bytes of padding are always 0. */
struct nq_bpf_mac {
	__u8 byte[6];
	__u8 zero[2];
};

/* Value of `rules`: where frames to this MAC go, and which element of `counts` counts them. */
struct nq_bpf_rule {
	__u32 cpu;
	__u32 slot;
};

/* Value of `counts`, one per CPU: frames that came in on this CPU, and frames that this CPU's cpumap thread served. */
struct nq_bpf_count {
	__u64 received;
	__u64 served;
};

#endif
