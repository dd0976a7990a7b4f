/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What topology.c leaves to topology_load.c and topology_xml.c. */
#ifndef NEARQ_HOST_TOPOLOGY_H
#define NEARQ_HOST_TOPOLOGY_H

#include <hwloc.h>

#include <host/view.h>

/*
 * The whole machine, whatever cpuset this process is in: of an XML file, of a tree (xml NULL), or the live one (both
 * NULL). 0 with *ret, or -errno; -EBADMSG: hwloc does not accept the input.
 */
int nq_topology_load(const char *xml, const char *tree, hwloc_topology_t *ret);

/* Distances and network interfaces, which come from sysfs otherwise. */
int nq_topology_from_xml(struct nq_view *view, hwloc_topology_t topology, struct nq_host *host);

/* Writes the topology into the capture, if there is one, so that the tree needs no more of sysfs than we read
 * ourselves. */
int nq_topology_export(struct nq_view *view, hwloc_topology_t topology);

#endif
