/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Containers (V3): network namespaces at the other end of a veth pair.
 *
 * A veth whose peer lies in another namespace carries that namespace's id as seen from here. The namespace
 * itself is known by its inode: of the processes in it, or of a file in /run/netns. Asking the kernel for the id of
 * each such inode joins the two. The peer's MAC comes from a dump of the links in that namespace.
 *
 * Several veths into one namespace are several vnics of one VM. A veth whose both ends are here is no VM.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <host/view.h>

/* A network namespace that somebody is in or has named. */
struct namespace
{
	uint64_t inode;
	int32_t id; /* -1: not known here */
	char name[NQ_LINK_NAME * 4];
	struct nq_members members;
	uint32_t vm; /* index, NQ_NONE: none yet */
	int error;   /* of adding its VM */
	bool have_links;
	struct nq_links links;
};

struct namespaces {
	struct namespace *array;
	uint32_t n;
};

static void clear_namespaces(struct namespaces *namespaces)
{
	for (uint32_t i = 0; i < namespaces->n; i++)
		nq_links_clear(&namespaces->array[i].links);
	free(namespaces->array);
}

static struct namespace *add_namespace(struct namespaces *namespaces, uint64_t inode)
{
	struct namespace *grown;

	for (uint32_t i = 0; i < namespaces->n; i++)
		if (namespaces->array[i].inode == inode)
			return &namespaces->array[i];
	grown = reallocarray(namespaces->array, namespaces->n + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	namespaces->array = grown;
	grown += namespaces->n++;
	*grown = (struct namespace){ .inode = inode, .id = -1, .vm = NQ_NONE };
	return grown;
}

static int add_populated(struct nq_view *view, struct namespaces *namespaces)
{
	const struct nq_processes *processes = &view->processes;

	for (uint32_t i = 0; i < processes->n;) {
		struct nq_members members = nq_processes_in(processes, processes->process[i].netns);
		struct namespace *namespace;

		i += members.n;
		if (processes->process[members.first].netns == processes->own_netns)
			continue;
		namespace = add_namespace(namespaces, processes->process[members.first].netns);
		if (!namespace)
			return -ENOMEM;
		namespace->members = members;
		nq_netns_id(view->wire, processes->process[members.first].pid, -1, namespace->inode, &namespace->id);
	}
	return 0;
}

static void ask_id_by_name(struct nq_view *view, const char *directory, struct namespace *namespace)
{
	char path[NQ_ROOT_PATH];
	NQ_CLOSE int fd = -1;

	if (nq_root_is_live(view->root) &&
	    snprintf(path, sizeof(path), "/%s/%s", directory, namespace->name) < (int)sizeof(path))
		fd = open(path, O_RDONLY | O_CLOEXEC);
	nq_netns_id(view->wire, 0, fd, namespace->inode, &namespace->id);
}

static int add_named(struct nq_view *view, const char *directory, struct namespaces *namespaces)
{
	__attribute__((cleanup(nq_names_clear))) struct nq_names names = { 0 };

	if (nq_root_list(view->root, &names, "%s", directory) < 0)
		return 0;
	for (uint32_t i = 0; i < names.n; i++) {
		struct namespace *namespace;
		uint64_t inode;

		if (nq_root_netns(view->root, &inode, "%s/%s", directory, names.name[i]) < 0 ||
		    inode == view->processes.own_netns)
			continue;
		namespace = add_namespace(namespaces, inode);
		if (!namespace)
			return -ENOMEM;
		snprintf(namespace->name, sizeof(namespace->name), "%s", names.name[i]);
		if (namespace->id < 0)
			ask_id_by_name(view, directory, namespace);
	}
	return 0;
}

static struct namespace *find_by_id(struct namespaces *namespaces, int32_t id)
{
	for (uint32_t i = 0; i < namespaces->n; i++)
		if (namespaces->array[i].id == id)
			return &namespaces->array[i];
	return NULL;
}

/* Its VM, made when the first vnic needs it. */
static int ensure_vm(struct nq_view *view, struct nq_host *host, struct namespace *namespace)
{
	struct nq_vm_finding finding = { .kind = NQ_VM_CONTAINER,
					 .name = namespace->name[0] ? namespace->name : NULL,
					 .members = namespace->members };

	if (namespace->vm == NQ_NONE && !namespace->error)
	namespace->error = nq_add_vm(view, host, &finding, &namespace->vm);
	return namespace->error;
}

static int find_inner_mac(struct nq_view *view, struct namespace *namespace, const struct nq_link *outside,
			  struct nq_mac *ret)
{
	const struct nq_link *inside;

	if (!namespace->have_links) {
		int r = nq_links_read(view->wire, namespace->id, &namespace->links);

		if (r < 0)
			return r;
		namespace->have_links = true;
	}
	inside = nq_link_by_index(&namespace->links, outside->link);
	if (!inside)
		return -ENODEV;
	*ret = inside->mac;
	return 0;
}

static int notice_error(struct nq_host *host, const struct nq_link *outside, int error)
{
	switch (error) {
	case -ENOMEM:
		return error;
	case -EPERM:
	case -EACCES:
		return nq_notice(host, NQ_NOTICE_NO_PERMISSION, outside->name,
				 "its other end is in a namespace that may not be read; left out");
	case -EINVAL: /* the id does not exist any more */
	case -ENOENT:
		return nq_notice(host, NQ_NOTICE_NAMESPACE_GONE, outside->name,
				 "nobody is in the namespace of its other end, and it has no name; left out");
	case -EOPNOTSUPP:
		return nq_notice(host, NQ_NOTICE_NOT_SUPPORTED, outside->name,
				 "the kernel does not list links of another namespace; left out");
	default:
		return nq_notice(host, NQ_NOTICE_VANISHED, outside->name, "while it was read (%s); left out",
				 strerror(-error));
	}
}

static int read_veth(struct nq_view *view, struct nq_host *host, struct namespaces *namespaces,
		     const struct nq_link *outside)
{
	struct namespace *namespace = find_by_id(namespaces, outside->link_netns);
	struct nq_mac mac;
	int r = namespace ? find_inner_mac(view, namespace, outside, &mac) : -ENOENT;

	if (r == 0 && (nq_mac_is_zero(&mac) || nq_mac_is_multicast(&mac)))
		return nq_notice(host, NQ_NOTICE_NO_MAC, outside->name,
				 "its other end has no address of its own; left out");
	if (r == 0)
		r = ensure_vm(view, host, namespace);
	if (r < 0)
		return notice_error(host, outside, r);
	return nq_add_vnic(view, host, namespace->vm, outside, &mac);
}

int nq_read_containers(struct nq_view *view, struct nq_host *host)
{
	static const char *const directories[] = { "run/netns", "run/docker/netns" };
	__attribute__((cleanup(clear_namespaces))) struct namespaces namespaces = { 0 };
	int r = add_populated(view, &namespaces);

	for (size_t i = 0; r == 0 && i < sizeof(directories) / sizeof(*directories); i++)
		r = add_named(view, directories[i], &namespaces);
	for (uint32_t i = 0; r == 0 && i < view->links.n; i++) {
		const struct nq_link *link = &view->links.link[i];

		if (strcmp(link->kind, "veth") || link->link_netns < 0 || nq_excluded(view, link->name) ||
		    nq_host_pnic_by_name(host, link->name) != NQ_NONE)
			continue;
		r = read_veth(view, host, &namespaces, link);
	}
	return r;
}
