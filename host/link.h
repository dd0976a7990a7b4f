/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The network interfaces of one network namespace, as values from one RTM_GETLINK dump.
 */
#ifndef NEARQ_HOST_LINK_H
#define NEARQ_HOST_LINK_H

#include <nearq/types.h>

#include <host/netlink.h>

#define NQ_LINK_NAME 16 /* IFNAMSIZ */

struct nq_link {
	uint32_t index;
	char name[NQ_LINK_NAME];
	char kind[16];	    /* "veth", "bridge", "bond", "tun", … "" for hardware */
	bool ethernet;	    /* ARPHRD_ETHER */
	uint32_t master;    /* index of the bridge or bond above, 0 for none */
	uint32_t link;	    /* index of the peer (veth) or the interface below (vlan, macvlan), 0 for none */
	int32_t link_netns; /* namespace id in which `link` lies, -1: in this one */
	uint32_t active;    /* bond: index of the active slave, 0 for none */
	struct nq_mac mac;
};

struct nq_links {
	struct nq_link *link;	  /* sorted by index */
	struct nq_link **by_name; /* the same, sorted by name */
	uint32_t n;
};

/* Sorts what was filled in; 0 or -ENOMEM. nq_links_read() does it. */
int nq_links_sort(struct nq_links *links);

/* netns: id of another namespace as seen from here, or -1 for our own. 0, or -errno (-EINVAL: the namespace is gone).
 */
int nq_links_read(struct nq_wire *wire, int32_t netns, struct nq_links *ret);
void nq_links_clear(struct nq_links *links); /* for __attribute__((cleanup)) */

const struct nq_link *nq_link_by_index(const struct nq_links *links, uint32_t index);
const struct nq_link *nq_link_by_name(const struct nq_links *links, const char *name);

/* The interfaces of this kind below a bridge or bond, or NULL: the first one after `after` (NULL: the first at all). */
const struct nq_link *nq_link_next_port(const struct nq_links *links, uint32_t master, const struct nq_link *after);

/*
 * Id under which our namespace knows the one of a process (by pid) or of a file (by an open descriptor, pid 0);
 * name is for the capture. 0, -ENOENT when it has none, -errno.
 */
int nq_netns_id(struct nq_wire *wire, uint32_t pid, int fd, uint64_t inode, int32_t *ret);

/* Learned or static MACs behind a bridge port, in order of MAC. */
struct nq_fdb {
	struct {
		uint32_t port;
		struct nq_mac mac;
	} * entry;
	uint32_t n;
};
int nq_fdb_read(struct nq_wire *wire, struct nq_fdb *ret);
void nq_fdb_clear(struct nq_fdb *fdb);

#endif
