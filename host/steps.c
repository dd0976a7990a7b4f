/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cpulist.h"
#include "host/set_kinds.h"
#include "host/steps.h"

void nq_steps_clear(struct nq_steps *steps)
{
	size_t i;

	for (i = 0; i < steps->n_steps; i++) {
		free(steps->steps[i].key);
		free(steps->steps[i].value);
	}
	free(steps->steps);
	*steps = (struct nq_steps){};
}

static int add(struct nq_steps *steps, const struct nq_setting_kind *kind, const char *key, const char *value)
{
	struct nq_step *grown = reallocarray(steps->steps, steps->n_steps + 1, sizeof(*grown));
	struct nq_step step = { .kind = kind };

	if (!grown)
		return -ENOMEM;
	steps->steps = grown;
	step.key = strdup(key);
	step.value = strdup(value);
	grown[steps->n_steps++] = step;
	return step.key && step.value ? 0 : -ENOMEM;
}

static int add_number(struct nq_steps *steps, const struct nq_setting_kind *kind, const char *key, uint32_t number)
{
	char value[16];

	snprintf(value, sizeof(value), "%u", number);
	return add(steps, kind, key, value);
}

/* HOME */

static int cpus_of(const struct nq_host *host, const struct nq_nodeset *home, char ret[NQ_SETTING_TEXT])
{
	struct nq_cpumask mask = {};
	uint32_t i;

	for (i = 0; i < host->n_cpus; i++)
		if (host->cpus[i].online && host->cpus[i].id < NQ_MAX_CPUS && nq_nodeset_has(home, host->cpus[i].node))
			nq_cpumask_add(&mask, host->cpus[i].id);
	return nq_cpumask_empty(&mask) ? -ENOENT : nq_cpulist_format(&mask, ret, NQ_SETTING_TEXT);
}

static int mems_of(const struct nq_host *host, const struct nq_nodeset *home, char ret[NQ_SETTING_TEXT])
{
	struct nq_cpumask mask = {};
	uint32_t i;

	for (i = 0; i < host->n_nodes; i++)
		if (host->nodes[i].mem_total > 0 && host->nodes[i].id < NQ_MAX_CPUS && nq_nodeset_has(home, i))
			nq_cpumask_add(&mask, host->nodes[i].id);
	return nq_cpumask_empty(&mask) ? -ENOENT : nq_cpulist_format(&mask, ret, NQ_SETTING_TEXT);
}

/* Is b the cgroup a, or inside it? */
static bool contains(const char *a, const char *b)
{
	size_t length = strlen(a);

	while (length > 0 && a[length - 1] == '/')
		length--;
	return strncmp(a, b, length) == 0 && (b[length] == '/' || b[length] == '\0');
}

/* A cgroup that holds another vm as well cannot be moved for the sake of one. */
static bool has_own_cgroup(const struct nq_host *host, uint32_t vm)
{
	const char *cgroup = host->vms[vm].cgroup;
	uint32_t i;

	if (strspn(cgroup, "/") == strlen(cgroup))
		return false; /* unknown, or the root */
	for (i = 0; i < host->n_vms; i++)
		if (i != vm && contains(cgroup, host->vms[i].cgroup))
			return false;
	return true;
}

static int home_by_cpuset(const struct nq_host *host, const struct nq_action *action, const char *cpus,
			  struct nq_setting_ctx *ctx, struct nq_steps *ret)
{
	char mems[NQ_SETTING_TEXT], value[NQ_SETTING_TEXT];
	int error = mems_of(host, &action->home_to, mems);

	if (error == -ENOENT)
		return nq_setting_why(ctx, -EOPNOTSUPP, "no node of the home has memory");
	if (error == 0 && snprintf(value, sizeof(value), "%s;%s", cpus, mems) >= (int)sizeof(value))
		error = -ENAMETOOLONG;
	return error == 0 ? add(ret, &nq_set_cpuset, host->vms[action->vm].cgroup, value) : error;
}

