/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/show.h"
#include "cli/svg_parts.h"
#include "cli/text.h"

#include <string.h>

void nq_svg_node(FILE *stream, const struct nq_drawing *layout, uint32_t box)
{
	const struct nq_host *host = layout->scene->host;
	struct nq_point at = layout->box[box];
	char head[64], line[256], free_bytes[NQ_UNIT_TEXT], all[NQ_UNIT_TEXT], busy[NQ_UNIT_TEXT], cpus[NQ_LIST_TEXT];

	nq_svg_rect(stream, at, layout->box_width, nq_drawing_box_height(layout), 10,
		    box < host->n_nodes ? "node" : "else");
	if (box == host->n_nodes) {
		nq_svg_text(stream, at.x + PAD, at.y + 22, layout->box_width - 2 * PAD, "h", "elsewhere");
		nq_svg_text(stream, at.x + PAD, at.y + 39, layout->box_width - 2 * PAD, "s",
			    "on several nodes, or unknown");
		return;
	}
	snprintf(head, sizeof(head), "node %u", host->nodes[box].id);
	nq_cpus_text(host, box, true, cpus);
	nq_text_bytes(host->nodes[box].mem_free, free_bytes);
	nq_text_bytes(host->nodes[box].mem_total, all);
	nq_text_share_short(nq_node_busy(host, box), busy);
	snprintf(line, sizeof(line), "CPU %.60s, %s busy · %s of %s free", cpus[0] ? cpus : "none", busy, free_bytes,
		 all);
	nq_svg_text(stream, at.x + PAD, at.y + 22, layout->box_width - 2 * PAD, "h", head);
	nq_svg_text(stream, at.x + PAD, at.y + 39, layout->box_width - 2 * PAD, "s", line);
}

/* Distances at the right of the heading: short enough for eight nodes, and elsewhere in the topology for more. */
void nq_svg_distances(FILE *stream, const struct nq_drawing *layout, uint32_t box)
{
	const struct nq_host *host = layout->scene->host;
	struct nq_point at = layout->box[box];
	char line[128] = "distances";
	size_t used = strlen(line);

	if (box == host->n_nodes || host->n_nodes < 2 || host->n_nodes > 8)
		return;
	for (uint32_t i = 0; i < host->n_nodes; i++)
		used += (size_t)snprintf(line + used, sizeof(line) - used, " %u", nq_host_distance(host, box, i));
	fprintf(stream, "<text x=\"%.1f\" y=\"%.1f\" class=\"s\" text-anchor=\"end\">%s</text>\n",
		at.x + layout->box_width - PAD, at.y + 22, line);
}

void nq_svg_pnic(FILE *stream, const struct nq_drawing *layout, uint32_t index)
{
	const struct nq_pnic *pnic = &layout->scene->host->pnics[index];
	double width = nq_drawing_pnic_width(layout), middle = layout->pnic[index].x + width / 2;
	char line[128];

	snprintf(line, sizeof(line), "%.40s · steers by %s", pnic->driver, nq_steering_name(pnic->steering));
	fputs("<g>", stream);
	nq_svg_title(stream, pnic->bus);
	nq_svg_rect(stream, layout->pnic[index], width, PNIC_HEIGHT, 4, "pnic");
	nq_svg_text(stream, middle, layout->pnic[index].y + 17, width, "b m w", pnic->name);
	nq_svg_text(stream, middle, layout->pnic[index].y + 32, width, "m w", line);
	fputs("</g>\n", stream);
}

void nq_svg_port(FILE *stream, const struct nq_drawing *layout, uint32_t index)
{
	const struct nq_scene *scene = layout->scene;
	const struct nq_port *port = &scene->ports[index];
	struct nq_point at = layout->port[index];
	bool is_default = port->role == NQ_ROLE_DEFAULT;
	uint32_t cpu = scene->host->queues[port->queue].cpu;
	char name[NQ_PORT_TEXT], line[64], rate[NQ_UNIT_TEXT];

	nq_port_text(scene, port, name);
	nq_text_rate(port->pps, rate);
	if (is_default && port->n_queues > 1)
		snprintf(line, sizeof(line), "%u queues · %s/s", port->n_queues, rate);
	else if (cpu != NQ_NONE && scene->host->queues[port->queue].kind == NQ_QUEUE_HARD)
		snprintf(line, sizeof(line), "CPU %u · %s/s", scene->host->cpus[cpu].id, rate);
	else
		snprintf(line, sizeof(line), "%s/s", rate);
	fputs("<g>", stream);
	nq_svg_title(stream, port->remote ? "this queue is served on another node than its NIC's" : name);
	nq_svg_rect(stream, at, PORT_WIDTH, PORT_HEIGHT, 12, is_default ? "dflt" : "port");
	nq_svg_text(stream, at.x + PORT_WIDTH / 2.0, at.y + 18, PORT_WIDTH - 4, "b m", name);
	nq_svg_text(stream, at.x + PORT_WIDTH / 2.0, at.y + 33, PORT_WIDTH - 2, "m", line);
	fputs("</g>\n", stream);
}

void nq_svg_free_queues(FILE *stream, const struct nq_drawing *layout, uint32_t box)
{
	uint32_t n = layout->scene->free_queues[box];
	char line[48];

	if (n == 0)
		return;
	snprintf(line, sizeof(line), "%u free queue%s", n, n > 1 ? "s" : "");
	fprintf(stream, "<text x=\"%.1f\" y=\"%.1f\" class=\"s\" text-anchor=\"end\">%s</text>\n",
		layout->box[box].x + layout->box_width - PAD,
		layout->box[box].y + HEAD_HEIGHT + layout->pnic_height + 16, line);
}

void nq_svg_vm(FILE *stream, const struct nq_drawing *layout, uint32_t index)
{
	const struct nq_host *host = layout->scene->host;
	const struct nq_vnic *vnic = &host->vnics[index];
	const struct nq_vm *vm = &host->vms[vnic->vm];
	struct nq_share share = nq_share_of_vnic(host, index);
	struct nq_point at = layout->vm[index];
	double middle = at.x + VM_WIDTH / 2.0;
	char label[NQ_LABEL_TEXT], mac[NQ_MAC_TEXT], home[64], text[NQ_LABEL_TEXT + 128], rate[NQ_UNIT_TEXT],
		remote[48];

	nq_vnic_label(host, index, label);
	nq_mac_text(&vnic->mac, mac);
	nq_nodeset_text(host, &vm->home, home, sizeof(home));
	snprintf(text, sizeof(text), "%s: %s, home %s%s%s", label, mac, vm->placed ? home : "anywhere",
		 *vm->pool ? ", pool " : "", vm->pool);
	nq_text_rate(vnic->rx.packets, rate);
	nq_text_share_short(nq_share_permille(&share), remote);
	strcat(rate, "/s");
	strcat(remote, " remote");
	fputs("<g>", stream);
	nq_svg_title(stream, text);
	nq_svg_rect(stream, at, VM_WIDTH, VM_HEIGHT, 4, share.remote_vnics ? "vmbad" : "vm");
	nq_svg_text(stream, middle, at.y + 15, VM_WIDTH - 4, "b m", label);
	nq_svg_text(stream, middle, at.y + 28, VM_WIDTH - 4, "m", rate);
	nq_svg_text(stream, middle, at.y + 41, VM_WIDTH + 2, share.remote_vnics ? "m bad" : "m s",
		    share.packets ? remote : "no traffic");
	fputs("</g>\n", stream);
}
