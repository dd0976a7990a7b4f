/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Home: a vm that floats over the host gets a node (FEATURES H1; process 1500).
 *
 * Who. Every vm that nobody placed and nobody pinned, except the host's own interfaces. A vm with a home keeps it;
 * moving it for balance is the business of a later stage (H2), and so is a domain wider than a node (H4), which
 * therefore stays floating. A container has no vCPUs; how much it uses counts, not how much it could.
 *
 * Where there is room. The node has CPUs; its load with the vm on it stays within node_full (900 per mille: ESXi's
 * core cap for locality moves); its free memory holds what has to follow. Memory that cannot move allows only the
 * node where all of it is.
 *
 * Which of them. best-fit takes the node where the vm costs least within the horizon: its packets on the best path
 * that the assign stage can give it there, plus the one-off cost of the memory that has to follow. Without memory
 * to bring, that is the pnic's node or a node with a queue of it (000_35c30de055bde3dd.txt figure 15: biased to both);
 * a vm with much memory stays beside it, since 1 GiB costs as much as 150 million remote packets: vCPUs never leave
 * their memory to follow the NIC (004_efdb78f6fe803f20.txt: memcached loses 30 % on split memory, nothing on a remote
 * NIC). To have a home at all may take longer to pay, home_horizon_ms. Ties: more of its memory, then the less loaded
 * node, then the lower id. Largest traffic first, since it has most to lose.
 *
 * round-robin takes node after node in order of id, starting after the last one used (002_a1e87099c2bc83d0.txt), vms in
 * order of name; a node without room is passed over.
 *
 * Lost: placing everything on the pnic's node until it is full (figure 7 at any price) packs the low nodes and starves
 * the others, the standing complaint about kubelet and about NICs that are all on node 0; the load tie-break and
 * the cap spread what costs the same.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/cost.h"
#include "core/draft.h"
#include "core/whatif.h"

#define PER_MILLE 1000u
#define MIB_SHIFT 20u

struct load {
	uint64_t busy; /* per mille of one CPU, all online CPUs of the node together */
	uint32_t cpus; /* online */
};

struct stage {
	struct nq_draft *draft;
	struct load *load;   /* [n_nodes] */
	uint64_t *best_path; /* [n_pnics * n_nodes]: 1/256 ns per packet for a vm on that node */
	struct vm_order *order;
	uint32_t n_order;
	uint32_t *first_vnic; /* [n_vms], and from there along next_vnic [n_vnics] */
	uint32_t *next_vnic;
	uint32_t last_node; /* round robin: index, NQ_NONE at first */
};

struct vm_order {
	uint64_t traffic;
	uint32_t vm;
};

struct choice {
	uint32_t node;
	uint64_t traffic_ns, once_ns, load_after;
	uint64_t memory; /* of the vm, already there */
};

static void measure_load(struct stage *stage)
{
	const struct nq_host *host = stage->draft->host;

	for (uint32_t i = 0; i < host->n_nodes; i++)
		stage->load[i] = (struct load){ 0, 0 };
	for (uint32_t i = 0; i < host->n_cpus; i++) {
		struct load *load = &stage->load[host->cpus[i].node];

		if (!host->cpus[i].online)
			continue;
		load->busy += host->cpus[i].busy;
		load->cpus++;
	}
}

/* Can a vnic of the pnic be steered to that queue, there or brought there? */
static bool is_steerable(const struct nq_host *host, uint32_t queue)
{
	const struct nq_queue *self = &host->queues[queue];
	enum nq_steering steering = host->pnics[self->pnic].steering;

	if (steering == NQ_STEER_NONE || self->role == NQ_ROLE_DEFAULT)
		return false;
	return (steering == NQ_STEER_XDP) == (self->kind == NQ_QUEUE_SOFT);
}

static bool is_spare(const struct nq_queue *queue)
{
	return queue->kind == NQ_QUEUE_HARD && queue->role == NQ_ROLE_FREE && queue->movable;
}

