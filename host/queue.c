/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Queues (T3).
 *
 * Theory of operation. The RX folders of an interface in sysfs are its hard queues. What serves each is
 * found in three steps, each for what the step before left open: the kernel's own answer (netdev-genl: NAPI,
 * interrupt, thread; queue_kernel.c), the interrupts' names (queue_irq.c), nothing. The serving CPU follows: of the
 * NAPI thread when there is one (its only allowed CPU, or the one it ran on last), else of the interrupt (where it is
 * really delivered, which differs from what was asked for until the next interrupt, and on most machines is one CPU of
 * the mask).
 *
 * With threaded NAPI whose threads cannot be told apart the interrupt's CPU would be wrong: the CPU is unknown then.
 *
 * Where XDP can steer, each online CPU has a soft queue in addition, whether its thread runs already or not.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <host/queue.h>

#define NET "sys/class/net/%s/"
#define RSS_ENTRIES_MAX 65536u /* far above the 4,096 of the largest NIC today; a tree may say anything */

/* The XPS mask as a list; "" without XPS (one queue) or without CPUs. */
static const char *read_xps(struct nq_view *view, struct nq_host *host, const char *interface, uint32_t index)
{
	char mask_text[NQ_MAX_CPUS / 4 + NQ_MAX_CPUS / 32 + 1], list[NQ_SHORT_TEXT];
	struct nq_cpumask mask;

	if (nq_root_read(view->root, mask_text, sizeof(mask_text), NET "queues/tx-%u/xps_cpus", interface, index) < 0 ||
	    nq_cpumask_parse(mask_text, &mask) < 0 || nq_cpulist_format(&mask, list, sizeof(list)) < 0)
		return nq_host_string(host, "");
	return nq_host_string(host, list);
}

static int add_hard_queue(struct nq_view *view, struct nq_host *host, uint32_t pnic, uint32_t index)
{
	struct nq_queue *queue = nq_host_add_queue(host);

	if (!queue)
		return -ENOMEM;
	queue->pnic = pnic;
	queue->kind = NQ_QUEUE_HARD;
	queue->index = index;
	queue->movable = true;
	queue->xps = read_xps(view, host, host->pnics[pnic].name, index);
	return queue->xps ? 0 : -ENOMEM;
}

static int add_hard_queues(struct nq_view *view, struct nq_host *host, uint32_t pnic)
{
	__attribute__((cleanup(nq_names_clear))) struct nq_names names = { 0 };
	int r = nq_root_list(view->root, &names, NET "queues", host->pnics[pnic].name);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (uint32_t i = 0; r == 0 && i < names.n; i++) { /* natural order: rx-2 before rx-10 */
		uint32_t index;

		if (sscanf(names.name[i], "rx-%u", &index) == 1)
			r = add_hard_queue(view, host, pnic, index);
	}
	return r;
}

/* Counts the entries of the RSS table per queue, all or none. */
static void count_rss(struct nq_host *host, uint32_t pnic, uint32_t first, const uint32_t *table, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (table[i] >= host->n_queues - first)
			return; /* of channels that are gone: the table is being changed */
	for (uint32_t i = 0; i < n; i++)
		host->queues[first + table[i]].rss_entries++;
	host->pnics[pnic].rss_entries = n;
}

static int read_rss(struct nq_view *view, struct nq_host *host, uint32_t pnic, uint32_t first)
{
	struct ethtool_rxfh_indir empty = { .cmd = ETHTOOL_GRXFHINDIR };
	const char *name = host->pnics[pnic].name;
	NQ_FREE struct ethtool_rxfh_indir *table = NULL;
	size_t size;

	if (nq_wire_ethtool(view->wire, name, "rss-size", &empty, sizeof(empty)) < 0 || !empty.size ||
	    empty.size > RSS_ENTRIES_MAX)
		return 0;
	size = sizeof(*table) + empty.size * sizeof(*table->ring_index);
	table = calloc(1, size);
	if (!table)
		return -ENOMEM;
	table->cmd = ETHTOOL_GRXFHINDIR;
	table->size = empty.size;
	if (nq_wire_ethtool(view->wire, name, "rss-table", table, size) == 0 && table->size == empty.size)
		count_rss(host, pnic, first, table->ring_index, table->size);
	return 0;
}

static int add_soft_queues(struct nq_host *host, uint32_t pnic)
{
	for (uint32_t i = 0; i < host->n_cpus; i++) {
		struct nq_queue *queue;

		if (!host->cpus[i].online)
			continue;
		queue = nq_host_add_queue(host);
		if (!queue)
			return -ENOMEM;
		queue->pnic = pnic;
		queue->kind = NQ_QUEUE_SOFT;
		queue->role = NQ_ROLE_FREE;
		queue->index = host->cpus[i].id;
		queue->cpu = i;
	}
	return 0;
}