static int home_by_threads(struct nq_setting_ctx *ctx, const struct nq_vm *vm, const char *cpus, struct nq_steps *ret)
{
	char key[NQ_THREAD_KEY];
	int error;

	if (vm->pid == NQ_NONE)
		return nq_setting_why(ctx, -EOPNOTSUPP, "%s has neither a cpuset of its own nor a process", vm->name);
	ret->remark = "its memory is not moved";
	error = nq_thread_key(ctx, vm->pid, key);
	return error == 0 ? add(ret, &nq_set_thread, key, cpus) : error;
}

static int home_steps(struct nq_setting_ctx *ctx, const struct nq_host *host, const struct nq_action *action,
		      struct nq_steps *ret)
{
	const struct nq_vm *vm = &host->vms[action->vm];
	char cpus[NQ_SETTING_TEXT];
	int error = cpus_of(host, &action->home_to, cpus);

	if (error == -ENOENT)
		return nq_setting_why(ctx, -EOPNOTSUPP, "no node of the home has a CPU that is online");
	if (error < 0)
		return error;
	error = has_own_cgroup(host, action->vm) ? nq_set_cpuset.probe(ctx, vm->cgroup) : -EOPNOTSUPP;
	if (error == 0)
		return home_by_cpuset(host, action, cpus, ctx, ret);
	if (error != -EOPNOTSUPP)
		return error;
	ctx->why[0] = '\0'; /* no cpuset: not the end of it */
	return home_by_threads(ctx, vm, cpus, ret);
}

/* QUEUE_CPU */

static int queue_steps(struct nq_setting_ctx *ctx, const struct nq_host *host, const struct nq_action *action,
		       struct nq_steps *ret)
{
	const struct nq_queue *queue = &host->queues[action->queue];
	uint32_t cpu = host->cpus[action->cpu_to].id;
	char key[NQ_THREAD_KEY];
	int error = 0;

	if (!queue->movable || (queue->irq == NQ_NONE && queue->thread == NQ_NONE))
		return nq_setting_why(ctx, -EOPNOTSUPP, "neither an interrupt nor a thread of the queue can be moved");
	if (queue->irq != NQ_NONE) {
		snprintf(key, sizeof(key), "%u", queue->irq);
		error = add_number(ret, &nq_set_irq, key, cpu);
	}
	if (error == 0 && queue->thread != NQ_NONE) {
		error = nq_thread_key(ctx, queue->thread, key);
		if (error == 0)
			error = add_number(ret, &nq_set_thread, key, cpu);
	}
	return error;
}

/* STEER */

#define MAC_KEY (NQ_INTERFACE_TEXT + 1 + NQ_MAC_TEXT)

/* "" for NQ_NONE: back to the default queues. */
static int receive_steps(struct nq_setting_ctx *ctx, const struct nq_host *host, const struct nq_action *action,
			 const char *key, struct nq_steps *ret)
{
	const struct nq_pnic *pnic = &host->pnics[host->vnics[action->vnic].pnic];
	const struct nq_queue *queue;
	int error;

	if (action->rx_to == NQ_NONE)
		return add(ret, &nq_set_steer, key, "");
	queue = &host->queues[action->rx_to];
	if (queue->kind != NQ_QUEUE_SOFT)
		return nq_setting_why(ctx, -EOPNOTSUPP, "%s steers by %s, which reaches queues of kind %s only",
				      pnic->name, nq_steering_name(NQ_STEER_XDP), nq_queue_kind_name(NQ_QUEUE_SOFT));
	error = add(ret, &nq_set_xdp, pnic->name, "nearq");
	return error == 0 ? add_number(ret, &nq_set_steer, key, queue->index) : error;
}

