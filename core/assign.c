/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Assign: each vnic to a queue beside its vm (FEATURES N1, N2; processes 1100 and 1200; claims 1, 2, 10, 11, 17, 18).
 *
 * Order. All vnics of the host that may be moved, largest traffic first, then by MAC: one matrix of vnic against queue
 * (process 1200), filled from the top. Largest first comes within 2 to 10 % of the exact optimum at 95 % load, in
 * under a millisecond where a solver takes seconds; only the first come unhindered to the best place, so they should
 * be those who gain most from it.
 *
 * Candidates of a vnic are the queues of its pnic that its steering reaches: soft queues for XDP, hard ones but the
 * default queues for all other kinds. A queue whose node is unknown or whose CPU is offline is none. A free hard queue
 * that can be moved counts as if it were on the node where the vnic would be cheapest: it is brought there (1130); so
 * does the queue that nobody but the vnic uses, which follows its vm (claims 2 and 11). The queue must have
 * room for the vnic: within queue_full (850 per mille: the patent's overflow examples are 85 to 90 %) of
 * queue_capacity_pps, and its thread not busier than that; an idle queue takes any one vnic. Where the vnic is now, it
 * has room by definition.
 *
 * Choice. The cheapest by the cost model, which is how "biased toward" the matching node is meant (claim 1): with the
 * default weights a queue on the vm's node beats one on the pnic's node, and both beat a third (N9). Among equals:
 *   1. where it is now;
 *   2. a queue in use before a free one (1120 to 1150: a new queue only when those there have no room);
 *   3. a free queue that is there before one that has to be brought;
 *   4. the less loaded queue, then the less busy CPU, then the stable order.
 * So the vms of a node share one queue until it is full, which keeps its batches large and its siblings free for
 * vCPUs; then they open the next, on the least busy CPU. Lost: a queue per vm from the start, which spreads one
 * node's interrupts over all its CPUs for no gain at low load (001_cfbf0f5011fec43f.txt: coalesce when quiet); when a
 * CPU and not the queue is the bottleneck, the spread stage (D2) will move the queue.
 *
 * Sending. With hard steering a vnic sends through the partner of its receive queue. Soft queues do not send; then
 * it is the default queue that is cheapest from the vm, and it changes only for one that is cheaper than what
 * the vnic has now. Among equals the one with least to send.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/cost.h"
#include "core/draft.h"
#include "core/whatif.h"

struct order {
	uint64_t traffic;
	uint32_t vnic;
};

struct stage {
	struct nq_draft *draft;
	uint64_t *arrive;    /* [n_pnics * NQ_QUEUE_KIND_COUNT * n_nodes], 1/256 ns per packet */
	uint64_t *load;	     /* [n_queues], packets/s both ways */
	uint64_t *deliver;   /* [n_nodes], of the vnic in hand, 1/256 ns per packet */
	uint64_t tx_path;    /* likewise, of the default queue it sends through when it receives through a soft one */
	uint32_t tx_queue;   /* that queue */
	uint32_t *users;     /* [n_queues], vnics that receive or send through it */
	uint32_t *rules;     /* [n_pnics], vnics steered */
	struct order *order; /* [n_vnics] */
	uint32_t n_order;
};

struct candidate {
	uint32_t rx, tx; /* queues; rx NQ_NONE in a candidate that does not exist */
	uint32_t node;	 /* of rx after the move */
	bool stays, bring, used;
	uint64_t cost_ns, load;
	uint32_t busy;
};

static uint64_t arrive(const struct stage *stage, uint32_t pnic, enum nq_queue_kind kind, uint32_t node)
{
	uint32_t n = stage->draft->host->n_nodes;

	return node == NQ_NONE ? 0 : stage->arrive[((size_t)pnic * NQ_QUEUE_KIND_COUNT + kind) * n + node];
}

static void fill_arrive(struct stage *stage)
{
	const struct nq_host *host = stage->draft->host;
	uint64_t *next = stage->arrive;

	for (uint32_t pnic = 0; pnic < host->n_pnics; pnic++)
		for (enum nq_queue_kind kind = 0; kind < NQ_QUEUE_KIND_COUNT; kind++)
			for (uint32_t node = 0; node < host->n_nodes; node++)
				*next++ = nq_cost_arrive(host, stage->draft->policy, pnic, kind, node);
}

/* Measured, or what the vnics say, whichever is more: a snapshot may lack either. */
static void count_use(struct stage *stage, const struct nq_vnic *vnic, uint32_t by)
{
	if (vnic->rx_queue != NQ_NONE) {
		stage->users[vnic->rx_queue] += by;
		stage->rules[vnic->pnic] += by;
	}
	if (vnic->tx_queue != NQ_NONE && vnic->tx_queue != vnic->rx_queue)
		stage->users[vnic->tx_queue] += by;
}

static void fill_load(struct stage *stage)
{
	const struct nq_host *host = stage->draft->host;

	for (uint32_t i = 0; i < host->n_vnics; i++) {
		const struct nq_vnic *vnic = &host->vnics[i];

		if (vnic->rx_queue != NQ_NONE)
			stage->load[vnic->rx_queue] += vnic->rx.packets;
		if (vnic->tx_queue != NQ_NONE)
			stage->load[vnic->tx_queue] += vnic->tx.packets;
		count_use(stage, vnic, 1);
	}
	for (uint32_t i = 0; i < host->n_queues; i++) {
		uint64_t measured = host->queues[i].rx.packets + host->queues[i].tx.packets;

		if (measured > stage->load[i])
			stage->load[i] = measured;
	}
}

/* packets/s that the candidate adds to its queue: both ways when it is a pair, nothing where the vnic is already. */
static uint64_t demand(const struct nq_vnic *vnic, const struct candidate *to)
{
	uint64_t rx = to->rx == vnic->rx_queue ? 0 : vnic->rx.packets;
	uint64_t tx = to->tx != to->rx || to->tx == vnic->tx_queue ? 0 : vnic->tx.packets;

	return rx + tx;
}

static uint64_t limit(const struct nq_policy *policy)
{
	return policy->queue_capacity_pps * policy->queue_full / 1000;
}

static bool has_room(const struct stage *stage, const struct nq_vnic *vnic, const struct candidate *to)
{
	const struct nq_host *host = stage->draft->host;
	const struct nq_policy *policy = stage->draft->policy;

	if (to->rx == vnic->rx_queue && to->tx == vnic->tx_queue)
		return true;
	if (vnic->rx_queue == NQ_NONE && stage->rules[vnic->pnic] >= host->pnics[vnic->pnic].rules_max)
		return false;
	if (host->queues[to->rx].busy >= policy->queue_full)
		return false;
	return to->load == 0 || to->load + demand(vnic, to) <= limit(policy);
}

static bool reaches(const struct nq_host *host, const struct nq_vnic *vnic, uint32_t queue)
{
	const struct nq_queue *self = &host->queues[queue];
	bool soft = host->pnics[vnic->pnic].steering == NQ_STEER_XDP;

	if (self->pnic != vnic->pnic || self->role == NQ_ROLE_DEFAULT)
		return false;
	return soft == (self->kind == NQ_QUEUE_SOFT);
}

/* Can the queue be brought to a node for this vnic: is it free, or the vnic's own? */
static bool is_spare(const struct stage *stage, const struct nq_vnic *vnic, uint32_t queue)
{
	const struct nq_queue *self = &stage->draft->host->queues[queue];
	bool own = queue == vnic->rx_queue && stage->users[queue] == 1;
	struct nq_reason ignored;

	return self->kind == NQ_QUEUE_HARD && self->movable && (own || self->role == NQ_ROLE_FREE) &&
	       !nq_guard_dwells(stage->draft, NQ_ACTION_QUEUE_CPU, queue, &ignored);
}

static uint64_t hard_path(const struct stage *stage, const struct nq_vnic *vnic, uint32_t node)
{
	return arrive(stage, vnic->pnic, NQ_QUEUE_HARD, node) + (node == NQ_NONE ? 0 : stage->deliver[node]);
}

/* The default queue to send through when receiving through a soft one. */
static void choose_tx(struct stage *stage, uint32_t vnic)
{
	const struct nq_host *host = stage->draft->host;
	const struct nq_vnic *self = &host->vnics[vnic];
	uint64_t packet = stage->draft->policy->packet_ns * NQ_FIXED;
	uint64_t best = nq_cost_tx(host, stage->draft->policy, vnic) - packet;
	uint32_t chosen = self->tx_queue;
	bool better = false;

	for (uint32_t i = 0; i < host->n_queues; i++) {
		const struct nq_queue *queue = &host->queues[i];
		uint32_t node = nq_host_queue_node(host, i);
		uint64_t path;

		if (queue->pnic != self->pnic || queue->role != NQ_ROLE_DEFAULT || node == NQ_NONE)
			continue;
		path = hard_path(stage, self, node);
		if (path < best || (better && path == best && stage->load[i] < stage->load[chosen])) {
			best = path;
			chosen = i;
			better = true;
		}
	}
	stage->tx_path = best;
	stage->tx_queue = chosen;
}

static uint64_t cost_at(const struct stage *stage, const struct nq_vnic *vnic, uint64_t rx_path, uint64_t tx_path)
{
	uint64_t packet = stage->draft->policy->packet_ns * NQ_FIXED;

	return nq_sat_add(nq_cost_of(vnic->rx.packets, packet + rx_path),
			  nq_cost_of(vnic->tx.packets, packet + tx_path));
}

/* The vnic on that queue, served on that node. */
static struct candidate candidate_at(const struct stage *stage, uint32_t vnic, uint32_t queue, uint32_t node)
{
	const struct nq_host *host = stage->draft->host;
	const struct nq_vnic *self = &host->vnics[vnic];
	const struct nq_queue *target = &host->queues[queue];
	uint64_t rx_path = arrive(stage, self->pnic, target->kind, node) + stage->deliver[node];
	bool soft = target->kind == NQ_QUEUE_SOFT;
	uint32_t now = nq_host_queue_node(host, queue);

	return (struct candidate){
		.rx = queue,
		.tx = soft ? stage->tx_queue : queue,
		.node = node,
		.stays = queue == self->rx_queue && node == now,
		.bring = node != now,
		.used = target->role == NQ_ROLE_ASSIGNED,
		.cost_ns = cost_at(stage, self, rx_path, soft ? stage->tx_path : rx_path),
		.load = stage->load[queue],
		.busy = now == NQ_NONE || node != now ? 0 : host->cpus[target->cpu].busy,
	};
}

static bool is_better(const struct candidate *a, const struct candidate *b)
{
	if (b->rx == NQ_NONE)
		return true;
	if (a->cost_ns != b->cost_ns)
		return a->cost_ns < b->cost_ns;
	if (a->stays != b->stays)
		return a->stays;
	if (a->used != b->used)
		return a->used;
	if (a->bring != b->bring)
		return b->bring;
	if (a->load != b->load)
		return a->load < b->load;
	return a->busy < b->busy;
}

/* The node where a hard queue would serve the vnic best. */
static uint32_t best_node(const struct stage *stage, const struct nq_vnic *vnic)
{
	uint32_t best = NQ_NONE;

	for (uint32_t i = 0; i < stage->draft->host->n_nodes; i++)
		if (nq_node_has_cpus(stage->draft->host, i) &&
		    (best == NQ_NONE || hard_path(stage, vnic, i) < hard_path(stage, vnic, best)))
			best = i;
	return best;
}

struct matches {
	struct candidate best, next;
	bool full; /* a cheaper queue than the best one had no room */
	uint64_t full_cost_ns;
};

static void match(const struct stage *stage, const struct nq_vnic *vnic, const struct candidate *candidate,
		  struct matches *matches)
{
	if (!has_room(stage, vnic, candidate)) {
		if (!matches->full || candidate->cost_ns < matches->full_cost_ns)
			matches->full_cost_ns = candidate->cost_ns;
		matches->full = true;
	} else if (is_better(candidate, &matches->best)) {
		matches->next = matches->best;
		matches->best = *candidate;
	} else if (is_better(candidate, &matches->next)) {
		matches->next = *candidate;
	}
}

static bool is_online(const struct nq_host *host, uint32_t queue)
{
	uint32_t cpu = host->queues[queue].cpu;

	return cpu != NQ_NONE && host->cpus[cpu].online;
}

static struct matches find(const struct stage *stage, uint32_t vnic)
{
	const struct nq_host *host = stage->draft->host;
	const struct nq_vnic *self = &host->vnics[vnic];
	struct matches matches = { .best.rx = NQ_NONE, .next.rx = NQ_NONE };
	uint32_t wanted = NQ_NONE;
	bool brought = false;

	for (uint32_t i = 0; i < host->n_queues; i++) {
		struct candidate candidate;

		if (!reaches(host, self, i))
			continue;
		if (is_online(host, i)) {
			candidate = candidate_at(stage, vnic, i, nq_host_queue_node(host, i));
			match(stage, self, &candidate, &matches);
		}
		/* One free queue is as good as another: the first is brought. Its own is better. */
		if ((brought && i != self->rx_queue) || !is_spare(stage, self, i))
			continue;
		if (wanted == NQ_NONE)
			wanted = best_node(stage, self);
		if (wanted == NQ_NONE || wanted == nq_host_queue_node(host, i))
			continue;
		candidate = candidate_at(stage, vnic, i, wanted);
		match(stage, self, &candidate, &matches);
		brought = brought || i != self->rx_queue;
	}
	return matches;
}

static struct nq_reason reason_for(const struct stage *stage, uint32_t vnic, const struct candidate *to)
{
	const struct nq_host *host = stage->draft->host;
	const struct nq_vnic *self = &host->vnics[vnic];
	const struct nq_nodeset *home = &host->vms[self->vm].home;
	uint64_t node = host->nodes[to->node].id, after = to->load + demand(self, to);

	if (!nq_nodeset_has(home, to->node))
		return (struct nq_reason){ NQ_RULE_QUEUE_CHEAPEST, { host->nodes[nq_nodeset_next(home, 0)].id, node } };
	if (!to->used)
		return (struct nq_reason){ NQ_RULE_QUEUE_NEW, { node } };
	return (struct nq_reason){ NQ_RULE_QUEUE_ON_VM_NODE, { node, after, limit(stage->draft->policy) } };
}

/* The proposal to move the vnic from where it is to the candidate. */
static struct nq_proposal propose(const struct stage *stage, uint32_t vnic, const struct candidate *to)
{
	const struct nq_policy *policy = stage->draft->policy;
	const struct nq_vnic *self = &stage->draft->host->vnics[vnic];
	struct nq_proposal proposal = {
		.before_ns = nq_cost_vnic(stage->draft->host, policy, vnic),
		.after_ns = to->cost_ns,
	};

	if (to->rx != self->rx_queue || to->tx != self->tx_queue)
		proposal.once_ns += policy->steer_once_ns;
	if (to->bring)
		proposal.once_ns += policy->queue_cpu_once_ns;
	proposal.remote_ns = nq_sat_sub(proposal.before_ns, cost_at(stage, self, 0, 0));
	return proposal;
}

static void bring(struct stage *stage, const struct candidate *to, const struct nq_proposal *proposal)
{
	struct nq_draft *draft = stage->draft;
	uint32_t now = nq_host_queue_node(draft->host, to->rx);
	struct nq_reason reason = { NQ_RULE_QUEUE_NEAR_VMS,
				    { draft->host->nodes[to->node].id,
				      now == NQ_NONE ? NQ_NONE : draft->host->nodes[now].id } };
	struct nq_proposal own = *proposal;
	uint32_t next, cpu = nq_pick_cpu(draft->host, to->node, &next);

	own.once_ns = draft->policy->queue_cpu_once_ns;
	nq_note_move(&draft->queues[to->rx], reason, (struct nq_rejected){ next, own.after_ns }, &own);
	nq_whatif_queue_cpu(draft->host, to->rx, cpu);
}

static void steer(struct stage *stage, uint32_t vnic, const struct matches *matches, const struct nq_proposal *proposal)
{
	struct nq_draft *draft = stage->draft;
	const struct nq_vnic *self = &draft->host->vnics[vnic];
	const struct candidate *to = &matches->best;
	struct nq_reason reason = reason_for(stage, vnic, to);
	struct nq_proposal own = *proposal;

	if (to->bring)
		bring(stage, to, proposal);
	own.once_ns = draft->policy->steer_once_ns;
	nq_note_move(&draft->vnics[vnic], reason, (struct nq_rejected){ matches->next.rx, matches->next.cost_ns },
		     &own);

	count_use(stage, self, UINT32_MAX); /* one less */
	if (self->rx_queue != NQ_NONE)
		stage->load[self->rx_queue] = nq_sat_sub(stage->load[self->rx_queue], self->rx.packets);
	if (self->tx_queue != NQ_NONE)
		stage->load[self->tx_queue] = nq_sat_sub(stage->load[self->tx_queue], self->tx.packets);
	stage->load[to->rx] += self->rx.packets;
	if (to->tx != NQ_NONE)
		stage->load[to->tx] += self->tx.packets;
	nq_whatif_steer(draft->host, vnic, to->rx, to->tx);
	count_use(stage, self, 1);
}

/* Why a vnic does not even come into question. */
static bool is_out(const struct nq_draft *draft, uint32_t vnic, struct nq_reason *ret)
{
	const struct nq_vnic *self = &draft->host->vnics[vnic];

	*ret = (struct nq_reason){ 0 };
	if (self->pnic == NQ_NONE)
		ret->rule = NQ_RULE_KEPT_NO_UPLINK;
	else if (draft->host->pnics[self->pnic].steering == NQ_STEER_NONE)
		ret->rule = NQ_RULE_KEPT_NO_STEERING;
	else if (self->rx.packets == 0 && self->tx.packets == 0)
		ret->rule = NQ_RULE_KEPT_NO_TRAFFIC;
	else
		return nq_guard_dwells(draft, NQ_ACTION_STEER, vnic, ret);
	return true;
}

static struct nq_reason why_kept(const struct matches *matches, const struct nq_proposal *proposal,
				 struct nq_reason reason)
{
	const struct candidate *other = matches->best.stays ? &matches->next : &matches->best;
	uint64_t next = other->rx == NQ_NONE ? proposal->before_ns : other->cost_ns;

	if (matches->full && matches->full_cost_ns < proposal->before_ns)
		return (struct nq_reason){ .rule = NQ_RULE_KEPT_NO_ROOM };
	if (reason.rule == NQ_RULE_KEPT_BEST)
		reason = (struct nq_reason){ NQ_RULE_KEPT_BEST, { proposal->before_ns, next } };
	return reason;
}

static void assign(struct stage *stage, uint32_t vnic)
{
	struct nq_draft *draft = stage->draft;
	const struct nq_host *host = draft->host;
	const struct nq_vnic *self = &host->vnics[vnic];
	struct nq_reason kept = { .rule = NQ_RULE_KEPT_BEST };
	struct nq_proposal proposal;
	struct matches matches;

	for (uint32_t node = 0; node < host->n_nodes; node++)
		stage->deliver[node] = nq_cost_deliver(host, draft->policy, self->vm, node);
	choose_tx(stage, vnic);
	matches = find(stage, vnic);
	if (matches.best.rx == NQ_NONE)
		matches.best.cost_ns = nq_cost_vnic(host, draft->policy, vnic);
	proposal = propose(stage, vnic, &matches.best);
	if (matches.best.rx != NQ_NONE && nq_guard_pays(draft, &proposal, &kept))
		steer(stage, vnic, &matches, &proposal);
	else
		nq_note_keep(&draft->vnics[vnic], why_kept(&matches, &proposal, kept));
}

static int by_traffic(const void *left, const void *right)
{
	const struct order *a = left, *b = right;

	if (a->traffic != b->traffic)
		return a->traffic < b->traffic ? 1 : -1;
	return (a->vnic > b->vnic) - (a->vnic < b->vnic);
}

static void assign_all(struct stage *stage)
{
	struct nq_draft *draft = stage->draft;

	fill_arrive(stage);
	fill_load(stage);
	for (uint32_t i = 0; i < draft->host->n_vnics; i++) {
		const struct nq_vnic *vnic = &draft->host->vnics[i];
		struct nq_reason kept;

		if (is_out(draft, i, &kept))
			nq_note_keep(&draft->vnics[i], kept);
		else
			stage->order[stage->n_order++] = (struct order){ vnic->rx.packets + vnic->tx.packets, i };
	}
	qsort(stage->order, stage->n_order, sizeof(*stage->order), by_traffic);
	for (uint32_t i = 0; i < stage->n_order; i++)
		assign(stage, stage->order[i].vnic);
}

int nq_stage_assign(struct nq_draft *draft)
{
	const struct nq_host *host = draft->host;
	size_t n_arrive = (size_t)host->n_pnics * NQ_QUEUE_KIND_COUNT * host->n_nodes;
	struct stage stage = {
		.draft = draft,
		.arrive = calloc(n_arrive + 1, sizeof(*stage.arrive)),
		.load = calloc((size_t)host->n_queues + 1, sizeof(*stage.load)),
		.deliver = calloc(host->n_nodes, sizeof(*stage.deliver)),
		.users = calloc((size_t)host->n_queues + 1, sizeof(*stage.users)),
		.rules = calloc((size_t)host->n_pnics + 1, sizeof(*stage.rules)),
		.order = calloc((size_t)host->n_vnics + 1, sizeof(*stage.order)),
	};
	bool ready = stage.arrive && stage.load && stage.deliver && stage.users && stage.rules && stage.order;

	if (ready)
		assign_all(&stage);
	free(stage.arrive);
	free(stage.load);
	free(stage.deliver);
	free(stage.users);
	free(stage.rules);
	free(stage.order);
	return ready ? 0 : -ENOMEM;
}
