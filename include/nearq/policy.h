/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy: every number the planner weighs with. One table (nq_policy_settings) says name, unit,
 * range, default and where the number comes from; the configuration parser, its documentation and the
 * JSON form are driven by that table, so a number never appears twice.
 */
#ifndef NEARQ_POLICY_H
#define NEARQ_POLICY_H

#include <stddef.h>

#include <nearq/types.h>

enum nq_placement {
	NQ_PLACE_BEST_FIT,    /* the node with room that is cheapest for the vm's traffic (P fig 15) */
	NQ_PLACE_ROUND_ROBIN, /* node after node (002_a1e87099c2bc83d0.txt, "Home Nodes and Initial Placement") */
	NQ_PLACE_COUNT
};

struct nq_policy {
	uint64_t placement; /* enum nq_placement */
	/* cost of one packet, ns; remote parts are per 10 points of SLIT distance above local */
	uint64_t packet_ns;	    /* whole path with everything on one node */
	uint64_t dma_remote_ns;	    /* pnic's node -> queue's node */
	uint64_t handoff_remote_ns; /* queue's node -> vm's node: copy and wake-up */
	uint64_t soft_hop_ns;	    /* extra hop of a soft queue, also on one node */
	/* capacity */
	uint64_t queue_capacity_pps; /* what one queue can serve, packets/s */
	uint64_t queue_full;	     /* per mille of that; over it the queue takes no further vm (P section IV.C) */
	uint64_t node_full;	     /* per mille of a node's CPUs; over it the node takes no further vm */
	/* one-off cost of an action, ns of CPU */
	uint64_t steer_once_ns;
	uint64_t queue_cpu_once_ns;
	uint64_t home_once_ns_per_mib; /* per MiB of memory that has to follow */
	/* guard */
	uint64_t horizon_ms;	  /* a move must earn its one-off cost within this time */
	uint64_t home_horizon_ms; /* the same for a first home */
	uint64_t dwell_ms;	  /* least time between two moves of one object */
	uint64_t least_gain;	  /* per mille of the object's remote cost that a move must save */
	uint64_t least_gain_ns;	  /* and at least this much, ns/s */
};

struct nq_policy_setting {
	const char *name;	   /* as in the configuration file and in JSON */
	const char *unit;	   /* "ns", "pps", "per mille", "ms", … or "" for a named value */
	size_t offset;		   /* of the uint64_t in struct nq_policy */
	uint64_t low, high;	   /* inclusive; both products with 2^20 packets/s and SLIT 255 stay within 64 bits */
	uint64_t preset;	   /* default */
	const char *const *values; /* names of a named value, [high + 1]; NULL for a number */
	const char *why;	   /* what it does and where default and range come from */
};

extern const struct nq_policy_setting nq_policy_settings[];
extern const size_t nq_policy_settings_count;

void nq_policy_init(struct nq_policy *ret); /* all defaults */
uint64_t nq_policy_get(const struct nq_policy *policy, const struct nq_policy_setting *setting);
void nq_policy_set(struct nq_policy *policy, const struct nq_policy_setting *setting, uint64_t value);
/* The setting of that name, or NULL. */
const struct nq_policy_setting *nq_policy_find(const char *name);
/* 0, or -EINVAL with the first setting out of range. */
int nq_policy_check(const struct nq_policy *policy, const struct nq_policy_setting **ret);

#endif
