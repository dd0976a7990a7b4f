/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two sets of counters become the rates and loads of a host. Pure. */
#include <stddef.h>

#include <host/view.h>

#define PER_MILLE 1000u

/* What all functions here look up in. */
struct span {
	const struct nq_counters *before, *now;
	uint64_t ns;
};

static uint64_t at_most(uint64_t value, uint64_t limit)
{
	return value < limit ? value : limit;
}

static void set_rates(const struct span *span, uint64_t key, struct nq_rates *ret)
{
	uint64_t rate[3];

	nq_counters_rate(span->before, span->now, key, rate);
	ret->packets = at_most(rate[0], NQ_MAX_RATE);
	ret->bytes = at_most(rate[1], NQ_MAX_RATE);
	ret->drops = at_most(rate[2], NQ_MAX_RATE);
}

/* ns on CPU as per mille of one CPU */
static uint64_t busy(const struct span *span, uint64_t key)
{
	uint64_t growth[3];

	nq_counters_growth(span->before, span->now, key, growth);
	return nq_per_second(growth[0], span->ns) / (1000000000u / PER_MILLE);
}

static void set_cpus(const struct span *span, struct nq_host *host)
{
	for (uint32_t i = 0; i < host->n_cpus; i++) {
		uint64_t growth[3];

		nq_counters_growth(span->before, span->now, nq_counter_key(NQ_COUNTER_CPU, host->cpus[i].id, 0),
				   growth);
		if (growth[1])
			host->cpus[i].busy = (uint32_t)at_most(growth[0] * PER_MILLE / growth[1], PER_MILLE);
	}
}

static uint32_t ifindex_of(const struct nq_view *view, const char *name)
{
	const struct nq_link *link = nq_link_by_name(&view->links, name);

	return link ? link->index : NQ_NONE;
}

static void set_queues(const struct nq_view *view, const struct span *span, struct nq_host *host)
{
	for (uint32_t i = 0; i < host->n_queues; i++) {
		struct nq_queue *queue = &host->queues[i];
		uint32_t ifindex = ifindex_of(view, host->pnics[queue->pnic].name);

		if (queue->kind == NQ_QUEUE_SOFT) {
			set_rates(span, nq_counter_key(NQ_COUNTER_STEERED, ifindex, queue->index), &queue->rx);
		} else {
			set_rates(span, nq_counter_key(NQ_COUNTER_QUEUE_RX, ifindex, queue->index), &queue->rx);
			set_rates(span, nq_counter_key(NQ_COUNTER_QUEUE_TX, ifindex, queue->index), &queue->tx);
		}
		if (queue->thread != NQ_NONE)
			queue->busy = (uint32_t)at_most(busy(span, nq_counter_key(NQ_COUNTER_THREAD, queue->thread, 0)),
							PER_MILLE);
	}
}

static void set_vms(const struct nq_view *view, const struct span *span, struct nq_host *host)
{
	for (uint32_t i = 0; i < host->n_vms; i++) {
		struct nq_members members = view->members[i];
		uint64_t sum = busy(span, nq_counter_key(NQ_COUNTER_CGROUP, host->vms[i].pid, 0));

		for (uint32_t j = 0; j < members.n; j++)
			sum += busy(span, nq_counter_key(NQ_COUNTER_PROCESS,
							 view->processes.process[members.first + j].pid, 0));
		host->vms[i].busy = (uint32_t)at_most(sum, (uint64_t)PER_MILLE * host->n_cpus);
	}
}

/* The two counters are not read at the same instant; shares stay, the sum becomes what the interface counted. */
static void fit_served(const struct nq_host *host, struct nq_vnic *vnic)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < host->n_nodes; i++)
		sum += vnic->served[i];
	for (uint32_t i = 0; sum > vnic->rx.packets && i < host->n_nodes; i++)
		vnic->served[i] = (uint64_t)((unsigned __int128)vnic->served[i] * vnic->rx.packets / sum);
}

static void set_served(const struct span *span, uint32_t ifindex, const struct nq_host *host, struct nq_vnic *vnic)
{
	uint64_t growth[3];

	if (!nq_counters_growth(span->before, span->now, nq_counter_key(NQ_COUNTER_SERVED, ifindex, NQ_COUNTER_ALL),
				growth))
		return;
	for (uint32_t i = 0; i < host->n_cpus; i++) {
		nq_counters_growth_sparse(span->before, span->now,
					  nq_counter_key(NQ_COUNTER_SERVED, ifindex, host->cpus[i].id), growth);
		vnic->served[host->cpus[i].node] += nq_per_second(growth[0], span->ns);
	}
	vnic->served_by = NQ_SERVED_MEASURED;
	fit_served(host, vnic);
}

static void set_vnics(const struct nq_view *view, const struct span *span, struct nq_host *host)
{
	for (uint32_t i = 0; i < host->n_vnics; i++) {
		struct nq_vnic *vnic = &host->vnics[i];
		uint32_t ifindex = ifindex_of(view, vnic->name);

		/* what the outside end sends is what the VM receives */
		set_rates(span, nq_counter_key(NQ_COUNTER_LINK_TX, ifindex, 0), &vnic->rx);
		set_rates(span, nq_counter_key(NQ_COUNTER_LINK_RX, ifindex, 0), &vnic->tx);
		set_served(span, ifindex, host, vnic);
	}
}

void nq_apply_rates(struct nq_view *view, const struct nq_counters *before, const struct nq_counters *now,
		    struct nq_host *host)
{
	struct span span = { before, now, 0 };

	if (!before->time_ns || now->time_ns <= before->time_ns)
		return; /* the first observation: no rates */
	span.ns = host->interval_ns = now->time_ns - before->time_ns;
	set_cpus(&span, host);
	set_queues(view, &span, host);
	set_vms(view, &span, host);
	set_vnics(view, &span, host);
}
