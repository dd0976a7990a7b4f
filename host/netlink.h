/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Questions to the kernel that are not files: netlink dumps and ethtool ioctls, in the network namespace in
 * which the source was opened. Each question has a name; from a tree the answer recorded under that name is
 * given, and on the live host the answer is copied to the capture, if there is one (rootfs.h).
 */
#ifndef NEARQ_HOST_NETLINK_H
#define NEARQ_HOST_NETLINK_H

#include <linux/genetlink.h>

#include <libmnl/libmnl.h>

#include <host/rootfs.h>

struct nq_wire;

int nq_wire_open(struct nq_root *root, struct nq_wire **ret);
struct nq_wire *nq_wire_close(struct nq_wire *wire); /* accepts NULL, returns NULL */

/*
 * A message under construction: rtnetlink of that type, with its zeroed family header of `extra` bytes.
 * flags: NLM_F_DUMP, or 0 for a question with one answer. The buffer is the wire's; one question at a time.
 */
struct nlmsghdr *nq_wire_begin(struct nq_wire *wire, uint16_t type, uint16_t flags, size_t extra);
/*
 * Sends it and calls back for every message of the answer (a dump that changed meanwhile is repeated first). A
 * callback returns 0, or -errno to stop. 0, -errno of the kernel's answer or of the callback, -ENOENT: not in the tree.
 */
typedef int (*nq_wire_fn)(const struct nlmsghdr *message, void *userdata);
int nq_wire_ask(struct nq_wire *wire, struct nlmsghdr *request, const char *name, nq_wire_fn each, void *userdata);

/*
 * Dump of the generic netlink family "netdev" (kernel 6.8), of one interface, or of all with ifindex 0. -EOPNOTSUPP: no
 * such family. Debian 12's headers lack linux/netdev.h; these numbers are include/uapi/linux/netdev.h of 6.12.
 */
enum { NQ_NETDEV_QUEUE_GET = 10, NQ_NETDEV_NAPI_GET = 11, NQ_NETDEV_QSTATS_GET = 12 };
enum { NQ_NETDEV_NAPI_IFINDEX = 1, NQ_NETDEV_NAPI_ID, NQ_NETDEV_NAPI_IRQ, NQ_NETDEV_NAPI_PID };
enum { NQ_NETDEV_QUEUE_ID = 1, NQ_NETDEV_QUEUE_IFINDEX, NQ_NETDEV_QUEUE_TYPE, NQ_NETDEV_QUEUE_NAPI_ID };
enum { NQ_NETDEV_QUEUE_TYPE_RX, NQ_NETDEV_QUEUE_TYPE_TX };
enum {
	NQ_NETDEV_QSTATS_IFINDEX = 1,
	NQ_NETDEV_QSTATS_QUEUE_TYPE,
	NQ_NETDEV_QSTATS_QUEUE_ID,
	NQ_NETDEV_QSTATS_SCOPE,
	NQ_NETDEV_QSTATS_RX_PACKETS = 8,
	NQ_NETDEV_QSTATS_RX_BYTES,
	NQ_NETDEV_QSTATS_TX_PACKETS,
	NQ_NETDEV_QSTATS_TX_BYTES,
	NQ_NETDEV_QSTATS_RX_ALLOC_FAIL,
	NQ_NETDEV_QSTATS_RX_HW_DROPS,
	NQ_NETDEV_QSTATS_TX_HW_DROPS = 24,
};
int nq_wire_netdev(struct nq_wire *wire, uint8_t command, uint32_t ifindex, nq_wire_fn each, void *userdata);
/* Offset of the first attribute in a message of that family. */
#define NQ_NETDEV_ATTRIBUTES sizeof(struct genlmsghdr)

/*
 * SIOCETHTOOL with a command structure of `size` bytes, which the kernel fills. what: name of the answer, unique per
 * interface. 0 or -errno; -EOPNOTSUPP is normal.
 */
int nq_wire_ethtool(struct nq_wire *wire, const char *interface, const char *what, void *command, size_t size);

/* Something about links, bridges' ports or namespaces changed since the last call (true also when messages were lost).
 */
bool nq_wire_changed(struct nq_wire *wire);

/* Any integer attribute by its own length; the kernel's "uint" attributes come as 4 or 8 bytes. */
uint64_t nq_wire_uint(const struct nlattr *attribute);

#endif