/* XPS wins over the queue that the program records, so it goes from every queue of the pnic. */
static int clear_xps(const struct nq_host *host, uint32_t pnic, struct nq_steps *ret)
{
	char key[NQ_QUEUE_TEXT];
	uint32_t i;
	int error = 0;

	for (i = 0; error == 0 && i < host->n_queues; i++) {
		if (host->queues[i].pnic != pnic || host->queues[i].kind != NQ_QUEUE_HARD || !host->queues[i].xps[0])
			continue;
		snprintf(key, sizeof(key), "%s/%u", host->pnics[pnic].name, host->queues[i].index);
		error = add(ret, &nq_set_xps, key, "");
	}
	return error;
}

static int transmit_steps(const struct nq_host *host, const struct nq_action *action, const char *key,
			  struct nq_steps *ret)
{
	uint32_t pnic = host->vnics[action->vnic].pnic;
	int error;

	/* A soft queue has no ring to transmit through: its frames leave by the CPU's own choice, as by default. */
	if (action->tx_to == NQ_NONE || host->queues[action->tx_to].kind == NQ_QUEUE_SOFT)
		return add(ret, &nq_set_txq, key, "");
	error = clear_xps(host, pnic, ret);
	if (error == 0)
		error = add(ret, &nq_set_egress, host->pnics[pnic].name, "clsact nearq");
	return error == 0 ? add_number(ret, &nq_set_txq, key, host->queues[action->tx_to].index) : error;
}

static int steer_steps(struct nq_setting_ctx *ctx, const struct nq_host *host, const struct nq_action *action,
		       struct nq_steps *ret)
{
	const struct nq_vnic *vnic = &host->vnics[action->vnic];
	char key[MAC_KEY], mac[NQ_MAC_TEXT];
	int error;

	if (vnic->pnic == NQ_NONE)
		return nq_setting_why(ctx, -EOPNOTSUPP, "the vnic has no pnic");
	if (action->n_spread_from > 0 || action->n_spread_to > 0)
		return nq_setting_why(ctx, -EOPNOTSUPP, "this nearq cannot have a vnic receive on several queues");
	if (host->pnics[vnic->pnic].steering != NQ_STEER_XDP)
		return nq_setting_why(ctx, -EOPNOTSUPP, "this nearq steers by %s only, %s by %s",
				      nq_steering_name(NQ_STEER_XDP), host->pnics[vnic->pnic].name,
				      nq_steering_name(host->pnics[vnic->pnic].steering));
	nq_mac_text(&vnic->mac, mac);
	if (snprintf(key, sizeof(key), "%s/%s", host->pnics[vnic->pnic].name, mac) >= (int)sizeof(key))
		return -EINVAL;
	error = receive_steps(ctx, host, action, key, ret);
	return error == 0 ? transmit_steps(host, action, key, ret) : error;
}

/* Pages and coalescing are planned for hosts that say they can (nq_host.can_migrate, nq_queue.coalesce_us): not this
 * one. */
static int unsupported(struct nq_setting_ctx *ctx, const struct nq_host *host, const struct nq_action *action,
		       struct nq_steps *ret)
{
	(void)host;
	(void)ret;
	return nq_setting_why(ctx, -EOPNOTSUPP, "this nearq cannot carry out actions of kind %s",
			      nq_action_name(action->kind));
}

int nq_steps_make(struct nq_setting_ctx *ctx, const struct nq_host *host, const struct nq_action *action,
		  struct nq_steps *ret)
{
	static int (*const makers[])(struct nq_setting_ctx *, const struct nq_host *, const struct nq_action *,
				     struct nq_steps *) = {
		[NQ_ACTION_HOME] = home_steps,	     [NQ_ACTION_MIGRATE] = unsupported,
		[NQ_ACTION_QUEUE_CPU] = queue_steps, [NQ_ACTION_QUEUE_SET] = unsupported,
		[NQ_ACTION_STEER] = steer_steps,
	};
	static_assert(sizeof(makers) / sizeof(*makers) == NQ_ACTION_KIND_COUNT, "a maker for every kind of action");

	ctx->why[0] = '\0';
	return makers[action->kind](ctx, host, action, ret);
}
