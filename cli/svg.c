/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From top to bottom of a box: heading, pnics, queues, VMs; so that a packet's way from the wire to its vm goes down,
 * and a link that leaves its box is one that crosses nodes. Links are drawn first and boxes over them. Where several
 * links meet they are spread along the edge in the order of their other ends, which keeps them from crossing there.
 *
 * Widths are known before anything is drawn (struct layout); drawing only reads them.
 */
#include "cli/svg.h"
#include "cli/scene.h"
#include "cli/show.h"
#include "cli/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sizes in units of the drawing. */
enum {
	MARGIN = 28,
	GAP = 22,      /* between boxes of nodes */
	PAD = 14,      /* inside them */
	ITEM_GAP = 10, /* between items of a row */
	PORT_WIDTH = 112,
	PORT_HEIGHT = 42,
	VM_WIDTH = 88,
	VM_HEIGHT = 46,
	PNIC_HEIGHT = 40,
	PNIC_WIDTH = 186,
	HEAD_HEIGHT = 50,
	PNIC_CHANNEL = 58,     /* between pnics and queues, where links run */
	VM_CHANNEL = 96,       /* between queues and VMs */
	VM_CHANNEL_FULL = 130, /* with more than MANY_LINKS */
	MANY_LINKS = 24,
	VM_ROW_GAP = 12,
	TITLE_HEIGHT = 58,
	LEGEND_HEIGHT = 46,
	BOX_LEAST = 410,
	DRAWING_LEAST = 1060, /* the legend needs it */
	BOXES_PER_ROW = 5,    /* more nodes than this are drawn in rows */
};

static const char style[] =
	"text{font-family:'DejaVu Sans','Liberation Sans',Arial,sans-serif;font-size:11px;fill:#1f2933}"
	".h{font-size:15px;font-weight:bold}.t{font-size:19px;font-weight:bold}.b{font-weight:bold}"
	".s{fill:#616e7c}.m{text-anchor:middle}.bad{fill:#c2410c;font-weight:bold}.good{fill:#1f6f54}"
	".node{fill:#f5f7fa;stroke:#9aa5b1;stroke-width:1.4}.else{fill:#fff;stroke:#9aa5b1;stroke-dasharray:6 4}"
	".pnic{fill:#243b53;stroke:#102a43}.w{fill:#fff}"
	".port{fill:#d9e6f2;stroke:#486581}.dflt{fill:#e4e7eb;stroke:#616e7c}"
	".vm{fill:#fff;stroke:#486581;stroke-width:1.2}.vmbad{fill:#fff4ec;stroke:#ea580c;stroke-width:2}"
	".l{fill:none;stroke:#6b8fb3;stroke-opacity:.75;stroke-linecap:round}"
	".r{fill:none;stroke:#ea580c;stroke-opacity:.8;stroke-linecap:round}"
	".x{fill:none;stroke:#a08a6c;stroke-opacity:.8;stroke-dasharray:7 4}"
	".l:hover,.r:hover,.x:hover{stroke-opacity:1;stroke:#111}";

struct point {
	double x, y;
};

struct layout {
	const struct nq_scene *scene;
	double box_width, pnic_height, vm_channel, vm_height; /* of the rows inside boxes */
	double top;					      /* of the first row of boxes */
	struct point *box, *pnic, *port, *vm;		      /* top left corners, by index in the scene; vm by vnic */
	double port_width;
	uint32_t boxes_per_row;
};

/* ---- text ---- */

static void put_escaped(FILE *stream, const char *text)
{
	char *clean = nq_text_clean(text);

	for (const char *at = clean; at && *at; at++) {
		switch (*at) {
		case '<':
			fputs("&lt;", stream);
			break;
		case '>':
			fputs("&gt;", stream);
			break;
		case '&':
			fputs("&amp;", stream);
			break;
		case '"':
			fputs("&quot;", stream);
			break;
		default:
			fputc(*at, stream);
		}
	}
	free(clean);
}

