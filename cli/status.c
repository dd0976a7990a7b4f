/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `nearq status`: who is served where. */
#include "cli/cli.h"
#include "cli/picture.h"
#include "cli/show.h"
#include "cli/svg.h"
#include "cli/text.h"
#include "host/observe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS(array) .columns = array, .n_columns = sizeof(array) / sizeof((array)[0])

/* The nodes that serve a vnic, the busiest first, one that does it all without its share: "2", "2 80 %, 0 20 %". */
static void served_text(const struct nq_host *host, const struct nq_vnic *vnic, char ret[NQ_LIST_TEXT])
{
	struct nq_nodeset shown = { 0 };
	unsigned __int128 all = 0;
	size_t used = 0;

	ret[0] = '\0';
	for (uint32_t n = 0; n < host->n_nodes; n++)
		all += vnic->served[n];
	for (uint32_t n = 0; n < host->n_nodes && used < NQ_LIST_TEXT; n++) {
		uint32_t best = NQ_NONE;
		char share[NQ_UNIT_TEXT];

		for (uint32_t i = 0; i < host->n_nodes; i++) {
			if (!nq_nodeset_has(&shown, i) && (best == NQ_NONE || vnic->served[i] > vnic->served[best]))
				best = i;
		}
		if (vnic->served[best] == 0)
			break;
		nq_nodeset_add(&shown, best);
		nq_text_share((uint64_t)(((unsigned __int128)vnic->served[best] * 100 + all / 2) / all * 10), share);
		used += (size_t)snprintf(ret + used, NQ_LIST_TEXT - used, "%s%u%s%s", used ? ", " : "",
					 host->nodes[best].id, vnic->served[best] < all ? " " : "",
					 vnic->served[best] < all ? share : "");
	}
}

/* Memory on the home nodes, per mille of what is resident. */
static struct nq_value memory_local(const struct nq_host *host, const struct nq_vm *vm)
{
	uint64_t all = 0, local = 0;

	for (uint32_t i = 0; i < host->n_nodes; i++) {
		all += vm->mem[i];
		local += nq_nodeset_has(&vm->home, i) ? vm->mem[i] : 0;
	}
	return all ? nq_share((uint64_t)((unsigned __int128)local * 1000 / all)) : nq_unknown();
}

static void show_vnic(struct nq_writer *writer, const struct nq_host *host, uint32_t index)
{
	const struct nq_vnic *vnic = &host->vnics[index];
	const struct nq_vm *vm = &host->vms[vnic->vm];
	struct nq_share share = nq_share_of_vnic(host, index);
	enum nq_style style = share.remote_vnics ? NQ_STYLE_BAD : NQ_STYLE_GOOD;
	char label[NQ_LABEL_TEXT], mac[NQ_MAC_TEXT], home[NQ_LIST_TEXT], queue[NQ_LANES_TEXT], served[NQ_LIST_TEXT];
	uint32_t worker_node = vnic->worker_cpu == NQ_NONE ? NQ_NONE : host->cpus[vnic->worker_cpu].node;

	nq_vnic_label(host, index, label);
	nq_mac_text(&vnic->mac, mac);
	nq_nodeset_text(host, &vm->home, home, sizeof(home));
	nq_lanes_text(host, vnic->rx_queue, vnic->n_spread, vnic->spread, queue);
	served_text(host, vnic, served);
	nq_writer_cell(writer, nq_text(label));
	nq_writer_cell(writer, nq_text(vm->name));
	nq_writer_cell(writer, nq_text(nq_vm_kind_name(vm->kind)));
	nq_writer_cell(writer, nq_text(*vm->pool ? vm->pool : NQ_POOL_GENERAL));
	nq_writer_cell(writer, nq_text(mac));
	nq_writer_cell(writer, nq_text(vnic->pnic == NQ_NONE ? NULL : host->pnics[vnic->pnic].name));
	nq_writer_cell(writer, nq_text(vm->placed ? home : "any"));
	nq_writer_cell(writer, nq_text(vnic->pnic == NQ_NONE ? NULL : queue));
	nq_writer_cell(writer, nq_text(served[0] ? served : NULL));
	nq_writer_cell(writer, nq_list(vnic->served, host->n_nodes));
	nq_writer_cell(writer, share.packets ? nq_styled(style, nq_share(nq_share_permille(&share))) : nq_unknown());
	nq_writer_cell(writer, nq_rate(vnic->rx.packets));
	nq_writer_cell(writer, nq_rate(vnic->tx.packets));
	nq_writer_cell(writer, nq_rate(vnic->rx.drops));
	nq_writer_cell(writer, memory_local(host, vm));
	nq_writer_cell(writer, nq_id(vnic->worker));
	nq_writer_cell(writer, nq_id(nq_node_id(host, worker_node)));
}