/* Cheapest way from the pnic to a vm on that node: the default queues as they are, or a queue to be steered to. */
static uint64_t best_path(const struct nq_draft *draft, uint32_t pnic, uint32_t node)
{
	const struct nq_host *host = draft->host;
	uint64_t best = nq_cost_default_path(host, draft->policy, pnic, node);

	for (uint32_t i = 0; i < host->n_queues; i++) {
		const struct nq_queue *queue = &host->queues[i];
		uint32_t at = is_spare(queue) && nq_node_has_cpus(host, node) ? node : nq_host_queue_node(host, i);
		uint64_t cost;

		if (queue->pnic != pnic || !is_steerable(host, i) || at == NQ_NONE)
			continue;
		cost = nq_cost_arrive(host, draft->policy, pnic, queue->kind, at) +
		       nq_cost_handoff(host, draft->policy, at, node);
		if (cost < best)
			best = cost;
	}
	return best;
}

static void list_vnics(struct stage *stage)
{
	const struct nq_host *host = stage->draft->host;

	for (uint32_t vm = 0; vm < host->n_vms; vm++)
		stage->first_vnic[vm] = NQ_NONE;
	for (uint32_t i = 0; i < host->n_vnics; i++) {
		stage->next_vnic[i] = stage->first_vnic[host->vnics[i].vm];
		stage->first_vnic[host->vnics[i].vm] = i;
	}
}

static uint64_t vm_traffic(const struct stage *stage, uint32_t vm)
{
	const struct nq_vnic *vnics = stage->draft->host->vnics;
	uint64_t traffic = 0;

	for (uint32_t i = stage->first_vnic[vm]; i != NQ_NONE; i = stage->next_vnic[i])
		traffic += vnics[i].rx.packets + vnics[i].tx.packets;
	return traffic;
}

static bool wants_home(const struct stage *stage, uint32_t vm)
{
	const struct nq_vm *self = &stage->draft->host->vms[vm];
	struct nq_reason ignored;

	return !self->placed && !self->pinned && self->kind != NQ_VM_HOST &&
	       !nq_guard_dwells(stage->draft, NQ_ACTION_HOME, vm, &ignored);
}

static int by_traffic(const void *left, const void *right)
{
	const struct vm_order *a = left, *b = right;

	if (a->traffic != b->traffic)
		return a->traffic < b->traffic ? 1 : -1;
	return (a->vm > b->vm) - (a->vm < b->vm);
}

static uint64_t outside_memory(const struct nq_host *host, const struct nq_vm *vm, uint32_t node)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < host->n_nodes; i++)
		if (i != node)
			bytes = nq_sat_add(bytes, vm->mem[i]);
	return bytes;
}

/* The node's load with the vm on it, per mille of all its CPUs; what the vm already causes there is not counted twice.
 */
static uint64_t load_with(const struct stage *stage, const struct nq_vm *vm, uint32_t node)
{
	const struct load *load = &stage->load[node];
	uint64_t own = 0, home_cpus = 0;

	for (uint32_t i = nq_nodeset_next(&vm->home, 0); i != NQ_NONE; i = nq_nodeset_next(&vm->home, i + 1))
		home_cpus += stage->load[i].cpus;
	if (home_cpus && nq_nodeset_has(&vm->home, node))
		own = vm->busy / home_cpus * load->cpus;
	return nq_sat_sub(load->busy, own) + vm->busy;
}

static bool has_room(const struct stage *stage, const struct nq_vm *vm, uint32_t node, uint64_t load_after)
{
	const struct nq_host *host = stage->draft->host;
	uint64_t outside = outside_memory(host, vm, node);
	uint32_t cpus = stage->load[node].cpus;

	if (cpus == 0 || (vm->kind == NQ_VM_DOMAIN && vm->cpus > cpus))
		return false;
	if (load_after > stage->draft->policy->node_full * cpus)
		return false;
	return vm->mem_fixed ? outside == 0 : outside <= host->nodes[node].mem_free;
}