/* Text cut to a width; letters of this size are about 6.1 wide, bold ones 7.4. */
static void put_text(FILE *stream, double x, double y, double width, const char *class, const char *text)
{
	char *clean = nq_text_clean(text);
	bool bold = strchr(class, 'b') || strchr(class, 'h');
	unsigned room = (unsigned)(width / (strchr(class, 'h') ? 9.6 : bold ? 7.4 : 6.1));
	bool cut = clean && nq_text_width(clean) > room;

	if (clean && cut)
		clean[nq_text_fit(clean, room > 1 ? room - 1 : 1)] = '\0';
	fprintf(stream, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, class);
	put_escaped(stream, clean ? clean : "");
	fprintf(stream, "%s</text>\n", cut ? "…" : "");
	free(clean);
}

static void put_rect(FILE *stream, struct point at, double width, double height, double radius, const char *class)
{
	fprintf(stream, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"%.1f\" class=\"%s\"/>\n", at.x,
		at.y, width, height, radius, class);
}

static void put_title(FILE *stream, const char *text)
{
	fputs("<title>", stream);
	put_escaped(stream, text);
	fputs("</title>\n", stream);
}

/* ---- layout ---- */

static uint32_t count_in_box(const uint32_t *box_of, uint32_t n, uint32_t box)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < n; i++)
		count += box_of[i] == box;
	return count;
}

static uint32_t count_ports(const struct nq_scene *scene, uint32_t box)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < scene->n_ports; i++)
		count += scene->ports[i].box == box;
	return count;
}

static uint32_t vnic_box(const struct nq_scene *scene, uint32_t vnic)
{
	return scene->vm_box[scene->host->vnics[vnic].vm];
}

static uint32_t count_vnics(const struct nq_scene *scene, uint32_t box)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < scene->host->n_vnics; i++)
		count += vnic_box(scene, i) == box;
	return count;
}

static uint32_t vms_per_row(const struct layout *layout)
{
	return (uint32_t)((layout->box_width - 2 * PAD + ITEM_GAP) / (VM_WIDTH + ITEM_GAP));
}

static double scene_width(const struct layout *layout)
{
	return layout->boxes_per_row * (layout->box_width + GAP) - GAP;
}

static void measure(struct layout *layout)
{
	const struct nq_scene *scene = layout->scene;
	uint32_t pnics = 1, vms = 0;

	layout->box_width = BOX_LEAST;
	layout->vm_channel = scene->n_links > MANY_LINKS ? VM_CHANNEL_FULL : VM_CHANNEL;
	layout->boxes_per_row = scene->n_boxes <= BOXES_PER_ROW ? scene->n_boxes : BOXES_PER_ROW - 1;
	for (uint32_t i = 0; i < scene->n_boxes; i++) {
		double ports = count_ports(scene, i) * (PORT_WIDTH + ITEM_GAP) - ITEM_GAP + 2 * PAD;
		uint32_t here = count_in_box(scene->pnic_box, scene->host->n_pnics, i);

		layout->box_width = ports > layout->box_width ? ports : layout->box_width;
		pnics = here > pnics ? here : pnics;
	}
	if (scene_width(layout) < DRAWING_LEAST)
		layout->box_width = (DRAWING_LEAST + GAP) / layout->boxes_per_row - GAP;
	for (uint32_t i = 0; i < scene->n_boxes; i++) {
		uint32_t rows = (count_vnics(scene, i) + vms_per_row(layout) - 1) / vms_per_row(layout);

		vms = rows > vms ? rows : vms;
	}
	/* pnics stand beside each other as long as they fit, at two to the least box */
	layout->pnic_height = (pnics + 1) / 2 * (PNIC_HEIGHT + VM_ROW_GAP) - VM_ROW_GAP;
	layout->vm_height = vms ? vms * (VM_HEIGHT + VM_ROW_GAP) - VM_ROW_GAP : 0;
}

static double box_height(const struct layout *layout)
{
	return HEAD_HEIGHT + layout->pnic_height + PNIC_CHANNEL + PORT_HEIGHT + layout->vm_channel + layout->vm_height +
	       PAD;
}

static double scene_height(const struct layout *layout)
{
	uint32_t rows = (layout->scene->n_boxes + layout->boxes_per_row - 1) / layout->boxes_per_row;

	return rows * (box_height(layout) + GAP) - GAP;
}

