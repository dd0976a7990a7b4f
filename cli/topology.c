/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `nearq topology`: what there is. */
#include "cli/cli.h"
#include "cli/show.h"
#include "cli/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS(array) .columns = array, .n_columns = sizeof(array) / sizeof((array)[0])

/* Cores, not threads: what a wide vm has to fit into. */
static uint32_t count_cores(const struct nq_host *host, uint32_t node)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < host->n_cpus; i++)
		n += host->cpus[i].node == node && host->cpus[i].online && host->cpus[i].core == host->cpus[i].id;
	return n;
}

static void show_nodes(struct nq_writer *writer, const struct nq_host *host)
{
	static const struct nq_column columns[] = {
		{ .key = "node", .title = "NODE", .right = true },
		{ .key = "package", .title = "PACKAGE", .right = true },
		{ .key = "cpus", .title = "CPUS", .shrink = true },
		{ .key = "cores", .title = "CORES", .right = true },
		{ .key = "mem_total_bytes", .title = "MEMORY", .right = true },
		{ .key = "mem_free_bytes", .title = "FREE", .right = true },
		{ .key = "distances", .title = "DISTANCE TO EACH NODE", .shrink = true },
	};
	static const struct nq_table table = { .key = "nodes", .one = "node", .title = "NODES", COLUMNS(columns) };
	uint64_t *distances = calloc(host->n_nodes, sizeof(*distances));

	nq_writer_table(writer, &table);
	for (uint32_t i = 0; i < host->n_nodes; i++) {
		char cpus[NQ_LIST_TEXT];

		nq_cpus_text(host, i, true, cpus);
		for (uint32_t j = 0; distances && j < host->n_nodes; j++)
			distances[j] = nq_host_distance(host, i, j);
		nq_writer_cell(writer, nq_number(host->nodes[i].id));
		nq_writer_cell(writer, nq_id(host->nodes[i].package));
		nq_writer_cell(writer, nq_text(cpus[0] ? cpus : NULL));
		nq_writer_cell(writer, nq_number(count_cores(host, i)));
		nq_writer_cell(writer, nq_bytes(host->nodes[i].mem_total));
		nq_writer_cell(writer, nq_bytes(host->nodes[i].mem_free));
		nq_writer_cell(writer, distances ? nq_list(distances, host->n_nodes) : nq_unknown());
	}
	nq_writer_table_end(writer);
	free(distances);
}

static void show_cpus(struct nq_writer *writer, const struct nq_host *host)
{
	static const struct nq_column columns[] = {
		{ .key = "cpu", .title = "CPU" },
		{ .key = "node", .title = "NODE" },
		{ .key = "core", .title = "CORE" },
		{ .key = "online", .title = "ONLINE" },
	};
	static const struct nq_table table = { .key = "cpus", .one = "cpu", .machine = true, COLUMNS(columns) };

	nq_writer_table(writer, &table);
	for (uint32_t i = 0; i < host->n_cpus; i++) {
		nq_writer_cell(writer, nq_number(host->cpus[i].id));
		nq_writer_cell(writer, nq_id(nq_node_id(host, host->cpus[i].node)));
		nq_writer_cell(writer, nq_number(host->cpus[i].core));
		nq_writer_cell(writer, nq_flag(host->cpus[i].online));
	}
	nq_writer_table_end(writer);
}

static uint32_t count_queues(const struct nq_host *host, uint32_t pnic, enum nq_queue_kind kind)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < host->n_queues; i++)
		n += host->queues[i].pnic == pnic && host->queues[i].kind == kind;
	return n;
}

static void show_pnic(struct nq_writer *writer, const struct nq_host *host, uint32_t index)
{
	const struct nq_pnic *pnic = &host->pnics[index];

	nq_writer_cell(writer, nq_text(pnic->name));
	nq_writer_cell(writer, nq_id(nq_node_id(host, pnic->node)));
	nq_writer_cell(writer, nq_text(pnic->driver[0] ? pnic->driver : NULL));
	nq_writer_cell(writer, nq_text(pnic->bus[0] ? pnic->bus : NULL));
	nq_writer_cell(writer, nq_number(count_queues(host, index, NQ_QUEUE_HARD)));
	nq_writer_cell(writer, pnic->channels_max ? nq_number(pnic->channels_max) : nq_unknown());
	nq_writer_cell(writer, nq_number(pnic->rss_entries));
	nq_writer_cell(writer, nq_text(nq_steering_name(pnic->steering)));
	nq_writer_cell(writer, nq_id(pnic->rules_max));
	nq_writer_cell(writer, nq_text(pnic->bond[0] ? pnic->bond : NULL));
	nq_writer_cell(writer, nq_text(pnic->physfn == NQ_NONE ? NULL : host->pnics[pnic->physfn].name));
}

