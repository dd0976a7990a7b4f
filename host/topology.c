/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nodes, CPUs and distances (T1).
 *
 * hwloc gives the structure: which nodes and CPUs there are, cores, packages; it knows every strange machine,
 * and reads XML and other root directories. From sysfs come what hwloc does not tell or tells only after a
 * reload: free memory, offline CPUs with their node, the distances as the kernel has them, and to which node a
 * CPU belongs when several nodes share it (memory of another kind, such as HBM or CXL, next to a package).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <host/topology.h>

static void destroy(hwloc_topology_t *topology)
{
	if (*topology)
		hwloc_topology_destroy(*topology);
}

static int read_memory(struct nq_view *view, struct nq_node *node, bool alone)
{
	/* page cache is given up as soon as someone needs the memory, so it counts as free */
	static const char *const free_keys[] = { "MemFree:", "Active(file):", "Inactive(file):" };
	char text[8192], key[64], *line, *rest = text;
	uint64_t kib, total = 0, available = 0;
	int r = -ENOENT;

	/* Of an only node: memory that came by balloon or hotplug is missing in its own file, and without NUMA that
	 * file is missing itself. */
	if (alone)
		r = nq_root_read_kept(view->root, text, sizeof(text), "proc/meminfo");
	if (r < 0)
		r = nq_root_read_kept(view->root, text, sizeof(text), "sys/devices/system/node/node%u/meminfo",
				      node->id);
	if (r < 0)
		return r;
	while ((line = strsep(&rest, "\n"))) {
		if (sscanf(line, "Node %*u %63s %" SCNu64, key, &kib) != 2 &&
		    sscanf(line, "%63s %" SCNu64, key, &kib) != 2)
			continue;
		if (!strcmp(key, "MemTotal:"))
			total = kib << 10;
		for (size_t i = 0; i < sizeof(free_keys) / sizeof(*free_keys); i++)
			if (!strcmp(key, free_keys[i]))
				available += kib << 10;
	}
	node->mem_total = total;
	node->mem_free = available < total ? available : total;
	return 0;
}

int nq_refresh_nodes(struct nq_view *view, struct nq_host *host)
{
	for (uint32_t i = 0; i < host->n_nodes; i++)
		read_memory(view, &host->nodes[i], host->n_nodes == 1);
	return 0;
}

static int read_nodes(struct nq_view *view, hwloc_topology_t topology, struct nq_host *host, struct nq_fault *ret_fault)
{
	hwloc_const_nodeset_t nodes = hwloc_topology_get_topology_nodeset(topology);
	int n = hwloc_bitmap_weight(nodes), r, id;
	uint32_t i = 0;

	if (n < 1 || (uint32_t)n > NQ_MAX_NODES) {
		nq_fault_set(ret_fault, "topology", "found %d NUMA nodes; allowed: 1 to %u", n, NQ_MAX_NODES);
		return -EBADMSG;
	}
	r = nq_host_set_nodes(host, (uint32_t)n);
	if (r < 0)
		return r;
	hwloc_bitmap_foreach_begin(id, nodes)
	{
		hwloc_obj_t object = hwloc_get_numanode_obj_by_os_index(topology, (unsigned)id);
		hwloc_obj_t package = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_PACKAGE, object);
		struct nq_node *node = &host->nodes[i++];

		node->id = (uint32_t)id;
		node->package = package ? package->os_index : NQ_NONE;
		node->mem_total = node->mem_free = object->attr->numanode.local_memory;
		if (view->root)
			read_memory(view, node, n == 1);
	}
	hwloc_bitmap_foreach_end();
	return 0;
}

/* node[cpu] = index of the node whose sysfs list names the CPU; offline CPUs by the link in their own directory. */
static void map_by_sysfs(struct nq_view *view, const struct nq_host *host, uint32_t *node)
{
	char text[NQ_SHORT_TEXT];
	struct nq_cpumask mask;

	for (uint32_t i = 0; i < host->n_nodes; i++) {
		uint32_t id = host->nodes[i].id;

		if (nq_root_read(view->root, text, sizeof(text), "sys/devices/system/node/node%u/cpulist", id) < 0 ||
		    nq_cpulist_parse(text, &mask) < 0)
			continue;
		for (uint32_t cpu = nq_cpumask_next(&mask, 0); cpu != NQ_NONE; cpu = nq_cpumask_next(&mask, cpu + 1))
			node[cpu] = i;
	}
}

static uint32_t node_of_offline(struct nq_view *view, const struct nq_host *host, uint32_t cpu)
{
	for (uint32_t i = 0; i < host->n_nodes; i++)
		if (nq_root_exists(view->root, "sys/devices/system/cpu/cpu%u/node%u", cpu, host->nodes[i].id))
			return i;
	return NQ_NONE;
}

static void map_by_hwloc(hwloc_topology_t topology, const struct nq_host *host, uint32_t *node)
{
	/* downwards, so that the lowest node wins: special memory has the higher numbers */
	for (uint32_t i = host->n_nodes; i-- > 0;) {
		hwloc_obj_t object = hwloc_get_numanode_obj_by_os_index(topology, host->nodes[i].id);
		int cpu;

		hwloc_bitmap_foreach_begin(cpu, object->complete_cpuset)
		{
			if (cpu < (int)NQ_MAX_CPUS)
				node[cpu] = i;
		}
		hwloc_bitmap_foreach_end();
	}
}

