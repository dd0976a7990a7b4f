/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <host/topology.h>

static void distances_by_hwloc(hwloc_topology_t topology, struct nq_host *host)
{
	struct hwloc_distances_s *distances;
	unsigned n = 1;

	if (hwloc_distances_get_by_name(topology, "NUMALatency", &n, &distances, 0) < 0 || n < 1)
		return;
	for (unsigned i = 0; i < distances->nbobjs; i++) {
		for (unsigned j = 0; j < distances->nbobjs; j++) {
			uint32_t from = nq_host_node_by_id(host, distances->objs[i]->os_index);
			uint32_t to = nq_host_node_by_id(host, distances->objs[j]->os_index);
			uint64_t value = distances->values[i * distances->nbobjs + j];

			if (from != NQ_NONE && to != NQ_NONE && from != to && value >= 10 && value <= 255)
				host->distance[(size_t)from * host->n_nodes + to] = (uint32_t)value;
		}
	}
	hwloc_distances_release(topology, distances);
}

/* XML that knows its network interfaces: T5. */
static int add_osdev(hwloc_topology_t topology, hwloc_obj_t device, struct nq_host *host)
{
	hwloc_obj_t place = hwloc_get_non_io_ancestor_obj(topology, device), bus = device->parent;
	struct nq_pnic *pnic;
	char address[32];

	while (bus && bus->type != HWLOC_OBJ_PCI_DEVICE)
		bus = bus->parent;
	if (!bus)
		return 0; /* loopback, bridges: nothing behind them */
	pnic = nq_host_add_pnic(host);
	if (!pnic)
		return -ENOMEM;
	snprintf(address, sizeof(address), "%04x:%02x:%02x.%x", bus->attr->pcidev.domain, bus->attr->pcidev.bus,
		 bus->attr->pcidev.dev, bus->attr->pcidev.func);
	pnic->name = nq_host_string(host, device->name);
	pnic->bus = nq_host_string(host, address);
	if (place->nodeset && hwloc_bitmap_weight(place->nodeset) == 1)
		pnic->node = nq_host_node_by_id(host, (uint32_t)hwloc_bitmap_first(place->nodeset));
	if (pnic->node == NQ_NONE)
		return nq_notice(host, NQ_NOTICE_NODE_UNKNOWN, device->name, "the XML does not place it on one node");
	return 0;
}

static int read_osdevs(struct nq_view *view, hwloc_topology_t topology, struct nq_host *host)
{
	hwloc_obj_t device = NULL;
	int r = 0;

	while (r == 0 && (device = hwloc_get_next_osdev(topology, device)))
		if (device->attr->osdev.type == HWLOC_OBJ_OSDEV_NETWORK && !nq_excluded(view, device->name) &&
		    nq_host_pnic_by_name(host, device->name) == NQ_NONE)
			r = add_osdev(topology, device, host);
	return r;
}

/* Host name, serial numbers and the like have no place in a capture, which is made to be shown to others. */
static void strip_infos(char *xml)
{
	char *to = xml, *line;

	while ((line = strsep(&xml, "\n"))) { /* the last part, after the last newline, is "" */
		if (strstr(line, "<info "))
			continue;
		memmove(to, line, strlen(line));
		to += strlen(line);
		*to++ = xml ? '\n' : '\0';
	}
}

int nq_topology_export(struct nq_view *view, hwloc_topology_t topology)
{
	char *xml = NULL;
	int length = 0;

	if (!view->root || !nq_root_capture(view->root))
		return 0;
	if (hwloc_topology_export_xmlbuffer(topology, &xml, &length, 0) < 0)
		return -errno;
	strip_infos(xml);
	nq_root_note(view->root, "hwloc.xml", xml, strlen(xml));
	hwloc_free_xmlbuffer(topology, xml);
	return 0;
}

int nq_topology_from_xml(struct nq_view *view, hwloc_topology_t topology, struct nq_host *host)
{
	distances_by_hwloc(topology, host);
	return read_osdevs(view, topology, host);
}
