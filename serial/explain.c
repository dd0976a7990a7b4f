/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sentences for people: what an action does, why, what else was considered, what is wrong with a host. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/action.h"
#include "serial/names.h"
#include "serial/snapshot.h"

/* Appends to a sentence; what does not fit is cut. */
static void say(char ret[NQ_SENTENCE], const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(char ret[NQ_SENTENCE], const char *format, ...)
{
	size_t used = strlen(ret);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(ret + used, NQ_SENTENCE - used, format, arguments);
	va_end(arguments);
}

/* A cost or gain in the unit that keeps three to six digits. */
static void say_time(char ret[NQ_SENTENCE], uint64_t ns)
{
	if (ns < 10000)
		say(ret, "%" PRIu64 " ns", ns);
	else if (ns < 10000000)
		say(ret, "%" PRIu64 " us", ns / 1000);
	else
		say(ret, "%" PRIu64 " ms", ns / 1000000);
}

/* A node by its kernel id, as reasons hold it. */
static void say_node(char ret[NQ_SENTENCE], uint64_t id)
{
	if (id == NQ_NONE)
		say(ret, "an unknown node");
	else
		say(ret, "node %" PRIu64, id);
}

static void say_cpu(char ret[NQ_SENTENCE], const struct nq_host *host, uint32_t cpu)
{
	if (cpu < host->n_cpus)
		say(ret, "CPU %" PRIu32 " of node %" PRIu32, host->cpus[cpu].id, host->nodes[host->cpus[cpu].node].id);
	else
		say(ret, "an unknown CPU");
}

static void say_queue(char ret[NQ_SENTENCE], const struct nq_host *host, uint32_t queue)
{
	char text[NQ_QUEUE_TEXT];

	nq_queue_text(host, queue, text);
	say(ret, "%s", queue == NQ_NONE ? "the default queues" : text);
}

/* ", 8 + 4 vCPUs", in the order of the nodes' ids. */
static void say_clients(char ret[NQ_SENTENCE], const struct nq_host *host, const uint32_t *cpus_on)
{
	const char *separator = ", ";

	for (uint32_t id = 0; cpus_on && id < NQ_MAX_NODES; id++) {
		uint32_t node = nq_host_node_by_id(host, id);

		if (node == NQ_NONE || cpus_on[node] == 0)
			continue;
		say(ret, "%s%" PRIu32, separator, cpus_on[node]);
		separator = " + ";
	}
	if (cpus_on)
		say(ret, " vCPUs");
}

static void explain_home(const struct nq_host *host, const struct nq_action *action, char ret[NQ_SENTENCE])
{
	char to[128], from[128];

	nq_nodeset_text(host, &action->home_to, to, sizeof(to));
	nq_nodeset_text(host, &action->home_from, from, sizeof(from));
	say(ret, "%s: home on %s %s", host->vms[action->vm].name,
	    nq_nodeset_count(&action->home_to) == 1 ? "node" : "nodes", to);
	say_clients(ret, host, action->cpus_on);
	say(ret, " (was %s)", from);
}

static void explain_queue_cpu(const struct nq_host *host, const struct nq_action *action, char ret[NQ_SENTENCE])
{
	say_queue(ret, host, action->queue);
	say(ret, ": serve on ");
	say_cpu(ret, host, action->cpu_to);
	say(ret, " (was ");
	say_cpu(ret, host, action->cpu_from);
	say(ret, ")");
}

static void explain_migrate(const struct nq_host *host, const struct nq_action *action, char ret[NQ_SENTENCE])
{
	char to[128];

	nq_nodeset_text(host, &action->home_to, to, sizeof(to));
	say(ret, "%s: bring %" PRIu64 " MiB of memory to %s %s, %" PRIu64 " MiB/s at most", host->vms[action->vm].name,
	    action->bytes >> 20, nq_nodeset_count(&action->home_to) == 1 ? "node" : "nodes", to,
	    action->bytes_per_s >> 20);
}

static void say_coalesce(char ret[NQ_SENTENCE], uint32_t us)
{
	if (us == NQ_NONE)
		say(ret, "unknown");
	else
		say(ret, "%" PRIu32 " us", us);
}

static void explain_queue_set(const struct nq_host *host, const struct nq_action *action, char ret[NQ_SENTENCE])
{
	say_queue(ret, host, action->queue);
	say(ret, ": coalesce interrupts for ");
	say_coalesce(ret, action->coalesce_to);
	say(ret, " (was ");
	say_coalesce(ret, action->coalesce_from);
	say(ret, ")");
}

static void say_lanes(char ret[NQ_SENTENCE], const struct nq_host *host, uint32_t queue, uint32_t n,
		      const uint32_t *spread)
{
	char text[NQ_LANES_TEXT];

	nq_lanes_text(host, queue, n, spread, text);
	say(ret, "%s", queue == NQ_NONE ? "the default queues" : text);
}

static bool receives_otherwise(const struct nq_action *action)
{
	return action->rx_from != action->rx_to || action->n_spread_from != action->n_spread_to ||
	       memcmp(action->spread_from, action->spread_to, action->n_spread_to * sizeof(*action->spread_to)) != 0;
}

static void explain_steer(const struct nq_host *host, const struct nq_action *action, char ret[NQ_SENTENCE])
{
	const struct nq_vnic *vnic = &host->vnics[action->vnic];
	char mac[NQ_MAC_TEXT];
	bool receives = receives_otherwise(action), sends = action->tx_from != action->tx_to;

	nq_mac_text(&vnic->mac, mac);
	say(ret, "%s (%s): ", host->vms[vnic->vm].name, mac);
	if (receives) {
		say(ret, "receive through ");
		say_lanes(ret, host, action->rx_to, action->n_spread_to, action->spread_to);
		say(ret, " (was ");
		say_lanes(ret, host, action->rx_from, action->n_spread_from, action->spread_from);
		say(ret, ")%s", sends ? ", " : "");
	}
	if (sends) {
		say(ret, "send through ");
		say_queue(ret, host, action->tx_to);
		say(ret, " (was ");
		say_queue(ret, host, action->tx_from);
		say(ret, ")");
	}
}

void nq_explain_action(const struct nq_host *host, const struct nq_action *action, char ret[NQ_SENTENCE])
{
	*ret = '\0';
	switch (action->kind) {
	case NQ_ACTION_HOME:
		explain_home(host, action, ret);
		break;
	case NQ_ACTION_MIGRATE:
		explain_migrate(host, action, ret);
		break;
	case NQ_ACTION_QUEUE_CPU:
		explain_queue_cpu(host, action, ret);
		break;
	case NQ_ACTION_QUEUE_SET:
		explain_queue_set(host, action, ret);
		break;
	case NQ_ACTION_STEER:
		explain_steer(host, action, ret);
		break;
	case NQ_ACTION_KIND_COUNT:
		break;
	}
}

/*
 * One template per rule: {i} is value i as a number, {ni} as a node, {ti} as a time, {mi} in MiB. Templates keep the
 * sentences in one place, beside each other, where they can be compared.
 */
static const char *const sentences[NQ_RULE_COUNT] = {
	[NQ_RULE_HOME_BEST_FIT] =
		"{n0} has room ({1} of {2} per mille CPU after, {m3} of {m4} MiB free) and is cheapest",
	[NQ_RULE_HOME_ROUND_ROBIN] = "{n0} is next in turn and has room",
	[NQ_RULE_HOME_PROPORTIONAL] = "{1} of {2} vCPUs and {3} of {4} per mille of its memory on the NIC's {n0}",
	[NQ_RULE_HOME_WIDE] = "{1} vCPUs are more than the {2} cores of a node: {3} clients, the first on {n0}",
	[NQ_RULE_HOME_REBALANCE] =
		"{n0} was loaded {1} per mille against {2} on {n3}; they are {4} per mille apart after",
	[NQ_RULE_HOME_SWAP] = "changes places with a vm of {n0}, loaded {1} per mille against {2} on {n3}; they are "
			      "{4} per mille apart after",
	[NQ_RULE_MEMORY_FOLLOWS] = "{m0} MiB lie outside its home; {1} ms at {2} MiB/s",
	[NQ_RULE_QUEUE_NEAR_PNIC] = "a default queue belongs on the NIC's {n0}; it was on {n1}, distance {2}",
	[NQ_RULE_QUEUE_NEAR_VMS] = "queue brought to {n0} of the vm that it serves; it was on {n1}",
	[NQ_RULE_QUEUE_ON_VM_NODE] = "queue on the vm's {n0} has room: {1} of {2} packets/s after",
	[NQ_RULE_QUEUE_NEW] = "no queue in use on {n0} has room; a free one is taken there",
	[NQ_RULE_QUEUE_CHEAPEST] = "no queue to be had on {n0}; {n1} is the cheapest with room",
	[NQ_RULE_QUEUE_BALANCE] = "a queue on the same {n0} waits less: {1} against {2} per mille of its CPU",
	[NQ_RULE_QUEUE_SWAP] = "two vnics change places",
	[NQ_RULE_QUEUE_SPLIT] = "its queue is at {0} of {1} packets/s",
	[NQ_RULE_QUEUE_CONSOLIDATE] = "both queues together carry {0} packets/s, under {1} of one",
	[NQ_RULE_QUEUE_OVERFLOW] = "the queues of {n0} are full; to the overflow queue on {n1}",
	[NQ_RULE_QUEUE_RETURN] = "a queue on the vm's {n0} has room; it was served on another node",
	[NQ_RULE_QUEUE_EXCLUSIVE] = "{0} packets/s, over {1}: a queue of its own",
	[NQ_RULE_QUEUE_PREEMPTED] = "its queue goes to a pool of priority {0}; its own has {1}",
	[NQ_RULE_QUEUE_POOL] = "its queue belongs to another pool, or its pool has to shrink to {0} queues",
	[NQ_RULE_DEFAULT_RETURN] = "{0} packets/s, under {1}: back to the default queue",
	[NQ_RULE_STATIC] = "next queue in turn, for good",
	[NQ_RULE_SPREAD_LANES] = "{0} packets/s are too much for {1} of its queues; {2} now",
	[NQ_RULE_GATHER_LANES] = "{0} packets/s fit in {2} of its queues; {1} before",
	[NQ_RULE_CPU_SPREAD] = "its CPU is at {0} per mille, limit {1}; goes to one at {2}",
	[NQ_RULE_CPU_COALESCE] = "its CPU is at {0} per mille, minimum {1}; joins one at {2}",
	[NQ_RULE_POOL_SETTINGS] = "its pool wants {0} us, it has {1}",
	[NQ_RULE_KEPT_DWELL] = "moved {0} ms ago; dwell is {1} ms",
	[NQ_RULE_KEPT_CREDITS] = "no credit left; the next in {0} ms",
	[NQ_RULE_KEPT_SMALL_GAIN] = "a move would save {t0} each second; needed are {t1}",
	[NQ_RULE_KEPT_ONE_OFF] = "a move would save {t0} within the horizon; moving costs {t1}",
	[NQ_RULE_KEPT_PINNED] = "pinned by the operator",
	[NQ_RULE_KEPT_MEMORY_FIXED] = "its memory cannot follow: huge, locked or pinned pages",
	[NQ_RULE_KEPT_NO_ROOM] = "nothing nearer has room",
	[NQ_RULE_KEPT_NO_STEERING] = "the NIC cannot steer by MAC address",
	[NQ_RULE_KEPT_NO_UPLINK] = "no physical NIC behind it",
	[NQ_RULE_KEPT_NO_TRAFFIC] = "no traffic in this interval",
	[NQ_RULE_KEPT_LITTLE] = "{0} packets/s; the default queue is left at {1}",
	[NQ_RULE_KEPT_OFF] = "the policy leaves it alone",
	[NQ_RULE_KEPT_BEST] = "already the cheapest place: {t0} each second, next best {t1}",
};

static void say_value(char ret[NQ_SENTENCE], char form, uint64_t value)
{
	if (form == 'n')
		say_node(ret, value);
	else if (form == 't')
		say_time(ret, value);
	else if (form == 'm')
		say(ret, "%" PRIu64, value >> 20);
	else
		say(ret, "%" PRIu64, value);
}

void nq_explain_reason(const struct nq_host *host, const struct nq_reason *reason, char ret[NQ_SENTENCE])
{
	(void)host;
	*ret = '\0';
	if (reason->rule >= NQ_RULE_COUNT)
		return;
	for (const char *c = sentences[reason->rule]; *c; c++) {
		char form = c[1];

		if (*c != '{') {
			say(ret, "%c", *c);
			continue;
		}
		if (form >= '0' && form <= '9')
			c += 1;
		else
			c += 2;
		say_value(ret, form, reason->value[*c - '0']);
		c++; /* the closing brace */
	}
}

void nq_explain_rejected(const struct nq_host *host, const struct nq_action *action, char ret[NQ_SENTENCE])
{
	uint32_t target = action->rejected.target;

	*ret = '\0';
	if (target == NQ_NONE)
		return;
	if (nq_action_targets(action->kind) == NQ_ARRAY_NODES)
		say_node(ret, host->nodes[target].id);
	else if (nq_action_targets(action->kind) == NQ_ARRAY_CPUS)
		say_cpu(ret, host, target);
	else
		say_queue(ret, host, target);
	if (action->rejected.cost_ns == action->cost_after_ns) {
		say(ret, " would cost the same");
		return;
	}
	say(ret, " would cost ");
	say_time(ret, action->rejected.cost_ns);
	say(ret, " each second instead of ");
	say_time(ret, action->cost_after_ns);
}

/* The array of the object that a violation is about; NQ_ARRAY_COUNT for the host itself. */
static enum nq_array find_array(const char *name)
{
	enum nq_array array = 0;

	while (array < NQ_ARRAY_COUNT && strcmp(nq_array_names[array], name) != 0)
		array++;
	return array;
}

/* The name a person knows the object by. */
static void object_name(const struct nq_host *host, enum nq_array array, uint32_t index, char ret[NQ_QUEUE_TEXT + 8])
{
	char queue[NQ_QUEUE_TEXT];

	*ret = '\0';
	if (array == NQ_ARRAY_QUEUES)
		nq_queue_text(host, index, queue);
	if (array == NQ_ARRAY_QUEUES)
		snprintf(ret, NQ_QUEUE_TEXT + 8, " (%s)", queue);
	else if (array == NQ_ARRAY_PNICS || array == NQ_ARRAY_VMS)
		snprintf(ret, NQ_QUEUE_TEXT + 8, " (%.60s)", nq_array_key(host, array, index).text);
}

static void violation_where(const struct nq_violation *violation, char *ret, size_t size)
{
	if (!*violation->array)
		snprintf(ret, size, "%s", violation->field);
	else if (!*violation->field)
		snprintf(ret, size, "%s[%" PRIu32 "][%" PRIu32 "]", violation->array, violation->index,
			 violation->other);
	else
		snprintf(ret, size, "%s[%" PRIu32 "].%s", violation->array, violation->index, violation->field);
}

void nq_explain_violation(const struct nq_host *host, const struct nq_violation *violation, struct nq_fault *ret)
{
	char where[sizeof(ret->where)], name[NQ_QUEUE_TEXT + 8] = "";
	uint64_t found = violation->found, low = violation->low, high = violation->high;

	violation_where(violation, where, sizeof(where));
	object_name(host, find_array(violation->array), violation->index, name);
	switch (violation->kind) {
	case NQ_VALID:
		nq_fault_set(ret, where, "nothing wrong");
		break;
	case NQ_VIOLATION_REFERENCE:
		nq_fault_set(ret, where, "refers to number %" PRIu64 ", which is not there or does not belong to it%s",
			     found, name);
		break;
	case NQ_VIOLATION_RANGE:
		nq_fault_set(ret, where, "found %" PRIu64 "; allowed: %" PRIu64 " to %" PRIu64 "%s", found, low, high,
			     name);
		break;
	case NQ_VIOLATION_TWICE:
		nq_fault_set(ret, where, "the same as that of %s[%" PRIu32 "]; allowed: every one once%s",
			     violation->array, violation->other, name);
		break;
	case NQ_VIOLATION_SUM:
		nq_fault_set(ret, where, "found a sum of %" PRIu64 "; allowed: %" PRIu64 " to %" PRIu64 "%s", found,
			     low, high, name);
		break;
	case NQ_VIOLATION_EMPTY:
		nq_fault_set(ret, where, "must not be empty%s", name);
		break;
	}
}
