/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Transmit queue by source MAC: nearq's tc program on the egress side of a clsact qdisc.
 *
 * A classic tc filter has no link that could be pinned; it lives with the qdisc. What says that the filter is ours
 * is the pinned program: same id at our handle and priority. The clsact qdisc may be shared with others, so it is
 * removed only when nearq made it (the journal knows) and no filter is left on either side of it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <time.h>

#include "bpf/tables.h"
#include "host/cleanup.h"
#include "host/steer_act.h"
#include "host/steer_pin.h"
#include "txq.skel.h"

/* The kernel fills what it is given, up to this much; less means more calls. */
#define DUMP_BUFFER 32768

#define FILTER_HANDLE 1
#define FILTER_PRIORITY 0x4e51 /* "NQ"; out of the way of hand-made filters, which count from 1 or 49152 */

static void close_socket(struct mnl_socket **socket)
{
	if (*socket)
		mnl_socket_close(*socket);
}

static void destroy(struct txq_bpf **skeleton)
{
	txq_bpf__destroy(*skeleton);
}

/* Sends a dump request for qdiscs or filters and calls back for each answer. */
static int dump(uint16_t type, uint32_t ifindex, uint32_t parent, mnl_cb_t each, void *userdata)
{
	char buffer[DUMP_BUFFER];
	__attribute__((cleanup(close_socket))) struct mnl_socket *socket =
		mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(header, sizeof(*tc));
	ssize_t length;
	int result = MNL_CB_OK;

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	header->nlmsg_seq = 1;
	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = (int)ifindex;
	tc->tcm_parent = parent;
	if (mnl_socket_sendto(socket, header, header->nlmsg_len) < 0)
		return -errno;
	while (result == MNL_CB_OK) {
		length = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		if (length < 0)
			return -errno;
		result = mnl_cb_run(buffer, (size_t)length, 1, mnl_socket_get_portid(socket), each, userdata);
	}
	return result < 0 ? -errno : 0;
}

struct qdisc_search {
	uint32_t ifindex;
	bool clsact, ingress;
};

static int see_qdisc(const struct nlmsghdr *header, void *userdata)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(header);
	struct qdisc_search *search = userdata;
	const struct nlattr *attr;

	if ((uint32_t)tc->tcm_ifindex != search->ifindex || tc->tcm_parent != TC_H_INGRESS)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, header, sizeof(*tc))
	{
		if (mnl_attr_get_type(attr) != TCA_KIND)
			continue;
		search->clsact |= strcmp(mnl_attr_get_str(attr), "clsact") == 0;
		search->ingress |= strcmp(mnl_attr_get_str(attr), "ingress") == 0;
	}
	return MNL_CB_OK;
}

static int see_filter(const struct nlmsghdr *header, void *userdata)
{
	(void)header;
	*(bool *)userdata = true;
	return MNL_CB_OK;
}

static int has_filters(uint32_t ifindex, bool *ret)
{
	bool found = false;
	int error = dump(RTM_GETTFILTER, ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), see_filter, &found);

	if (error == 0)
		error = dump(RTM_GETTFILTER, ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS), see_filter, &found);
	if (error == 0)
		*ret = found;
	return error;
}

static int program_id(const char *interface, uint32_t *ret)
{
	NQ_CLOSE int program = nq_pin_open(interface, NQ_PIN_TXQ);
	struct bpf_prog_info info = {};
	uint32_t size = sizeof(info);

	if (program < 0)
		return program;
	if (bpf_obj_get_info_by_fd(program, &info, &size) < 0)
		return -errno;
	*ret = info.id;
	return 0;
}

/* Whose filter is at our handle and priority? */
static int filter_state(const char *interface, uint32_t ifindex, enum nq_egress_state *ret)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);
	uint32_t own = 0;
	int error;

	nq_pin_quiet();
	error = bpf_tc_query(&hook, &filter);
	/* EINVAL: no filter was ever there, and the kernel misses the chain of filters */
	if (error == -ENOENT || error == -EINVAL) {
		*ret = NQ_EGRESS_CLSACT;
		return 0;
	}
	if (error == 0)
		error = program_id(interface, &own);
	if (error < 0 && error != -ENOENT)
		return error;
	*ret = own == filter.prog_id ? NQ_EGRESS_NEARQ : NQ_EGRESS_BLOCKED;
	return 0;
}

