/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The settings of the policy and of a pool, each with its unit, range, default and the reason for both. The ranges keep
 * the cost of one packet below 2^22 ns (core/cost.h), whatever the combination.
 */
#include <nearq/host.h>
#include <nearq/policy.h>

#define SECOND_NS 1000000000u
#define DAY_MS 86400000u

static const char *const placements[NQ_PLACE_COUNT] = {
	[NQ_PLACE_BEST_FIT] = "best-fit",
	[NQ_PLACE_ROUND_ROBIN] = "round-robin",
	[NQ_PLACE_PROPORTIONAL] = "proportional",
	[NQ_PLACE_NONE] = "none",
};

static const char *const rebalances[NQ_REBALANCE_COUNT] = {
	[NQ_REBALANCE_COST] = "cost",
	[NQ_REBALANCE_LOAD] = "load",
	[NQ_REBALANCE_OFF] = "off",
};

static const char *const assignments[NQ_ASSIGN_COUNT] = {
	[NQ_ASSIGN_COST] = "cost",
	[NQ_ASSIGN_MATCH] = "match",
	[NQ_ASSIGN_STATIC] = "static",
	[NQ_ASSIGN_NONE] = "none",
};

static const char *const overflows[NQ_OVERFLOW_COUNT] = {
	[NQ_OVERFLOW_COST] = "cost",
	[NQ_OVERFLOW_SINGLE] = "single",
	[NQ_OVERFLOW_PER_NODE] = "per-node",
};

static const char *const pairings[NQ_PAIRING_COUNT] = {
	[NQ_PAIRED] = "paired",
	[NQ_UNPAIRED] = "unpaired",
};

static const char *const spreadings[NQ_SPREAD_COUNT] = {
	[NQ_SPREAD_COST] = "cost",
	[NQ_SPREAD_THRESHOLD] = "threshold",
	[NQ_SPREAD_OFF] = "off",
};

static const char *const switches[NQ_SWITCH_COUNT] = {
	[NQ_ON] = "on",
	[NQ_OFF] = "off",
};

static const char *const criteria[NQ_CRITERIA_COUNT] = {
	[NQ_CRITERIA_BALANCE] = "balance",
	[NQ_CRITERIA_DISTRIBUTE] = "distribute",
	[NQ_CRITERIA_PACK] = "pack",
};

