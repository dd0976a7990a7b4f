/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <host/view.h>

static uint32_t find_queue(const struct nq_host *host, uint32_t pnic, enum nq_queue_kind kind, uint32_t index)
{
	for (uint32_t i = 0; i < host->n_queues; i++) {
		const struct nq_queue *queue = &host->queues[i];

		if (queue->pnic == pnic && queue->kind == kind && queue->index == index)
			return i;
	}
	return NQ_NONE;
}

/* No queue has the index NQ_NONE, so what is not steered finds none. */
static void take_rule(struct nq_host *host, uint32_t pnic, const struct nq_steered *rule)
{
	uint32_t rx = find_queue(host, pnic, NQ_QUEUE_SOFT, rule->cpu);
	uint32_t tx = find_queue(host, pnic, NQ_QUEUE_HARD, rule->tx_queue);
	uint32_t vnic = nq_host_vnic_by_mac(host, &rule->mac);

	if (rx != NQ_NONE)
		host->queues[rx].role = NQ_ROLE_ASSIGNED;
	if (vnic == NQ_NONE || host->vnics[vnic].pnic != pnic)
		return;
	host->vnics[vnic].rx_queue = rx;
	host->vnics[vnic].tx_queue = tx;
}

/* "cpumap/<cpu>/map:<id>", whole or cut to the 15 characters that older kernels keep of a name. */
struct thread_search {
	struct nq_host *host;
	uint32_t pnic, map;
};

static int take_thread(uint32_t pid, const char *name, void *userdata)
{
	const struct thread_search *search = userdata;
	char expected[64];
	uint32_t cpu, queue;

	if (sscanf(name, "cpumap/%u/", &cpu) != 1)
		return 0;
	snprintf(expected, sizeof(expected), "cpumap/%u/map:%u", cpu, search->map);
	queue = find_queue(search->host, search->pnic, NQ_QUEUE_SOFT, cpu);
	if (queue != NQ_NONE && (!strcmp(name, expected) || (strlen(name) == 15 && !strncmp(name, expected, 15))))
		search->host->queues[queue].thread = pid;
	return 0;
}

void nq_forget_steering(struct nq_view *view)
{
	for (uint32_t i = 0; i < view->n_steered; i++)
		nq_steer_table_free(view->steered[i]);
	free(view->steered);
	view->steered = NULL;
	view->n_steered = 0;
}

/*
 * In a capture: "map ID", then "MAC CPU TXQ" per rule, -1 for none. Counters are left out, since a tree is observed
 * once and has no rates.
 */
static int record(struct nq_view *view, const char *name, const struct nq_steer_table *table)
{
	size_t size = 0;
	NQ_FREE char *text = NULL;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return -ENOMEM;
	fprintf(stream, "map %u\n", table->cpumap_id);
	for (uint32_t i = 0; i < table->n_macs; i++) {
		char mac[NQ_MAC_TEXT];

		nq_mac_text(&table->macs[i].mac, mac);
		fprintf(stream, "%s %d %d\n", mac, (int)table->macs[i].cpu, (int)table->macs[i].tx_queue);
	}
	if (fclose(stream) != 0)
		return -ENOMEM;
	nq_root_note(view->root, name, text, size);
	return 0;
}

static void take_threads(struct nq_view *view, struct nq_host *host, uint32_t pnic, uint32_t map)
{
	struct thread_search search = { host, pnic, map };

	nq_process_find(view->root, "cpumap/", take_thread, &search);
}

/* 0 also without a record: nothing was steered. */
static int replay(struct nq_view *view, struct nq_host *host, uint32_t pnic, const char *name)
{
	NQ_FREE void *text = NULL;
	char *rest, *line;
	uint32_t map;
	size_t size;
	int r = nq_root_recall(view->root, name, &text, &size);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (rest = text; (line = strsep(&rest, "\n"));) {
		struct nq_steered rule;
		char mac[NQ_MAC_TEXT];
		int cpu, tx;

		if (sscanf(line, "map %u", &map) == 1) {
			take_threads(view, host, pnic, map);
		} else if (sscanf(line, "%17s %d %d", mac, &cpu, &tx) == 3 && nq_mac_parse(mac, &rule.mac) == 0) {
			rule.cpu = (uint32_t)cpu;
			rule.tx_queue = (uint32_t)tx;
			take_rule(host, pnic, &rule);
		}
	}
	return 0;
}

static int read_pnic(struct nq_view *view, struct nq_host *host, uint32_t pnic)
{
	struct nq_steer_table *table;
	char name[NQ_LINK_NAME + 16];
	int r;

	snprintf(name, sizeof(name), "steered-%s", host->pnics[pnic].name);
	if (!nq_root_is_live(view->root))
		return replay(view, host, pnic, name);
	r = nq_steer_read(host->pnics[pnic].name, &table);
	if (r < 0) /* nothing steered, or no way to know; who may not read the maps may not steer either */
		return r == -ENOMEM ? r : 0;
	view->steered[pnic] = table;
	for (uint32_t i = 0; i < table->n_macs; i++)
		take_rule(host, pnic, &table->macs[i]);
	take_threads(view, host, pnic, table->cpumap_id);
	return nq_root_capture(view->root) ? record(view, name, table) : 0;
}

int nq_refresh_steering(struct nq_view *view, struct nq_host *host)
{
	int r = 0;

	nq_forget_steering(view);
	if (!view->steering)
		return 0;
	view->steered = calloc(host->n_pnics + 1, sizeof(struct nq_steer_table *));
	if (!view->steered)
		return -ENOMEM;
	view->n_steered = host->n_pnics;
	for (uint32_t i = 0; r == 0 && i < host->n_pnics; i++)
		r = read_pnic(view, host, i);
	return r;
}
