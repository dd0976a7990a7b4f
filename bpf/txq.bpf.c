/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Transmit queue by source MAC: tc program on the pnic's egress. A queue recorded in the frame is what the
 * kernel falls back to when neither the socket nor XPS has chosen one, so nearq clears XPS beside it.
 * The field holds queue + 1; 0 is "none". Later filters still run (TC_ACT_UNSPEC).
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "tables.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, NQ_STEER_MACS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct nq_bpf_mac);
	__type(value, __u32);
} queues SEC(".maps");

SEC("tc")
int txq(struct __sk_buff *skb)
{
	const struct ethhdr *frame = (void *)(long)skb->data;
	struct nq_bpf_mac mac = {};
	const __u32 *queue;

	if ((void *)(frame + 1) > (void *)(long)skb->data_end)
		return TC_ACT_UNSPEC;
	__builtin_memcpy(mac.byte, frame->h_source, sizeof(mac.byte));
	queue = bpf_map_lookup_elem(&queues, &mac);
	if (queue)
		skb->queue_mapping = *queue + 1;
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
