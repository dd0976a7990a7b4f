/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Steering by destination MAC: XDP on the pnic looks the MAC up and hands the frame to the cpumap thread
 * of the CPU the rule names; there a second program counts it again before the stack gets it. So for
 * every MAC two facts are exact: on which CPU its frames came in, and on which CPU they were served.
 *
 * Frames without a rule, which includes broadcast and multicast, stay where they are (XDP_PASS): they are
 * the default queue's. The destination MAC comes first in every frame, so a VLAN tag makes no difference.
 *
 * Both programs read the first 14 bytes and nothing else, which are always in the first buffer; so they can take
 * frames of several buffers. Whether they say so depends on the mode they run in, and the loader sets it.
 *
 * Only uapi headers are used: nothing here depends on kernel structures that differ between versions.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_helpers.h>

#include "tables.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, NQ_STEER_MACS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct nq_bpf_mac);
	__type(value, struct nq_bpf_rule);
} rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NQ_STEER_MACS_MAX);
	__type(key, __u32);
	__type(value, struct nq_bpf_count);
} counts SEC(".maps");

/* max_entries: one per possible CPU, set by the loader */
struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} cpus SEC(".maps");

static __always_inline struct nq_bpf_rule *rule_of(struct xdp_md *ctx)
{
	const struct ethhdr *frame = (void *)(long)ctx->data;
	struct nq_bpf_mac mac = {};

	if ((void *)(frame + 1) > (void *)(long)ctx->data_end)
		return NULL;
	__builtin_memcpy(mac.byte, frame->h_dest, sizeof(mac.byte));
	return bpf_map_lookup_elem(&rules, &mac);
}

SEC("xdp")
int steer(struct xdp_md *ctx)
{
	const struct nq_bpf_rule *rule = rule_of(ctx);
	__u32 slot = rule ? rule->slot : NQ_STEER_SLOT_OTHER;
	struct nq_bpf_count *count = bpf_map_lookup_elem(&counts, &slot);

	if (count)
		count->received++;
	/* A CPU without a thread in the map leaves the frame to the default queue rather than losing it. */
	return rule ? bpf_redirect_map(&cpus, rule->cpu, XDP_PASS) : XDP_PASS;
}

SEC("xdp/cpumap")
int serve(struct xdp_md *ctx)
{
	const struct nq_bpf_rule *rule = rule_of(ctx);
	struct nq_bpf_count *count;

	if (!rule)
		return XDP_PASS;
	count = bpf_map_lookup_elem(&counts, &rule->slot);
	if (count)
		count->served++;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
