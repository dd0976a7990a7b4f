/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Does a host keep the promises of <nearq/host.h>?
 *
 * Whoever made the host, reader, simulator or file, the planner relies on nothing that is not checked
 * here. One function per kind of object; each check returns true when it holds and otherwise fills the
 * violation, so that `&&` stops at the first. Sums and keys come last, when all references are known
 * to be good. Keys that are in order already, as those of an observed host mostly are, are compared with
 * their neighbours only.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <nearq/host.h>

#include "core/order.h"

#define PER_MILLE 1000u

/* The object under inspection. */
struct place {
	const struct nq_host *host;
	struct nq_violation *violation;
	const char *array;
	uint32_t index;
};

static bool fail(struct place at, enum nq_violation_kind kind, const char *field, uint64_t found, uint64_t low,
		 uint64_t high)
{
	*at.violation = (struct nq_violation){ kind, at.array, at.index, field, found, low, high, NQ_NONE };
	return false;
}

static bool within(struct place at, const char *field, uint64_t found, uint64_t low, uint64_t high)
{
	return (found >= low && found <= high) || fail(at, NQ_VIOLATION_RANGE, field, found, low, high);
}

static bool points(struct place at, const char *field, uint32_t found, uint32_t limit)
{
	return found < limit || fail(at, NQ_VIOLATION_REFERENCE, field, found, 0, limit ? limit - 1 : 0);
}

static bool may_point(struct place at, const char *field, uint32_t found, uint32_t limit)
{
	return found == NQ_NONE || points(at, field, found, limit);
}

static bool named(struct place at, const char *field, const char *name)
{
	return *name || fail(at, NQ_VIOLATION_EMPTY, field, 0, 1, 0);
}

static bool none_or_within(struct place at, const char *field, uint32_t found, uint64_t low, uint64_t high)
{
	return found == NQ_NONE || within(at, field, found, low, high);
}

static bool adds_up(struct place at, const char *field, uint64_t found, uint64_t high)
{
	return found <= high || fail(at, NQ_VIOLATION_SUM, field, found, 0, high);
}

static bool rates(struct place at, const char *field, const struct nq_rates *found)
{
	return within(at, field, found->packets, 0, NQ_MAX_RATE) && within(at, field, found->bytes, 0, NQ_MAX_RATE) &&
	       within(at, field, found->drops, 0, NQ_MAX_RATE);
}

static bool check_node(struct place at)
{
	const struct nq_node *node = &at.host->nodes[at.index];

	return within(at, "id", node->id, 0, NQ_MAX_NODES - 1) &&
	       within(at, "mem_total", node->mem_total, 0, NQ_MAX_VALUE) &&
	       adds_up(at, "mem_free", node->mem_free, node->mem_total) &&
	       none_or_within(at, "busy", node->busy, 0, NQ_MAX_BUSY);
}

static bool check_distance(struct place at)
{
	const struct nq_host *host = at.host;

	for (uint32_t to = 0; to < host->n_nodes; to++) {
		uint32_t high = to == at.index ? 10 : NQ_MAX_DISTANCE;

		if (!within(at, "", nq_host_distance(host, at.index, to), 10, high)) {
			at.violation->other = to;
			return false;
		}
	}
	return true;
}

static bool check_cpu(struct place at)
{
	const struct nq_cpu *cpu = &at.host->cpus[at.index];

	return within(at, "id", cpu->id, 0, NQ_NONE - 1) && points(at, "node", cpu->node, at.host->n_nodes) &&
	       within(at, "core", cpu->core, 0, NQ_NONE - 1) && within(at, "busy", cpu->busy, 0, NQ_MAX_BUSY);
}