static int read_pnic_queues(struct nq_view *view, struct nq_host *host, uint32_t pnic)
{
	uint32_t first = host->n_queues;
	int r = add_hard_queues(view, host, pnic);

	if (r == 0)
		r = read_rss(view, host, pnic, first);
	if (r == 0)
		r = nq_queues_by_netdev(view, host, pnic, first);
	if (r == 0)
		r = nq_queues_by_irq_name(view, host, pnic, first);
	for (uint32_t i = first; i < host->n_queues; i++) /* without a table the NIC chooses among all */
		host->queues[i].role =
			host->queues[i].rss_entries || !host->pnics[pnic].rss_entries ? NQ_ROLE_DEFAULT : NQ_ROLE_FREE;
	if (r == 0 && host->pnics[pnic].steering == NQ_STEER_XDP && host->n_queues > first)
		r = add_soft_queues(host, pnic);
	return r;
}

static bool has_several_queues(const struct nq_host *host)
{
	for (uint32_t i = 0; i < host->n_queues; i++)
		if (host->queues[i].kind == NQ_QUEUE_HARD && host->queues[i].index > 0)
			return true;
	return false;
}

int nq_read_queues(struct nq_view *view, struct nq_host *host)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < host->n_pnics; i++)
		r = read_pnic_queues(view, host, i);
	if (r == 0 && !has_several_queues(host))
		r = nq_notice(host, NQ_NOTICE_NO_MULTIQUEUE, "host", "%s",
			      host->n_pnics ? "every physical interface has one queue" : "no physical interface");
	return r;
}

/* The one online CPU of the set, or the first one, or NQ_NONE. */
static uint32_t first_online(const struct nq_host *host, const struct nq_cpumask *mask, bool *ret_only)
{
	uint32_t found = NQ_NONE;

	*ret_only = true;
	for (uint32_t id = nq_cpumask_next(mask, 0); id != NQ_NONE; id = nq_cpumask_next(mask, id + 1)) {
		uint32_t cpu = nq_host_cpu_by_id(host, id);

		if (cpu == NQ_NONE || !host->cpus[cpu].online)
			continue;
		if (found != NQ_NONE) {
			*ret_only = false;
			break;
		}
		found = cpu;
	}
	return found;
}

static uint32_t cpu_of_thread(struct nq_view *view, const struct nq_host *host, uint32_t thread)
{
	struct nq_process_stat stat;
	struct nq_cpumask mask;
	uint32_t cpu;
	bool only;

	if (nq_process_affinity(view->root, thread, &mask) < 0)
		return NQ_NONE;
	cpu = first_online(host, &mask, &only);
	if (only)
		return cpu;
	return nq_process_stat_kept(view->root, thread, &stat) < 0 ? NQ_NONE : nq_host_cpu_by_id(host, stat.last_cpu);
}

static uint32_t cpu_of_irq(struct nq_view *view, const struct nq_host *host, uint32_t irq)
{
	static const char *const files[] = { "effective_affinity_list", "smp_affinity_list" };

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		char text[NQ_SHORT_TEXT];
		struct nq_cpumask mask;
		bool only;

		/* the effective list is empty until the interrupt was started */
		if (nq_root_read_kept(view->root, text, sizeof(text), "proc/irq/%u/%s", irq, files[i]) > 0 &&
		    nq_cpulist_parse(text, &mask) == 0)
			return first_online(host, &mask, &only);
	}
	return NQ_NONE;
}

static bool is_threaded(struct nq_view *view, const char *interface)
{
	char text[16];

	return nq_root_read_kept(view->root, text, sizeof(text), NET "threaded", interface) > 0 &&
	       strcmp(text, "0") != 0;
}

int nq_refresh_queues(struct nq_view *view, struct nq_host *host)
{
	for (uint32_t i = 0; i < host->n_queues; i++) {
		struct nq_queue *queue = &host->queues[i];

		if (queue->kind == NQ_QUEUE_SOFT)
			continue;
		if (queue->thread != NQ_NONE)
			queue->cpu = cpu_of_thread(view, host, queue->thread);
		else if (queue->irq != NQ_NONE && !is_threaded(view, host->pnics[queue->pnic].name))
			queue->cpu = cpu_of_irq(view, host, queue->irq);
		else
			queue->cpu = NQ_NONE;
	}
	return 0;
}
