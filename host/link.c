/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <host/link.h>

/* Room for one more of `size` bytes in an array that grows by powers of two. */
static void *grown(void *array, uint32_t n, size_t size)
{
	if (n & (n - 1))
		return array;
	return reallocarray(array, n ? (size_t)n * 2 : 1, size);
}

static void take_text(const struct nlattr *attribute, char *ret, size_t size)
{
	snprintf(ret, size, "%.*s", (int)mnl_attr_get_payload_len(attribute), mnl_attr_get_str(attribute));
}

static void take_mac(const struct nlattr *attribute, struct nq_mac *ret)
{
	if (mnl_attr_get_payload_len(attribute) == sizeof(ret->byte))
		memcpy(ret->byte, mnl_attr_get_payload(attribute), sizeof(ret->byte));
}

static void take_info(const struct nlattr *info, struct nq_link *link)
{
	const struct nlattr *part, *detail;

	mnl_attr_for_each_nested(part, info)
	{
		if (mnl_attr_get_type(part) == IFLA_INFO_KIND)
			take_text(part, link->kind, sizeof(link->kind));
		if (mnl_attr_get_type(part) != IFLA_INFO_DATA || strcmp(link->kind, "bond") != 0)
			continue;
		mnl_attr_for_each_nested(detail, part) if (mnl_attr_get_type(detail) == IFLA_BOND_ACTIVE_SLAVE)
			link->active = (uint32_t)nq_wire_uint(detail);
	}
}

static void take_attribute(const struct nlattr *attribute, struct nq_link *link)
{
	switch (mnl_attr_get_type(attribute)) {
	case IFLA_IFNAME:
		take_text(attribute, link->name, sizeof(link->name));
		break;
	case IFLA_ADDRESS:
		take_mac(attribute, &link->mac);
		break;
	case IFLA_MASTER:
		link->master = (uint32_t)nq_wire_uint(attribute);
		break;
	case IFLA_LINK:
		link->link = (uint32_t)nq_wire_uint(attribute);
		break;
	case IFLA_LINK_NETNSID:
		link->link_netns = (int32_t)nq_wire_uint(attribute);
		break;
	case IFLA_LINKINFO:
		take_info(attribute, link);
		break;
	default:
		break;
	}
}

static int add_link(const struct nlmsghdr *message, void *userdata)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
	struct nq_links *links = userdata;
	struct nq_link link = { .link_netns = -1 };
	const struct nlattr *attribute;
	struct nq_link *array;

	if (message->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(message) < sizeof(*header))
		return 0;
	array = grown(links->link, links->n, sizeof(*array));
	if (!array)
		return -ENOMEM;
	link.index = (uint32_t)header->ifi_index;
	link.ethernet = header->ifi_type == ARPHRD_ETHER;
	mnl_attr_for_each(attribute, message, sizeof(*header)) take_attribute(attribute, &link);
	links->link = array;
	array[links->n++] = link;
	return 0;
}

static int compare_links(const void *a, const void *b)
{
	const struct nq_link *x = a, *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp((*(struct nq_link *const *)a)->name, (*(struct nq_link *const *)b)->name);
}

int nq_links_sort(struct nq_links *links)
{
	struct nq_link **by_name = calloc((size_t)links->n + 1, sizeof(struct nq_link *));

	if (!by_name)
		return -ENOMEM;
	if (links->n)
		qsort(links->link, links->n, sizeof(*links->link), compare_links);
	for (uint32_t i = 0; i < links->n; i++)
		by_name[i] = &links->link[i];
	qsort(by_name, links->n, sizeof(struct nq_link *), compare_names);
	free(links->by_name);
	links->by_name = by_name;
	return 0;
}

