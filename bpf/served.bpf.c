// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Counts the frames that enter an interface from the host's side, per CPU: for a veth or tap that is the CPU
 * that served the frame on its way to the VM. User space puts the interfaces to be counted into the map; all others
 * cost one failed lookup. Attached to the tracepoint just before the driver takes the frame, it sees what comes through
 * a bridge, a route or Open vSwitch alike.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

/* The fields that are read; libbpf finds their places in the running kernel's structures. */
struct ns_common {
	unsigned int inum;
} __attribute__((preserve_access_index));

struct net {
	struct ns_common ns;
} __attribute__((preserve_access_index));

typedef struct {
	struct net *net;
} __attribute__((preserve_access_index)) possible_net_t;

struct net_device {
	int ifindex;
	possible_net_t nd_net;
} __attribute__((preserve_access_index));

/* Inode of the observer's network namespace: interface numbers mean nothing in another one. */
const volatile __u32 netns;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, __u64);
} served SEC(".maps");

SEC("tp_btf/net_dev_start_xmit")
int count(__u64 *arguments) /* skb, dev */
{
	const struct net_device *dev = (const struct net_device *)arguments[1];
	__u32 ifindex = dev->ifindex;
	__u64 *frames = bpf_map_lookup_elem(&served, &ifindex);

	if (frames && dev->nd_net.net->ns.inum == netns)
		++*frames; /* the CPU's own, and transmission runs with softirqs off */
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
