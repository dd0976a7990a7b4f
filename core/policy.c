/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The settings of the policy, each with its unit, range, default and the reason for both. The ranges keep
 * the cost of one packet below 2^22 ns (core/cost.h), whatever the combination.
 */
#include <errno.h>
#include <string.h>

#include <nearq/policy.h>

static const char *const placements[NQ_PLACE_COUNT] = {
	[NQ_PLACE_BEST_FIT] = "best-fit",
	[NQ_PLACE_ROUND_ROBIN] = "round-robin",
};

#define SECOND_NS 1000000000u

#define NUMBER(member, of_unit, from, to, by_default, because)                                                         \
	{                                                                                                              \
#member, of_unit, offsetof(struct nq_policy, member), from, to, by_default, NULL, because              \
	}

/* clang-format off */
const struct nq_policy_setting nq_policy_settings[] = {
	{ "placement", "", offsetof(struct nq_policy, placement), 0, NQ_PLACE_COUNT - 1, NQ_PLACE_BEST_FIT, placements,
	  "How a vm without a home gets one: best-fit (the cheapest node with room; US 9,459,904 B2, figure 15) or "
	  "round-robin (node after node; vSphere 4.0 manual, Home Nodes and Initial Placement)." },
	NUMBER(packet_ns, "ns", 0, 100000, 4000,
	       "Cost of one packet from wire to vm with everything on one node. 4 us is a bridged vhost path at 250,000 packets/s "
	       "of one CPU; only its relation to the remote parts matters. The upper end is a slow emulated machine."),
	NUMBER(dma_remote_ns, "ns", 0, 10000, 100,
	       "Added when the NIC's node is not the queue's, per 10 points of SLIT distance above local. Of the 7 % that the "
	       "kernel path loses on a remote node (NUIOA paper of CCGrid 2022, figure 2), 7 % of 4 us = 300 ns, one third: "
	       "descriptors and the first cache lines."),
	NUMBER(handoff_remote_ns, "ns", 0, 10000, 200,
	       "Added when the queue's node is not the vm's, per 10 points of SLIT distance above local. Two thirds of those "
	       "300 ns: receiving, which copies into the vm, loses 13 % where sending loses 6 to 10 %, so the copy and wake-up "
	       "are the larger part."),
	NUMBER(soft_hop_ns, "ns", 0, 10000, 30,
	       "Added by a soft queue, also on one node: redirecting to a cpumap thread took 54 ns where passing took 21 ns, "
	       "measured with BPF_PROG_TEST_RUN."),
	NUMBER(queue_capacity_pps, "packets/s", 1000, SECOND_NS, 1000000,
	       "What one queue can serve: about what one CPU forwards through the kernel to a vm without loss."),
	NUMBER(queue_full, "per mille", 1, 1000, 850,
	       "Part of a queue's capacity over which it takes no further vm; the patent's overflow examples are 85 to 90 % "
	       "(US 9,459,904 B2, section IV.C)."),
	NUMBER(node_full, "per mille", 1, 1000, 900,
	       "Part of a node's CPUs over which it takes no further vm; ESXi's core cap for locality moves is 90 %."),
	NUMBER(steer_once_ns, "ns", 0, SECOND_NS, 20000,
	       "One-off cost of steering a MAC: a map update of 1 to 1.7 us, its read-back, and up to three late packets that a "
	       "receiver has to reorder."),
	NUMBER(queue_cpu_once_ns, "ns", 0, SECOND_NS, 50000,
	       "One-off cost of moving a queue to another CPU: writes to procfs and sysfs, and the cold caches of its ring."),
	NUMBER(home_once_ns_per_mib, "ns per MiB", 0, 100000000, 300000,
	       "One-off cost of memory that has to follow a vm: 256 pages of 4 KiB at about 1.2 us for copy, unmap and remap."),
	NUMBER(horizon_ms, "ms", 100, 3600000, 10000,
	       "A move must earn its one-off cost within this time: five ticks, as far as present rates are a fair guess of "
	       "future ones."),
	NUMBER(home_horizon_ms, "ms", 100, 86400000, 600000,
	       "A first home must earn the copying of the memory that has to follow within this time. Longer than for a move, "
	       "because nothing takes the home away again at the next tick, and a vm without one drifts over the host: ESX gives "
	       "every vm a home when it starts (vSphere 4.0 manual, page 75). 10 minutes is short for the life of a vm."),
	NUMBER(dwell_ms, "ms", 0, 86400000, 30000,
	       "Least time between two moves of one object; ESXi's load-based teaming makes one move in 30 s. Against the "
	       "ping-pong that Dynamic VMQ met."),
	NUMBER(least_gain, "per mille", 0, 1000, 20,
	       "Least part of an object's remote cost that a move must save; ESXi's NUMA scheduler asks for 2 %."),
	NUMBER(least_gain_ns, "ns/s", 0, SECOND_NS, 1000,
	       "And at least this much each second, so that objects without traffic worth mentioning stay: 1 us/s is a "
	       "millionth of a CPU, ten remote packets."),
};
/* clang-format on */

const size_t nq_policy_settings_count = sizeof(nq_policy_settings) / sizeof(nq_policy_settings[0]);

void nq_policy_init(struct nq_policy *ret)
{
	for (size_t i = 0; i < nq_policy_settings_count; i++)
		nq_policy_set(ret, &nq_policy_settings[i], nq_policy_settings[i].preset);
}

uint64_t nq_policy_get(const struct nq_policy *policy, const struct nq_policy_setting *setting)
{
	uint64_t value;

	memcpy(&value, (const char *)policy + setting->offset, sizeof(value));
	return value;
}

void nq_policy_set(struct nq_policy *policy, const struct nq_policy_setting *setting, uint64_t value)
{
	memcpy((char *)policy + setting->offset, &value, sizeof(value));
}

const struct nq_policy_setting *nq_policy_find(const char *name)
{
	for (size_t i = 0; i < nq_policy_settings_count; i++)
		if (strcmp(nq_policy_settings[i].name, name) == 0)
			return &nq_policy_settings[i];
	return NULL;
}

int nq_policy_check(const struct nq_policy *policy, const struct nq_policy_setting **ret)
{
	for (size_t i = 0; i < nq_policy_settings_count; i++) {
		const struct nq_policy_setting *setting = &nq_policy_settings[i];
		uint64_t value = nq_policy_get(policy, setting);

		if (value < setting->low || value > setting->high) {
			*ret = setting;
			return -EINVAL;
		}
	}
	return 0;
}
