/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Counters of one instant (S1-S3): one dump for all interfaces, one for the queues of the drivers that take part
 * in it, one file for all CPUs, one kept file for each thread and VM.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <host/view.h>

#define TICK_NS                                                                                                        \
	UINT64_C(10000000) /* USER_HZ is 100 on every architecture that Linux still supports but alpha and ia64 */

static int take_link(const struct nlmsghdr *message, void *userdata)
{
	const struct if_stats_msg *header = mnl_nlmsg_get_payload(message);
	struct nq_counters *counters = userdata;
	struct rtnl_link_stats64 stats;
	const struct nlattr *attribute;
	int r = 0;

	if (message->nlmsg_type != RTM_NEWSTATS || mnl_nlmsg_get_payload_len(message) < sizeof(*header))
		return 0;
	mnl_attr_for_each(attribute, message, sizeof(*header))
	{
		size_t length = mnl_attr_get_payload_len(attribute);

		if (mnl_attr_get_type(attribute) != IFLA_STATS_LINK_64)
			continue;
		memset(&stats, 0, sizeof(stats)); /* the structure grows with the kernel */
		memcpy(&stats, mnl_attr_get_payload(attribute), length < sizeof(stats) ? length : sizeof(stats));
		r = nq_counters_add(counters, nq_counter_key(NQ_COUNTER_LINK_RX, header->ifindex, 0), stats.rx_packets,
				    stats.rx_bytes, stats.rx_dropped);
		if (r == 0)
			r = nq_counters_add(counters, nq_counter_key(NQ_COUNTER_LINK_TX, header->ifindex, 0),
					    stats.tx_packets, stats.tx_bytes, stats.tx_dropped);
	}
	return r;
}

static int read_links(struct nq_view *view, struct nq_counters *ret)
{
	struct nlmsghdr *request = nq_wire_begin(view->wire, RTM_GETSTATS, NLM_F_DUMP, sizeof(struct if_stats_msg));
	struct if_stats_msg *header = mnl_nlmsg_get_payload(request);
	int r;

	header->filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64);
	r = nq_wire_ask(view->wire, request, "link-stats", take_link, ret);
	return r == -ENOMEM ? r : 0;
}

/* One queue and direction; interfaces that are in no host are dropped when rates are looked up. */
static int take_queue(const struct nlmsghdr *message, void *userdata)
{
	uint64_t value[NQ_NETDEV_QSTATS_TX_HW_DROPS + 1] = { 0 };
	uint32_t packets = NQ_NETDEV_QSTATS_RX_PACKETS, bytes = NQ_NETDEV_QSTATS_RX_BYTES;
	uint32_t drops = NQ_NETDEV_QSTATS_RX_HW_DROPS;
	enum nq_counter_kind kind = NQ_COUNTER_QUEUE_RX;
	const struct nlattr *attribute;

	mnl_attr_for_each(attribute, message,
			  NQ_NETDEV_ATTRIBUTES) if (mnl_attr_get_type(attribute) <= NQ_NETDEV_QSTATS_TX_HW_DROPS)
		value[mnl_attr_get_type(attribute)] = nq_wire_uint(attribute);
	if (value[NQ_NETDEV_QSTATS_QUEUE_TYPE] == NQ_NETDEV_QUEUE_TYPE_TX) {
		kind = NQ_COUNTER_QUEUE_TX;
		packets = NQ_NETDEV_QSTATS_TX_PACKETS;
		bytes = NQ_NETDEV_QSTATS_TX_BYTES;
		drops = NQ_NETDEV_QSTATS_TX_HW_DROPS;
	}
	return nq_counters_add(userdata,
			       nq_counter_key(kind, (uint32_t)value[NQ_NETDEV_QSTATS_IFINDEX],
					      (uint32_t)value[NQ_NETDEV_QSTATS_QUEUE_ID]),
			       value[packets], value[bytes], value[drops]);
}

static uint32_t ifindex_of(const struct nq_view *view, const char *name)
{
	const struct nq_link *link = nq_link_by_name(&view->links, name);

	return link ? link->index : NQ_NONE;
}

/* Did the dump tell about the queues of this interface? */
static bool told(const struct nq_counters *counters, uint32_t first, uint32_t ifindex)
{
	uint64_t rx = nq_counter_key(NQ_COUNTER_QUEUE_RX, ifindex, 0);

	for (uint32_t i = first; i < counters->n; i++)
		if (counters->counter[i].key == rx)
			return true;
	return false;
}