int nq_egress_state(const char *interface, enum nq_egress_state *ret)
{
	struct qdisc_search search = { .ifindex = if_nametoindex(interface) };
	int error;

	if (!search.ifindex)
		return -ENODEV;
	error = dump(RTM_GETQDISC, search.ifindex, 0, see_qdisc, &search);
	if (error < 0)
		return error;
	if (search.clsact)
		return filter_state(interface, search.ifindex, ret);
	*ret = search.ingress ? NQ_EGRESS_BLOCKED : NQ_EGRESS_NONE;
	return 0;
}

int nq_egress_add_clsact(struct nq_setting_ctx *ctx, const char *interface)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)if_nametoindex(interface),
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	int error = hook.ifindex ? bpf_tc_hook_create(&hook) : -ENODEV;

	if (error == -EEXIST)
		return nq_setting_why(ctx, -EBUSY, "another qdisc sits where clsact would go on %s", interface);
	return error;
}

int nq_egress_remove_clsact(struct nq_setting_ctx *ctx, const char *interface)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)if_nametoindex(interface),
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	bool filters = false;
	int error = hook.ifindex ? has_filters((uint32_t)hook.ifindex, &filters) : -ENODEV;

	if (error == 0 && filters)
		return nq_setting_why(ctx, -EBUSY, "filters of somebody else use the clsact qdisc of %s", interface);
	return error == 0 ? bpf_tc_hook_destroy(&hook) : error;
}

static int remove_pins(const char *interface)
{
	int error = nq_pin_remove(interface, NQ_PIN_TXQ);

	if (error == 0)
		error = nq_pin_remove(interface, NQ_PIN_QUEUES);
	nq_pin_remove_directory(interface);
	return error;
}

static int pin_all(const char *interface, const struct txq_bpf *skeleton)
{
	int error = nq_pin_make_directory(interface);

	if (error == 0)
		error = nq_pin_save(interface, NQ_PIN_QUEUES, bpf_map__fd(skeleton->maps.queues));
	if (error == 0)
		error = nq_pin_save(interface, NQ_PIN_TXQ, bpf_program__fd(skeleton->progs.txq));
	return error;
}

int nq_egress_attach(struct nq_setting_ctx *ctx, const char *interface)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)if_nametoindex(interface), .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);
	__attribute__((cleanup(destroy))) struct txq_bpf *skeleton = NULL;
	int error;

	if (!hook.ifindex)
		return -ENODEV;
	if (nq_pin_available() < 0)
		return nq_setting_why(ctx, -EOPNOTSUPP, "no bpf file system is mounted on " NQ_BPFFS);
	skeleton = txq_bpf__open_and_load();
	if (!skeleton)
		return nq_setting_why(ctx, -errno, "the kernel refuses the transmit program: %s", strerror(errno));
	error = remove_pins(interface);
	if (error == 0)
		error = pin_all(interface, skeleton);
	filter.prog_fd = bpf_program__fd(skeleton->progs.txq);
	if (error == 0)
		error = bpf_tc_attach(&hook, &filter);
	if (error < 0)
		remove_pins(interface);
	return error;
}

int nq_egress_detach(struct nq_setting_ctx *ctx, const char *interface)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)if_nametoindex(interface), .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);
	int error = hook.ifindex ? bpf_tc_detach(&hook, &filter) : -ENODEV;

	if (error < 0 && error != -ENOENT)
		return nq_setting_why(ctx, error, "the transmit program cannot be detached: %s", strerror(-error));
	return remove_pins(interface);
}

int nq_txq_get(const char *interface, const struct nq_mac *mac, uint32_t *ret_queue)
{
	uint32_t queue = NQ_NONE;
	int error = nq_pin_lookup(interface, NQ_PIN_QUEUES, mac, &queue);

	if (error < 0 && error != -ENOENT)
		return error;
	*ret_queue = queue;
	return 0;
}

int nq_txq_set(struct nq_setting_ctx *ctx, const char *interface, const struct nq_mac *mac, uint32_t queue)
{
	NQ_CLOSE int queues = nq_pin_open(interface, NQ_PIN_QUEUES);
	struct nq_bpf_mac key = nq_pin_key(mac);

	if (queues == -ENOENT)
		return nq_setting_why(ctx, -EOPNOTSUPP, "the transmit program is not attached to %s", interface);
	if (queues < 0)
		return queues;
	if (bpf_map_update_elem(queues, &key, &queue, BPF_ANY) == 0)
		return 0;
	return errno == E2BIG ? -ENOSPC : -errno;
}

int nq_txq_unset(const char *interface, const struct nq_mac *mac)
{
	return nq_pin_delete(interface, NQ_PIN_QUEUES, mac);
}