static uint64_t traffic_cost(const struct stage *stage, uint32_t vm, uint32_t node)
{
	const struct nq_host *host = stage->draft->host;
	uint64_t packet = stage->draft->policy->packet_ns * NQ_FIXED, cost = 0;

	for (uint32_t i = stage->first_vnic[vm]; i != NQ_NONE; i = stage->next_vnic[i]) {
		const struct nq_vnic *vnic = &host->vnics[i];
		uint64_t path = packet;

		if (vnic->pnic != NQ_NONE)
			path += stage->best_path[(size_t)vnic->pnic * host->n_nodes + node];
		cost = nq_sat_add(cost, nq_cost_of(vnic->rx.packets + vnic->tx.packets, path));
	}
	return cost;
}

static uint64_t present_cost(const struct stage *stage, uint32_t vm)
{
	const struct nq_draft *draft = stage->draft;
	uint64_t cost = 0;

	for (uint32_t i = stage->first_vnic[vm]; i != NQ_NONE; i = stage->next_vnic[i])
		cost = nq_sat_add(cost, nq_cost_vnic(draft->host, draft->policy, i));
	return cost;
}

/* Fills the choice when the vm fits on the node. */
static bool consider(const struct stage *stage, uint32_t vm, uint32_t node, struct choice *ret)
{
	const struct nq_vm *self = &stage->draft->host->vms[vm];
	uint64_t outside = self->mem_fixed ? 0 : outside_memory(stage->draft->host, self, node);
	uint64_t load_after = load_with(stage, self, node);

	if (!has_room(stage, self, node, load_after))
		return false;
	*ret = (struct choice){
		.node = node,
		.traffic_ns = traffic_cost(stage, vm, node),
		.once_ns = nq_sat_mul((outside + (UINT64_C(1) << MIB_SHIFT) - 1) >> MIB_SHIFT,
				      stage->draft->policy->home_once_ns_per_mib),
		.load_after = load_after / stage->load[node].cpus,
		.memory = self->mem[node],
	};
	return true;
}

static uint64_t within_horizon(const struct nq_draft *draft, const struct choice *choice)
{
	return nq_sat_add(nq_cost_within(choice->traffic_ns, draft->policy->horizon_ms), choice->once_ns);
}

static bool is_better(const struct nq_draft *draft, const struct choice *a, const struct choice *b)
{
	uint64_t cost_a = within_horizon(draft, a), cost_b = within_horizon(draft, b);

	if (cost_a != cost_b)
		return cost_a < cost_b;
	if (a->memory != b->memory)
		return a->memory > b->memory;
	return a->load_after < b->load_after;
}

/* The best and the second best node; node NQ_NONE when there is none. */
static void best_fit(const struct stage *stage, uint32_t vm, struct choice ret[2])
{
	ret[0] = ret[1] = (struct choice){ .node = NQ_NONE };
	for (uint32_t node = 0; node < stage->draft->host->n_nodes; node++) {
		struct choice choice;

		if (!consider(stage, vm, node, &choice))
			continue;
		if (ret[0].node == NQ_NONE || is_better(stage->draft, &choice, &ret[0])) {
			ret[1] = ret[0];
			ret[0] = choice;
		} else if (ret[1].node == NQ_NONE || is_better(stage->draft, &choice, &ret[1])) {
			ret[1] = choice;
		}
	}
}

/* The next node in turn with room, and the one that would have followed. */
static void round_robin(const struct stage *stage, uint32_t vm, struct choice ret[2])
{
	uint32_t n = stage->draft->host->n_nodes, found = 0;
	uint32_t first = stage->last_node == NQ_NONE ? 0 : stage->last_node + 1;

	ret[0] = ret[1] = (struct choice){ .node = NQ_NONE };
	for (uint32_t i = 0; i < n && found < 2; i++)
		found += consider(stage, vm, (first + i) % n, &ret[found]);
	if (found == 0)
		ret[0].node = NQ_NONE;
	if (found < 2)
		ret[1].node = NQ_NONE;
}

static struct nq_reason reason_for(const struct stage *stage, uint32_t vm, const struct choice *choice)
{
	const struct nq_host *host = stage->draft->host;
	const struct nq_node *node = &host->nodes[choice->node];
	uint64_t outside = host->vms[vm].mem_fixed ? 0 : outside_memory(host, &host->vms[vm], choice->node);

