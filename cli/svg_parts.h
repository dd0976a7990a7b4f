/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of an SVG picture, each drawn at its place of the layout (private to cli/svg*.c). */
#ifndef NEARQ_CLI_SVG_PARTS_H
#define NEARQ_CLI_SVG_PARTS_H

#include "cli/svg_layout.h"

#include <stdio.h>

/* cli/svg_text.c. Text is cleaned and escaped. */
void nq_svg_escaped(FILE *stream, const char *text);
void nq_svg_text(FILE *stream, double x, double y, double width, const char *class, const char *text);
void nq_svg_title(FILE *stream, const char *text); /* shown when the mouse rests on the element around it */
void nq_svg_rect(FILE *stream, struct nq_point at, double width, double height, double radius, const char *class);

/* cli/svg_links.c. most: packets/s of the widest line. */
void nq_svg_link(FILE *stream, const struct nq_drawing *layout, const struct nq_link *link, uint64_t most);
void nq_svg_uplink(FILE *stream, const struct nq_drawing *layout, uint32_t port, uint64_t most);

/* cli/svg_boxes.c */
void nq_svg_node(FILE *stream, const struct nq_drawing *layout, uint32_t box);
void nq_svg_distances(FILE *stream, const struct nq_drawing *layout, uint32_t box);
void nq_svg_free_queues(FILE *stream, const struct nq_drawing *layout, uint32_t box);
void nq_svg_pnic(FILE *stream, const struct nq_drawing *layout, uint32_t pnic);
void nq_svg_port(FILE *stream, const struct nq_drawing *layout, uint32_t port);
void nq_svg_vm(FILE *stream, const struct nq_drawing *layout, uint32_t vnic);

#endif
