/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Processes behind a tap (V2): QEMU, Firecracker, Cloud Hypervisor and others, without libvirt.
 *
 * The process is the one that holds an open /dev/net/tun attached to the interface; /proc/PID/fdinfo says to which.
 * The search goes through the open files of the processes in our own namespace, and only when there is a tap
 * at all. The guest's MAC is not the tap's own: it is what the bridge learned behind the port, or was told.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <host/view.h>

struct holder {
	uint32_t link;	 /* ifindex of a tap */
	uint32_t member; /* index into the table of processes */
};

struct holders {
	struct holder *array;
	uint32_t n;
};

static void clear_holders(struct holders *holders)
{
	free(holders->array);
}

static bool is_tap(const struct nq_view *view, const struct nq_host *host, const struct nq_link *link)
{
	return !strcmp(link->kind, "tun") && link->ethernet && !nq_excluded(view, link->name) &&
	       nq_host_pnic_by_name(host, link->name) == NQ_NONE;
}

static bool any_tap(const struct nq_view *view, const struct nq_host *host)
{
	for (uint32_t i = 0; i < view->links.n; i++)
		if (is_tap(view, host, &view->links.link[i]))
			return true;
	return false;
}

/* Interface of an open tun file, or 0. */
static uint32_t attached_link(struct nq_view *view, uint32_t pid, const char *fd)
{
	char text[NQ_SHORT_TEXT], *line, name[NQ_LINK_NAME];
	const struct nq_link *link;

	if (nq_root_link(view->root, text, sizeof(text), "proc/%u/fd/%s", pid, fd) < 0 ||
	    strcmp(text, "/dev/net/tun") != 0 ||
	    nq_root_read(view->root, text, sizeof(text), "proc/%u/fdinfo/%s", pid, fd) < 0)
		return 0;
	line = strstr(text, "\niff:");
	if (!line || sscanf(line + strlen("\niff:"), " %15s", name) != 1)
		return 0;
	link = nq_link_by_name(&view->links, name);
	return link ? link->index : 0;
}

static int search_process(struct nq_view *view, uint32_t member, struct holders *holders)
{
	__attribute__((cleanup(nq_names_clear))) struct nq_names names = { 0 };
	uint32_t pid = view->processes.process[member].pid;

	if (nq_root_list(view->root, &names, "proc/%u/fd", pid) < 0)
		return 0; /* ended, or not ours to read */
	for (uint32_t i = 0; i < names.n; i++) {
		uint32_t link = attached_link(view, pid, names.name[i]);
		struct holder *grown;

		if (!link)
			continue;
		grown = reallocarray(holders->array, holders->n + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		holders->array = grown;
		grown[holders->n++] = (struct holder){ link, member };
	}
	return 0;
}

static const struct holder *find_holder(const struct holders *holders, uint32_t link)
{
	for (uint32_t i = 0; i < holders->n; i++)
		if (holders->array[i].link == link)
			return &holders->array[i];
	return NULL;
}

/* The MACs behind a port: how many, and the lowest. */
static uint32_t macs_behind(const struct nq_fdb *fdb, uint32_t port, struct nq_mac *ret)
{
	uint32_t n = 0;

	for (uint32_t i = fdb->n; i-- > 0;) {
		if (fdb->entry[i].port != port)
			continue;
		*ret = fdb->entry[i].mac;
		n++;
	}
	return n;
}

/* The VM of that process, if one of its other taps was met before. */
static uint32_t known_vm(const struct nq_view *view, const struct nq_host *host, uint32_t member)
{
	for (uint32_t i = 0; i < host->n_vms; i++)
		if (host->vms[i].kind == NQ_VM_PROCESS && view->members[i].first == member)
			return i;
	return NQ_NONE;
}

static int read_tap(struct nq_view *view, struct nq_host *host, const struct nq_fdb *fdb, uint32_t member,
		    const struct nq_link *tap)
{
	struct nq_vm_finding finding = { .kind = NQ_VM_PROCESS, .members = { member, 1 } };
	uint32_t n, vm = known_vm(view, host, member);
	struct nq_mac mac;
	int r = 0;

	n = macs_behind(fdb, tap->index, &mac);
	if (!n)
		return nq_notice(host, NQ_NOTICE_NO_MAC, tap->name,
				 "no bridge has learned an address behind it yet; left out");
	if (vm == NQ_NONE)
		r = nq_add_vm(view, host, &finding, &vm);
	if (r < 0 && r != -ENOMEM)
		return nq_notice(host, NQ_NOTICE_VANISHED, tap->name, "while its process was read (%s); left out",
				 strerror(-r));
	if (r == 0 && n > 1)
		r = nq_notice(host, NQ_NOTICE_NOT_SUPPORTED, tap->name,
			      "%u addresses are behind it; only the lowest is followed", n);
	return r < 0 ? r : nq_add_vnic(view, host, vm, tap, &mac);
}

int nq_read_tuns(struct nq_view *view, struct nq_host *host)
{
	__attribute__((cleanup(clear_holders))) struct holders holders = { 0 };
	__attribute__((cleanup(nq_fdb_clear))) struct nq_fdb fdb = { 0 };
	struct nq_members own = nq_processes_in(&view->processes, view->processes.own_netns);
	int r = 0;

	if (!any_tap(view, host))
		return 0;
	for (uint32_t i = 0; r == 0 && i < own.n; i++)
		r = search_process(view, own.first + i, &holders);
	if (r == 0 && nq_fdb_read(view->wire, &fdb) == -ENOMEM)
		r = -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < view->links.n; i++) {
		const struct nq_link *tap = &view->links.link[i];
		const struct holder *holder = find_holder(&holders, tap->index);

		/* a tap without a process is a leftover of "ip tuntap add", not a VM */
		if (is_tap(view, host, tap) && holder)
			r = read_tap(view, host, &fdb, holder->member, tap);
	}
	return r;
}
