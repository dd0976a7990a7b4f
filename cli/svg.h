/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A host as SVG. Same host, same bytes; no reference to anything outside the file; every box and link explains itself
 * in a <title> when the mouse rests on it.
 */
#ifndef NEARQ_CLI_SVG_H
#define NEARQ_CLI_SVG_H

#include <nearq/host.h>
#include <stdio.h>

/* One host, or two as before and after, one above the other on one scale. 0 or -ENOMEM; errors of the stream stay with
 * it. */
int nq_svg_write(FILE *stream, const struct nq_host *const *hosts, size_t n);

#endif
