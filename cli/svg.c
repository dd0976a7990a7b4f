/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The drawing as a whole: links first, boxes over them, headings and legend around. */
#include "cli/svg.h"
#include "cli/show.h"
#include "cli/svg_parts.h"

#include <errno.h>
#include <string.h>

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

static void put_heading(FILE *stream, const struct nq_host *host, const char *when, double y, double width)
{
	struct nq_share share = nq_share_of_host(host);
	char text[NQ_SHARE_TEXT];

	nq_share_text(&share, text);
	fprintf(stream, "<text x=\"%d\" y=\"%.1f\" class=\"t\">%s", MARGIN, y + 34, when);
	nq_svg_escaped(stream, host->name);
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
			nq_svg_rect(stream, (struct nq_point){ x, y - 8 }, 24, 16, items[i].radius, items[i].class);
		nq_svg_text(stream, x + (items[i].width ? 42 : 30), y + 4, DRAWING_LEAST, "s", items[i].text);
	}
}

static void put_scene(FILE *stream, const struct nq_drawing *layout, uint64_t most)
{
	const struct nq_scene *scene = layout->scene;

	for (uint32_t i = 0; i < scene->n_boxes; i++)
		nq_svg_node(stream, layout, i);
	for (uint32_t i = 0; i < scene->n_ports; i++)
		nq_svg_uplink(stream, layout, i, most);
	/* The calm ones first, so that none of them hides a remote one. */
	for (int remote = 0; remote <= 1; remote++) {
		for (uint32_t i = 0; i < scene->n_links; i++) {
			if (scene->links[i].remote == remote)
				nq_svg_link(stream, layout, &scene->links[i], most);
		}
	}
	for (uint32_t i = 0; i < scene->n_boxes; i++) {
		nq_svg_distances(stream, layout, i);
		nq_svg_free_queues(stream, layout, i);
	}
	for (uint32_t i = 0; i < scene->host->n_pnics; i++)
		nq_svg_pnic(stream, layout, i);
	for (uint32_t i = 0; i < scene->n_ports; i++)
		nq_svg_port(stream, layout, i);
	for (uint32_t i = 0; i < scene->host->n_vnics; i++)
		nq_svg_vm(stream, layout, i);
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

static void put_drawing(FILE *stream, const struct nq_drawing *layouts, size_t n)
{
	static const char *const when[SCENES] = { "before: ", "after: " };
	double width = DRAWING_LEAST, bottom = MARGIN;
	uint64_t most = 0;

	for (size_t i = 0; i < n; i++) {
		width = nq_drawing_width(&layouts[i]) > width ? nq_drawing_width(&layouts[i]) : width;
		bottom = layouts[i].top + nq_drawing_height(&layouts[i]);
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
	struct nq_drawing layouts[SCENES] = { 0 };
	double top = TITLE_HEIGHT;
	int r = n <= SCENES ? 0 : -EINVAL;

	for (size_t i = 0; r == 0 && i < n; i++) {
		r = nq_scene_new(hosts[i], &scenes[i]);
		if (r == 0)
			r = nq_drawing_make(scenes[i], top, &layouts[i]);
		if (r == 0)
			top += nq_drawing_height(&layouts[i]) + TITLE_HEIGHT;
	}
	if (r == 0)
		put_drawing(stream, layouts, n);
	for (size_t i = 0; i < SCENES; i++) {
		nq_drawing_free(&layouts[i]);
		nq_scene_free(scenes[i]);
	}
	return r;
}