/* A name for every set of the bits. */
static const char *const features[NQ_FEATURE_ALL + 1] = {
	[0] = "any",
	[NQ_FEATURE_LRO] = "lro",
	[NQ_FEATURE_RSS] = "rss",
	[NQ_FEATURE_LRO | NQ_FEATURE_RSS] = "lro+rss",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ROW(owner, member, of_unit, from, to, by_default, named, because, other)                                       \
	{                                                                                                              \
#member, of_unit, offsetof(struct owner, member), from, to, by_default, named, because, other          \
	}
#define NAMED(member, values, by_default, because)                                                                     \
	ROW(nq_policy, member, "", 0, COUNT(values) - 1, by_default, values, because, NULL)
#define NUMBER(member, of_unit, from, to, by_default, because)                                                         \
	ROW(nq_policy, member, of_unit, from, to, by_default, NULL, because, NULL)
#define NUMBER_BELOW(member, other, of_unit, from, to, by_default, because)                                            \
	ROW(nq_policy, member, of_unit, from, to, by_default, NULL, because, #other)
#define POOL_NAMED(member, values, by_default, because)                                                                \
	ROW(nq_pool, member, "", 0, COUNT(values) - 1, by_default, values, because, NULL)
#define POOL_NUMBER(member, of_unit, from, to, by_default, because)                                                    \
	ROW(nq_pool, member, of_unit, from, to, by_default, NULL, because, NULL)
#define POOL_NUMBER_BELOW(member, other, of_unit, from, to, by_default, because)                                       \
	ROW(nq_pool, member, of_unit, from, to, by_default, NULL, because, #other)

/* clang-format off */
const struct nq_policy_setting nq_policy_settings[] = {
	NAMED(placement, placements, NQ_PLACE_BEST_FIT,
	      "How a vm without a home gets one: best-fit (the cheapest node with room; US 9,459,904 B2, figure 15), "
	      "round-robin (node after node; vSphere 4.0 manual, Home Nodes and Initial Placement), proportional (on the NIC's node "
	      "as many vCPUs and as much memory as it has free, the rest elsewhere; NUIOA paper of CCGrid 2022, equations 3 and 4) "
	      "or none."),
	NAMED(rebalance, rebalances, NQ_REBALANCE_COST,
	      "Whether a vm's home is changed later: cost (when a move or a swap pays, memory counted), load (from the most to the "
	      "least loaded node whatever the memory costs; vSphere 4.0 manual, Dynamic Load Balancing) or off. The default is the "
	      "one that knows what a remote node costs."),
	NAMED(wide, switches, NQ_ON,
	      "Whether a vm with more vCPUs than a node has cores is divided into clients of at most a node's cores, each with a "
	      "home (ESX 4.1, wide VMs). Off: such a vm gets one home like any other, or none."),
	NAMED(assignment, assignments, NQ_ASSIGN_COST,
	      "How a vnic gets its queue: cost (all vnics against all queues, largest first, then moves and swaps; US 9,459,904 B2, "
	      "figure 12), match (thresholds and the matching node, figures 4, 11, 13 and 14 as written), static (the next queue in turn "
	      "and never again; Dynamic VMQ, on static VMQ) or none."),
	NAMED(overflow, overflows, NQ_OVERFLOW_COST,
	      "Where vnics go that do not fit in their node's queues: single (one queue for all nodes; US 9,459,904 B2, figure 9), "
	      "per-node (one on each node, figure 10) or cost (whichever is cheaper: the patent names advantages of both)."),
	NAMED(pairing, pairings, NQ_PAIRED,
	      "Whether a vm sends through the partner of its receive queue (paired) or each direction is assigned by itself "
	      "(unpaired); US 9,459,904 B2, section II. Paired, because both halves then share one interrupt and one thread."),
	NAMED(spreading, spreadings, NQ_SPREAD_COST,
	      "How a queue gets its CPU: cost (when it pays, within the node, and fewer CPUs when quiet), threshold (away from a CPU "
	      "over cpu_busy, together under cpu_quiet, as Dynamic VMQ does) or off."),
	NAMED(vrss, switches, NQ_ON,
	      "Whether one vnic may receive through several queues, each on its own CPU (virtual RSS of Windows Server 2012 R2: one "
	      "vm over 30 Gb/s). It needs a NIC with further RSS contexts and a vnic with several queue pairs."),
	NAMED(guard, switches, NQ_ON,
	      "Whether moves are held back by dwell_ms, credits, one-off costs, least_gain and imbalance_after. Off is for comparing "
	      "with systems that have no such thing; Dynamic VMQ without it met the ping-pong effect."),
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
	NUMBER(mem_remote, "per mille", 0, 10000, 300,
	       "Part of a vm's CPU time that it loses when all its memory is remote, per 10 points of SLIT distance above local. "
	       "memcached lost 30 % on memory that was split between nodes and next to nothing on a remote NIC (NUIOA paper of "
	       "CCGrid 2022, section VI). The upper end is memory ten times slower than the CPU needs."),
	NUMBER(queue_wait, "per mille", 1, 10000, 100,
	       "Weight of a packet's waiting in a queue against CPU time. With a tenth, moving half of a full queue to another node "
	       "pays between 80 and 90 % of its capacity, the thresholds of US 9,459,904 B2: at 80 % of 1,000,000 packets/s 1.6 "
	       "packets wait on average (M/D/1), 0.16e9 ns/s so weighted, and 400,000 packets/s over two hops of 300 ns in all cost "
	       "0.12e9. Never 0: nothing would then keep a queue from filling."),
	NUMBER(vcpu_wait, "per mille", 0, 10000, 4,
	       "Weight of a vCPU's waiting for a CPU of its node against CPU time. It is counted as if every CPU had a queue of its "
	       "own, but the CPUs of a node take each other's work: of eight at 60 % all in all 0.1 vCPUs wait (Erlang's formula, "
	       "halved for equal work) where eight queues would make it 3.6. So a thirtieth of a packet's, rounded up. It leaves all "
	       "on the pnic's node cheaper than half on either (US 9,459,904 B2, figures 7 and 8) until that node is about 60 % busy. "
	       "0: a busy node costs nothing until it is full."),
	NUMBER(queue_used_ns, "ns/s", 0, SECOND_NS, 200000,
	       "Cost of a queue that is in use, whatever passes through it: about 200 wake-ups a second of 1 us each, what a "
	       "queue of its own costs little traffic beyond what its packets cost anywhere. This is what makes few queues "
	       "better than many when there is little to do (US 9,459,904 B2, figure 14; Dynamic VMQ coalesces): two queues of "
	       "5 % each are still worth having. The upper end is a whole CPU, a queue that polls."),
	NUMBER(cpu_used_ns, "ns/s", 0, SECOND_NS, 0,
	       "Cost of a CPU that serves queues in use, however many: what power it takes because it cannot sleep. This is what makes few "
	       "CPUs better than many when there is little to do (Dynamic VMQ coalesces), as queue_used_ns does for queues. 0: the wake-ups are "
	       "in queue_used_ns, and what sleep is worth differs too much between machines to guess. The upper end is a whole CPU."),
	NUMBER(queue_capacity_pps, "packets/s", 1000, SECOND_NS, 1000000,
	       "What one queue can serve: about what one CPU forwards through the kernel to a vm without loss."),
	NUMBER(queue_full, "per mille", 1, 1000, 850,
	       "Part of a queue's capacity over which it takes no further vm; the patent's overflow examples are 85 to 90 % "
	       "(US 9,459,904 B2, section IV.C)."),
	NUMBER(queue_split, "per mille", 1, 1000, 900,
	       "Part of a queue's capacity over which vms that are there already are moved off it; the patent's examples are 80 to "
	       "90 % (US 9,459,904 B2, figure 13). The upper one, above queue_full, so that a queue that was just filled is not "
	       "split at once."),
	NUMBER_BELOW(queue_consolidate, queue_split, "per mille", 0, 1000, 700,
	       "Two queues that together stay under this part of one queue's capacity become one; the patent's examples are 70 to "
	       "80 % (US 9,459,904 B2, figure 14). The lower one: the gap to queue_split is the hysteresis."),
	NUMBER(cpu_busy, "per mille", 1, 1000, 800,
	       "Load of a CPU above which a queue is moved away from it. Dynamic VMQ says that there is such a threshold and "
	       "publishes no number; 80 % is where waiting begins to grow fast (1.6 packets on average in an M/D/1 queue, 0.4 at "
	       "60 %) and where the patent's range for queues begins."),
	NUMBER_BELOW(cpu_quiet, cpu_busy, "per mille", 0, 1000, 300,
	       "Load of a CPU below which its queues join those of another. Dynamic VMQ publishes no number here either; two CPUs "
	       "at 30 % make one at 60 %, with room left below cpu_busy."),
	NUMBER(node_full, "per mille", 1, 1000, 900,
	       "Part of a node's CPUs over which it takes no further vm; ESXi's core cap for locality moves is 90 %."),
	NUMBER(imbalance, "per mille", 0, 1000, 100,
	       "Difference between two nodes' loads, of a node's CPUs, under which no home is changed for balance; ESXi's NUMA "
	       "scheduler acts from 10 %."),
	NUMBER(imbalance_after, "per mille", 0, 1000, 500,
	       "Part of that difference that a move may leave at most the other way round; ESXi's NUMA scheduler asks for half. A move "
	       "that turns nearly all of it round would be followed by its reverse."),
	NUMBER(migrate_mib_per_s, "MiB/s", 1, 1048576, 64,
	       "How fast pages of a vm are moved to its home. ESXi's page migration runs at 8,000 to 32,000 pages of 4 KiB a second, "
	       "31 to 125 MiB/s; about the middle. The upper end is more than any memory copies."),
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
	NUMBER(home_horizon_ms, "ms", 100, DAY_MS, 600000,
	       "A home, the first or another one, must earn the copying of the memory that has to follow within this time. Longer than for a move, "
	       "because nothing takes the home away again at the next tick, and a vm without one drifts over the host: ESX gives "
	       "every vm a home when it starts (vSphere 4.0 manual, page 75). 10 minutes is short for the life of a vm."),
	NUMBER(dwell_ms, "ms", 0, DAY_MS, 30000,
	       "Least time between two moves of one object; ESXi's load-based teaming makes one move in 30 s. Against the "
	       "ping-pong that Dynamic VMQ met."),
	NUMBER(credits, "moves", 1, 1000, 4,
	       "Moves that an object may make in a row, dwell_ms apart; each takes a credit. Windows Server 2012 R2 ends the "
	       "ping-pong of Dynamic VMQ with credits and publishes no number; four let a vm that starts or changes its work find "
	       "its place within two minutes."),
	NUMBER(credit_ms, "ms", 0, DAY_MS, 300000,
	       "Time in which an object gets one credit back. With 4 credits no object makes more than 16 moves in any hour: the four "
	       "it has and twelve that come back. 0: credits do not run out."),
	NUMBER(least_gain, "per mille", 0, 1000, 20,
	       "Least part of an object's remote cost that a move must save; ESXi's NUMA scheduler asks for 2 %."),
	NUMBER(least_gain_ns, "ns/s", 0, SECOND_NS, 1000,
	       "And at least this much each second, so that objects without traffic worth mentioning stay: 1 us/s is a "
	       "millionth of a CPU, ten remote packets."),
	NUMBER(home_least_gain_ns, "ns/s", 0, SECOND_NS, 1000000,
	       "What changing the home of a running vm must save at least each second: a thousandth of a CPU. A vm that has "
	       "no home gets one for less."),
};

const struct nq_policy_setting nq_pool_settings[] = {
	POOL_NAMED(features, features, 0,
		   "What the hardware must do for its queues: lro (large receive offload), rss (part of a further RSS context), both, or "
		   "any queue at all; the hardware pools of US 9,459,904 B2, section II."),
	POOL_NAMED(criteria, criteria, NQ_CRITERIA_BALANCE,
		   "What the pool aims at: balance (a further queue when it is worth one), distribute (over as many queues as it may have) or "
		   "pack (on as few as possible); US 9,459,904 B2, section II, has the last two for its LLR and HLT pools."),
	POOL_NUMBER_BELOW(min, max, "queues", 0, 65535, 0,
		    "Queues of each NIC that the pool has a right to while a vm of it is there; US 9,459,904 B2, section II, minimum and "
		    "maximum size of a pool. It takes them from pools with a lower priority."),
	POOL_NUMBER(max, "queues", 1, 65535, 65535,
		    "Queues of each NIC that it never exceeds. The default is more than any NIC has: no limit."),
	POOL_NUMBER(priority, "", 0, 1000, 100,
		    "Pools that are short of their minimum take queues from pools with a lower priority (US 9,459,904 B2, section II); only "
		    "the order of the numbers matters."),
	POOL_NUMBER(coalesce_us, "us", 0, NQ_POOL_KEEP, NQ_POOL_KEEP,
		    "Interrupt coalescing of its queues; 1000000 leaves it as it is. Low latency and few interrupts exclude each other, "
		    "so pools differ in it (US 9,459,904 B2, section II: low latency, low interrupt rate)."),
	POOL_NUMBER(floor_pps, "packets/s", 0, SECOND_NS, 0,
		    "What each of its vnics must be able to get: counted as if it came when rooms in queues are shared out, so that the room is "
		    "there when it does come. The QoS of US 9,459,904 B2, section II."),
	POOL_NUMBER(enter_pps, "packets/s", 0, SECOND_NS, 100,
		    "A vnic with more than this leaves the default queue (US 9,459,904 B2, ahead of section I: a pre-set threshold, without a number). "
		    "100 packets/s save 200 us within the default horizon_ms on a remote vm, ten times what steering costs once."),
	POOL_NUMBER_BELOW(leave_pps, enter_pps, "packets/s", 0, SECOND_NS, 20,
		    "A vnic with less than this returns to the default queue, and the queue of the last one becomes free. A fifth of "
		    "enter_pps, so that a vm that sends in bursts does not come and go."),
	POOL_NUMBER(exclusive_pps, "packets/s", 0, SECOND_NS, 0,
		    "A vnic with more than this gets a queue of its own, because its packets would hold up those of its neighbours (US "
		    "9,459,904 B2, section II). 0: never."),
};
/* clang-format on */

const size_t nq_policy_settings_count = COUNT(nq_policy_settings);
const size_t nq_pool_settings_count = COUNT(nq_pool_settings);
