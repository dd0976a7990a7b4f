/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Each box becomes a list of lines first; boxes that fit beside each other are then printed line by line. So no line
 * knows where on the screen it stands.
 */
#include "cli/picture.h"
#include "cli/scene.h"
#include "cli/show.h"
#include "cli/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define BOX_LEAST 38 /* columns; narrower than this no vm's line fits */
#define BOX_MOST 60
#define NAME_WIDTH 8
#define RATE_WIDTH 6

/* Lines of a box, "STYLE" byte in front of each. */
struct lines {
	char **line;
	enum nq_style *style;
	size_t n;
	int error;
};

struct glyphs {
	const char *corner[4]; /* top left, top right, bottom left, bottom right */
	const char *horizontal, *vertical, *pnic, *queue, *vm, *local, *remote;
};

static const struct glyphs unicode_glyphs = {
	{ "╭", "╮", "╰", "╯" }, "─", "│", "▣", "▤", "●", "──", "━━",
};
static const struct glyphs ascii_glyphs = {
	{ "+", "+", "+", "+" }, "-", "|", "#", "=", "*", "--", "==",
};

static void add(struct lines *lines, enum nq_style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void add(struct lines *lines, enum nq_style style, const char *format, ...)
{
	char text[1024];
	char **line = reallocarray(lines->line, lines->n + 1, sizeof(*line));
	enum nq_style *styles = reallocarray(lines->style, lines->n + 1, sizeof(*styles));
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	lines->line = line ? line : lines->line;
	lines->style = styles ? styles : lines->style;
	if (line && styles)
		lines->line[lines->n] = nq_text_clean(text);
	if (!line || !styles || !lines->line[lines->n]) {
		lines->error = -ENOMEM;
		return;
	}
	lines->style[lines->n++] = style;
}

static void clear(struct lines *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		free(lines->line[i]);
	free(lines->line);
	free(lines->style);
	*lines = (struct lines){ 0 };
}

/* A name cut or filled up to its column. */
static void column(const char *text, unsigned width, char *ret, size_t size)
{
	size_t bytes = nq_text_fit(text, width);
	int pad = (int)width - (int)nq_text_width(text);

	snprintf(ret, size, "%.*s%*s", (int)bytes, text, pad > 0 ? pad : 0, "");
}

static void add_header(struct lines *lines, const struct nq_scene *scene, uint32_t box)
{
	const struct nq_host *host = scene->host;
	char busy[NQ_UNIT_TEXT], memory[NQ_UNIT_TEXT];

	if (box == host->n_nodes) {
		add(lines, NQ_STYLE_TITLE, "elsewhere (several nodes, unknown)");
		return;
	}
	nq_text_share_short(nq_node_busy(host, box), busy);
	nq_text_bytes(host->nodes[box].mem_free, memory);
	add(lines, NQ_STYLE_TITLE, "node %u: %s busy, %s free", host->nodes[box].id, busy, memory);
}

static void add_pnics(struct lines *lines, const struct nq_scene *scene, uint32_t box, const struct glyphs *glyphs)
{
	for (uint32_t i = 0; i < scene->host->n_pnics; i++) {
		const struct nq_pnic *pnic = &scene->host->pnics[i];

		if (scene->pnic_box[i] == box)
			add(lines, NQ_STYLE_PLAIN, "%s %s %s, steers by %s", glyphs->pnic, pnic->name, pnic->driver,
			    nq_steering_name(pnic->steering));
	}
}

static void add_ports(struct lines *lines, const struct nq_scene *scene, uint32_t box, const struct glyphs *glyphs)
{
	for (uint32_t i = 0; i < scene->n_ports; i++) {
		const struct nq_port *port = &scene->ports[i];
		uint32_t home = scene->host->pnics[port->pnic].node;
		char name[NQ_PORT_TEXT], rate[NQ_UNIT_TEXT], count[24] = "", from[24] = "";

		if (port->box != box)
			continue;
		nq_port_text(scene, port, name);
		nq_text_rate(port->pps, rate);
		if (port->n_queues > 1)
			snprintf(count, sizeof(count), " x%u", port->n_queues);
		if (port->remote)
			snprintf(from, sizeof(from), ", NIC on %u", scene->host->nodes[home].id);
		add(lines, NQ_STYLE_PLAIN, "%s %s%s %s/s%s", glyphs->queue, name, count, rate, from);
	}
	if (scene->free_queues[box] > 0)
		add(lines, NQ_STYLE_DIM, "%s %u free queue%s", glyphs->queue, scene->free_queues[box],
		    scene->free_queues[box] > 1 ? "s" : "");
}

/* The nodes of a vnic's remote links, the busiest first: "3,2". */
static void remote_nodes(const struct nq_scene *scene, uint32_t vnic, char *ret, size_t size)
{
	struct nq_nodeset shown = { 0 }; /* several queues may be on one node */
	uint64_t below = UINT64_MAX, most;
	size_t used = 0;

	ret[0] = '\0';
	do {
		most = 0;
		for (uint32_t i = 0; i < scene->n_links; i++) {
			const struct nq_link *link = &scene->links[i];

			if (link->vnic == vnic && link->remote && link->pps < below && link->pps > most)
				most = link->pps;
		}
		for (uint32_t i = 0; most > 0 && i < scene->n_links && used < size; i++) {
			const struct nq_link *link = &scene->links[i];
			uint32_t box = scene->ports[link->port].box;

			if (link->vnic != vnic || !link->remote || link->pps != most || nq_nodeset_has(&shown, box))
				continue;
			nq_nodeset_add(&shown, box);
			used += (size_t)snprintf(ret + used, size - used, "%s%u", used ? "," : "",
						 scene->host->nodes[box].id);
		}
		below = most;
	} while (most > 0);
}

/* "eth0/cpu5", "default", "90 % on 3,2": who serves the vnic, and how much of it far away. */
static enum nq_style service_text(const struct nq_scene *scene, uint32_t vnic, char *ret, size_t size)
{
	struct nq_share share = nq_share_of_vnic(scene->host, vnic);
	const struct nq_link *link = NULL;
	const struct nq_vnic *self = &scene->host->vnics[vnic];
	char name[NQ_LANES_TEXT], percent[NQ_UNIT_TEXT], nodes[64];

	for (uint32_t i = 0; i < scene->n_links; i++)
		link = scene->links[i].vnic == vnic && (!link || scene->links[i].remote > link->remote)
			       ? &scene->links[i]
			       : link;
	if (!link) {
		snprintf(ret, size, "%s", self->rx.packets ? "by no queue" : "quiet");
		return NQ_STYLE_DIM;
	}
	if (self->rx_queue == NQ_NONE)
		nq_port_text(scene, &scene->ports[link->port], name);
	else
		nq_lanes_text(scene->host, self->rx_queue, self->n_spread, self->spread, name);
	remote_nodes(scene, vnic, nodes, sizeof(nodes));
	nq_text_share_short(nq_share_permille(&share), percent);
	if (!link->remote)
		snprintf(ret, size, "%s", name);
	else if (scene->ports[link->port].role == NQ_ROLE_DEFAULT)
		snprintf(ret, size, "%s on %s", percent, nodes);
	else
		snprintf(ret, size, "%s on %s", name, nodes);
	return link->remote ? NQ_STYLE_BAD : NQ_STYLE_GOOD;
}

static void add_vnic(struct lines *lines, const struct nq_scene *scene, uint32_t vnic, const struct glyphs *glyphs)
{
	char label[NQ_LABEL_TEXT], name[NQ_LABEL_TEXT], rate[NQ_UNIT_TEXT], service[NQ_LANES_TEXT + 64];
	const char *pool = scene->host->vms[scene->host->vnics[vnic].vm].pool;
	enum nq_style style = service_text(scene, vnic, service, sizeof(service));

	nq_vnic_label(scene->host, vnic, label);
	column(label, NAME_WIDTH, name, sizeof(name));
	nq_text_rate(scene->host->vnics[vnic].rx.packets, rate);
	add(lines, style, "%s %s %*s %s %s%s%s", glyphs->vm, name, RATE_WIDTH, rate,
	    style == NQ_STYLE_BAD ? glyphs->remote : glyphs->local, service, *pool ? ", " : "", pool);
}

static void add_vms(struct lines *lines, const struct nq_scene *scene, uint32_t box, const struct glyphs *glyphs)
{
	const struct nq_host *host = scene->host;

	for (uint32_t i = 0; i < host->n_vnics; i++) {
		if (scene->vm_box[host->vnics[i].vm] == box)
			add_vnic(lines, scene, i, glyphs);
	}
}

static void put_styled(FILE *stream, const struct nq_picture_options *options, enum nq_style style, const char *text,
		       size_t bytes)
{
	static const char *const codes[] = {
		[NQ_STYLE_PLAIN] = "",	[NQ_STYLE_TITLE] = "1",	 [NQ_STYLE_DIM] = "2",
		[NQ_STYLE_GOOD] = "32", [NQ_STYLE_BAD] = "1;31",
	};
	bool colored = options->color && codes[style][0];

	fprintf(stream, "%s%s%s%.*s%s", colored ? "\033[" : "", colored ? codes[style] : "", colored ? "m" : "",
		(int)bytes, text, colored ? "\033[0m" : "");
}

static void put_edge(FILE *stream, const struct glyphs *glyphs, unsigned width, unsigned row)
{
	fputs(glyphs->corner[row], stream);
	for (unsigned i = 2; i < width; i++)
		fputs(glyphs->horizontal, stream);
	fputs(glyphs->corner[row + 1], stream);
}

static void put_line(FILE *stream, const struct nq_picture_options *options, const struct glyphs *glyphs,
		     const struct lines *lines, size_t at, unsigned width)
{
	const char *text = at < lines->n ? lines->line[at] : "";
	size_t bytes = nq_text_fit(text, width - 4);
	char *cut = strndup(text, bytes);

	fprintf(stream, "%s ", glyphs->vertical);
	if (cut)
		put_styled(stream, options, at < lines->n ? lines->style[at] : NQ_STYLE_PLAIN, cut, bytes);
	fprintf(stream, "%*s %s", (int)(width - 4 - (cut ? nq_text_width(cut) : 0)), "", glyphs->vertical);
	free(cut);
}

/* Boxes first to last - 1, beside each other. */
static void put_row(FILE *stream, const struct nq_picture_options *options, const struct glyphs *glyphs,
		    const struct lines *boxes, uint32_t n, unsigned width)
{
	size_t height = 0;

	for (uint32_t i = 0; i < n; i++)
		height = boxes[i].n > height ? boxes[i].n : height;
	for (size_t at = 0; at < height + 2; at++) {
		for (uint32_t i = 0; i < n; i++) {
			if (i > 0)
				fputc(' ', stream);
			if (at == 0 || at == height + 1)
				put_edge(stream, glyphs, width, at == 0 ? 0 : 2);
			else
				put_line(stream, options, glyphs, &boxes[i], at - 1, width);
		}
		fputc('\n', stream);
	}
}

static int put_boxes(FILE *stream, const struct nq_scene *scene, const struct nq_picture_options *options)
{
	const struct glyphs *glyphs = options->unicode ? &unicode_glyphs : &ascii_glyphs;
	uint32_t per_row = (options->width + 1) / (BOX_LEAST + 1);
	struct lines *boxes = calloc(scene->n_boxes, sizeof(*boxes));
	unsigned width;
	int error = boxes ? 0 : -ENOMEM;

	if (per_row == 0)
		per_row = 1;
	if (per_row > scene->n_boxes)
		per_row = scene->n_boxes;
	width = (options->width + 1) / per_row - 1;
	if (width > BOX_MOST)
		width = BOX_MOST;
	for (uint32_t i = 0; error == 0 && i < scene->n_boxes; i++) {
		add_header(&boxes[i], scene, i);
		add_pnics(&boxes[i], scene, i, glyphs);
		add_ports(&boxes[i], scene, i, glyphs);
		add_vms(&boxes[i], scene, i, glyphs);
		error = boxes[i].error;
	}
	for (uint32_t i = 0; error == 0 && i < scene->n_boxes; i += per_row)
		put_row(stream, options, glyphs, boxes + i, scene->n_boxes - i < per_row ? scene->n_boxes - i : per_row,
			width);
	for (uint32_t i = 0; boxes && i < scene->n_boxes; i++)
		clear(&boxes[i]);
	free(boxes);
	return error;
}

static void put_title(FILE *stream, const struct nq_host *host, const char *when,
		      const struct nq_picture_options *options)
{
	struct nq_share share = nq_share_of_host(host);
	char text[NQ_SHARE_TEXT], *name = nq_text_clean(host->name);

	nq_share_text(&share, text);
	put_styled(stream, options, NQ_STYLE_TITLE, when, strlen(when));
	put_styled(stream, options, NQ_STYLE_TITLE, name ? name : "", name ? strlen(name) : 0);
	fputs(": remote ", stream);
	put_styled(stream, options, share.remote_vnics ? NQ_STYLE_BAD : NQ_STYLE_GOOD, text, strlen(text));
	fputc('\n', stream);
	free(name);
}

static void put_legend(FILE *stream, const struct nq_picture_options *options)
{
	const struct glyphs *glyphs = options->unicode ? &unicode_glyphs : &ascii_glyphs;

	fprintf(stream,
		"%s NIC  %s queue  %s VM, packets/s towards it and the queue that serves it: %s local %s remote\n",
		glyphs->pnic, glyphs->queue, glyphs->vm, glyphs->local, glyphs->remote);
}

int nq_picture_write(FILE *stream, const struct nq_host *const *hosts, size_t n,
		     const struct nq_picture_options *options)
{
	static const char *const when[] = { "before, ", "after, " };

	for (size_t i = 0; i < n; i++) {
		struct nq_scene *scene;
		int r = nq_scene_new(hosts[i], &scene);

		if (r < 0)
			return r;
		put_title(stream, hosts[i], n > 1 ? when[i] : "", options);
		r = put_boxes(stream, scene, options);
		nq_scene_free(scene);
		if (r < 0)
			return r;
	}
	put_legend(stream, options);
	return 0;
}
