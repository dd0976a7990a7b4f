/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plan: what to change on a host, in order, each action with its reason; and what was left alone
 * although it is remote, with the reason too.
 *
 * nq_plan_make() is a pure function: same host, policy and memory, same plan to the byte, whatever the
 * order of the objects in the input arrays. On a host to which its plan was applied it returns an empty
 * plan. It never returns a plan that costs more than doing nothing.
 */
#ifndef NEARQ_PLAN_H
#define NEARQ_PLAN_H

#include <nearq/host.h>
#include <nearq/policy.h>

enum nq_action_kind {
	NQ_ACTION_HOME,	     /* vm: CPUs and memory of these nodes */
	NQ_ACTION_MIGRATE,   /* vm: pages that lie outside its home are brought there, at a rate */
	NQ_ACTION_QUEUE_CPU, /* queue: served by this CPU */
	NQ_ACTION_QUEUE_SET, /* queue: interrupt coalescing of its pool */
	NQ_ACTION_STEER,     /* vnic: received through rx_queue and those of spread, sent through tx_queue */
	NQ_ACTION_KIND_COUNT
};

/* Why. The meaning of nq_reason.value[] is given per rule; a rule is rendered as text by nq_explain_*(). */
enum nq_rule {
	NQ_RULE_HOME_BEST_FIT, /* H1: node {0} has room ({1} of {2} per mille CPU after, {3} of {4} bytes free) and is
				  cheapest */
	NQ_RULE_HOME_ROUND_ROBIN,  /* H1: node {0} is next in turn and has room */
	NQ_RULE_HOME_PROPORTIONAL, /* U1: {1} of {2} vCPUs and {3} of {4} per mille of its memory on node {0} of the NIC */
	NQ_RULE_HOME_WIDE,	   /* H4: {1} vCPUs are more than the {2} cores of a node: {3} clients, first on node {0} */
	NQ_RULE_HOME_REBALANCE,	   /* H2: node {0} was loaded {1} per mille against {2} on node {3}; {4} per mille apart after */
	NQ_RULE_HOME_SWAP,	   /* H2: as above, changing places with a vm of node {0} */
	NQ_RULE_MEMORY_FOLLOWS,	   /* H3: {0} bytes outside the home, {1} ms at {2} MiB/s */
	NQ_RULE_QUEUE_NEAR_PNIC,   /* N9: default queue belongs on the pnic's node {0}; was on {1}; distance {2} */
	NQ_RULE_QUEUE_NEAR_VMS,	   /* N1 1130: queue, free or the vm's own, brought to node {0} of the vm; was on {1} */
	NQ_RULE_QUEUE_ON_VM_NODE,  /* N1 1140-1150: queue on the vm's node {0} has room: {1} of {2} packets/s */
	NQ_RULE_QUEUE_NEW,	   /* N1 1130: no queue with room on node {0}; a free one is taken there */
	NQ_RULE_QUEUE_CHEAPEST,	   /* N2, N3: no queue to be had on node {0}; node {1} is the cheapest with room */
	NQ_RULE_QUEUE_BALANCE,	   /* N2: a queue on the same node {0} waits less: {1} against {2} per mille of its CPU */
	NQ_RULE_QUEUE_SWAP,	   /* N2: two vnics change places */
	NQ_RULE_QUEUE_SPLIT,	   /* N4: queue at {0} of {1} packets/s */
	NQ_RULE_QUEUE_CONSOLIDATE, /* N5: both queues together at {0}, under {1} packets/s of one */
	NQ_RULE_QUEUE_OVERFLOW,	   /* N7: node {0}'s queues are full; to the overflow queue on node {1} */
	NQ_RULE_QUEUE_RETURN,	   /* N3: node {0} of the vm has room again */
	NQ_RULE_QUEUE_EXCLUSIVE,   /* Q6: {0} packets/s, over {1}: a queue of its own */
	NQ_RULE_QUEUE_PREEMPTED,   /* Q5: its queue goes to a pool of priority {0}, its own has {1} */
	NQ_RULE_QUEUE_POOL,	   /* Q4, Q5: its queue belongs to another pool, or its pool has to shrink to {0} queues */
	NQ_RULE_DEFAULT_RETURN,	   /* Q3: {0} packets/s, under {1}: back to the default queue */
	NQ_RULE_STATIC,		   /* D1: next queue in turn, for good */
	NQ_RULE_SPREAD_LANES,	   /* D5: {0} packets/s are too much for {1} queues: {2} */
	NQ_RULE_GATHER_LANES,	   /* D5: {0} packets/s fit in {2} queues: {1} before */
	NQ_RULE_CPU_SPREAD,	   /* D2: its CPU at {0} per mille, limit {1}; goes to one at {2} */
	NQ_RULE_CPU_COALESCE,	   /* D3: its CPU at {0} per mille, minimum {1}; joins one at {2} */
	NQ_RULE_POOL_SETTINGS,	   /* Q4: its pool wants {0} us, it has {1} */
	/* why not */
	NQ_RULE_KEPT_DWELL,	   /* moved {0} ms ago, dwell is {1} ms */
	NQ_RULE_KEPT_CREDITS,	   /* no credit left; the next in {0} ms */
	NQ_RULE_KEPT_SMALL_GAIN,   /* would save {0} ns/s; needed {1} */
	NQ_RULE_KEPT_ONE_OFF,	   /* would save {0} ns within the horizon; moving costs {1} ns */
	NQ_RULE_KEPT_PINNED,	   /* pinned by the operator */
	NQ_RULE_KEPT_MEMORY_FIXED, /* its memory cannot follow: huge, locked or pinned pages */
	NQ_RULE_KEPT_NO_ROOM,	   /* nothing nearer has room */
	NQ_RULE_KEPT_NO_STEERING,  /* the pnic cannot steer by MAC */
	NQ_RULE_KEPT_NO_UPLINK,	   /* the vnic has no pnic */
	NQ_RULE_KEPT_NO_TRAFFIC,   /* no traffic in this interval */
	NQ_RULE_KEPT_LITTLE,	   /* {0} packets/s; the default queue is left at {1} */
	NQ_RULE_KEPT_OFF,	   /* the policy leaves it alone */
	NQ_RULE_KEPT_BEST,	   /* already the cheapest place: {0} ns/s, next best {1} */
	NQ_RULE_COUNT
};