/* The i-th of n items in rows of per_row; all rows on the same columns, in the middle of the box. */
static struct point place(const struct layout *layout, uint32_t box, double y, uint32_t i, uint32_t n, uint32_t per_row,
			  double width, double height)
{
	uint32_t row = i / per_row;
	double used = (n < per_row ? n : per_row) * (width + ITEM_GAP) - ITEM_GAP;

	return (struct point){
		layout->box[box].x + (layout->box_width - used) / 2 + (i % per_row) * (width + ITEM_GAP),
		layout->box[box].y + y + row * (height + VM_ROW_GAP),
	};
}

static uint32_t first_port(const struct nq_scene *scene, uint32_t vnic)
{
	uint32_t first = NQ_NONE;

	for (uint32_t i = 0; i < scene->n_links; i++) {
		if (scene->links[i].vnic == vnic && scene->links[i].port < first)
			first = scene->links[i].port;
	}
	return first;
}

/* Place of a vnic among those of its box: those of one queue stand together, so that fewer links cross. */
static uint32_t rank(const struct nq_scene *scene, uint32_t vnic)
{
	uint32_t port = first_port(scene, vnic), before = 0;

	for (uint32_t i = 0; i < scene->host->n_vnics; i++) {
		uint32_t other;

		if (i == vnic || vnic_box(scene, i) != vnic_box(scene, vnic))
			continue;
		other = first_port(scene, i);
		before += other < port || (other == port && i < vnic);
	}
	return before;
}

static void place_box(struct layout *layout, uint32_t box)
{
	const struct nq_scene *scene = layout->scene;
	double y = HEAD_HEIGHT, wide = (layout->box_width - 2 * PAD - ITEM_GAP) / 2;
	uint32_t n = count_in_box(scene->pnic_box, scene->host->n_pnics, box), at = 0;

	layout->box[box] = (struct point){
		MARGIN + box % layout->boxes_per_row * (layout->box_width + GAP),
		layout->top + box / layout->boxes_per_row * (box_height(layout) + GAP),
	};
	for (uint32_t i = 0; i < scene->host->n_pnics; i++) {
		if (scene->pnic_box[i] == box)
			layout->pnic[i] =
				place(layout, box, y, at++, n, 2, wide < PNIC_WIDTH ? wide : PNIC_WIDTH, PNIC_HEIGHT);
	}
	y += layout->pnic_height + PNIC_CHANNEL;
	n = count_ports(scene, box);
	at = 0;
	for (uint32_t i = 0; i < scene->n_ports; i++) {
		if (scene->ports[i].box == box)
			layout->port[i] = place(layout, box, y, at++, n, n, PORT_WIDTH, PORT_HEIGHT);
	}
	y += PORT_HEIGHT + layout->vm_channel;
	n = count_vnics(scene, box);
	for (uint32_t i = 0; i < scene->host->n_vnics; i++) {
		if (vnic_box(scene, i) == box)
			layout->vm[i] =
				place(layout, box, y, rank(scene, i), n, vms_per_row(layout), VM_WIDTH, VM_HEIGHT);
	}
}

static void layout_free(struct layout *layout)
{
	free(layout->box);
	free(layout->pnic);
	free(layout->port);
	free(layout->vm);
}

static int layout_make(const struct nq_scene *scene, double top, struct layout *ret)
{
	struct layout layout = { .scene = scene, .top = top };
	const struct nq_host *host = scene->host;

	layout.box = calloc(scene->n_boxes + 1, sizeof(*layout.box));
	layout.pnic = calloc(host->n_pnics + 1, sizeof(*layout.pnic));
	layout.port = calloc(scene->n_ports + 1, sizeof(*layout.port));
	layout.vm = calloc(host->n_vnics + 1, sizeof(*layout.vm));
	if (!layout.box || !layout.pnic || !layout.port || !layout.vm) {
		layout_free(&layout);
		return -ENOMEM;
	}
	measure(&layout);
	for (uint32_t i = 0; i < scene->n_boxes; i++)
		place_box(&layout, i);
	*ret = layout;
	return 0;
}

/* ---- links ---- */

