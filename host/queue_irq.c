/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <host/irqname.h>
#include <host/queue.h>

struct task {
	struct nq_host *host;
	struct nq_pattern_fields owner;
	uint32_t first;
	uint32_t only;		    /* an interrupt that has just the interface's name, NQ_NONE: none */
	const struct nq_names *own; /* numbers of the function's own interrupts, n 0: not known */
};

static bool is_own(const struct task *task, const char *irq)
{
	if (!task->own->n)
		return true;
	for (uint32_t i = 0; i < task->own->n; i++)
		if (!strcmp(task->own->name[i], irq))
			return true;
	return false;
}

static void take_name(struct task *task, uint32_t irq, const char *name)
{
	uint32_t index;

	if (nq_irq_only(&task->owner, name))
		task->only = irq;
	if (!nq_irq_queue(&task->owner, name, &index) || index >= task->host->n_queues - task->first)
		return;
	if (task->host->queues[task->first + index].irq == NQ_NONE)
		task->host->queues[task->first + index].irq = irq;
}

/*
 * " 38:  0  4058  PCI-MSIX-0000:00:03.0   1-edge      virtio2-input.0, other": the names come after the last
 * run of blanks and are separated by ", ".
 */
static void take_line(struct task *task, char *line)
{
	char *end, *names = line + strlen(line), *name;
	uint32_t irq = (uint32_t)strtoul(line, &end, 10);

	line += strspn(line, " ");
	if (end == line || *end != ':')
		return; /* the heading, NMI: and the like */
	*end = '\0';
	if (!is_own(task, line))
		return;
	for (names = end + 1; (name = strstr(names, "  "));)
		names = name + strspn(name, " ");
	while ((name = strsep(&names, ",")))
		take_name(task, irq, name + strspn(name, " "));
}

/* The kernel refuses to move a managed interrupt, and tells so only in debugfs (CONFIG_GENERIC_IRQ_DEBUGFS). */
static bool is_managed(struct nq_view *view, uint32_t irq)
{
	char text[4096];

	return nq_root_read(view->root, text, sizeof(text), "sys/kernel/debug/irq/irqs/%u", irq) > 0 &&
	       strstr(text, "IRQD_AFFINITY_MANAGED");
}

static bool any_irq(const struct task *task)
{
	for (uint32_t i = task->first; i < task->host->n_queues; i++)
		if (task->host->queues[i].irq != NQ_NONE)
			return true;
	return false;
}

static int find_by_name(struct nq_view *view, struct task *task)
{
	NQ_FREE char *text = NULL;
	char *rest, *line;
	int r = nq_root_read_all(view->root, &text, "proc/interrupts");

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (rest = text; (line = strsep(&rest, "\n"));)
		take_line(task, line);
	if (!any_irq(task))
		task->host->queues[task->first].irq = task->only;
	return 0;
}

int nq_queues_by_irq_name(struct nq_view *view, struct nq_host *host, uint32_t pnic, uint32_t first)
{
	__attribute__((cleanup(nq_names_clear))) struct nq_names own = { 0 };
	char device[NQ_ROOT_PATH] = "";
	struct task task = { .host = host, .first = first, .only = NQ_NONE, .own = &own };
	bool complete = true;
	int r = 0;

	for (uint32_t i = first; i < host->n_queues; i++)
		complete &= host->queues[i].irq != NQ_NONE;
	if (!complete && nq_root_real(view->root, device, "sys/class/net/%s/device", host->pnics[pnic].name) == 0) {
		task.owner = (struct nq_pattern_fields){ .interface = host->pnics[pnic].name,
							 .driver = host->pnics[pnic].driver,
							 .bus = host->pnics[pnic].bus,
							 .device = strrchr(device, '/') ? strrchr(device, '/') + 1
											: device };
		if (host->pnics[pnic].bus[0])
			nq_root_list(view->root, &own, "sys/bus/pci/devices/%s/msi_irqs", host->pnics[pnic].bus);
		r = find_by_name(view, &task);
	}
	for (uint32_t i = first; r == 0 && i < host->n_queues; i++)
		if (host->queues[i].irq != NQ_NONE)
			host->queues[i].movable = !is_managed(view, host->queues[i].irq);
	return r;
}