#define NQ_REASON_VALUES 5

struct nq_reason {
	/* Nodes are kernel ids here, so that a reason does not depend on the order of the nodes; NQ_NONE: unknown. */
	enum nq_rule rule;
	uint64_t value[NQ_REASON_VALUES];
};

/* The best alternative that was considered and lost. */
struct nq_rejected {
	uint32_t target; /* node index (HOME), cpu index (QUEUE_CPU) or queue index (STEER); NQ_NONE: none was possible */
	uint64_t cost_ns; /* what the object would have cost there, ns/s */
};

struct nq_action {
	enum nq_action_kind kind;
	uint32_t vm;				 /* HOME, MIGRATE */
	uint32_t vnic;				 /* STEER */
	uint32_t queue;				 /* QUEUE_CPU, QUEUE_SET */
	struct nq_nodeset home_from, home_to;	 /* HOME; MIGRATE: home_to is its home */
	uint32_t *cpus_on;			 /* HOME over several nodes: vCPUs on each, [n_nodes], the plan's; else NULL */
	uint64_t bytes;				 /* HOME, MIGRATE: memory that follows */
	uint64_t bytes_per_s;			 /* and how fast at most */
	uint32_t coalesce_from, coalesce_to;	 /* QUEUE_SET; microseconds */
	uint32_t cpu_from, cpu_to;		 /* QUEUE_CPU; indices into cpus */
	uint32_t rx_from, rx_to, tx_from, tx_to; /* STEER; indices into queues, NQ_NONE = default queues */
	uint32_t n_spread_from, n_spread_to;	 /* STEER; as in nq_vnic */
	uint32_t spread_from[NQ_MAX_LANES - 1], spread_to[NQ_MAX_LANES - 1];
	struct nq_reason reason;
	struct nq_rejected rejected;
	uint64_t cost_before_ns, cost_after_ns; /* of the object, ns/s; gain = before - after */
	uint64_t once_ns;			/* one-off cost, ns of CPU */
};

