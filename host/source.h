/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of a source: source.c opens and closes it, observe.c looks through it. */
#ifndef NEARQ_HOST_SOURCE_H
#define NEARQ_HOST_SOURCE_H

#include <host/view.h>

/* The base is the host as discovered; each observation is a copy of it, refreshed. */
struct nq_source {
	enum nq_source_kind kind;
	char *from;
	char **exclude, **physical;
	struct nq_source_options options;
	struct nq_view view;
	struct nq_host *base;
	uint32_t age; /* observations since the base was discovered */
	struct nq_counters before;
	int measure_error; /* of starting the counter, 0 when it runs or was not asked for */
};

void nq_view_clear(struct nq_view *view); /* forgets what the last discovery found */

#endif
