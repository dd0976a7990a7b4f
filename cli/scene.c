/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/scene.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* A link with less than this of its vnic's traffic is left out, per mille: it would be a hair that hides others. */
#define LINK_LEAST 20

static uint32_t elsewhere(const struct nq_host *host)
{
	return host->n_nodes;
}

static uint32_t box_of(const struct nq_host *host, uint32_t node)
{
	return node == NQ_NONE ? elsewhere(host) : node;
}

static uint32_t find_port(const struct nq_scene *scene, const struct nq_queue *queue, uint32_t index, uint32_t box)
{
	for (uint32_t i = 0; i < scene->n_ports; i++) {
		const struct nq_port *port = &scene->ports[i];

		if (port->queue == index)
			return i;
		if (queue->role == NQ_ROLE_DEFAULT && port->role == NQ_ROLE_DEFAULT && port->pnic == queue->pnic &&
		    port->box == box)
			return i;
	}
	return NQ_NONE;
}

static bool receives_through(const struct nq_vnic *vnic, uint32_t queue)
{
	bool found = vnic->rx_queue == queue;

	for (uint32_t i = 0; i < vnic->n_spread; i++)
		found = found || vnic->spread[i] == queue;
	return found;
}

static bool is_assigned(const struct nq_host *host, uint32_t queue)
{
	for (uint32_t i = 0; i < host->n_vnics; i++) {
		if (receives_through(&host->vnics[i], queue))
			return true;
	}
	return host->queues[queue].role == NQ_ROLE_ASSIGNED;
}

static void add_queue(struct nq_scene *scene, uint32_t index)
{
	const struct nq_host *host = scene->host;
	const struct nq_queue *queue = &host->queues[index];
	uint32_t node = nq_host_queue_node(host, index), box = box_of(host, node), port;
	bool is_default = queue->role == NQ_ROLE_DEFAULT;

	if (!is_default && !is_assigned(host, index)) {
		scene->free_queues[box] += queue->kind == NQ_QUEUE_HARD;
		return;
	}
	port = find_port(scene, queue, index, box);
	if (port == NQ_NONE) {
		port = scene->n_ports++;
		scene->ports[port] = (struct nq_port){
			.box = box,
			.pnic = queue->pnic,
			.queue = index,
			.role = is_default ? NQ_ROLE_DEFAULT : NQ_ROLE_ASSIGNED,
			.remote = node != NQ_NONE && host->pnics[queue->pnic].node != NQ_NONE &&
				  node != host->pnics[queue->pnic].node,
		};
	}
	scene->ports[port].n_queues++;
}

static void add_link(struct nq_scene *scene, uint32_t vnic, uint32_t port, uint64_t pps)
{
	const struct nq_host *host = scene->host;
	const struct nq_vm *vm = &host->vms[host->vnics[vnic].vm];
	uint32_t box = scene->ports[port].box;

	scene->links[scene->n_links++] = (struct nq_link){
		.vnic = vnic,
		.port = port,
		.pps = pps,
		.remote = box != elsewhere(host) && !nq_nodeset_has(&vm->home, box),
	};
	scene->ports[port].pps += pps;
	if (pps > scene->most_pps)
		scene->most_pps = pps;
}

/* A vnic without a queue of its own is served by the default queues of whichever node its packets were seen on. */
static void link_default(struct nq_scene *scene, uint32_t index)
{
	const struct nq_vnic *vnic = &scene->host->vnics[index];

	for (uint32_t i = 0; i < scene->n_ports; i++) {
		const struct nq_port *port = &scene->ports[i];
		uint64_t pps;

		if (port->pnic != vnic->pnic || port->role != NQ_ROLE_DEFAULT || port->box == elsewhere(scene->host))
			continue;
		pps = vnic->served[port->box];
		if (pps > 0 && pps >= vnic->rx.packets * LINK_LEAST / 1000)
			add_link(scene, index, i, pps);
	}
}

static void link_queue(struct nq_scene *scene, uint32_t index, uint32_t queue, uint64_t pps)
{
	const struct nq_host *host = scene->host;
	uint32_t port = find_port(scene, &host->queues[queue], queue, box_of(host, nq_host_queue_node(host, queue)));

	if (port != NQ_NONE)
		add_link(scene, index, port, pps);
}

