/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation of steering.
 *
 * On a pnic nearq attaches one XDP program (bpf/steer.bpf.c) which sends frames by destination MAC to the
 * cpumap thread of a CPU. All state is in maps: `rules` (MAC -> CPU and slot), `counts` (per slot and CPU:
 * frames received, frames served) and `cpus` (the threads). Moving a MAC is one update of its rule; the
 * program is never touched again. Link, maps and the program of the threads are pinned, so steering goes on
 * when nearq ends or is killed, and the next process finds it by name.
 *
 * Invariants
 * - The link pin exists if and only if the program is attached; everything else is pinned before it and
 *   unpinned after it. A process killed in between leaves pins without a link: state "not attached",
 *   and the next attach or sweep removes them.
 * - A slot belongs to at most one rule. Its counters are emptied when it is given out, before the rule
 *   exists; a rule keeps its slot while it moves from CPU to CPU.
 * - A rule's CPU has a thread before the rule names it. Threads stay when their last rule goes: an idle
 *   one costs nothing, and taking it away would drop the frames in its ring.
 * - Only objects reached through nearq's own pins are changed. A program that is not ours is never
 *   replaced, detached or chained to.
 *
 * Counters are per CPU and per slot in one array element rather than in a second hash: the lookup of the
 * rule already gives the index. An element of all CPUs is 16 bytes times their number, and so the number of
 * MACs shrinks on hosts with very many CPUs (capacity(), host/steer_xdp.c) instead of taking hundreds of megabytes.
 *
 * Native or generic
 * The driver's own hook sees a frame before the kernel has made an skb of it: cheapest, and for frames that
 * came over a wire it loses nothing. But frames that never saw a wire - veth, tap: the sender is a process on this
 * host - arrive as skbs whose checksum is still to be computed (CHECKSUM_PARTIAL), and an skb that the driver
 * turns into an XDP frame and the cpumap thread turns back has forgotten that: the receiver gets a wrong
 * checksum and TCP stalls. The alternatives were to switch TX checksum offload off at the sender, which is another
 * setting of an interface that is not ours (the peer's, perhaps in a container) and slows all its traffic;
 * and to hook in generically, where the skb stays an skb from end to end. nearq takes the generic place for those
 * drivers (nq_xdp_generic_only), native for all others, and generic where the driver refuses. virtio_net is
 * safe natively: it switches its guest checksum offload off, or refuses, when a program is attached.
 *
 * Frames of several buffers
 * A cpumap takes programs of one flavour only, with or without BPF_F_XDP_HAS_FRAGS. Natively the flag is set: drivers
 * refuse a large MTU without it. Generically it must not be: the kernel then copies an skb that is short of headroom
 * into a new one and forgets skb->mac_len, which the cpumap uses to find the network header, and every IP frame is
 * dropped as malformed (seen on 6.18). Without the flag the kernel makes the skb linear, which takes any MTU.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/tables.h"
#include "host/cleanup.h"
#include "host/steer_act.h"
#include "host/steer_pin.h"

/* The maps of one interface; -1 where absent. */
struct open_maps {
	int rules, counts, cpus, queues;
};

static void close_maps(struct open_maps *maps)
{
	nq_cleanup_fd(&maps->rules);
	nq_cleanup_fd(&maps->counts);
	nq_cleanup_fd(&maps->cpus);
	nq_cleanup_fd(&maps->queues);
}

static void free_table(struct nq_steer_table **table)
{
	nq_steer_table_free(*table);
}

/* Either half may be absent, but not both. */
static int open_maps(const char *interface, struct open_maps *maps)
{
	maps->rules = nq_pin_open(interface, NQ_PIN_RULES);
	maps->counts = nq_pin_open(interface, NQ_PIN_COUNTS);
	maps->cpus = nq_pin_open(interface, NQ_PIN_CPUS);
	maps->queues = nq_pin_open(interface, NQ_PIN_QUEUES);
	if (maps->rules >= 0 && maps->counts >= 0 && maps->cpus >= 0)
		return 0;
	if (maps->rules != -ENOENT)
		return maps->rules < 0 ? maps->rules : -ENOENT;
	return maps->queues < 0 ? maps->queues : 0;
}

static int compare(const void *a, const void *b)
{
	return nq_mac_compare(&((const struct nq_steered *)a)->mac, &((const struct nq_steered *)b)->mac);
}

/* Room for n more. */
static int reserve(struct nq_steer_table *table, uint32_t n)
{
	struct nq_steered *macs = reallocarray(table->macs, table->n_macs + n + 1, sizeof(*macs));

	if (!macs)
		return -ENOMEM;
	table->macs = macs;
	return 0;
}

static int append(struct nq_steer_table *table, const struct nq_bpf_mac *mac)
{
	struct nq_steered *steered = &table->macs[table->n_macs];

	*steered = (struct nq_steered){ .cpu = NQ_NONE, .tx_queue = NQ_NONE };
	memcpy(steered->mac.byte, mac->byte, sizeof(steered->mac.byte));
	steered->served = calloc(table->n_cpus, sizeof(*steered->served));
	if (!steered->served)
		return -ENOMEM;
	table->n_macs++;
	return 0;
}

/* counts: of one slot, one per CPU. */
static void add_up(struct nq_steer_table *table, struct nq_steered *steered, const struct nq_bpf_count *counts)
{
	uint32_t cpu;

	for (cpu = 0; cpu < table->n_cpus; cpu++) {
		steered->received += counts[cpu].received;
		steered->served[cpu] = counts[cpu].served;
	}
}

static uint32_t slots_used(const struct nq_bpf_rule *rules, uint32_t n)
{
	uint32_t i, last = NQ_STEER_SLOT_OTHER;

	for (i = 0; i < n; i++)
		last = rules[i].slot > last ? rules[i].slot : last;
	return last + 1;
}

static int read_rules(const struct open_maps *maps, struct nq_steer_table *table)
{
	__attribute__((cleanup(nq_pin_clear_dump))) struct nq_pin_dump rules = {}, counts = {};
	const struct nq_bpf_count *count;
	const struct nq_bpf_rule *rule;
	uint32_t i, cpu;
	int error;

	error = nq_pin_read_map(maps->rules, sizeof(struct nq_bpf_mac), sizeof(*rule), 0, &rules);
	if (error < 0)
		return error;
	error = nq_pin_read_map(maps->counts, sizeof(uint32_t), sizeof(*count) * table->n_cpus,
				slots_used(rules.values, rules.n), &counts);
	if (error == 0)
		error = reserve(table, rules.n);
	for (i = 0; error == 0 && i < rules.n; i++) {
		error = append(table, (const struct nq_bpf_mac *)rules.keys + i);
		if (error < 0)
			return error;
		rule = (const struct nq_bpf_rule *)rules.values + i;
		count = (const struct nq_bpf_count *)counts.values + (size_t)rule->slot * table->n_cpus;
		table->macs[i].cpu = rule->cpu;
		add_up(table, &table->macs[i], count);
	}
	for (cpu = 0; error == 0 && cpu < table->n_cpus; cpu++)
		table->other += ((const struct nq_bpf_count *)counts.values)[cpu].received;
	return error;
}

/* The rules come first and are sorted by now: a queue of a MAC without a rule is added behind them. */
static int read_queues(const struct open_maps *maps, struct nq_steer_table *table)
{
	__attribute__((cleanup(nq_pin_clear_dump))) struct nq_pin_dump queues = {};
	uint32_t i, n_rules = table->n_macs;
	int error;

	error = nq_pin_read_map(maps->queues, sizeof(struct nq_bpf_mac), sizeof(uint32_t), 0, &queues);
	if (error == 0)
		error = reserve(table, queues.n);
	for (i = 0; error == 0 && i < queues.n; i++) {
		const struct nq_bpf_mac *mac = (const struct nq_bpf_mac *)queues.keys + i;
		struct nq_steered wanted, *found;

		memcpy(wanted.mac.byte, mac->byte, sizeof(wanted.mac.byte));
		found = bsearch(&wanted, table->macs, n_rules, sizeof(wanted), compare);
		if (!found) {
			error = append(table, mac);
			found = &table->macs[table->n_macs - 1];
		}
		if (error == 0)
			found->tx_queue = ((const uint32_t *)queues.values)[i];
	}
	return error;
}

static void sort(struct nq_steer_table *table)
{
	if (table->n_macs)
		qsort(table->macs, table->n_macs, sizeof(*table->macs), compare);
}

static int read_cpumap(const char *interface, const struct open_maps *maps, struct nq_steer_table *table)
{
	struct bpf_map_info info = {};
	enum nq_xdp_state state;
	uint32_t size = sizeof(info), foreign;
	int error;

	if (bpf_obj_get_info_by_fd(maps->cpus, &info, &size) < 0)
		return -errno;
	table->cpumap_id = info.id;
	error = nq_xdp_state(interface, &state, &foreign);
	if (error < 0)
		return error;
	table->native = state == NQ_XDP_NATIVE;
	/* pins of an interface that was made anew, or of an attach that was killed: nothing is steered */
	return state == NQ_XDP_NATIVE || state == NQ_XDP_GENERIC ? 0 : -ENOENT;
}

int nq_steer_read(const char *interface, struct nq_steer_table **ret)
{
	__attribute__((cleanup(free_table))) struct nq_steer_table *table = NULL;
	__attribute__((cleanup(close_maps))) struct open_maps maps = { -1, -1, -1, -1 };
	int cpus = libbpf_num_possible_cpus();
	int error = open_maps(interface, &maps);

	if (error < 0)
		return error;
	table = calloc(1, sizeof(*table));
	if (!table || cpus < 0)
		return table ? cpus : -ENOMEM;
	table->n_cpus = (uint32_t)cpus;
	if (maps.rules >= 0) {
		error = read_cpumap(interface, &maps, table);
		if (error == 0)
			error = read_rules(&maps, table);
	}
	sort(table);
	if (error == 0 && maps.queues >= 0)
		error = read_queues(&maps, table);
	if (error < 0)
		return error;
	sort(table);
	*ret = table;
	table = NULL;
	return 0;
}

struct nq_steer_table *nq_steer_table_free(struct nq_steer_table *table)
{
	uint32_t i;

	if (!table)
		return NULL;
	for (i = 0; i < table->n_macs; i++)
		free(table->macs[i].served);
	free(table->macs);
	free(table);
	return NULL;
}

int nq_steer_available(void)
{
	return nq_pin_available();
}

struct sweep {
	struct nq_setting_ctx *ctx;
	bool all;
};

static void sweep_interface(const char *interface, void *userdata)
{
	const struct sweep *sweep = userdata;
	enum nq_egress_state egress;
	int error = nq_egress_state(interface, &egress);

	if (error != -ENODEV && !sweep->all)
		return;
	if (error == 0 && egress == NQ_EGRESS_NEARQ && nq_egress_detach(sweep->ctx, interface) < 0)
		return;
	if (nq_xdp_detach(sweep->ctx, interface) < 0)
		return;
	/* what the detaching leaves: pins of a program that went with its interface or was never attached */
	nq_pin_remove(interface, NQ_PIN_TXQ);
	nq_pin_remove(interface, NQ_PIN_QUEUES);
	nq_pin_remove_directory(interface);
}

void nq_steer_sweep(struct nq_setting_ctx *ctx, bool all)
{
	struct sweep sweep = { .ctx = ctx, .all = all };

	nq_pin_each(sweep_interface, &sweep);
}