static bool has_pools(const struct nq_host *host)
{
	for (uint32_t i = 0; i < host->n_vms; i++)
		if (*host->vms[i].pool)
			return true;
	return false;
}

static void show_vnics(struct nq_writer *writer, const struct nq_host *host)
{
	/* A pool is worth a column where somebody has one. */
	const struct nq_column columns[] = {
		{ .key = "vnic", .title = "VM", .shrink = true },
		{ .key = "vm", .machine = true },
		{ .key = "kind", .machine = true },
		{ .key = "pool", .title = "POOL", .machine = !has_pools(host) },
		{ .key = "mac", .machine = true },
		{ .key = "pnic", .machine = true },
		{ .key = "home", .title = "HOME", .right = true },
		{ .key = "queue", .title = "QUEUE", .shrink = true },
		{ .key = "served", .title = "SERVED ON", .shrink = true, .human = true },
		{ .key = "served_pps", .machine = true },
		{ .key = "remote_permille", .title = "REMOTE", .right = true },
		{ .key = "rx_pps", .title = "RX/s", .right = true },
		{ .key = "tx_pps", .title = "TX/s", .right = true },
		{ .key = "rx_drops_pps", .machine = true },
		{ .key = "mem_local_permille", .title = "MEM", .right = true },
		{ .key = "worker", .machine = true },
		{ .key = "worker_node", .title = "WORKER", .right = true },
	};
	const struct nq_table table = {
		.key = "vnics",
		.one = "vnic",
		.title = "VMS",
		.empty = "No VM or container was found.",
		COLUMNS(columns),
	};

	nq_writer_table(writer, &table);
	for (uint32_t i = 0; i < host->n_vnics; i++)
		show_vnic(writer, host, i);
	nq_writer_table_end(writer);
}

static void show_queue(struct nq_writer *writer, const struct nq_host *host, uint32_t index)
{
	const struct nq_queue *queue = &host->queues[index];
	char name[NQ_QUEUE_TEXT];

	nq_queue_text(host, index, name);
	nq_writer_cell(writer, nq_text(name));
	nq_writer_cell(writer, nq_text(nq_queue_role_name(queue->role)));
	nq_writer_cell(writer, nq_id(nq_cpu_id(host, queue->cpu)));
	nq_writer_cell(writer, nq_id(nq_node_id(host, nq_host_queue_node(host, index))));
	nq_writer_cell(writer, nq_share(queue->busy));
	nq_writer_cell(writer, nq_rate(queue->rx.packets));
	nq_writer_cell(writer, nq_rate(queue->tx.packets));
	nq_writer_cell(writer, nq_rate(queue->rx.drops + queue->tx.drops));
}

static void show_queues(struct nq_writer *writer, const struct nq_host *host)
{
	static const struct nq_column columns[] = {
		{ .key = "queue", .title = "QUEUE" },
		{ .key = "role", .title = "ROLE" },
		{ .key = "cpu", .title = "CPU", .right = true },
		{ .key = "node", .title = "NODE", .right = true },
		{ .key = "busy_permille", .title = "BUSY", .right = true },
		{ .key = "rx_pps", .title = "RX/s", .right = true },
		{ .key = "tx_pps", .title = "TX/s", .right = true },
		{ .key = "drops_pps", .title = "DROPS/s", .right = true },
	};
	static const struct nq_table table = { .key = "queues", .one = "queue", .title = "QUEUES", COLUMNS(columns) };

	nq_show_queues(writer, host, &table, show_queue);
}

static uint64_t served_on(const struct nq_host *host, uint32_t node)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < host->n_vnics; i++)
		sum += host->vnics[i].served[node];
	return sum;
}

