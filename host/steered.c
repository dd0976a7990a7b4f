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

static int read_pnic(struct nq_view *view, struct nq_host *host, uint32_t pnic)
{
	struct thread_search search = { host, pnic, 0 };
	struct nq_steer_table *table;
	int r = nq_steer_read(host->pnics[pnic].name, &table);

	if (r < 0) /* nothing steered, or no way to know; who may not read the maps may not steer either */
		return r == -ENOMEM ? r : 0;
	view->steered[pnic] = table;
	for (uint32_t i = 0; i < table->n_macs; i++)
		take_rule(host, pnic, &table->macs[i]);
	search.map = table->cpumap_id;
	nq_process_find(view->root, "cpumap/", take_thread, &search);
	return 0;
}

int nq_refresh_steering(struct nq_view *view, struct nq_host *host)
{
	int r = 0;

	nq_forget_steering(view);
	if (!nq_root_is_live(view->root) || !view->steering)
		return 0;
	view->steered = calloc(host->n_pnics + 1, sizeof(struct nq_steer_table *));
	if (!view->steered)
		return -ENOMEM;
	view->n_steered = host->n_pnics;
	for (uint32_t i = 0; r == 0 && i < host->n_pnics; i++)
		r = read_pnic(view, host, i);
	return r;
}
