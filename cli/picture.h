/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host as a picture of characters: a box per node, in it what lives there, and of each vm the queue that serves it.
 */
#ifndef NEARQ_CLI_PICTURE_H
#define NEARQ_CLI_PICTURE_H

#include <nearq/host.h>
#include <stdio.h>

struct nq_picture_options {
	unsigned width;
	bool color, unicode;
};

/* One host, or two as before and after. 0 or -ENOMEM; errors of the stream stay with the stream. */
int nq_picture_write(FILE *stream, const struct nq_host *const *hosts, size_t n,
		     const struct nq_picture_options *options);

#endif