static uint32_t first_sibling(hwloc_topology_t topology, uint32_t cpu)
{
	hwloc_obj_t unit = hwloc_get_pu_obj_by_os_index(topology, cpu);
	hwloc_obj_t core = unit ? hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_CORE, unit) : NULL;

	return core ? (uint32_t)hwloc_bitmap_first(core->cpuset) : cpu;
}

/* All CPUs that exist, also offline ones. */
static void present_cpus(struct nq_view *view, hwloc_topology_t topology, struct nq_cpumask *ret)
{
	char text[NQ_SHORT_TEXT];
	int cpu;

	*ret = (struct nq_cpumask){ 0 };
	if (view->root && nq_root_read(view->root, text, sizeof(text), "sys/devices/system/cpu/present") >= 0)
		nq_cpulist_parse(text, ret);
	hwloc_bitmap_foreach_begin(cpu, hwloc_topology_get_complete_cpuset(topology))
	{
		if (cpu < (int)NQ_MAX_CPUS)
			nq_cpumask_add(ret, (uint32_t)cpu);
	}
	hwloc_bitmap_foreach_end();
}

static int add_cpu(struct nq_host *host, hwloc_topology_t topology, uint32_t id, uint32_t node, bool online)
{
	struct nq_cpu *cpu;
	char name[16];

	if (node == NQ_NONE) {
		snprintf(name, sizeof(name), "cpu%u", id);
		return nq_notice(host, NQ_NOTICE_NOT_SUPPORTED, name, "the kernel does not tell its node%s; left out",
				 online ? "" : " while it is offline");
	}
	cpu = nq_host_add_cpu(host);
	if (!cpu)
		return -ENOMEM;
	cpu->id = id;
	cpu->node = node;
	cpu->online = online;
	cpu->core = first_sibling(topology, id);
	return 0;
}

static int read_cpus(struct nq_view *view, hwloc_topology_t topology, struct nq_host *host)
{
	NQ_FREE uint32_t *node = malloc(NQ_MAX_CPUS * sizeof(*node));
	struct nq_cpumask present;
	int r = 0;

	if (!node)
		return -ENOMEM;
	memset(node, 0xff, NQ_MAX_CPUS * sizeof(*node)); /* NQ_NONE */
	map_by_hwloc(topology, host, node);
	if (view->root)
		map_by_sysfs(view, host, node);
	present_cpus(view, topology, &present);
	for (uint32_t id = nq_cpumask_next(&present, 0); r == 0 && id != NQ_NONE;
	     id = nq_cpumask_next(&present, id + 1)) {
		bool online = hwloc_bitmap_isset(hwloc_topology_get_topology_cpuset(topology), id);

		if (!online && view->root && node[id] == NQ_NONE)
			node[id] = node_of_offline(view, host, id);
		r = add_cpu(host, topology, id, node[id], online);
	}
	return r;
}

/* One row of the kernel's matrix: distances to the online nodes in order of id. */
static void read_distance_row(struct nq_view *view, struct nq_host *host, uint32_t from)
{
	NQ_FREE char *text = NULL;
	uint32_t to = 0, row[NQ_MAX_NODES];
	char *rest, *end;

	if (nq_root_read_all(view->root, &text, "sys/devices/system/node/node%u/distance", host->nodes[from].id) < 0)
		return;
	for (rest = text; to < host->n_nodes; rest = end, to++) {
		unsigned long value = strtoul(rest, &end, 10);

		if (end == rest || value < 10 || value > 255 || (to == from && value != 10))
			return; /* not a row of a SLIT table (ACPI 5.2.17): keep the default */
		row[to] = (uint32_t)value;
	}
	if (!rest[strspn(rest, " \n")])
		memcpy(&host->distance[(size_t)from * host->n_nodes], row, to * sizeof(*row));
}

int nq_read_topology(struct nq_view *view, const char *xml, struct nq_host *host, struct nq_fault *ret_fault)
{
	__attribute__((cleanup(destroy))) hwloc_topology_t topology = NULL;
	int r = nq_topology_load(xml, view->tree, &topology);

	if (r < 0) {
		const char *where = xml ? xml : view->tree;

		nq_fault_set(ret_fault, where ? where : "/sys/devices/system",
			     "hwloc finds no machine in it; allowed: %s",
			     xml ? "XML as written by lstopo" : "the sys and proc folders of a Linux host");
		return r;
	}
	r = read_nodes(view, topology, host, ret_fault);
	if (r == 0)
		r = read_cpus(view, topology, host);
	if (r == 0 && view->root)
		for (uint32_t i = 0; i < host->n_nodes; i++)
			read_distance_row(view, host, i);
	if (r == 0 && !view->root)
		r = nq_topology_from_xml(view, topology, host);
	if (r == 0 && host->n_nodes == 1)
		r = nq_notice(host, NQ_NOTICE_NO_NUMA, "host", "one NUMA node: every place is as near as any other");
	return r == 0 ? nq_topology_export(view, topology) : r;
}
