/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "serial/names.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Defines the table `nq_names_WHAT` and the public function that reads it. */
#define NAMES(what, type, function, count_of_type, ...)                                                                \
	static const char *const what##_text[] = { __VA_ARGS__ };                                                      \
	static_assert(COUNT(what##_text) == (count_of_type), "a name for every value of " #type);                      \
	const struct nq_names nq_names_##what = { what##_text, COUNT(what##_text) };                                   \
	const char *function(type value)                                                                               \
	{                                                                                                              \
		return (size_t)value < COUNT(what##_text) ? what##_text[value] : "?";                                  \
	}                                                                                                              \
	static_assert(COUNT(what##_text) > 0, "")

/* clang-format off */
NAMES(steering, enum nq_steering, nq_steering_name, NQ_STEER_COUNT,
	[NQ_STEER_NONE] = "none",
	[NQ_STEER_XDP] = "xdp",
	[NQ_STEER_MACVLAN] = "macvlan",
	[NQ_STEER_FLOWER] = "flower",
	[NQ_STEER_NTUPLE] = "ntuple");

NAMES(queue_kind, enum nq_queue_kind, nq_queue_kind_name, NQ_QUEUE_KIND_COUNT,
	[NQ_QUEUE_HARD] = "hard",
	[NQ_QUEUE_SOFT] = "soft");

NAMES(queue_role, enum nq_queue_role, nq_queue_role_name, NQ_ROLE_COUNT,
	[NQ_ROLE_FREE] = "free",
	[NQ_ROLE_DEFAULT] = "default",
	[NQ_ROLE_ASSIGNED] = "assigned");

NAMES(vm_kind, enum nq_vm_kind, nq_vm_kind_name, NQ_VM_KIND_COUNT,
	[NQ_VM_CONTAINER] = "container",
	[NQ_VM_PROCESS] = "process",
	[NQ_VM_DOMAIN] = "domain",
	[NQ_VM_HOST] = "host");

NAMES(features, uint32_t, nq_features_name, NQ_FEATURE_ALL + 1,
	[0] = "none",
	[NQ_FEATURE_LRO] = "lro",
	[NQ_FEATURE_RSS] = "rss",
	[NQ_FEATURE_LRO | NQ_FEATURE_RSS] = "lro+rss");

NAMES(served, enum nq_served, nq_served_name, NQ_SERVED_COUNT,
	[NQ_SERVED_UNKNOWN] = "unknown",
	[NQ_SERVED_ESTIMATED] = "estimated",
	[NQ_SERVED_MEASURED] = "measured");

NAMES(notice, enum nq_notice_kind, nq_notice_name, NQ_NOTICE_KIND_COUNT,
	[NQ_NOTICE_NO_NUMA] = "no-numa",
	[NQ_NOTICE_NODE_UNKNOWN] = "node-unknown",
	[NQ_NOTICE_NO_MULTIQUEUE] = "no-multiqueue",
	[NQ_NOTICE_MAC_TWICE] = "mac-twice",
	[NQ_NOTICE_NO_MAC] = "no-mac",
	[NQ_NOTICE_NAMESPACE_GONE] = "namespace-gone",
	[NQ_NOTICE_VANISHED] = "vanished",
	[NQ_NOTICE_NO_PERMISSION] = "no-permission",
	[NQ_NOTICE_NOT_SUPPORTED] = "not-supported");

NAMES(action, enum nq_action_kind, nq_action_name, NQ_ACTION_KIND_COUNT,
	[NQ_ACTION_HOME] = "home",
	[NQ_ACTION_MIGRATE] = "migrate",
	[NQ_ACTION_QUEUE_CPU] = "queue-cpu",
	[NQ_ACTION_QUEUE_SET] = "queue-set",
	[NQ_ACTION_STEER] = "steer");

NAMES(rule, enum nq_rule, nq_rule_name, NQ_RULE_COUNT,
	[NQ_RULE_HOME_BEST_FIT] = "home-best-fit",
	[NQ_RULE_HOME_ROUND_ROBIN] = "home-round-robin",
	[NQ_RULE_HOME_PROPORTIONAL] = "home-proportional",
	[NQ_RULE_HOME_WIDE] = "home-wide",
	[NQ_RULE_HOME_REBALANCE] = "home-rebalance",
	[NQ_RULE_HOME_SWAP] = "home-swap",
	[NQ_RULE_MEMORY_FOLLOWS] = "memory-follows",
	[NQ_RULE_QUEUE_NEAR_PNIC] = "queue-near-pnic",
	[NQ_RULE_QUEUE_NEAR_VMS] = "queue-near-vms",
	[NQ_RULE_QUEUE_ON_VM_NODE] = "queue-on-vm-node",
	[NQ_RULE_QUEUE_NEW] = "queue-new",
	[NQ_RULE_QUEUE_CHEAPEST] = "queue-cheapest",
	[NQ_RULE_QUEUE_BALANCE] = "queue-balance",
	[NQ_RULE_QUEUE_SWAP] = "queue-swap",
	[NQ_RULE_QUEUE_SPLIT] = "queue-split",
	[NQ_RULE_QUEUE_CONSOLIDATE] = "queue-consolidate",
	[NQ_RULE_QUEUE_OVERFLOW] = "queue-overflow",
	[NQ_RULE_QUEUE_RETURN] = "queue-return",
	[NQ_RULE_QUEUE_EXCLUSIVE] = "queue-exclusive",
	[NQ_RULE_QUEUE_PREEMPTED] = "queue-preempted",
	[NQ_RULE_QUEUE_POOL] = "queue-pool",
	[NQ_RULE_DEFAULT_RETURN] = "default-return",
	[NQ_RULE_STATIC] = "static",
	[NQ_RULE_SPREAD_LANES] = "spread-lanes",
	[NQ_RULE_GATHER_LANES] = "gather-lanes",
	[NQ_RULE_CPU_SPREAD] = "cpu-spread",
	[NQ_RULE_CPU_COALESCE] = "cpu-coalesce",
	[NQ_RULE_POOL_SETTINGS] = "pool-settings",
	[NQ_RULE_KEPT_DWELL] = "kept-dwell",
	[NQ_RULE_KEPT_CREDITS] = "kept-credits",
	[NQ_RULE_KEPT_SMALL_GAIN] = "kept-small-gain",
	[NQ_RULE_KEPT_ONE_OFF] = "kept-one-off",
	[NQ_RULE_KEPT_PINNED] = "kept-pinned",
	[NQ_RULE_KEPT_MEMORY_FIXED] = "kept-memory-fixed",
	[NQ_RULE_KEPT_NO_ROOM] = "kept-no-room",
	[NQ_RULE_KEPT_NO_STEERING] = "kept-no-steering",
	[NQ_RULE_KEPT_NO_UPLINK] = "kept-no-uplink",
	[NQ_RULE_KEPT_NO_TRAFFIC] = "kept-no-traffic",
	[NQ_RULE_KEPT_LITTLE] = "kept-little",
	[NQ_RULE_KEPT_OFF] = "kept-off",
	[NQ_RULE_KEPT_BEST] = "kept-best");

const char *const nq_rule_values[NQ_RULE_COUNT][NQ_REASON_VALUES + 1] = {
	[NQ_RULE_HOME_BEST_FIT] = { "node", "cpu_after", "cpu_limit", "mem_free_after", "mem_total" },
	[NQ_RULE_HOME_ROUND_ROBIN] = { "node" },
	[NQ_RULE_HOME_PROPORTIONAL] = { "node", "vcpus", "vcpus_of", "mem", "mem_of" },
	[NQ_RULE_HOME_WIDE] = { "node", "vcpus", "cores", "clients" },
	[NQ_RULE_HOME_REBALANCE] = { "node", "load", "other_load", "other_node", "apart_after" },
	[NQ_RULE_HOME_SWAP] = { "node", "load", "other_load", "other_node", "apart_after" },
	[NQ_RULE_MEMORY_FOLLOWS] = { "bytes", "time_ms", "mib_per_s" },
	[NQ_RULE_QUEUE_NEAR_PNIC] = { "node", "node_before", "distance" },
	[NQ_RULE_QUEUE_NEAR_VMS] = { "node", "node_before" },
	[NQ_RULE_QUEUE_ON_VM_NODE] = { "node", "packets_after", "packets_limit" },
	[NQ_RULE_QUEUE_NEW] = { "node" },
	[NQ_RULE_QUEUE_CHEAPEST] = { "node_wanted", "node" },
	[NQ_RULE_QUEUE_BALANCE] = { "node", "wait", "wait_before" },
	[NQ_RULE_QUEUE_SPLIT] = { "packets", "packets_limit" },
	[NQ_RULE_QUEUE_CONSOLIDATE] = { "packets_after", "packets_limit" },
	[NQ_RULE_QUEUE_OVERFLOW] = { "node_wanted", "node" },
	[NQ_RULE_QUEUE_RETURN] = { "node" },
	[NQ_RULE_QUEUE_EXCLUSIVE] = { "packets", "packets_limit" },
	[NQ_RULE_QUEUE_PREEMPTED] = { "priority", "priority_own" },
	[NQ_RULE_QUEUE_POOL] = { "queues" },
	[NQ_RULE_DEFAULT_RETURN] = { "packets", "packets_limit" },
	[NQ_RULE_SPREAD_LANES] = { "packets", "queues_before", "queues" },
	[NQ_RULE_GATHER_LANES] = { "packets", "queues_before", "queues" },
	[NQ_RULE_CPU_SPREAD] = { "busy", "busy_limit", "busy_there" },
	[NQ_RULE_CPU_COALESCE] = { "busy", "busy_least", "busy_there" },
	[NQ_RULE_POOL_SETTINGS] = { "coalesce_us", "coalesce_us_before" },
	[NQ_RULE_KEPT_DWELL] = { "moved_ms_ago", "dwell_ms" },
	[NQ_RULE_KEPT_CREDITS] = { "wait_ms" },
	[NQ_RULE_KEPT_SMALL_GAIN] = { "gain_ns", "needed_ns" },
	[NQ_RULE_KEPT_ONE_OFF] = { "saved_ns", "once_ns" },
	[NQ_RULE_KEPT_LITTLE] = { "packets", "packets_limit" },
	[NQ_RULE_KEPT_BEST] = { "cost_ns", "next_best_ns" },
};
/* clang-format on */

int nq_names_find(const struct nq_names *names, const char *text)
{
	for (uint32_t i = 0; i < names->count; i++)
		if (strcmp(names->name[i], text) == 0)
			return (int)i;
	return -EINVAL;
}

void nq_names_list(const struct nq_names *names, char *ret, size_t size)
{
	size_t used = 0;

	*ret = '\0';
	for (uint32_t i = 0; i < names->count && used < size; i++)
		used += (size_t)snprintf(ret + used, size - used, "%s%s", i ? ", " : "", names->name[i]);
}