static bool check_pnic(struct place at)
{
	const struct nq_pnic *pnic = &at.host->pnics[at.index];

	return named(at, "name", pnic->name) && within(at, "name", strlen(pnic->name), 1, NQ_MAX_NAME) &&
	       may_point(at, "physfn", pnic->physfn, at.host->n_pnics) &&
	       (pnic->physfn != at.index || fail(at, NQ_VIOLATION_REFERENCE, "physfn", pnic->physfn, 0, 0)) &&
	       may_point(at, "node", pnic->node, at.host->n_nodes) &&
	       within(at, "steering", pnic->steering, 0, NQ_STEER_COUNT - 1) &&
	       within(at, "rss_entries", pnic->rss_entries, 0, NQ_MAX_RSS_ENTRIES);
}

/* A soft queue is the kernel's thread of one CPU: it has no interrupt, no RSS entries and cannot move. */
static bool check_soft_queue(struct place at)
{
	const struct nq_queue *queue = &at.host->queues[at.index];
	const struct nq_cpu *cpu = queue->cpu == NQ_NONE ? NULL : &at.host->cpus[queue->cpu];

	return within(at, "movable", queue->movable, 0, 0) && within(at, "rss_entries", queue->rss_entries, 0, 0) &&
	       (queue->role != NQ_ROLE_DEFAULT ||
		fail(at, NQ_VIOLATION_RANGE, "role", queue->role, NQ_ROLE_FREE, NQ_ROLE_FREE)) &&
	       (!cpu || within(at, "cpu", cpu->id, queue->index, queue->index));
}

static bool check_queue(struct place at)
{
	const struct nq_queue *queue = &at.host->queues[at.index];

	return points(at, "pnic", queue->pnic, at.host->n_pnics) &&
	       within(at, "kind", queue->kind, 0, NQ_QUEUE_KIND_COUNT - 1) &&
	       within(at, "role", queue->role, 0, NQ_ROLE_COUNT - 1) &&
	       within(at, "index", queue->index, 0, NQ_NONE - 1) && may_point(at, "cpu", queue->cpu, at.host->n_cpus) &&
	       within(at, "busy", queue->busy, 0, PER_MILLE) &&
	       within(at, "features", queue->features, 0, NQ_FEATURE_ALL) && rates(at, "rx", &queue->rx) &&
	       rates(at, "tx", &queue->tx) && (queue->kind == NQ_QUEUE_HARD || check_soft_queue(at));
}

static bool check_home(struct place at, const struct nq_nodeset *home)
{
	uint32_t beyond = nq_nodeset_next(home, at.host->n_nodes);

	if (nq_nodeset_next(home, 0) == NQ_NONE)
		return fail(at, NQ_VIOLATION_EMPTY, "home", 0, 1, 0);
	return beyond == NQ_NONE || points(at, "home", beyond, at.host->n_nodes);
}

static bool check_mem(struct place at, const struct nq_vm *vm)
{
	for (uint32_t node = 0; node < at.host->n_nodes; node++)
		if (!adds_up(at, "mem", vm->mem[node], at.host->nodes[node].mem_total))
			return false;
	return true;
}

static bool check_clients(struct place at, const struct nq_vm *vm)
{
	uint64_t sum = 0;

	for (uint32_t node = 0; node < at.host->n_nodes; node++)
		sum += vm->cpus_on[node];
	for (uint32_t node = 0; sum && node < at.host->n_nodes; node++)
		if (vm->cpus_on[node] && !nq_nodeset_has(&vm->home, node))
			return fail(at, NQ_VIOLATION_REFERENCE, "cpus_on", node, 0, 0);
	return sum == 0 || sum == vm->cpus || fail(at, NQ_VIOLATION_SUM, "cpus_on", sum, vm->cpus, vm->cpus);
}

static bool check_vm(struct place at)
{
	const struct nq_vm *vm = &at.host->vms[at.index];

	return named(at, "name", vm->name) && within(at, "kind", vm->kind, 0, NQ_VM_KIND_COUNT - 1) &&
	       within(at, "cpus", vm->cpus, 1, NQ_NONE - 1) &&
	       within(at, "busy", vm->busy, 0, (uint64_t)PER_MILLE * at.host->n_cpus) && check_home(at, &vm->home) &&
	       within(at, "shares", vm->shares, 1, NQ_MAX_SHARES) &&
	       within(at, "reservation", vm->reservation, 0, NQ_MAX_BUSY) &&
	       none_or_within(at, "limit", vm->limit, 0, NQ_MAX_BUSY) && check_mem(at, vm) && check_clients(at, vm);
}