static void show_pnics(struct nq_writer *writer, const struct nq_host *host)
{
	static const struct nq_column columns[] = {
		{ .key = "name", .title = "NIC", .shrink = true },
		{ .key = "node", .title = "NODE", .right = true },
		{ .key = "driver", .title = "DRIVER", .shrink = true },
		{ .key = "bus", .title = "BUS" },
		{ .key = "queues", .title = "QUEUES", .right = true },
		{ .key = "channels_max", .title = "MOST", .right = true },
		{ .key = "rss_entries", .title = "RSS", .right = true },
		{ .key = "steering", .title = "STEERING" },
		{ .key = "rules_max", .title = "RULES", .right = true, .machine = true },
		{ .key = "bond", .title = "BOND", .shrink = true, .machine = true },
		{ .key = "physfn", .title = "VF OF", .machine = true },
	};
	static const struct nq_table table = {
		.key = "pnics",
		.one = "pnic",
		.title = "NICS",
		.empty = "No NIC was found.",
		COLUMNS(columns),
	};

	nq_writer_table(writer, &table);
	for (uint32_t i = 0; i < host->n_pnics; i++)
		show_pnic(writer, host, i);
	nq_writer_table_end(writer);
}

/* The share of the traffic that RSS sends to this queue, as far as the table says. */
static struct nq_value rss_share(const struct nq_host *host, const struct nq_queue *queue)
{
	uint32_t all = host->pnics[queue->pnic].rss_entries;

	return all ? nq_share((uint64_t)queue->rss_entries * 1000 / all) : nq_unknown();
}

static void show_queue(struct nq_writer *writer, const struct nq_host *host, uint32_t index)
{
	const struct nq_queue *queue = &host->queues[index];
	uint32_t node = nq_host_queue_node(host, index);
	char name[NQ_QUEUE_TEXT];

	nq_queue_text(host, index, name);
	nq_writer_cell(writer, nq_text(name));
	nq_writer_cell(writer, nq_text(nq_queue_role_name(queue->role)));
	nq_writer_cell(writer, nq_text(nq_queue_kind_name(queue->kind)));
	nq_writer_cell(writer, nq_id(queue->irq));
	nq_writer_cell(writer, nq_id(queue->napi));
	nq_writer_cell(writer, nq_id(queue->thread));
	nq_writer_cell(writer, nq_id(nq_cpu_id(host, queue->cpu)));
	nq_writer_cell(writer, nq_id(nq_node_id(host, node)));
	nq_writer_cell(writer, nq_flag(queue->movable));
	nq_writer_cell(writer, rss_share(host, queue));
	nq_writer_cell(writer, nq_text(queue->xps[0] ? queue->xps : NULL));
}

static void show_queues(struct nq_writer *writer, const struct nq_host *host)
{
	static const struct nq_column columns[] = {
		{ .key = "queue", .title = "QUEUE" },
		{ .key = "role", .title = "ROLE" },
		{ .key = "kind", .title = "KIND", .machine = true },
		{ .key = "irq", .title = "IRQ", .right = true },
		{ .key = "napi", .title = "NAPI", .right = true },
		{ .key = "thread", .title = "THREAD", .right = true },
		{ .key = "cpu", .title = "CPU", .right = true },
		{ .key = "node", .title = "NODE", .right = true },
		{ .key = "movable", .title = "MOVABLE" },
		{ .key = "rss_permille", .title = "RSS", .right = true },
		{ .key = "xps", .title = "XPS", .shrink = true },
	};
	static const struct nq_table table = { .key = "queues", .one = "queue", .title = "QUEUES", COLUMNS(columns) };

	nq_show_queues(writer, host, &table, show_queue);
}

static void show_topology(struct nq_writer *writer, const struct nq_host *host)
{
	char offline[NQ_LIST_TEXT];

	nq_cpus_text(host, NQ_NONE, false, offline);
	nq_writer_field(writer, "host", "host", nq_text(host->name));
	nq_writer_field(writer, "offline_cpus", offline[0] ? "CPUs offline" : NULL, nq_text(offline));
	show_nodes(writer, host);
	show_cpus(writer, host);
	show_pnics(writer, host);
	show_queues(writer, host);
	nq_show_notices(writer, host);
}

enum nq_exit nq_verb_topology(struct nq_cli *cli)
{
	NQ_CLEANUP(nq_config) struct nq_config *config = NULL;
	NQ_CLEANUP(nq_host) struct nq_host *host = NULL;
	struct nq_writer *writer;
	enum nq_exit code = nq_cli_config(cli, &config);

	if (code == NQ_EXIT_OK)
		code = nq_cli_observe(cli, config, false, &host);
	if (code == NQ_EXIT_OK)
		code = nq_cli_save(cli, host);
	if (code == NQ_EXIT_OK)
		code = nq_cli_writer(cli, false, &writer);
	if (code != NQ_EXIT_OK)
		return code;
	show_topology(writer, host);
	return nq_cli_finish(writer);
}
