/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shrink.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/order.h"
#include "remove.h"
#include "support.h"

/* One way to make a host smaller or plainer at `index`; false: there is nothing to do there. */
typedef bool (*step)(struct trial *trial, uint32_t index);

static bool forget_memory(struct trial *trial, uint32_t index)
{
	if (!trial->memory || index)
		return false;
	trial->memory = nq_memory_free(trial->memory);
	return true;
}

/* One setting as by default. */
static bool plain_setting(struct trial *trial, uint32_t index)
{
	const struct nq_policy_setting *setting = &nq_policy_settings[index];

	if (index >= nq_policy_settings_count)
		return false;
	if (nq_policy_get(&trial->policy, setting) == setting->preset)
		return false;
	nq_policy_set(&trial->policy, setting, setting->preset);
	return true;
}

static bool plain_pool(struct trial *trial, uint32_t index)
{
	struct nq_pool *pool = &trial->policy.pools[index];
	bool changed = false;

	for (size_t i = 0; index < trial->policy.n_pools && i < nq_pool_settings_count; i++) {
		const struct nq_policy_setting *setting = &nq_pool_settings[i];

		changed = changed || nq_pool_get(pool, setting) != setting->preset;
		nq_pool_set(pool, setting, setting->preset);
	}
	return changed;
}

static bool idle_vnic(struct trial *trial, uint32_t index)
{
	struct nq_vnic *vnic = &trial->host->vnics[index];
	bool changed = vnic->rx.packets || vnic->tx.packets || vnic->served_by;

	vnic->rx = vnic->tx = (struct nq_rates){ 0 };
	vnic->served_by = NQ_SERVED_UNKNOWN;
	memset(vnic->served, 0, trial->host->n_nodes * sizeof(*vnic->served));
	return changed;
}

static bool plain_vnic(struct trial *trial, uint32_t index)
{
	struct nq_vnic *vnic = &trial->host->vnics[index];
	bool changed = vnic->tx.packets || vnic->n_spread || vnic->virtqueues > 1;

	vnic->tx = (struct nq_rates){ 0 };
	vnic->n_spread = 0;
	vnic->virtqueues = 1;
	return changed;
}

static bool idle_vm(struct trial *trial, uint32_t index)
{
	struct nq_vm *vm = &trial->host->vms[index];
	bool changed = vm->busy;

	vm->busy = 0;
	return changed;
}

static bool plain_vm(struct trial *trial, uint32_t index)
{
	struct nq_vm *vm = &trial->host->vms[index];
	size_t n = trial->host->n_nodes;
	bool changed = vm->cpus > 1 || vm->reservation || vm->limit != NQ_NONE || *vm->pool;

	for (size_t i = 0; i < n; i++)
		changed = changed || vm->mem[i] || vm->cpus_on[i];
	vm->cpus = 1;
	vm->pool = "";
	vm->reservation = 0;
	vm->limit = NQ_NONE;
	memset(vm->mem, 0, n * sizeof(*vm->mem));
	memset(vm->cpus_on, 0, n * sizeof(*vm->cpus_on));
	return changed;
}

static bool plain_queue(struct trial *trial, uint32_t index)
{
	struct nq_queue *queue = &trial->host->queues[index];
	bool changed = queue->rx.packets || queue->tx.packets || queue->busy || queue->coalesce_us != NQ_NONE;

	queue->rx = queue->tx = (struct nq_rates){ 0 };
	queue->busy = 0;
	queue->coalesce_us = NQ_NONE;
	return changed;
}

static bool plain_cpu(struct trial *trial, uint32_t index)
{
	struct nq_cpu *cpu = &trial->host->cpus[index];
	bool changed = cpu->busy || cpu->core != cpu->id;

	cpu->busy = 0;
	cpu->core = cpu->id;
	return changed;
}

static bool drop_vnic(struct trial *trial, uint32_t index)
{
	remove_vnic(trial->host, index);
	return true;
}

static bool drop_vm(struct trial *trial, uint32_t index)
{
	remove_vm(trial->host, index);
	return true;
}

static bool drop_queue(struct trial *trial, uint32_t index)
{
	remove_queue(trial->host, index);
	return true;
}

static bool drop_pnic(struct trial *trial, uint32_t index)
{
	remove_pnic(trial->host, index);
	return true;
}

static bool drop_cpu(struct trial *trial, uint32_t index)
{
	remove_cpu(trial->host, index);
	return true;
}

