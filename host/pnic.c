/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Physical interfaces (T2): every netdev with a device behind it. Its home node is the one the kernel gives
 * for the nearest device above it that has one: a virtio NIC's own device has none, its PCI function has.
 */
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <linux/ethtool.h>
#include <stdio.h>
#include <string.h>

#include <host/view.h>

#define NET "sys/class/net/%s/"

static bool matches(const char *const *patterns, const char *name)
{
	for (; patterns && *patterns; patterns++)
		if (fnmatch(*patterns, name, 0) == 0)
			return true;
	return false;
}

bool nq_excluded(const struct nq_view *view, const char *interface)
{
	return view->options && matches(view->options->exclude, interface);
}

static bool is_physical(struct nq_view *view, const char *name)
{
	return nq_root_exists(view->root, NET "ifindex", name) &&
	       (nq_root_exists(view->root, NET "device", name) ||
		(view->options && matches(view->options->physical, name)));
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* dddd:bb:dd.f */
static bool is_pci_address(const char *text)
{
	unsigned domain, bus, device, function;
	int end = 0;

	return sscanf(text, "%4x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &end) == 4 && !text[end];
}

/* Climbs from the device to the root of sysfs's devices: first node number met, first PCI address met. */
static void climb(struct nq_view *view, char *device, int64_t *ret_node, char *ret_bus, size_t size)
{
	bool have_node = false;

	for (char *slash; (slash = strrchr(device, '/')); *slash = '\0') {
		if (!have_node && nq_root_number(view->root, ret_node, "%s/numa_node", device) == 0)
			have_node = true;
		if (!ret_bus[0] && is_pci_address(slash + 1))
			snprintf(ret_bus, size, "%s", slash + 1);
	}
}

static int read_place(struct nq_view *view, struct nq_host *host, struct nq_pnic *pnic)
{
	char device[NQ_ROOT_PATH], bus[32] = "";
	int64_t node = -1;

	if (nq_root_real(view->root, device, NET "device", pnic->name) == 0)
		climb(view, device, &node, bus, sizeof(bus));
	pnic->bus = nq_host_string(host, bus);
	pnic->node = node < 0 || node >= NQ_NONE ? NQ_NONE : nq_host_node_by_id(host, (uint32_t)node);
	if (pnic->node != NQ_NONE || host->n_nodes == 1)
		return pnic->bus ? 0 : -ENOMEM;
	return nq_notice(host, NQ_NOTICE_NODE_UNKNOWN, pnic->name,
			 "the kernel gives node %lld; its distance to queues is not counted", (long long)node);
}

/* Text of a link's last part as a string of the host, "" when there is no such link. */
static const char *link_name(struct nq_view *view, struct nq_host *host, const char *interface, const char *link)
{
	char target[NQ_ROOT_PATH];

	if (nq_root_link(view->root, target, sizeof(target), NET "%s", interface, link) < 0)
		return nq_host_string(host, "");
	return nq_host_string(host, last_part(target));
}

static bool is_bond(struct nq_view *view, const char *interface)
{
	const struct nq_link *link = nq_link_by_name(&view->links, interface);

	return nq_root_exists(view->root, NET "bonding", interface) || (link && !strcmp(link->kind, "team"));
}

static void read_limits(struct nq_view *view, struct nq_pnic *pnic)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	uint32_t unpaired;

	if (nq_wire_ethtool(view->wire, pnic->name, "channels", &channels, sizeof(channels)) < 0)
		return;
	unpaired = channels.max_rx < channels.max_tx ? channels.max_rx : channels.max_tx;
	pnic->channels_max = channels.max_combined + unpaired;
}

static int add_pnic(struct nq_view *view, struct nq_host *host, const char *name)
{
	struct nq_pnic *pnic = nq_host_add_pnic(host);
	const char *master;

	if (!pnic)
		return -ENOMEM;
	pnic->name = nq_host_string(host, name);
	pnic->driver = link_name(view, host, name, "device/driver");
	master = link_name(view, host, name, "master");
	if (!pnic->name || !pnic->driver || !master)
		return -ENOMEM;
	if (master[0] && is_bond(view, master))
		pnic->bond = master;
	pnic->steering = view->steering ? NQ_STEER_XDP : NQ_STEER_NONE;
	read_limits(view, pnic);
	return read_place(view, host, pnic);
}

/* A virtual function points at its physical function's device; the interface is the one on that address. */
static void find_physical_functions(struct nq_view *view, struct nq_host *host)
{
	for (uint32_t i = 0; i < host->n_pnics; i++) {
		char target[NQ_ROOT_PATH];

		if (nq_root_link(view->root, target, sizeof(target), NET "device/physfn", host->pnics[i].name) < 0)
			continue;
		for (uint32_t j = 0; j < host->n_pnics; j++)
			if (j != i && !strcmp(host->pnics[j].bus, last_part(target)))
				host->pnics[i].physfn = j;
	}
}

int nq_read_pnics(struct nq_view *view, struct nq_host *host)
{
	__attribute__((cleanup(nq_names_clear))) struct nq_names names = { 0 };
	int r = nq_root_list(view->root, &names, "sys/class/net");

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (uint32_t i = 0; r >= 0 && i < names.n; i++)
		if (!nq_excluded(view, names.name[i]) && is_physical(view, names.name[i]))
			r = add_pnic(view, host, names.name[i]);
	if (r < 0)
		return r;
	find_physical_functions(view, host);
	return 0;
}
