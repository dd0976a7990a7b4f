/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where everything of a picture is: computed before anything is drawn, and then only read.
 *
 * From top to bottom of a box: heading, pnics, queues, VMs; so that a packet's way from the wire to its vm goes down,
 * and a link that leaves its box is one that crosses nodes.
 */
#ifndef NEARQ_CLI_SVG_LAYOUT_H
#define NEARQ_CLI_SVG_LAYOUT_H

#include "cli/scene.h"

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

struct nq_point {
	double x, y;
};

struct nq_drawing {
	const struct nq_scene *scene;
	double box_width, pnic_height, vm_channel, vm_height; /* of the rows inside boxes */
	double top;					      /* of the first row of boxes */
	struct nq_point *box, *pnic, *port, *vm;	      /* top left corners, by index in the scene; vm by vnic */
	double port_width;
	uint32_t boxes_per_row;
};

/* top: y of the first row of boxes. 0 or -ENOMEM. */
int nq_drawing_make(const struct nq_scene *scene, double top, struct nq_drawing *ret);
void nq_drawing_free(struct nq_drawing *layout); /* also of a zeroed one */

double nq_drawing_width(const struct nq_drawing *layout);
double nq_drawing_height(const struct nq_drawing *layout);
double nq_drawing_box_height(const struct nq_drawing *layout);
double nq_drawing_pnic_width(const struct nq_drawing *layout);
/* Top of the first row of VMs in the vnic's box. */
double nq_drawing_vm_row(const struct nq_drawing *layout, uint32_t vnic);

#endif