static double pnic_width(const struct layout *layout)
{
	double wide = (layout->box_width - 2 * PAD - ITEM_GAP) / 2;

	return wide < PNIC_WIDTH ? wide : PNIC_WIDTH;
}

/* The square root, because traffic spans magnitudes and a link's width should not. */
static double link_width(uint64_t pps, uint64_t most, bool remote)
{
	double part = most ? sqrt((double)pps / (double)most) : 0;

	return remote ? 1.8 + 5.2 * part : 1.2 + 3.8 * part;
}

/* tail: what the path does after the curve. */
static void put_curve(FILE *stream, struct point from, struct point to, const char *tail, double width,
		      const char *class, const char *title)
{
	double middle = (from.y + to.y) / 2;

	fprintf(stream, "<path d=\"M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f%s\" stroke-width=\"%.1f\" class=\"%s\">",
		from.x, from.y, from.x, middle, to.x, middle, to.x, to.y, tail, width, class);
	put_title(stream, title);
	fputs("</path>\n", stream);
}

/* Links of the same port (or vnic) whose other end lies further left. */
static double spread_at_port(const struct layout *layout, const struct nq_link *link)
{
	const struct nq_scene *scene = layout->scene;
	uint32_t before = 0, all = 0;

	for (uint32_t i = 0; i < scene->n_links; i++) {
		const struct nq_link *other = &scene->links[i];

		if (other->port != link->port)
			continue;
		all++;
		before += layout->vm[other->vnic].x < layout->vm[link->vnic].x ||
			  (layout->vm[other->vnic].x == layout->vm[link->vnic].x && other < link);
	}
	return layout->port[link->port].x + PORT_WIDTH * (before + 1.0) / (all + 1.0);
}

static double spread_at_vm(const struct layout *layout, const struct nq_link *link)
{
	const struct nq_scene *scene = layout->scene;
	uint32_t before = 0, all = 0;

	for (uint32_t i = 0; i < scene->n_links; i++) {
		const struct nq_link *other = &scene->links[i];

		if (other->vnic != link->vnic)
			continue;
		all++;
		before += layout->port[other->port].x < layout->port[link->port].x;
	}
	return layout->vm[link->vnic].x + VM_WIDTH * (before + 1.0) / (all + 1.0);
}

/* Top of the first row of VMs in the vnic's box. */
static double vm_row_y(const struct layout *layout, uint32_t vnic)
{
	return layout->box[vnic_box(layout->scene, vnic)].y + HEAD_HEIGHT + layout->pnic_height + PNIC_CHANNEL +
	       PORT_HEIGHT + layout->vm_channel;
}

static void put_link(FILE *stream, const struct layout *layout, const struct nq_link *link, uint64_t most)
{
	const struct nq_scene *scene = layout->scene;
	char name[NQ_LABEL_TEXT], port[NQ_PORT_TEXT], rate[NQ_UNIT_TEXT], title[NQ_LABEL_TEXT + 256];
	struct point from = { spread_at_port(layout, link), layout->port[link->port].y + PORT_HEIGHT };
	struct point vm = layout->vm[link->vnic], to = { spread_at_vm(layout, link), vm.y };
	double row = vm_row_y(layout, link->vnic);
	char tail[64] = "";

	nq_vnic_label(scene->host, link->vnic, name);
	nq_port_text(scene, &scene->ports[link->port], port);
	nq_text_rate(link->pps, rate);
	snprintf(title, sizeof(title), "%s to %s: %s packets/s, %s", port, name, rate,
		 link->remote ? "remote" : "local");
	/* A lower row is reached between the columns of the rows above. */
	if (vm.y > row) {
		to = (struct point){ vm.x - ITEM_GAP / 2.0, row };
		snprintf(tail, sizeof(tail), "V%.1fH%.1f", vm.y + VM_HEIGHT / 2.0, vm.x);
	}
	put_curve(stream, from, to, tail, link_width(link->pps, most, link->remote), link->remote ? "r" : "l", title);
}

