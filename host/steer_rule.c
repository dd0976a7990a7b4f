/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules of the steering program: MAC -> CPU; theory of operation in host/steer.c. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/tables.h"
#include "host/cleanup.h"
#include "host/cpulist.h"
#include "host/steer_act.h"
#include "host/steer_pin.h"

/*
 * Frames a cpumap thread may have waiting: enough for 2 ms of a million frames a second, which is how long a
 * busy thread waits for its next time slice on a loaded CPU; more would only add delay.
 */
#define RING_FRAMES 2048

int nq_steer_get(const char *interface, const struct nq_mac *mac, uint32_t *ret_cpu)
{
	struct nq_bpf_rule rule = { .cpu = NQ_NONE };
	int error = nq_pin_lookup(interface, NQ_PIN_RULES, mac, &rule);

	if (error < 0 && error != -ENOENT)
		return error;
	*ret_cpu = rule.cpu;
	return 0;
}

static int check_online(struct nq_setting_ctx *ctx, uint32_t cpu)
{
	char text[NQ_SETTING_TEXT];
	struct nq_cpumask online;
	int error = nq_setting_read_file(ctx, "sys/devices/system/cpu/online", text, sizeof(text));

	if (error == 0)
		error = nq_cpulist_parse(text, &online);
	if (error == 0 && !nq_cpumask_has(&online, cpu))
		return nq_setting_why(ctx, -EINVAL, "CPU %u is not online (online: %.64s)", cpu, text);
	return error;
}

/* Makes sure that the CPU has its thread. Setting an entry again would restart the thread and drop its frames. */
static int add_thread(const char *interface, uint32_t cpu)
{
	NQ_CLOSE int cpus = nq_pin_open(interface, NQ_PIN_CPUS);
	NQ_CLOSE int serve = nq_pin_open(interface, NQ_PIN_SERVE);
	struct bpf_cpumap_val value = {};

	if (cpus < 0 || serve < 0)
		return cpus < 0 ? cpus : serve;
	if (bpf_map_lookup_elem(cpus, &cpu, &value) == 0 && value.qsize > 0)
		return 0;
	value.qsize = RING_FRAMES;
	value.bpf_prog.fd = serve;
	return bpf_map_update_elem(cpus, &cpu, &value, BPF_ANY) < 0 ? -errno : 0;
}

/* The lowest slot that no rule has. */
static int find_slot(int rules, uint32_t *ret)
{
	__attribute__((cleanup(nq_pin_clear_dump))) struct nq_pin_dump dump = {};
	NQ_FREE bool *used = NULL;
	uint32_t i, slot = NQ_STEER_SLOT_OTHER + 1;
	int error;

	error = nq_pin_read_map(rules, sizeof(struct nq_bpf_mac), sizeof(struct nq_bpf_rule), 0, &dump);
	if (error < 0)
		return error;
	used = calloc(dump.n + slot + 1, sizeof(*used)); /* with n rules, one of the first n + 1 is free */
	if (!used)
		return -ENOMEM;
	for (i = 0; i < dump.n; i++) {
		uint32_t taken = ((const struct nq_bpf_rule *)dump.values)[i].slot;

		if (taken <= dump.n + slot)
			used[taken] = true;
	}
	while (used[slot])
		slot++;
	*ret = slot;
	return 0;
}

static int empty_slot(const char *interface, uint32_t slot)
{
	NQ_CLOSE int counts_fd = nq_pin_open(interface, NQ_PIN_COUNTS);
	NQ_FREE struct nq_bpf_count *counts = NULL;
	int cpus = libbpf_num_possible_cpus();

	if (counts_fd < 0 || cpus < 0)
		return counts_fd < 0 ? counts_fd : cpus;
	counts = calloc((size_t)cpus, sizeof(*counts));
	if (!counts)
		return -ENOMEM;
	/* E2BIG: one rule more than slots */
	return bpf_map_update_elem(counts_fd, &slot, counts, BPF_EXIST) < 0 ? -errno : 0;
}

static int new_rule(const char *interface, int rules, struct nq_bpf_rule *rule)
{
	int error = find_slot(rules, &rule->slot);

	return error == 0 ? empty_slot(interface, rule->slot) : error;
}

int nq_steer_set(struct nq_setting_ctx *ctx, const char *interface, const struct nq_mac *mac, uint32_t cpu)
{
	NQ_CLOSE int rules = nq_pin_open(interface, NQ_PIN_RULES);
	struct nq_bpf_mac key = nq_pin_key(mac);
	struct nq_bpf_rule rule = {};
	int error = check_online(ctx, cpu);

	if (error < 0)
		return error;
	if (rules == -ENOENT)
		return nq_setting_why(ctx, -EOPNOTSUPP, "the steering program is not attached to %s", interface);
	if (rules < 0)
		return rules;
	error = add_thread(interface, cpu);
	if (error < 0)
		return nq_setting_why(ctx, error, "CPU %u gets no cpumap thread: %s", cpu, strerror(-error));
	if (bpf_map_lookup_elem(rules, &key, &rule) < 0) /* keeps its slot when it has one */
		error = errno == ENOENT ? new_rule(interface, rules, &rule) : -errno;
	rule.cpu = cpu;
	if (error == 0 && bpf_map_update_elem(rules, &key, &rule, BPF_ANY) < 0)
		error = -errno;
	if (error == -E2BIG)
		return nq_setting_why(ctx, -ENOSPC, "every steering rule of %s is taken", interface);
	return error;
}

int nq_steer_unset(const char *interface, const struct nq_mac *mac)
{
	return nq_pin_delete(interface, NQ_PIN_RULES, mac);
}