int nq_links_read(struct nq_wire *wire, int32_t netns, struct nq_links *ret)
{
	struct nlmsghdr *request = nq_wire_begin(wire, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
	struct nq_links links = { 0 };
	char name[32] = "links";
	int r;

	mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	if (netns >= 0) {
		mnl_attr_put_u32(request, IFLA_TARGET_NETNSID, (uint32_t)netns);
		snprintf(name, sizeof(name), "links-netns%d", netns);
	}
	r = nq_wire_ask(wire, request, name, add_link, &links);
	if (r < 0) {
		nq_links_clear(&links);
		return r;
	}
	r = nq_links_sort(&links);
	if (r < 0) {
		nq_links_clear(&links);
		return r;
	}
	*ret = links;
	return 0;
}

void nq_links_clear(struct nq_links *links)
{
	free(links->link);
	free(links->by_name);
	*links = (struct nq_links){ 0 };
}

const struct nq_link *nq_link_by_index(const struct nq_links *links, uint32_t index)
{
	struct nq_link key = { .index = index };

	return links->n ? bsearch(&key, links->link, links->n, sizeof(key), compare_links) : NULL;
}

static int compare_with_name(const void *name, const void *link)
{
	return strcmp(name, (*(struct nq_link *const *)link)->name);
}

const struct nq_link *nq_link_by_name(const struct nq_links *links, const char *name)
{
	struct nq_link **found =
		links->n ? bsearch(name, links->by_name, links->n, sizeof(struct nq_link *), compare_with_name) : NULL;

	return found ? *found : NULL;
}

const struct nq_link *nq_link_next_port(const struct nq_links *links, uint32_t master, const struct nq_link *after)
{
	for (uint32_t i = after ? (uint32_t)(after - links->link) + 1 : 0; i < links->n; i++)
		if (links->link[i].master == master)
			return &links->link[i];
	return NULL;
}

static int take_netns_id(const struct nlmsghdr *message, void *userdata)
{
	const struct nlattr *attribute;

	mnl_attr_for_each(attribute, message,
			  sizeof(struct rtgenmsg)) if (mnl_attr_get_type(attribute) == NETNSA_NSID) *
		(int32_t *)userdata = (int32_t)nq_wire_uint(attribute);
	return 0;
}

int nq_netns_id(struct nq_wire *wire, uint32_t pid, int fd, uint64_t inode, int32_t *ret)
{
	struct nlmsghdr *request = nq_wire_begin(wire, RTM_GETNSID, 0, sizeof(struct rtgenmsg));
	int32_t id = -1;
	char name[48];
	int r;

	if (pid)
		mnl_attr_put_u32(request, NETNSA_PID, pid);
	else
		mnl_attr_put_u32(request, NETNSA_FD, (uint32_t)fd);
	snprintf(name, sizeof(name), "nsid-%llu", (unsigned long long)inode);
	r = nq_wire_ask(wire, request, name, take_netns_id, &id);
	if (r < 0)
		return r;
	if (id < 0)
		return -ENOENT;
	*ret = id;
	return 0;
}

static int add_neighbour(const struct nlmsghdr *message, void *userdata)
{
	const struct ndmsg *header = mnl_nlmsg_get_payload(message);
	struct nq_fdb *fdb = userdata;
	const struct nlattr *attribute;
	bool learned = false;
	struct nq_mac mac = { 0 };
	void *array;

	/* permanent entries are the port's own address and what the host itself listens to */
	if (message->nlmsg_type != RTM_NEWNEIGH || mnl_nlmsg_get_payload_len(message) < sizeof(*header) ||
	    header->ndm_family != AF_BRIDGE || header->ndm_state & NUD_PERMANENT)
		return 0;
	mnl_attr_for_each(attribute, message, sizeof(*header))
	{
		learned |= mnl_attr_get_type(attribute) == NDA_MASTER;
		if (mnl_attr_get_type(attribute) == NDA_LLADDR)
			take_mac(attribute, &mac);
	}
	if (!learned || nq_mac_is_zero(&mac) || nq_mac_is_multicast(&mac))
		return 0;
	array = grown(fdb->entry, fdb->n, sizeof(*fdb->entry));
	if (!array)
		return -ENOMEM;
	fdb->entry = array;
	fdb->entry[fdb->n].port = (uint32_t)header->ndm_ifindex;
	fdb->entry[fdb->n++].mac = mac;
	return 0;
}

static int compare_entries(const void *a, const void *b)
{
	const __typeof__(*((struct nq_fdb *)NULL)->entry) *x = a, *y = b;

	return x->port != y->port ? (x->port < y->port ? -1 : 1) : nq_mac_compare(&x->mac, &y->mac);
}

int nq_fdb_read(struct nq_wire *wire, struct nq_fdb *ret)
{
	struct nlmsghdr *request = nq_wire_begin(wire, RTM_GETNEIGH, NLM_F_DUMP, sizeof(struct ndmsg));
	struct ndmsg *header = mnl_nlmsg_get_payload(request);
	struct nq_fdb fdb = { 0 };
	int r;

	header->ndm_family = AF_BRIDGE;
	r = nq_wire_ask(wire, request, "fdb", add_neighbour, &fdb);
	if (r < 0) {
		nq_fdb_clear(&fdb);
		return r;
	}
	if (fdb.n)
		qsort(fdb.entry, fdb.n, sizeof(*fdb.entry), compare_entries);
	*ret = fdb;
	return 0;
}

void nq_fdb_clear(struct nq_fdb *fdb)
{
	free(fdb->entry);
	*fdb = (struct nq_fdb){ 0 };
}
