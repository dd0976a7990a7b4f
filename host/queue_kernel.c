/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <host/queue.h>

/*
 * Most drivers tell which NAPI serves which queue. Some tell only the NAPIs (igb, veth), and a kernel before 6.8 shows
 * their threads at best. Then, if there are exactly as many as queues, they are taken in order of id: ids only grow,
 * and drivers add the NAPIs of their queues in order. With a separate NAPI for sending the numbers differ, and nothing
 * is taken.
 */
struct napi {
	uint32_t id, irq, thread;
};

struct task {
	struct nq_view *view;
	struct nq_host *host;
	uint32_t first; /* first queue of the interface */
	struct napi *napi;
	uint32_t n;
};

static struct nq_queue *hard_queue(struct task *task, uint32_t index)
{
	return index < task->host->n_queues - task->first ? &task->host->queues[task->first + index] : NULL;
}

static int add_napi(struct task *task, struct napi napi)
{
	struct napi *grown = reallocarray(task->napi, (size_t)task->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	task->napi = grown;
	grown[task->n++] = napi;
	return 0;
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
	return add_napi(task, (struct napi){ id, irq, pid });
}

/* A thread that the kernel did not name (it did not know, or lives in another pid namespace): "napi/eth0-513". */
static int take_thread(uint32_t pid, const char *name, void *userdata)
{
	struct task *task = userdata;
	const char *dash = strrchr(name, '-');
	uint32_t id = dash ? (uint32_t)strtoul(dash + 1, NULL, 10) : 0;

	for (uint32_t i = 0; i < task->n; i++) {
		if (task->napi[i].id != id)
			continue;
		task->napi[i].thread = pid;
		return 0;
	}
	return add_napi(task, (struct napi){ id, NQ_NONE, pid });
}

static int compare_napis(const void *a, const void *b)
{
	const struct napi *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static void name_in_order(struct task *task)
{
	for (uint32_t i = task->first; i < task->host->n_queues; i++)
		if (task->host->queues[i].napi != NQ_NONE)
			return;
	if (!task->n || task->n != task->host->n_queues - task->first)
		return;
	qsort(task->napi, task->n, sizeof(*task->napi), compare_napis);
	for (uint32_t i = 0; i < task->n; i++)
		task->host->queues[task->first + i].napi = task->napi[i].id;
}

static void take_served(const struct task *task, struct nq_queue *queue)
{
	for (uint32_t i = 0; i < task->n; i++) {
		if (task->napi[i].id != queue->napi)
			continue;
		queue->irq = task->napi[i].irq;
		queue->thread = task->napi[i].thread;
	}
}

static bool is_threaded(struct nq_view *view, const char *interface)
{
	char text[16];

	return nq_root_read(view->root, text, sizeof(text), "sys/class/net/%s/threaded", interface) > 0 &&
	       strcmp(text, "0") != 0;
}

static bool lacks_thread(const struct task *task)
{
	for (uint32_t i = task->first; i < task->host->n_queues; i++)
		if (task->host->queues[i].thread == NQ_NONE)
			return true;
	return false;
}

static void find_threads(struct task *task, const char *interface)
{
	char prefix[32];

	for (uint32_t i = 0; i < task->n; i++)
		if (task->napi[i].thread != NQ_NONE)
			return;
	snprintf(prefix, sizeof(prefix), "napi/%s-", interface);
	nq_process_find(task->view->root, prefix, take_thread, task);
}

static void free_napis(struct task *task)
{
	free(task->napi);
}

int nq_queues_by_netdev(struct nq_view *view, struct nq_host *host, uint32_t pnic, uint32_t first)
{
	__attribute__((cleanup(free_napis))) struct task task = { .view = view, .host = host, .first = first };
	const char *name = host->pnics[pnic].name;
	bool threaded = is_threaded(view, name);
	int64_t ifindex;

	if (first == host->n_queues || nq_root_number(view->root, &ifindex, "sys/class/net/%s/ifindex", name) < 0)
		return 0;
	/* neither is an error: kernels before 6.8, drivers without the answer */
	nq_wire_netdev(view->wire, NQ_NETDEV_QUEUE_GET, (uint32_t)ifindex, take_queue, &task);
	nq_wire_netdev(view->wire, NQ_NETDEV_NAPI_GET, (uint32_t)ifindex, take_napi, &task);
	if (threaded)
		find_threads(&task, name);
	name_in_order(&task);
	for (uint32_t i = first; i < host->n_queues; i++)
		take_served(&task, &host->queues[i]);
	if (!threaded || !lacks_thread(&task))
		return 0;
	return nq_notice(host, NQ_NOTICE_NOT_SUPPORTED, name,
			 "its NAPI is threaded, and driver or kernel does not tell which thread serves which queue: "
			 "the queues' CPUs are unknown");
}