	if (stage->draft->policy->placement == NQ_PLACE_ROUND_ROBIN)
		return (struct nq_reason){ NQ_RULE_HOME_ROUND_ROBIN, { node->id } };
	return (struct nq_reason){ NQ_RULE_HOME_BEST_FIT,
				   { node->id, choice->load_after, stage->draft->policy->node_full,
				     nq_sat_sub(node->mem_free, outside), node->mem_total } };
}

static void place(struct stage *stage, uint32_t vm)
{
	struct nq_draft *draft = stage->draft;
	struct choice choice[2];
	struct nq_nodeset home = { 0 };
	struct nq_reason kept;
	struct nq_proposal proposal = { .before_ns = present_cost(stage, vm) };

	if (draft->policy->placement == NQ_PLACE_ROUND_ROBIN)
		round_robin(stage, vm, choice);
	else
		best_fit(stage, vm, choice);
	if (choice[0].node == NQ_NONE) {
		nq_note_keep(&draft->homes[vm], (struct nq_reason){ .rule = NQ_RULE_KEPT_NO_ROOM });
		return;
	}
	proposal.after_ns = choice[0].traffic_ns;
	proposal.once_ns = choice[0].once_ns;
	if (!nq_guard_may_place(draft, &proposal, &kept)) {
		nq_note_keep(&draft->homes[vm], kept);
		return;
	}
	nq_note_move(&draft->homes[vm], reason_for(stage, vm, &choice[0]),
		     (struct nq_rejected){ choice[1].node, choice[1].traffic_ns }, &proposal);
	nq_nodeset_add(&home, choice[0].node);
	nq_whatif_home(draft->host, vm, &home);
	stage->last_node = choice[0].node;
	measure_load(stage);
}

/* Those who want a home, in the order in which they get it. */
static void line_up(struct stage *stage)
{
	const struct nq_host *host = stage->draft->host;

	for (uint32_t vm = 0; vm < host->n_vms; vm++)
		if (wants_home(stage, vm))
			stage->order[stage->n_order++] = (struct vm_order){ vm_traffic(stage, vm), vm };
	if (stage->draft->policy->placement == NQ_PLACE_BEST_FIT)
		qsort(stage->order, stage->n_order, sizeof(*stage->order), by_traffic);
}

static void place_all(struct stage *stage)
{
	const struct nq_draft *draft = stage->draft;
	const struct nq_host *host = draft->host;

	list_vnics(stage);
	line_up(stage);
	for (uint32_t pnic = 0; stage->n_order && pnic < host->n_pnics; pnic++)
		for (uint32_t node = 0; node < host->n_nodes; node++)
			stage->best_path[(size_t)pnic * host->n_nodes + node] = best_path(draft, pnic, node);
	measure_load(stage);
	if (draft->memory)
		stage->last_node = nq_host_node_by_id(host, draft->memory->next_node);
	for (uint32_t i = 0; i < stage->n_order; i++)
		place(stage, stage->order[i].vm);
}

int nq_stage_home(struct nq_draft *draft)
{
	const struct nq_host *host = draft->host;
	struct stage stage = {
		.draft = draft,
		.load = calloc(host->n_nodes, sizeof(*stage.load)),
		.best_path = calloc((size_t)host->n_pnics * host->n_nodes + 1, sizeof(*stage.best_path)),
		.order = calloc((size_t)host->n_vms + 1, sizeof(*stage.order)),
		.first_vnic = calloc((size_t)host->n_vms + 1, sizeof(*stage.first_vnic)),
		.next_vnic = calloc((size_t)host->n_vnics + 1, sizeof(*stage.next_vnic)),
		.last_node = NQ_NONE,
	};
	bool ready = stage.load && stage.best_path && stage.order && stage.first_vnic && stage.next_vnic;

	if (ready)
		place_all(&stage);
	free(stage.first_vnic);
	free(stage.next_vnic);
	free(stage.load);
	free(stage.best_path);
	free(stage.order);
	return ready ? 0 : -ENOMEM;
}