static bool drop_node(struct trial *trial, uint32_t index)
{
	return remove_node(trial->host, index);
}

struct way {
	step take;
	enum nq_array array; /* whose objects are tried one after the other; or */
	uint32_t count;	     /* so many times */
};

/* The coarse first: what goes early takes much with it. */
static const struct way ways[] = {
	{ forget_memory, .count = 1 },	 { drop_vm, NQ_ARRAY_VMS },
	{ drop_pnic, NQ_ARRAY_PNICS },	 { drop_vnic, NQ_ARRAY_VNICS },
	{ drop_queue, NQ_ARRAY_QUEUES }, { drop_cpu, NQ_ARRAY_CPUS },
	{ drop_node, NQ_ARRAY_NODES },	 { idle_vnic, NQ_ARRAY_VNICS },
	{ plain_vnic, NQ_ARRAY_VNICS },	 { plain_vm, NQ_ARRAY_VMS },
	{ idle_vm, NQ_ARRAY_VMS },	 { plain_queue, NQ_ARRAY_QUEUES },
	{ plain_cpu, NQ_ARRAY_CPUS },	 { plain_pool, .count = NQ_MAX_POOLS },
	{ plain_setting, .count = 64 },
};

static uint32_t count_of(const struct way *way, const struct trial *trial)
{
	return way->count ? way->count : nq_array_size(trial->host, way->array);
}

/* The case with one thing less, if it is a valid one that fails in the same way. */
static bool still_fails(struct trial *trial, const struct property *property, const struct way *way, uint32_t index)
{
	struct trial less;
	struct nq_violation violation;
	bool fails;

	trial_copy(trial, &less);
	fails = way->take(&less, index) && nq_host_check(less.host, &violation) == 0;
	if (fails) {
		trial_plan(&less);
		fails = (!property->applies || property->applies(&less)) && !property->holds(&less);
	}
	if (fails) {
		trial_clear(trial);
		*trial = less;
	} else {
		trial_clear(&less);
	}
	return fails;
}

void shrink(struct trial *trial, const struct property *property)
{
	bool smaller = true;

	while (smaller) {
		smaller = false;
		for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
			for (uint32_t n = count_of(&ways[i], trial); n-- > 0;)
				if (n < count_of(&ways[i], trial))
					smaller = still_fails(trial, property, &ways[i], n) || smaller;
	}
}

static void write_settings(FILE *file, const struct nq_policy_setting *settings, size_t n, const char *owner,
			   uint64_t (*get)(const void *owner, const struct nq_policy_setting *setting), const void *at)
{
	fprintf(file, "[%s]\n", owner);
	for (size_t i = 0; i < n; i++) {
		uint64_t value = get(at, &settings[i]);

		if (value == settings[i].preset)
			continue;
		fprintf(file, "%s = ", settings[i].name);
		if (settings[i].values)
			fprintf(file, "%s\n", settings[i].values[value]);
		else
			fprintf(file, "%" PRIu64 "\n", value);
	}
}

static uint64_t of_policy(const void *owner, const struct nq_policy_setting *setting)
{
	return nq_policy_get(owner, setting);
}

static uint64_t of_pool(const void *owner, const struct nq_policy_setting *setting)
{
	return nq_pool_get(owner, setting);
}

static FILE *open_file(const char *name, const char *ending, char *ret, size_t size)
{
	const char *directory = getenv("TMPDIR");

	snprintf(ret, size, "%s/nearq-%s.%s", directory ? directory : "/tmp", name, ending);
	return fopen(ret, "w");
}

void shrink_write(const struct trial *trial, const char *name, char *ret, size_t size)
{
	FILE *file = open_file(name, "conf", ret, size);
	char section[NQ_POOL_NAME + 8];

	if (file) {
		write_settings(file, nq_policy_settings, nq_policy_settings_count, "policy", of_policy, &trial->policy);
		for (uint32_t i = 0; i < trial->policy.n_pools; i++) {
			snprintf(section, sizeof(section), "pool %s", trial->policy.pools[i].name);
			write_settings(file, nq_pool_settings, nq_pool_settings_count, section, of_pool,
				       &trial->policy.pools[i]);
		}
		fclose(file);
	}
	file = open_file(name, "json", ret, size);
	if (!file)
		return;
	nq_snapshot_write(file, trial->host);
	fclose(file);
}