/* A vnic that stays with part of its traffic remote, and why. */
struct nq_kept {
	uint32_t vnic;
	struct nq_reason reason;
};

struct nq_plan {
	uint64_t time_ns;			/* of the host it was made for */
	uint64_t cost_before_ns, cost_after_ns; /* of the whole host, ns/s */
	struct nq_action *actions;
	uint32_t n_actions;
	struct nq_kept *kept;
	uint32_t n_kept;
	uint32_t *clients; /* private: what cpus_on points into */
};

/*
 * What the planner remembers from tick to tick: when each object last moved, keyed by what stays the
 * same when indices change. Sorted by kind, then key. Moves count from nq_memory_learn(), which is
 * called with what was really applied, so that a failed action does not start a dwell.
 */
struct nq_memory_entry {
	enum nq_action_kind kind;
	const char *key; /* HOME, MIGRATE: vm name; QUEUE_*: "pnic/index"; STEER: MAC in lower-case hex with colons */
	uint64_t moved_ns; /* nq_host.time_ns of the last move */
	uint64_t spent_ns; /* when all its credits will be back; a move takes nq_policy.credit_ms of it (docs/stability.md) */
};

struct nq_memory {
	struct nq_memory_entry *entries;
	uint32_t n_entries;
	uint32_t next_node; /* round robin: kernel id of the node the last vm was placed on, NQ_NONE at first */
};

int nq_memory_new(struct nq_memory **ret);
struct nq_memory *nq_memory_free(struct nq_memory *memory);
/*
 * Notes that action `which` of the plan was carried out. Once there are twice as many entries as the host can need,
 * those of objects that are gone are forgotten. 0 or -ENOMEM.
 */
int nq_memory_learn(struct nq_memory *memory, const struct nq_policy *policy, const struct nq_host *host,
		    const struct nq_plan *plan, uint32_t which);

/*
 * Makes the plan. memory may be NULL (nothing remembered). 0 with *ret, -ENOMEM, or -EINVAL for a host
 * or policy that fails its check. *ret is untouched on failure.
 */
int nq_plan_make(const struct nq_host *host, const struct nq_policy *policy, const struct nq_memory *memory,
		 struct nq_plan **ret);
struct nq_plan *nq_plan_free(struct nq_plan *plan);

/* The host as it will be when the plan is done: a what-if. Loads follow their VMs and queues. 0 or -ENOMEM. */
int nq_plan_apply(const struct nq_host *host, const struct nq_policy *policy, const struct nq_plan *plan,
		  struct nq_host **ret);

/* V6: what a vm's traffic looks like, and the pool for that; a proposal to the operator, on which no plan acts. */
enum nq_traffic {
	NQ_TRAFFIC_LITTLE,	    /* too little to say */
	NQ_TRAFFIC_MIXED,	    /* the general pool */
	NQ_TRAFFIC_SMALL_BOTH_WAYS, /* many small packets, to and fro: "llr" */
	NQ_TRAFFIC_FEW_LARGE,	    /* few and large: "hlt" */
	NQ_TRAFFIC_RECEIVED_BULK,   /* many large ones, nearly all received: "lro" */
	NQ_TRAFFIC_COUNT
};

struct nq_pool_proposal {
	uint32_t pool; /* index into the policy's pools; the general one where the policy has none of that name */
	enum nq_traffic traffic;
	uint64_t packets;    /* packets/s of all its vnics, both directions */
	uint64_t bytes_each; /* their mean size */
};

struct nq_pool_proposal nq_pool_propose(const struct nq_host *host, const struct nq_policy *policy, uint32_t vm);

/* Cost of the host as it stands, ns/s: what cost_before_ns is made of. */
uint64_t nq_host_cost(const struct nq_host *host, const struct nq_policy *policy);

#endif
