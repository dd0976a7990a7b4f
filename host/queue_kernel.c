/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <host/queue.h>

struct task {
	struct nq_view *view;
	struct nq_host *host;
	uint32_t first; /* first queue of the interface */
};

static struct nq_queue *hard_queue(struct task *task, uint32_t index)
{
	return index < task->host->n_queues - task->first ? &task->host->queues[task->first + index] : NULL;
}

static int take_queue(const struct nlmsghdr *message, void *userdata)
{
	uint32_t id = NQ_NONE, napi = NQ_NONE, type = NQ_NETDEV_QUEUE_TYPE_TX;
	struct task *task = userdata;
	const struct nlattr *attribute;
	struct nq_queue *queue;

	mnl_attr_for_each(attribute, message, NQ_NETDEV_ATTRIBUTES)
	{
		uint32_t value = (uint32_t)nq_wire_uint(attribute);

		switch (mnl_attr_get_type(attribute)) {
		case NQ_NETDEV_QUEUE_ID:
			id = value;
			break;
		case NQ_NETDEV_QUEUE_TYPE:
			type = value;
			break;
		case NQ_NETDEV_QUEUE_NAPI_ID:
			napi = value;
			break;
		default:
			break;
		}
	}
	queue = hard_queue(task, id);
	if (queue && type == NQ_NETDEV_QUEUE_TYPE_RX)
		queue->napi = napi;
	return 0;
}

static int take_napi(const struct nlmsghdr *message, void *userdata)
{
	uint32_t id = NQ_NONE, irq = NQ_NONE, pid = NQ_NONE;
	struct task *task = userdata;
	const struct nlattr *attribute;

	mnl_attr_for_each(attribute, message, NQ_NETDEV_ATTRIBUTES)
	{
		uint32_t value = (uint32_t)nq_wire_uint(attribute);

		switch (mnl_attr_get_type(attribute)) {
		case NQ_NETDEV_NAPI_ID:
			id = value;
			break;
		case NQ_NETDEV_NAPI_IRQ:
			irq = value;
			break;
		case NQ_NETDEV_NAPI_PID:
			pid = value;
			break;
		default:
			break;
		}
	}
	for (uint32_t i = task->first; id != NQ_NONE && i < task->host->n_queues; i++) {
		if (task->host->queues[i].napi != id)
			continue;
		task->host->queues[i].irq = irq;
		task->host->queues[i].thread = pid;
	}
	return 0;
}

/* A thread that the kernel did not name (it did not know, or lives in another pid namespace): "napi/eth0-513". */
static int take_thread(uint32_t pid, const char *name, void *userdata)
{
	struct task *task = userdata;
	const char *dash = strrchr(name, '-');
	uint32_t napi = dash ? (uint32_t)strtoul(dash + 1, NULL, 10) : NQ_NONE;

	for (uint32_t i = task->first; i < task->host->n_queues; i++)
		if (task->host->queues[i].napi == napi && task->host->queues[i].thread == NQ_NONE)
			task->host->queues[i].thread = pid;
	return 0;
}

static bool lacks_thread(const struct task *task)
{
	for (uint32_t i = task->first; i < task->host->n_queues; i++)
		if (task->host->queues[i].thread == NQ_NONE)
			return true;
	return false;
}

static int find_threads(struct task *task, const char *interface)
{
	char prefix[32], text[16];

	if (nq_root_read(task->view->root, text, sizeof(text), "sys/class/net/%s/threaded", interface) < 0 ||
	    !strcmp(text, "0") || !lacks_thread(task))
		return 0;
	snprintf(prefix, sizeof(prefix), "napi/%s-", interface);
	nq_process_find(task->view->root, prefix, take_thread, task);
	if (!lacks_thread(task))
		return 0;
	return nq_notice(task->host, NQ_NOTICE_NOT_SUPPORTED, interface,
			 "its NAPI is threaded, and driver or kernel does not tell which thread serves which queue: "
			 "the queues' CPUs are unknown");
}

int nq_queues_by_netdev(struct nq_view *view, struct nq_host *host, uint32_t pnic, uint32_t first)
{
	struct task task = { .view = view, .host = host, .first = first };
	const char *name = host->pnics[pnic].name;
	int64_t ifindex;

	if (first == host->n_queues || nq_root_number(view->root, &ifindex, "sys/class/net/%s/ifindex", name) < 0)
		return 0;
	/* neither is an error: kernels before 6.8, drivers without the answer */
	nq_wire_netdev(view->wire, NQ_NETDEV_QUEUE_GET, (uint32_t)ifindex, take_queue, &task);
	nq_wire_netdev(view->wire, NQ_NETDEV_NAPI_GET, (uint32_t)ifindex, take_napi, &task);
	return find_threads(&task, name);
}