static int read_queues(struct nq_view *view, const struct nq_host *host, struct nq_counters *ret)
{
	uint32_t first = ret->n;
	int r = nq_wire_netdev(view->wire, NQ_NETDEV_QSTATS_GET, 0, take_queue, ret);

	if (r == -ENOMEM)
		return r;
	r = 0;
	for (uint32_t i = 0; r == 0 && i < host->n_pnics; i++) {
		uint32_t ifindex = ifindex_of(view, host->pnics[i].name);

		if (ifindex != NQ_NONE && !told(ret, first, ifindex))
			r = nq_read_driver_counters(view, host->pnics[i].name, ifindex, ret);
	}
	return r;
}

static int read_threads(struct nq_view *view, const struct nq_host *host, struct nq_counters *ret)
{
	for (uint32_t i = 0; i < host->n_queues; i++) {
		uint32_t thread = host->queues[i].thread;
		uint64_t ns;

		if (thread == NQ_NONE || nq_process_runtime_kept(view->root, thread, &ns) < 0)
			continue;
		if (nq_counters_add(ret, nq_counter_key(NQ_COUNTER_THREAD, thread, 0), ns, 0, 0) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int read_cgroup(struct nq_view *view, const struct nq_vm *vm, struct nq_counters *ret)
{
	char text[NQ_SHORT_TEXT];
	uint64_t us;
	int r = nq_root_read_kept(view->root, text, sizeof(text), "%s%s/cpu.stat", view->cgroups, vm->cgroup);

	if (r < 0)
		return r;
	if (sscanf(text, "usage_usec %" SCNu64, &us) != 1)
		return -EBADMSG;
	return nq_counters_add(ret, nq_counter_key(NQ_COUNTER_CGROUP, vm->pid, 0), us * 1000, 0, 0);
}

static int read_vm(struct nq_view *view, const struct nq_host *host, uint32_t vm, struct nq_counters *ret)
{
	struct nq_members members = view->members[vm];
	int r = host->vms[vm].cgroup[0] ? read_cgroup(view, &host->vms[vm], ret) : -ENOENT;

	if (r == 0 || r == -ENOMEM)
		return r;
	for (uint32_t i = 0; i < members.n; i++) {
		uint32_t pid = view->processes.process[members.first + i].pid;
		struct nq_process_stat stat;

		if (nq_process_stat_kept(view->root, pid, &stat) < 0)
			continue;
		if (nq_counters_add(ret, nq_counter_key(NQ_COUNTER_PROCESS, pid, 0), stat.ticks * TICK_NS, 0, 0) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* "cpu3 user nice system idle iowait irq softirq steal guest guest_nice": guests are part of user and nice. */
static int take_cpu(const char *line, struct nq_counters *ret)
{
	uint64_t t[8] = { 0 }, all = 0;
	uint32_t cpu;

	if (sscanf(line,
		   "cpu%u %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
		   &cpu, &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) < 5)
		return 0;
	for (int i = 0; i < 8; i++)
		all += t[i];
	return nq_counters_add(ret, nq_counter_key(NQ_COUNTER_CPU, cpu, 0), all - t[3] - t[4], all, 0);
}

static int read_cpus(struct nq_view *view, struct nq_counters *ret)
{
	NQ_FREE char *text = NULL;
	char *rest, *line;
	int r = nq_root_read_all(view->root, &text, "proc/stat");

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	r = 0;
	for (rest = text; r == 0 && (line = strsep(&rest, "\n")) && !strncmp(line, "cpu", 3);)
		r = take_cpu(line, ret);
	return r;
}

/* Soft queues by what the steering program says it served on each CPU. */
static int read_steered(struct nq_view *view, const struct nq_host *host, uint32_t pnic, struct nq_counters *ret)
{
	const struct nq_steer_table *table = view->steered[pnic];
	uint32_t ifindex = ifindex_of(view, host->pnics[pnic].name);
	int r = 0;

	for (uint32_t cpu = 0; table && r == 0 && cpu < table->n_cpus; cpu++) {
		uint64_t packets = 0;

		for (uint32_t i = 0; i < table->n_macs; i++)
			packets += table->macs[i].served[cpu];
		r = nq_counters_add(ret, nq_counter_key(NQ_COUNTER_STEERED, ifindex, cpu), packets, 0, 0);
	}
	return r;
}

int nq_read_counters(struct nq_view *view, const struct nq_host *host, struct nq_counters *ret)
{
	int r = read_links(view, ret);

	if (r == 0 && view->counter)
		r = nq_served_read(view->counter, ret);
	if (r == 0)
		r = read_queues(view, host, ret);
	if (r == 0)
		r = read_threads(view, host, ret);
	for (uint32_t i = 0; r == 0 && i < host->n_vms; i++)
		r = read_vm(view, host, i, ret);
	for (uint32_t i = 0; r == 0 && i < view->n_steered; i++)
		r = read_steered(view, host, i, ret);
	return r == 0 ? read_cpus(view, ret) : r;
}
