/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Links are curves from box to box. Where several meet they are spread along the edge in the order of their other ends,
 * which keeps them from crossing there.
 */
#include "cli/show.h"
#include "cli/svg_parts.h"
#include "cli/text.h"

#include <math.h>

/* The square root, because traffic spans magnitudes and a link's width should not. */
static double link_width(uint64_t pps, uint64_t most, bool remote)
{
	double part = most ? sqrt((double)pps / (double)most) : 0;

	return remote ? 1.8 + 5.2 * part : 1.2 + 3.8 * part;
}

/* tail: what the path does after the curve. */
static void put_curve(FILE *stream, struct nq_point from, struct nq_point to, const char *tail, double width,
		      const char *class, const char *title)
{
	double middle = (from.y + to.y) / 2;

	fprintf(stream, "<path d=\"M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f%s\" stroke-width=\"%.1f\" class=\"%s\">",
		from.x, from.y, from.x, middle, to.x, middle, to.x, to.y, tail, width, class);
	nq_svg_title(stream, title);
	fputs("</path>\n", stream);
}

/* Links of the same port (or vnic) whose other end lies further left. */
static double spread_at_port(const struct nq_drawing *layout, const struct nq_link *link)
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

static double spread_at_vm(const struct nq_drawing *layout, const struct nq_link *link)
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

void nq_svg_link(FILE *stream, const struct nq_drawing *layout, const struct nq_link *link, uint64_t most)
{
	const struct nq_scene *scene = layout->scene;
	char name[NQ_LABEL_TEXT], port[NQ_PORT_TEXT], rate[NQ_UNIT_TEXT], title[NQ_LABEL_TEXT + 256];
	struct nq_point from = { spread_at_port(layout, link), layout->port[link->port].y + PORT_HEIGHT };
	struct nq_point vm = layout->vm[link->vnic], to = { spread_at_vm(layout, link), vm.y };
	double row = nq_drawing_vm_row(layout, link->vnic);
	char tail[64] = "";

	nq_vnic_label(scene->host, link->vnic, name);
	nq_port_text(scene, &scene->ports[link->port], port);
	nq_text_rate(link->pps, rate);
	snprintf(title, sizeof(title), "%s to %s: %s packets/s, %s", port, name, rate,
		 link->remote ? "remote" : "local");
	/* A lower row is reached between the columns of the rows above. */
	if (vm.y > row) {
		to = (struct nq_point){ vm.x - ITEM_GAP / 2.0, row };
		snprintf(tail, sizeof(tail), "V%.1fH%.1f", vm.y + VM_HEIGHT / 2.0, vm.x);
	}
	put_curve(stream, from, to, tail, link_width(link->pps, most, link->remote), link->remote ? "r" : "l", title);
}

void nq_svg_uplink(FILE *stream, const struct nq_drawing *layout, uint32_t index, uint64_t most)
{
	const struct nq_scene *scene = layout->scene;
	const struct nq_port *port = &scene->ports[index];
	uint32_t before = 0, all = 0;
	char name[NQ_PORT_TEXT], rate[NQ_UNIT_TEXT], title[NQ_PORT_TEXT + 128];
	struct nq_point from, to = { layout->port[index].x + PORT_WIDTH / 2.0, layout->port[index].y };

	for (uint32_t i = 0; i < scene->n_ports; i++) {
		all += scene->ports[i].pnic == port->pnic;
		before += scene->ports[i].pnic == port->pnic && layout->port[i].x < layout->port[index].x;
	}
	from.x = layout->pnic[port->pnic].x + nq_drawing_pnic_width(layout) * (before + 1.0) / (all + 1.0);
	from.y = layout->pnic[port->pnic].y + PNIC_HEIGHT;
	nq_port_text(scene, port, name);
	nq_text_rate(port->pps, rate);
	snprintf(title, sizeof(title), "%s to %s: %s packets/s, %s", scene->host->pnics[port->pnic].name, name, rate,
		 port->remote ? "to another node" : "on the NIC's node");
	put_curve(stream, from, to, "", link_width(port->pps, most, false), port->remote ? "x" : "l", title);
}