static void put_uplink(FILE *stream, const struct layout *layout, uint32_t index, uint64_t most)
{
	const struct nq_scene *scene = layout->scene;
	const struct nq_port *port = &scene->ports[index];
	uint32_t before = 0, all = 0;
	char name[NQ_PORT_TEXT], rate[NQ_UNIT_TEXT], title[NQ_PORT_TEXT + 128];
	struct point from, to = { layout->port[index].x + PORT_WIDTH / 2.0, layout->port[index].y };

	for (uint32_t i = 0; i < scene->n_ports; i++) {
		all += scene->ports[i].pnic == port->pnic;
		before += scene->ports[i].pnic == port->pnic && layout->port[i].x < layout->port[index].x;
	}
	from.x = layout->pnic[port->pnic].x + pnic_width(layout) * (before + 1.0) / (all + 1.0);
	from.y = layout->pnic[port->pnic].y + PNIC_HEIGHT;
	nq_port_text(scene, port, name);
	nq_text_rate(port->pps, rate);
	snprintf(title, sizeof(title), "%s to %s: %s packets/s, %s", scene->host->pnics[port->pnic].name, name, rate,
		 port->remote ? "to another node" : "on the NIC's node");
	put_curve(stream, from, to, "", link_width(port->pps, most, false), port->remote ? "x" : "l", title);
}

/* ---- boxes ---- */

static void put_node(FILE *stream, const struct layout *layout, uint32_t box)
{
	const struct nq_host *host = layout->scene->host;
	struct point at = layout->box[box];
	char head[64], line[256], free_bytes[NQ_UNIT_TEXT], all[NQ_UNIT_TEXT], busy[NQ_UNIT_TEXT], cpus[NQ_LIST_TEXT];

	put_rect(stream, at, layout->box_width, box_height(layout), 10, box < host->n_nodes ? "node" : "else");
	if (box == host->n_nodes) {
		put_text(stream, at.x + PAD, at.y + 22, layout->box_width - 2 * PAD, "h", "elsewhere");
		put_text(stream, at.x + PAD, at.y + 39, layout->box_width - 2 * PAD, "s",
			 "on several nodes, or unknown");
		return;
	}
	snprintf(head, sizeof(head), "node %u", host->nodes[box].id);
	nq_cpus_text(host, box, true, cpus);
	nq_text_bytes(host->nodes[box].mem_free, free_bytes);
	nq_text_bytes(host->nodes[box].mem_total, all);
	nq_text_share(nq_node_busy(host, box), busy);
	snprintf(line, sizeof(line), "CPU %.60s, %s busy · %s of %s free", cpus[0] ? cpus : "none", busy, free_bytes,
		 all);
	put_text(stream, at.x + PAD, at.y + 22, layout->box_width - 2 * PAD, "h", head);
	put_text(stream, at.x + PAD, at.y + 39, layout->box_width - 2 * PAD, "s", line);
}

/* Distances at the right of the heading: short enough for eight nodes, and elsewhere in the topology for more. */
static void put_distances(FILE *stream, const struct layout *layout, uint32_t box)
{
	const struct nq_host *host = layout->scene->host;
	struct point at = layout->box[box];
	char line[128] = "distances";
	size_t used = strlen(line);

	if (box == host->n_nodes || host->n_nodes < 2 || host->n_nodes > 8)
		return;
	for (uint32_t i = 0; i < host->n_nodes; i++)
		used += (size_t)snprintf(line + used, sizeof(line) - used, " %u", nq_host_distance(host, box, i));
	fprintf(stream, "<text x=\"%.1f\" y=\"%.1f\" class=\"s\" text-anchor=\"end\">%s</text>\n",
		at.x + layout->box_width - PAD, at.y + 22, line);
}

static void put_pnic(FILE *stream, const struct layout *layout, uint32_t index)
{
	const struct nq_pnic *pnic = &layout->scene->host->pnics[index];
	double width = pnic_width(layout), middle = layout->pnic[index].x + width / 2;
	char line[128];

	snprintf(line, sizeof(line), "%.40s · steers by %s", pnic->driver, nq_steering_name(pnic->steering));
	fputs("<g>", stream);
	put_title(stream, pnic->bus);
	put_rect(stream, layout->pnic[index], width, PNIC_HEIGHT, 4, "pnic");
	put_text(stream, middle, layout->pnic[index].y + 17, width, "b m w", pnic->name);
	put_text(stream, middle, layout->pnic[index].y + 32, width, "m w", line);
	fputs("</g>\n", stream);
}

