/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy: every number the planner weighs with, which of its stages work and how, and the pools.
 *
 * Two tables (nq_policy_settings, nq_pool_settings) say name, unit, range, default and where the number comes from;
 * the configuration parser, its documentation and the JSON form are driven by them, so a number never appears twice.
 * The systems of the seed documents are presets: the same stages with other settings, so that they can be compared on
 * one input.
 */
#ifndef NEARQ_POLICY_H
#define NEARQ_POLICY_H

#include <stddef.h>

#include <nearq/types.h>

/* H1: how a vm without a home gets one. */
enum nq_placement {
	NQ_PLACE_BEST_FIT,     /* the node with room that is cheapest for the vm's traffic (P fig 15) */
	NQ_PLACE_ROUND_ROBIN,  /* node after node (002_a1e87099c2bc83d0.txt, "Home Nodes and Initial Placement") */
	NQ_PLACE_PROPORTIONAL, /* U1: the NIC's node gets its part of the vm by free CPUs and memory
				  (004_efdb78f6fe803f20.txt, equations 3 and 4) */
	NQ_PLACE_NONE,
	NQ_PLACE_COUNT
};

/* H2: whether a home is changed later. */
enum nq_rebalance {
	NQ_REBALANCE_COST, /* when it pays: moves and swaps, by load, entitlement and memory */
	NQ_REBALANCE_LOAD, /* from the most to the least loaded node, whatever it costs (002_a1e87099c2bc83d0.txt) */
	NQ_REBALANCE_OFF,
	NQ_REBALANCE_COUNT
};

/* Q, N: how a vnic gets its queue. */
enum nq_assignment {
	NQ_ASSIGN_COST,	  /* all vnics against all queues by cost, largest first, then moves and swaps (N2) */
	NQ_ASSIGN_MATCH,  /* processes 400, 1100, 1300 and 1400 as written: thresholds and the matching node */
	NQ_ASSIGN_STATIC, /* round robin at start and never again (001_cfbf0f5011fec43f.txt, "Static VMQ") */
	NQ_ASSIGN_NONE,
	NQ_ASSIGN_COUNT
};

/* D: how a queue gets its CPU. */
enum nq_spreading {
	NQ_SPREAD_COST,	     /* when it pays, within the node; fewer CPUs when quiet */
	NQ_SPREAD_THRESHOLD, /* away from a CPU over its threshold, together under the minimum
				(001_cfbf0f5011fec43f.txt) */
	NQ_SPREAD_OFF,
	NQ_SPREAD_COUNT
};

/* N7: where what does not fit in its node's queues goes. */
enum nq_overflow {
	NQ_OVERFLOW_COST,     /* whichever is cheaper */
	NQ_OVERFLOW_SINGLE,   /* one queue for all nodes (P fig 9) */
	NQ_OVERFLOW_PER_NODE, /* one on each node (P fig 10) */
	NQ_OVERFLOW_COUNT
};

enum nq_pairing {
	NQ_PAIRED,   /* a vm sends through the partner of its receive queue (P II) */
	NQ_UNPAIRED, /* each direction is assigned by itself */
	NQ_PAIRING_COUNT
};

enum nq_switch { NQ_ON, NQ_OFF, NQ_SWITCH_COUNT };

/* P II: what a pool aims at. */
enum nq_criteria {
	NQ_CRITERIA_BALANCE,	/* a further queue when it is worth one */
	NQ_CRITERIA_DISTRIBUTE, /* over as many queues as it may have */
	NQ_CRITERIA_PACK,	/* on as few as possible */
	NQ_CRITERIA_COUNT
};

#define NQ_MAX_POOLS 16u
#define NQ_POOL_GENERAL "general"
#define NQ_POOL_NAME 24u /* with the terminating zero */

/* Q4, Q5: queues that share a feature and a policy. All per pnic. */
struct nq_pool {
	char name[NQ_POOL_NAME]; /* what nq_vm.pool says; the first pool is the general one */
	uint64_t features;	 /* enum nq_feature that its queues must have; 0: any */
	uint64_t criteria;	 /* enum nq_criteria */
	uint64_t min, max;	 /* queues, while it has vms; max >= min */
	uint64_t priority;	 /* 0-1000; a pool short of its minimum takes queues from pools with a lower one */
	uint64_t coalesce_us;	 /* interrupt coalescing of its queues; NQ_POOL_KEEP: as it is */
	uint64_t floor_pps; /* QoS: what each of its vnics must be able to get, packets/s: counted when rooms are shared
			       out */
	uint64_t enter_pps,
		leave_pps;	/* Q2, Q3: a vnic above the first leaves the default queue, below the second returns */
	uint64_t exclusive_pps; /* Q6: a vnic above it gets a queue of its own; 0: never */
};
#define NQ_POOL_KEEP 1000000u /* coalesce_us: do not touch */