/* Both directions go through queues of the vnic's own pnic, transmission only through real ones. */
static bool check_vnic_queue(struct place at, const char *field, uint32_t queue)
{
	const struct nq_host *host = at.host;

	return may_point(at, field, queue, host->n_queues) &&
	       (queue == NQ_NONE || host->queues[queue].pnic == host->vnics[at.index].pnic ||
		fail(at, NQ_VIOLATION_REFERENCE, field, queue, 0, 0));
}

/* One further queue of a vnic: not a default one, and none of those before it. */
static bool check_lane(struct place at, uint32_t lane)
{
	const struct nq_vnic *vnic = &at.host->vnics[at.index];
	uint32_t queue = vnic->spread[lane];
	bool twice = queue == vnic->rx_queue;

	if (!points(at, "spread", queue, at.host->n_queues) || !check_vnic_queue(at, "spread", queue))
		return false;
	for (uint32_t i = 0; i < lane; i++)
		twice = twice || vnic->spread[i] == queue;
	return (!twice && at.host->queues[queue].role != NQ_ROLE_DEFAULT) ||
	       fail(at, NQ_VIOLATION_REFERENCE, "spread", queue, 0, 0);
}

/* A vnic of the default queues has no further ones: it has no RSS context. */
static bool check_spread(struct place at)
{
	const struct nq_vnic *vnic = &at.host->vnics[at.index];
	uint32_t most = vnic->rx_queue == NQ_NONE ? 0 : NQ_MAX_LANES - 1;

	if (!within(at, "spread", vnic->n_spread, 0, most))
		return false;
	for (uint32_t i = 0; i < vnic->n_spread; i++)
		if (!check_lane(at, i))
			return false;
	return true;
}

static bool check_served(struct place at)
{
	const struct nq_vnic *vnic = &at.host->vnics[at.index];
	uint64_t sum = 0, bits = 0;

	for (uint32_t node = 0; node < at.host->n_nodes; node++) {
		bits |= vnic->served[node];
		sum += vnic->served[node];
	}
	/* No part exceeds what all their bits make up, so only a host that is wrong, or nearly, is looked at again. */
	for (uint32_t node = 0; bits > NQ_MAX_RATE && node < at.host->n_nodes; node++)
		if (!within(at, "served", vnic->served[node], 0, NQ_MAX_RATE))
			return false;
	return adds_up(at, "served", sum, vnic->rx.packets + at.host->n_nodes);
}

static bool check_vnic(struct place at)
{
	const struct nq_host *host = at.host;
	const struct nq_vnic *vnic = &host->vnics[at.index];

	return points(at, "vm", vnic->vm, host->n_vms) && may_point(at, "pnic", vnic->pnic, host->n_pnics) &&
	       (!nq_mac_is_zero(&vnic->mac) || fail(at, NQ_VIOLATION_EMPTY, "mac", 0, 1, 0)) &&
	       within(at, "mac", nq_mac_is_multicast(&vnic->mac), 0, 0) &&
	       check_vnic_queue(at, "rx_queue", vnic->rx_queue) && check_vnic_queue(at, "tx_queue", vnic->tx_queue) &&
	       check_spread(at) && within(at, "virtqueues", vnic->virtqueues, 1, NQ_NONE - 1) &&
	       (vnic->tx_queue == NQ_NONE || within(at, "tx_queue", host->queues[vnic->tx_queue].kind, 0, 0)) &&
	       may_point(at, "worker_cpu", vnic->worker_cpu, host->n_cpus) && rates(at, "rx", &vnic->rx) &&
	       rates(at, "tx", &vnic->tx) && within(at, "served_by", vnic->served_by, 0, NQ_SERVED_COUNT - 1) &&
	       check_served(at);
}