static void put_port(FILE *stream, const struct layout *layout, uint32_t index)
{
	const struct nq_scene *scene = layout->scene;
	const struct nq_port *port = &scene->ports[index];
	struct point at = layout->port[index];
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
	put_title(stream, port->remote ? "this queue is served on another node than its NIC's" : name);
	put_rect(stream, at, PORT_WIDTH, PORT_HEIGHT, 12, is_default ? "dflt" : "port");
	put_text(stream, at.x + PORT_WIDTH / 2.0, at.y + 18, PORT_WIDTH - 4, "b m", name);
	put_text(stream, at.x + PORT_WIDTH / 2.0, at.y + 33, PORT_WIDTH - 2, "m", line);
	fputs("</g>\n", stream);
}

static void put_free(FILE *stream, const struct layout *layout, uint32_t box)
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

/* In a small box tenths of a percent are too much. */
static uint64_t whole_percent(const struct nq_share *share)
{
	return (nq_share_permille(share) + 5) / 10 * 10;
}

static void put_vm(FILE *stream, const struct layout *layout, uint32_t index)
{
	const struct nq_host *host = layout->scene->host;
	const struct nq_vnic *vnic = &host->vnics[index];
	struct nq_share share = nq_share_of_vnic(host, index);
	struct point at = layout->vm[index];
	double middle = at.x + VM_WIDTH / 2.0;
	char label[NQ_LABEL_TEXT], mac[NQ_MAC_TEXT], home[64], text[NQ_LABEL_TEXT + 128], rate[NQ_UNIT_TEXT],
		remote[48];

	nq_vnic_label(host, index, label);
	nq_mac_text(&vnic->mac, mac);
	nq_nodeset_text(host, &host->vms[vnic->vm].home, home, sizeof(home));
	snprintf(text, sizeof(text), "%s: %s, home %s", label, mac, host->vms[vnic->vm].placed ? home : "anywhere");
	nq_text_rate(vnic->rx.packets, rate);
	nq_text_share(whole_percent(&share), remote);
	strcat(rate, "/s");
	strcat(remote, " remote");
	fputs("<g>", stream);
	put_title(stream, text);
	put_rect(stream, at, VM_WIDTH, VM_HEIGHT, 4, share.remote_vnics ? "vmbad" : "vm");
	put_text(stream, middle, at.y + 15, VM_WIDTH - 4, "b m", label);
	put_text(stream, middle, at.y + 28, VM_WIDTH - 4, "m", rate);
	put_text(stream, middle, at.y + 41, VM_WIDTH + 2, share.remote_vnics ? "m bad" : "m s",
		 share.packets ? remote : "no traffic");
	fputs("</g>\n", stream);
}

static void put_heading(FILE *stream, const struct nq_host *host, const char *when, double y, double width)
{
	struct nq_share share = nq_share_of_host(host);
	char text[NQ_SHARE_TEXT];

	nq_share_text(&share, text);
	fprintf(stream, "<text x=\"%d\" y=\"%.1f\" class=\"t\">%s", MARGIN, y + 34, when);
	put_escaped(stream, host->name);
	fprintf(stream, "</text>\n<text x=\"%.1f\" y=\"%.1f\" class=\"h%s\" text-anchor=\"end\">remote: %s</text>\n",
		MARGIN + width, y + 34,
		share.remote_vnics ? " bad"
		: share.packets	   ? " good"
				   : "",
		text);
}

static void put_legend(FILE *stream, double y)
{
	static const struct {
		double x;
		const char *class;
		unsigned width; /* of a line; 0: a box */
		double radius;
		const char *text;
	} items[] = {
		{ 0, "l", 4, 0, "served on the receiver's node" },
		{ 226, "r", 6, 0, "remote: served on another node" },
		{ 462, "x", 3, 0, "NIC to queue on another node" },
		{ 684, "pnic", 0, 3, "NIC" },
		{ 748, "port", 0, 7, "queue of VMs" },
		{ 862, "dflt", 0, 7, "default queues" },
		{ 984, "vm", 0, 3, "VM" },
	};

	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		double x = MARGIN + items[i].x;

		if (items[i].width)
			fprintf(stream, "<path d=\"M%.1f %.1fh34\" stroke-width=\"%u\" class=\"%s\"/>\n", x, y,
				items[i].width, items[i].class);
		else
			put_rect(stream, (struct point){ x, y - 8 }, 24, 16, items[i].radius, items[i].class);
		put_text(stream, x + (items[i].width ? 42 : 30), y + 4, DRAWING_LEAST, "s", items[i].text);
	}
}