struct nq_policy {
	/* which stages, and how: the enums above */
	uint64_t placement, rebalance, wide, assignment, overflow, pairing, spreading, vrss, guard;
	/* cost of one packet, ns; remote parts are per 10 points of SLIT distance above local */
	uint64_t packet_ns;	    /* whole path with everything on one node */
	uint64_t dma_remote_ns;	    /* pnic's node -> queue's node */
	uint64_t handoff_remote_ns; /* queue's node -> vm's node: copy and wake-up */
	uint64_t soft_hop_ns;	    /* extra hop of a soft queue, also on one node */
	/* other costs */
	uint64_t mem_remote;	/* per mille of a vm's CPU time lost per 10 points of distance to all of its memory */
	uint64_t queue_wait;	/* per mille: weight of a packet's waiting against CPU time */
	uint64_t vcpu_wait;	/* per mille: weight of a vCPU's waiting */
	uint64_t queue_used_ns; /* of a queue in use, whatever passes, ns/s */
	uint64_t cpu_used_ns;	/* of a CPU that serves queues in use, however many, ns/s */
	/* capacity */
	uint64_t queue_capacity_pps;  /* what one queue, and one CPU, can serve, packets/s */
	uint64_t queue_full;	      /* per mille of that; over it the queue takes no further vm (P section IV.C) */
	uint64_t queue_split;	      /* over it, what is there is split (P fig 13) */
	uint64_t queue_consolidate;   /* two queues that together stay under it become one (P fig 14) */
	uint64_t cpu_busy, cpu_quiet; /* per mille of a CPU: spread above, coalesce below */
	uint64_t node_full;	      /* per mille of a node's CPUs; over it the node takes no further vm */
	uint64_t imbalance;	      /* per mille of a node's CPUs between two nodes, under which no home moves */
	uint64_t imbalance_after;     /* per mille of the imbalance before, that a move may leave */
	uint64_t migrate_mib_per_s;   /* rate of page migration */
	/* one-off cost of an action, ns of CPU */
	uint64_t steer_once_ns;
	uint64_t queue_cpu_once_ns;
	uint64_t home_once_ns_per_mib; /* per MiB of memory that has to follow */
	/* guard */
	uint64_t horizon_ms;	     /* a move must earn its one-off cost within this time */
	uint64_t home_horizon_ms;    /* the same for homes */
	uint64_t dwell_ms;	     /* least time between two moves of one object */
	uint64_t credits;	     /* moves an object may make in a row, dwell permitting */
	uint64_t credit_ms;	     /* time in which it gets one back */
	uint64_t least_gain;	     /* per mille of the object's remote cost that a move must save */
	uint64_t least_gain_ns;	     /* and at least this much, ns/s */
	uint64_t home_least_gain_ns; /* the same for a vm that has a home */

	struct nq_pool pools[NQ_MAX_POOLS];
	uint32_t n_pools; /* >= 1 */
};

struct nq_policy_setting {
	const char *name;	   /* as in the configuration file and in JSON */
	const char *unit;	   /* "ns", "pps", "per mille", "ms", … or "" for a named value */
	size_t offset;		   /* of the uint64_t in struct nq_policy or struct nq_pool */
	uint64_t low, high;	   /* inclusive; both products with 2^20 packets/s and SLIT 255 stay within 64 bits */
	uint64_t preset;	   /* default */
	const char *const *values; /* names of a named value, [high + 1]; NULL for a number */
	const char *why;	   /* what it does and where default and range come from */
	const char *at_most;	   /* another setting of the same owner, which this one must not exceed; or NULL */
};

extern const struct nq_policy_setting nq_policy_settings[]; /* offsets into struct nq_policy */
extern const size_t nq_policy_settings_count;
extern const struct nq_policy_setting nq_pool_settings[]; /* offsets into struct nq_pool */
extern const size_t nq_pool_settings_count;

/* A system of the seed documents, built from the same stages. */
struct nq_policy_preset {
	const char *name;	    /* "nearq", "static-vmq", … */
	const char *why;	    /* what it is, its source, and what it lacks */
	const char *const *changes; /* setting, value, setting, value, …, NULL: what differs from the default */
};
extern const struct nq_policy_preset nq_policy_presets[];
extern const size_t nq_policy_presets_count;

void nq_policy_init(struct nq_policy *ret); /* all defaults, that is the preset "nearq", and the default pools */
/* Sets everything but the pools to that preset. 0, or -EINVAL for an unknown name. */
int nq_policy_use(struct nq_policy *policy, const char *preset);
uint64_t nq_policy_get(const struct nq_policy *policy, const struct nq_policy_setting *setting);
void nq_policy_set(struct nq_policy *policy, const struct nq_policy_setting *setting, uint64_t value);
uint64_t nq_pool_get(const struct nq_pool *pool, const struct nq_policy_setting *setting);
void nq_pool_set(struct nq_pool *pool, const struct nq_policy_setting *setting, uint64_t value);
/* The setting of that name, or NULL. */
const struct nq_policy_setting *nq_policy_find(const char *name);
const struct nq_policy_setting *nq_pool_find(const char *name);
/* The pool of that name, added with defaults when it is new; NULL when there are too many or the name is empty or too
 * long. */
struct nq_pool *nq_policy_pool(struct nq_policy *policy, const char *name);
/* Index of that pool; 0, the general one, for "" and for a name that the policy does not have. */
uint32_t nq_policy_pool_of(const struct nq_policy *policy, const char *name);
/*
 * 0, or -EINVAL with the first setting that is out of range or contradicts another (queue_consolidate > queue_split,
 * cpu_quiet > cpu_busy, a pool's min > max or leave_pps > enter_pps); *ret_pool: its pool, NULL for one of the policy.
 */
int nq_policy_check(const struct nq_policy *policy, const struct nq_policy_setting **ret,
		    const struct nq_pool **ret_pool);

#endif