/* Do the entries of its queues make up each pnic's table? 0, -EINVAL or -ENOMEM. */
static int check_rss(struct place at)
{
	const struct nq_host *host = at.host;
	uint64_t *sums = calloc((size_t)host->n_pnics + 1, sizeof(*sums));
	bool good = true;

	if (!sums)
		return -ENOMEM;
	for (uint32_t i = 0; i < host->n_queues; i++)
		sums[host->queues[i].pnic] += host->queues[i].rss_entries;
	at.array = "pnics";
	for (at.index = 0; good && at.index < host->n_pnics; at.index++) {
		uint64_t entries = host->pnics[at.index].rss_entries, sum = sums[at.index];

		good = sum == entries || fail(at, NQ_VIOLATION_SUM, "rss_entries", sum, entries, entries);
	}
	free(sums);
	return good ? 0 : -EINVAL;
}

static bool check_notice(struct place at)
{
	return within(at, "kind", at.host->notices[at.index].kind, 0, NQ_NOTICE_KIND_COUNT - 1);
}

static bool each(struct place at, const char *array, uint32_t n, bool (*check)(struct place at))
{
	at.array = array;
	for (at.index = 0; at.index < n; at.index++)
		if (!check(at))
			return false;
	return true;
}

/* The field that makes an object of the array unique. */
static const struct {
	const char *array, *field;
} unique[NQ_ARRAY_COUNT] = {
	[NQ_ARRAY_NODES] = { "nodes", "id" },	[NQ_ARRAY_CPUS] = { "cpus", "id" },
	[NQ_ARRAY_PNICS] = { "pnics", "name" }, [NQ_ARRAY_QUEUES] = { "queues", "index" },
	[NQ_ARRAY_VMS] = { "vms", "name" },	[NQ_ARRAY_VNICS] = { "vnics", "mac" },
};

static int check_unique(struct place at, enum nq_array array)
{
	struct nq_key *keys;
	int result = 0;

	if (nq_array_is_sorted(at.host, array))
		return 0;
	keys = nq_array_keys(at.host, array);
	if (!keys)
		return -ENOMEM;
	for (uint32_t i = 1; i < nq_array_size(at.host, array) && result == 0; i++) {
		if (!nq_key_same(&keys[i - 1], &keys[i]))
			continue;
		at.array = unique[array].array;
		at.index = keys[i].index;
		fail(at, NQ_VIOLATION_TWICE, unique[array].field, keys[i].number, 0, 0);
		at.violation->other = keys[i - 1].index;
		result = -EINVAL;
	}
	free(keys);
	return result;
}

static bool check_host(struct place at)
{
	const struct nq_host *host = at.host;

	return within(at, "time_ns", host->time_ns, 0, NQ_MAX_VALUE) &&
	       within(at, "interval_ns", host->interval_ns, 0, NQ_MAX_VALUE) &&
	       (host->n_nodes || fail(at, NQ_VIOLATION_EMPTY, "nodes", 0, 1, NQ_MAX_NODES)) &&
	       each(at, "nodes", host->n_nodes, check_node) && each(at, "distance", host->n_nodes, check_distance) &&
	       each(at, "cpus", host->n_cpus, check_cpu) && each(at, "pnics", host->n_pnics, check_pnic) &&
	       each(at, "queues", host->n_queues, check_queue) && each(at, "vms", host->n_vms, check_vm) &&
	       each(at, "vnics", host->n_vnics, check_vnic) && each(at, "notices", host->n_notices, check_notice);
}

int nq_host_check(const struct nq_host *host, struct nq_violation *ret)
{
	struct nq_violation violation = { .kind = NQ_VALID };
	struct place at = { host, &violation, "", 0 };
	int result = check_host(at) ? check_rss(at) : -EINVAL;

	for (enum nq_array array = 0; array < NQ_ARRAY_COUNT && result == 0; array++)
		result = check_unique(at, array);
	if (result == -EINVAL)
		*ret = violation;
	return result;
}