static void put_scene(FILE *stream, const struct layout *layout, uint64_t most)
{
	const struct nq_scene *scene = layout->scene;

	for (uint32_t i = 0; i < scene->n_boxes; i++)
		put_node(stream, layout, i);
	for (uint32_t i = 0; i < scene->n_ports; i++)
		put_uplink(stream, layout, i, most);
	/* The calm ones first, so that none of them hides a remote one. */
	for (int remote = 0; remote <= 1; remote++) {
		for (uint32_t i = 0; i < scene->n_links; i++) {
			if (scene->links[i].remote == remote)
				put_link(stream, layout, &scene->links[i], most);
		}
	}
	for (uint32_t i = 0; i < scene->n_boxes; i++) {
		put_distances(stream, layout, i);
		put_free(stream, layout, i);
	}
	for (uint32_t i = 0; i < scene->host->n_pnics; i++)
		put_pnic(stream, layout, i);
	for (uint32_t i = 0; i < scene->n_ports; i++)
		put_port(stream, layout, i);
	for (uint32_t i = 0; i < scene->host->n_vnics; i++)
		put_vm(stream, layout, i);
}

/* The most traffic on any one line of the drawing, so that widths mean the same before and after. */
static uint64_t most_of(const struct nq_scene *scene)
{
	uint64_t most = scene->most_pps;

	for (uint32_t i = 0; i < scene->n_ports; i++)
		most = scene->ports[i].pps > most ? scene->ports[i].pps : most;
	return most;
}

#define SCENES 2

static void put_drawing(FILE *stream, const struct layout *layouts, size_t n)
{
	static const char *const when[SCENES] = { "before: ", "after: " };
	double width = DRAWING_LEAST, bottom = MARGIN;
	uint64_t most = 0;

	for (size_t i = 0; i < n; i++) {
		width = scene_width(&layouts[i]) > width ? scene_width(&layouts[i]) : width;
		bottom = layouts[i].top + scene_height(&layouts[i]);
		most = most_of(layouts[i].scene) > most ? most_of(layouts[i].scene) : most;
	}
	fprintf(stream,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\">\n"
		"<title>nearq: who is served where</title>\n<style>%s</style>\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
		width + 2 * MARGIN, bottom + LEGEND_HEIGHT, width + 2 * MARGIN, bottom + LEGEND_HEIGHT, style);
	for (size_t i = 0; i < n; i++) {
		put_heading(stream, layouts[i].scene->host, n > 1 ? when[i] : "", layouts[i].top - TITLE_HEIGHT, width);
		put_scene(stream, &layouts[i], most);
	}
	put_legend(stream, bottom + LEGEND_HEIGHT / 2.0);
	fputs("\n</svg>\n", stream);
}

int nq_svg_write(FILE *stream, const struct nq_host *const *hosts, size_t n)
{
	struct nq_scene *scenes[SCENES] = { NULL };
	struct layout layouts[SCENES] = { 0 };
	double top = TITLE_HEIGHT;
	int r = n <= SCENES ? 0 : -EINVAL;

	for (size_t i = 0; r == 0 && i < n; i++) {
		r = nq_scene_new(hosts[i], &scenes[i]);
		if (r == 0)
			r = layout_make(scenes[i], top, &layouts[i]);
		if (r == 0)
			top += scene_height(&layouts[i]) + TITLE_HEIGHT;
	}
	if (r == 0)
		put_drawing(stream, layouts, n);
	for (size_t i = 0; i < SCENES; i++) {
		layout_free(&layouts[i]);
		nq_scene_free(scenes[i]);
	}
	return r;
}