static void show_nodes(struct nq_writer *writer, const struct nq_host *host)
{
	static const struct nq_column columns[] = {
		{ .key = "node", .title = "NODE", .right = true },
		{ .key = "cpus", .title = "CPUS", .shrink = true },
		{ .key = "busy_permille", .title = "BUSY", .right = true },
		{ .key = "mem_total_bytes", .title = "MEMORY", .right = true },
		{ .key = "mem_free_bytes", .title = "FREE", .right = true },
		{ .key = "served_pps", .title = "SERVES/s", .right = true },
	};
	static const struct nq_table table = { .key = "nodes", .one = "node", .title = "NODES", COLUMNS(columns) };

	nq_writer_table(writer, &table);
	for (uint32_t i = 0; i < host->n_nodes; i++) {
		char cpus[NQ_LIST_TEXT];

		nq_cpus_text(host, i, true, cpus);
		nq_writer_cell(writer, nq_number(host->nodes[i].id));
		nq_writer_cell(writer, nq_text(cpus[0] ? cpus : NULL));
		nq_writer_cell(writer, cpus[0] ? nq_share(nq_node_busy(host, i)) : nq_unknown());
		nq_writer_cell(writer, nq_bytes(host->nodes[i].mem_total));
		nq_writer_cell(writer, nq_bytes(host->nodes[i].mem_free));
		nq_writer_cell(writer, nq_rate(served_on(host, i)));
	}
	nq_writer_table_end(writer);
}

static enum nq_exit put_tables(struct nq_cli *cli, const struct nq_host *host)
{
	struct nq_writer *writer;
	enum nq_exit code = nq_cli_writer(cli, false, &writer);

	if (code != NQ_EXIT_OK)
		return code;
	nq_writer_field(writer, "host", "host", nq_text(host->name));
	nq_writer_field(writer, "interval_ns", NULL, nq_time(host->interval_ns));
	nq_show_share(writer, host, "remote");
	show_vnics(writer, host);
	show_queues(writer, host);
	show_nodes(writer, host);
	nq_show_notices(writer, host);
	return nq_cli_finish(writer);
}

static enum nq_exit read_compared(const struct nq_cli *cli, const struct nq_config *config, struct nq_host **ret)
{
	struct nq_cli other = *cli;

	other.options.from = cli->options.compare;
	return nq_cli_observe(&other, config, false, ret);
}

static enum nq_exit put_pictures(const struct nq_cli *cli, const struct nq_host *host, const struct nq_host *after)
{
	const struct nq_host *hosts[] = { host, after };
	struct nq_picture_options options = { .width = cli->width, .color = cli->color, .unicode = cli->unicode };
	size_t n = after ? 2 : 1;
	int r;

	if (cli->options.format == NQ_OUTPUT_SVG)
		r = nq_svg_write(stdout, hosts, n);
	else
		r = nq_picture_write(stdout, hosts, n, &options);
	return r < 0 ? nq_cli_fail(r, NULL) : nq_cli_flush(stdout);
}

enum nq_exit nq_verb_status(struct nq_cli *cli)
{
	NQ_CLEANUP(nq_config) struct nq_config *config = NULL;
	NQ_CLEANUP(nq_host) struct nq_host *host = NULL;
	NQ_CLEANUP(nq_host) struct nq_host *after = NULL;
	bool picture = cli->options.format == NQ_OUTPUT_PICTURE || cli->options.format == NQ_OUTPUT_SVG;
	enum nq_exit code;

	if (cli->options.compare && !picture)
		return nq_cli_complain(NQ_EXIT_USAGE, "status: --compare needs --format picture or --format svg");
	code = nq_cli_config(cli, &config);
	if (code == NQ_EXIT_OK && cli->options.compare)
		code = read_compared(cli, config, &after);
	if (code == NQ_EXIT_OK)
		code = nq_cli_observe(cli, config, true, &host);
	if (code == NQ_EXIT_OK)
		code = nq_cli_save(cli, host);
	if (code != NQ_EXIT_OK)
		return code;
	return picture ? put_pictures(cli, host, after) : put_tables(cli, host);
}
