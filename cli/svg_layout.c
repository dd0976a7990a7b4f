/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/svg_layout.h"

#include <errno.h>
#include <stdlib.h>

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

static uint32_t vms_per_row(const struct nq_drawing *layout)
{
	return (uint32_t)((layout->box_width - 2 * PAD + ITEM_GAP) / (VM_WIDTH + ITEM_GAP));
}

double nq_drawing_width(const struct nq_drawing *layout)
{
	return layout->boxes_per_row * (layout->box_width + GAP) - GAP;
}

static void measure(struct nq_drawing *layout)
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
	if (nq_drawing_width(layout) < DRAWING_LEAST)
		layout->box_width = (DRAWING_LEAST + GAP) / layout->boxes_per_row - GAP;
	for (uint32_t i = 0; i < scene->n_boxes; i++) {
		uint32_t rows = (count_vnics(scene, i) + vms_per_row(layout) - 1) / vms_per_row(layout);

		vms = rows > vms ? rows : vms;
	}
	/* pnics stand beside each other as long as they fit, at two to the least box */
	layout->pnic_height = (pnics + 1) / 2 * (PNIC_HEIGHT + VM_ROW_GAP) - VM_ROW_GAP;
	layout->vm_height = vms ? vms * (VM_HEIGHT + VM_ROW_GAP) - VM_ROW_GAP : 0;
}

double nq_drawing_box_height(const struct nq_drawing *layout)
{
	return HEAD_HEIGHT + layout->pnic_height + PNIC_CHANNEL + PORT_HEIGHT + layout->vm_channel + layout->vm_height +
	       PAD;
}

double nq_drawing_height(const struct nq_drawing *layout)
{
	uint32_t rows = (layout->scene->n_boxes + layout->boxes_per_row - 1) / layout->boxes_per_row;

	return rows * (nq_drawing_box_height(layout) + GAP) - GAP;
}

/* The i-th of n items in rows of per_row; all rows on the same columns, in the middle of the box. */
static struct nq_point place(const struct nq_drawing *layout, uint32_t box, double y, uint32_t i, uint32_t n,
			     uint32_t per_row, double width, double height)
{
	uint32_t row = i / per_row;
	double used = (n < per_row ? n : per_row) * (width + ITEM_GAP) - ITEM_GAP;

	return (struct nq_point){
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

static void place_box(struct nq_drawing *layout, uint32_t box)
{
	const struct nq_scene *scene = layout->scene;
	double y = HEAD_HEIGHT, wide = (layout->box_width - 2 * PAD - ITEM_GAP) / 2;
	uint32_t n = count_in_box(scene->pnic_box, scene->host->n_pnics, box), at = 0;

	layout->box[box] = (struct nq_point){
		MARGIN + box % layout->boxes_per_row * (layout->box_width + GAP),
		layout->top + box / layout->boxes_per_row * (nq_drawing_box_height(layout) + GAP),
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

void nq_drawing_free(struct nq_drawing *layout)
{
	free(layout->box);
	free(layout->pnic);
	free(layout->port);
	free(layout->vm);
}

int nq_drawing_make(const struct nq_scene *scene, double top, struct nq_drawing *ret)
{
	struct nq_drawing layout = { .scene = scene, .top = top };
	const struct nq_host *host = scene->host;

	layout.box = calloc(scene->n_boxes + 1, sizeof(*layout.box));
	layout.pnic = calloc(host->n_pnics + 1, sizeof(*layout.pnic));
	layout.port = calloc(scene->n_ports + 1, sizeof(*layout.port));
	layout.vm = calloc(host->n_vnics + 1, sizeof(*layout.vm));
	if (!layout.box || !layout.pnic || !layout.port || !layout.vm) {
		nq_drawing_free(&layout);
		return -ENOMEM;
	}
	measure(&layout);
	for (uint32_t i = 0; i < scene->n_boxes; i++)
		place_box(&layout, i);
	*ret = layout;
	return 0;
}

double nq_drawing_pnic_width(const struct nq_drawing *layout)
{
	double wide = (layout->box_width - 2 * PAD - ITEM_GAP) / 2;

	return wide < PNIC_WIDTH ? wide : PNIC_WIDTH;
}

/* Top of the first row of VMs in the vnic's box. */
double nq_drawing_vm_row(const struct nq_drawing *layout, uint32_t vnic)
{
	return layout->box[vnic_box(layout->scene, vnic)].y + HEAD_HEIGHT + layout->pnic_height + PNIC_CHANNEL +
	       PORT_HEIGHT + layout->vm_channel;
}