/* Packets spread evenly over several queues. */
static void add_vnic(struct nq_scene *scene, uint32_t index)
{
	const struct nq_vnic *vnic = &scene->host->vnics[index];
	uint64_t pps = vnic->rx.packets / (vnic->n_spread + 1);

	if (vnic->rx_queue == NQ_NONE) {
		link_default(scene, index);
		return;
	}
	link_queue(scene, index, vnic->rx_queue, pps);
	for (uint32_t i = 0; i < vnic->n_spread; i++)
		link_queue(scene, index, vnic->spread[i], pps);
}

static uint32_t vm_box(const struct nq_host *host, const struct nq_vm *vm)
{
	return vm->placed || host->n_nodes == 1 ? box_of(host, nq_nodeset_single(&vm->home)) : elsewhere(host);
}

static void fill(struct nq_scene *scene)
{
	const struct nq_host *host = scene->host;

	for (uint32_t i = 0; i < host->n_queues; i++)
		add_queue(scene, i);
	for (uint32_t i = 0; i < host->n_vnics; i++)
		add_vnic(scene, i);
	for (uint32_t i = 0; i < host->n_vms; i++)
		scene->vm_box[i] = vm_box(host, &host->vms[i]);
	for (uint32_t i = 0; i < host->n_pnics; i++)
		scene->pnic_box[i] = box_of(host, host->pnics[i].node);
}

static bool is_elsewhere_used(const struct nq_scene *scene)
{
	const struct nq_host *host = scene->host;
	bool used = scene->free_queues[elsewhere(host)] > 0;

	for (uint32_t i = 0; i < scene->n_ports; i++)
		used |= scene->ports[i].box == elsewhere(host);
	for (uint32_t i = 0; i < host->n_vms; i++)
		used |= scene->vm_box[i] == elsewhere(host);
	for (uint32_t i = 0; i < host->n_pnics; i++)
		used |= scene->pnic_box[i] == elsewhere(host);
	return used;
}

int nq_scene_new(const struct nq_host *host, struct nq_scene **ret)
{
	struct nq_scene *scene = calloc(1, sizeof(*scene));
	/* a vnic has one link for each of its queues, or one per node and pnic to default queues */
	size_t links = (size_t)host->n_vnics * (host->n_nodes + NQ_MAX_LANES);

	if (!scene)
		return -ENOMEM;
	scene->host = host;
	scene->vm_box = calloc(host->n_vms + 1, sizeof(*scene->vm_box));
	scene->pnic_box = calloc(host->n_pnics + 1, sizeof(*scene->pnic_box));
	scene->free_queues = calloc(host->n_nodes + 1, sizeof(*scene->free_queues));
	scene->ports = calloc(host->n_queues + 1, sizeof(*scene->ports));
	scene->links = calloc(links + 1, sizeof(*scene->links));
	if (!scene->vm_box || !scene->pnic_box || !scene->free_queues || !scene->ports || !scene->links) {
		nq_scene_free(scene);
		return -ENOMEM;
	}
	fill(scene);
	scene->n_boxes = host->n_nodes + is_elsewhere_used(scene);
	*ret = scene;
	return 0;
}

struct nq_scene *nq_scene_free(struct nq_scene *scene)
{
	if (!scene)
		return NULL;
	free(scene->vm_box);
	free(scene->pnic_box);
	free(scene->free_queues);
	free(scene->ports);
	free(scene->links);
	free(scene);
	return NULL;
}

void nq_port_text(const struct nq_scene *scene, const struct nq_port *port, char ret[NQ_PORT_TEXT])
{
	if (port->role == NQ_ROLE_DEFAULT && scene->host->n_pnics == 1)
		snprintf(ret, NQ_PORT_TEXT, "default");
	else if (port->role == NQ_ROLE_DEFAULT)
		snprintf(ret, NQ_PORT_TEXT, "%s default", scene->host->pnics[port->pnic].name);
	else
		nq_queue_text(scene->host, port->queue, ret);
}
