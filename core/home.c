/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Home: a vm that floats over the host gets a node (FEATURES H1, V8; process 1500).
 *
 * Who. Every vm that nobody placed and nobody pinned, except the host's own interfaces. A vm with a home keeps it here;
 * moving it for balance is the business of core/rebalance.c. A vm wider than a node goes to core/wide.c or, without
 * wide, floats on. A container has no vCPUs; how much it uses counts, not how much it could.
 *
 * Where there is room: core/homes.h.
 *
 * Which of the nodes. best-fit takes the node where the vm costs the host least within the horizon: its packets on the
 * best ways that the assign stage can give it there, the waiting that it adds for all on the node, its remote memory,
 * and the one-off cost of the memory that has to follow. Without memory to bring and with nodes that are quiet, that is
 * the pnic's node or a node with a queue of it (000_35c30de055bde3dd.txt figure 15: biased to both, weighed with load
 * and memory); a vm with much memory stays beside it, since 1 GiB costs as much as 150 million remote packets: vCPUs
 * never leave their memory to follow the NIC (004_efdb78f6fe803f20.txt: memcached loses 30 % on split memory, nothing
 * on a remote NIC). The waiting spreads vms before the pnic's node is full, so NICs that are all on node 0 do not
 * starve node 1 (H6). Ties: more of its memory, then less owed there, then the lower id.
 *
 * Whether it pays. To have a home at all may take longer to pay than a move: home_horizon_ms. Packets and memory must
 * not become dearer. Waiting is not asked for that: on fewer CPUs a vm always waits a little more by the model, and by
 * that alone no vm would ever get a home; only when the plan as a whole has become dearer (by_cost_only) must a home
 * pay with everything counted on the board as it stands.
 *
 * Who first. Largest traffic times shares first: who has most to lose chooses first, and a vm with twice the shares
 * counts as if it had twice the traffic. Then what it is owed times shares, then the name. Shares decide nothing else
 * here, as they say who gives way when CPUs are short, and a home is only given where they are not.
 *
 * round-robin takes node after node in order of id, starting after the last one used (002_a1e87099c2bc83d0.txt), vms in
 * order of name; a node without room is passed over. proportional: core/proportional.c.
 *
 * Lost: placing everything on the pnic's node until it is full (figure 7 at any price) packs the low nodes and starves
 * the others, the standing complaint about kubelet and about NICs that are all on node 0.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/cost.h"
#include "core/place.h"

struct order {
	uint64_t traffic, owed; /* times shares */
	uint32_t vm;
};

struct choice {
	uint32_t node;
	uint64_t price, cost_ns; /* within the horizon; per second */
	uint64_t memory;	 /* of the vm, already there */
	uint64_t load_after;	 /* per mille of the node's CPUs */
	struct nq_home home;
};

int nq_placing_open(struct nq_placing *ret, const struct nq_draft *draft)
{
	const struct nq_board *board = draft->board;
	struct nq_placing placing = { .last_node = NQ_NONE };
	int result = nq_homes_open(&placing.homes, draft);

	if (result < 0)
		return result;
	for (size_t i = 0; i < sizeof(placing.clients) / sizeof(placing.clients[0]); i++) {
		placing.clients[i] = calloc(board->n_nodes, sizeof(*placing.clients[i]));
		result = placing.clients[i] ? result : -ENOMEM;
	}
	for (uint32_t i = 0; i < board->n_nodes; i++)
		if (board->nodes[i].cores > placing.most_cores)
			placing.most_cores = board->nodes[i].cores;
	if (draft->memory)
		placing.last_node = nq_host_node_by_id(board->host, draft->memory->next_node);
	if (result < 0)
		nq_placing_close(&placing);
	else
		*ret = placing;
	return result;
}

void nq_placing_close(struct nq_placing *placing)
{
	for (size_t i = 0; i < sizeof(placing->clients) / sizeof(placing->clients[0]); i++)
		free(placing->clients[i]);
	nq_homes_close(&placing->homes);
}

static bool floats(const struct nq_draft *draft, uint32_t vm)
{
	const struct nq_vm *self = &draft->board->host->vms[vm];

	return !nq_board_placed(draft->board, vm) && !self->pinned && self->kind != NQ_VM_HOST;
}

uint64_t nq_place_price(struct nq_placing *placing, uint32_t vm, struct nq_home *home)
{
	struct nq_homes *homes = &placing->homes;

	nq_homes_price(homes, vm, false, home);
	return nq_sat_add(nq_cost_within(nq_home_cost(home), homes->board->policy->horizon_ms),
			  nq_homes_once(homes, home->bytes));
}

/* Fills the choice when the vm fits on the node. */
static bool consider(struct nq_placing *placing, uint32_t vm, uint32_t node, struct choice *ret)
{
	struct nq_homes *homes = &placing->homes;
	const struct nq_board *board = homes->board;
	const struct nq_vm *self = &board->host->vms[vm];
	uint64_t there = nq_board_mem_of(board, vm)[node];
	struct nq_home home = { .clients = placing->clients[1] };

	nq_nodeset_add(&home.nodes, node);
	if (!nq_homes_has_room(homes, vm, node, self->cpus, self->mem_fixed ? 0 : nq_homes_outside(homes, vm, node)) ||
	    !nq_homes_keep_memory(homes, vm, &home.nodes))
		return false;
	home.clients[node] = self->cpus;
	*ret = (struct choice){
		.node = node,
		.price = nq_place_price(placing, vm, &home),
		.memory = there,
		.load_after = nq_homes_owed_with(homes, vm, node, self->cpus) / board->nodes[node].cpus,
	};
	home.clients[node] = 0;
	ret->cost_ns = nq_home_cost(&home);
	ret->home = home;
	return true;
}

static bool is_better(const struct choice *a, const struct choice *b)
{
	if (a->price != b->price)
		return a->price < b->price;
	if (a->memory != b->memory)
		return a->memory > b->memory;
	return a->load_after < b->load_after;
}

/* The best and the second best node; node NQ_NONE when there is none. */
static void best_fit(struct nq_placing *placing, uint32_t vm, struct choice ret[2])
{
	struct choice choice;

	for (uint32_t node = 0; node < placing->homes.board->n_nodes; node++) {
		if (!consider(placing, vm, node, &choice))
			continue;
		if (ret[0].node == NQ_NONE || is_better(&choice, &ret[0])) {
			ret[1] = ret[0];
			ret[0] = choice;
		} else if (ret[1].node == NQ_NONE || is_better(&choice, &ret[1])) {
			ret[1] = choice;
		}
	}
}

/* The next node in turn with room, and the one that would have followed. */
static void round_robin(struct nq_placing *placing, uint32_t vm, struct choice ret[2])
{
	uint32_t n = placing->homes.board->n_nodes, found = 0;
	uint32_t first = placing->last_node == NQ_NONE ? 0 : placing->last_node + 1;

	for (uint32_t i = 0; i < n && found < 2; i++)
		found += consider(placing, vm, (first + i) % n, &ret[found]);
}

static struct nq_reason reason_for(const struct nq_placing *placing, const struct choice *choice)
{
	const struct nq_board *board = placing->homes.board;
	const struct nq_node *node = &board->host->nodes[choice->node];

	if (board->policy->placement == NQ_PLACE_ROUND_ROBIN)
		return (struct nq_reason){ NQ_RULE_HOME_ROUND_ROBIN, { node->id } };
	return (struct nq_reason){ NQ_RULE_HOME_BEST_FIT,
				   { node->id, choice->load_after, board->policy->node_full,
				     nq_sat_sub(nq_board_mem_free(board, choice->node), choice->home.bytes),
				     node->mem_total } };
}

/* Is it the memory that stays, rather than lack of room, that forbids every node? */
static struct nq_reason why_nowhere(const struct nq_placing *placing, uint32_t vm)
{
	const struct nq_homes *homes = &placing->homes;
	const struct nq_vm *self = &homes->board->host->vms[vm];

	for (uint32_t node = 0; self->mem_fixed && node < homes->board->n_nodes; node++)
		if (nq_homes_has_room(homes, vm, node, self->cpus, 0))
			return (struct nq_reason){ .rule = NQ_RULE_KEPT_MEMORY_FIXED };
	return (struct nq_reason){ .rule = NQ_RULE_KEPT_NO_ROOM };
}

static bool one_node(struct nq_placing *placing, uint32_t vm, struct nq_first_home *ret)
{
	struct choice choice[2] = { { .node = NQ_NONE }, { .node = NQ_NONE } };

	if (placing->homes.board->policy->placement == NQ_PLACE_ROUND_ROBIN)
		round_robin(placing, vm, choice);
	else
		best_fit(placing, vm, choice);
	ret->reason = why_nowhere(placing, vm);
	if (choice[0].node == NQ_NONE)
		return false;
	ret->home = choice[0].home;
	ret->home.clients = placing->clients[0];
	ret->home.clients[choice[0].node] = placing->homes.board->host->vms[vm].cpus;
	ret->reason = reason_for(placing, &choice[0]);
	ret->rejected = (struct nq_rejected){ choice[1].node, choice[1].node == NQ_NONE ? 0 : choice[1].cost_ns };
	return true;
}

static bool find(struct nq_placing *placing, uint32_t vm, struct nq_first_home *ret)
{
	uint32_t n = placing->homes.board->n_nodes;

	memset(placing->clients[0], 0, n * sizeof(*placing->clients[0]));
	memset(placing->clients[1], 0, n * sizeof(*placing->clients[1]));
	*ret = (struct nq_first_home){ .rejected = { .target = NQ_NONE } };
	if (placing->homes.board->policy->placement == NQ_PLACE_PROPORTIONAL)
		return nq_place_proportional(placing, vm, ret);
	if (placing->homes.board->policy->wide == NQ_ON && nq_place_is_wide(placing, vm))
		return nq_place_wide(placing, vm, ret);
	return one_node(placing, vm, ret);
}

/* Does the home pay; all: with everything on the board as it stands, waiting included? */
static bool pays(struct nq_placing *placing, uint32_t vm, bool all, struct nq_first_home *placement,
		 struct nq_reason *ret)
{
	struct nq_homes *homes = &placing->homes;
	const struct nq_policy *policy = homes->board->policy;
	struct nq_home now = { .clients = placing->clients[2] };
	struct nq_proposal *proposal = &placement->proposal;
	uint64_t saved;

	nq_homes_price_now(homes, vm, &now);
	if (all)
		nq_homes_price(homes, vm, true, &placement->home);
	proposal->before_ns = nq_home_cost(&now) - (all ? 0 : now.waiting_ns);
	proposal->after_ns = nq_home_cost(&placement->home) - (all ? 0 : placement->home.waiting_ns);
	proposal->once_ns = nq_homes_once(homes, placement->home.bytes);
	saved = nq_cost_within(nq_sat_sub(proposal->before_ns, proposal->after_ns), policy->home_horizon_ms);
	if (policy->guard == NQ_OFF)
		return true;
	if (proposal->after_ns > proposal->before_ns)
		*ret = (struct nq_reason){ NQ_RULE_KEPT_BEST, { proposal->before_ns, proposal->after_ns } };
	else if (saved < proposal->once_ns)
		*ret = (struct nq_reason){ NQ_RULE_KEPT_ONE_OFF, { saved, proposal->once_ns } };
	else
		return true;
	return false;
}

static void settle(struct nq_placing *placing, struct nq_draft *draft, uint32_t vm,
		   const struct nq_first_home *placement)
{
	const struct nq_home *home = &placement->home;

	nq_board_note(draft->board, NQ_NOTE_VM, vm, placement->reason, placement->rejected, &placement->proposal);
	nq_board_home(draft->board, vm, &home->nodes,
		      nq_nodeset_single(&home->nodes) == NQ_NONE ? home->clients : NULL);
	placing->last_node = nq_nodeset_next(&home->nodes, 0);
	draft->moves++;
}

static void place(struct nq_placing *placing, struct nq_draft *draft, uint32_t vm)
{
	struct nq_first_home placement;
	struct nq_reason ignored;

	nq_homes_lift(&placing->homes, vm);
	if (find(placing, vm, &placement) && pays(placing, vm, draft->by_cost_only, &placement, &ignored))
		settle(placing, draft, vm, &placement);
	nq_homes_put(&placing->homes, vm);
}

struct nq_reason nq_placing_why(struct nq_placing *placing, uint32_t vm)
{
	const struct nq_draft *draft = placing->homes.draft;
	struct nq_first_home placement;
	struct nq_reason reason;

	if (draft->board->policy->placement == NQ_PLACE_NONE)
		return (struct nq_reason){ .rule = NQ_RULE_KEPT_OFF };
	if (nq_guard_holds(draft, NQ_ACTION_HOME, vm, &reason))
		return reason;
	nq_homes_lift(&placing->homes, vm);
	if (!find(placing, vm, &placement))
		reason = placement.reason;
	else if (pays(placing, vm, false, &placement, &reason) && pays(placing, vm, true, &placement, &reason))
		reason = (struct nq_reason){ NQ_RULE_KEPT_BEST,
					     { placement.proposal.before_ns, placement.proposal.after_ns } };
	nq_homes_put(&placing->homes, vm);
	return reason;
}

static int by_traffic(const void *left, const void *right)
{
	const struct order *a = left, *b = right;

	if (a->traffic != b->traffic)
		return a->traffic < b->traffic ? 1 : -1;
	if (a->owed != b->owed)
		return a->owed < b->owed ? 1 : -1;
	return (a->vm > b->vm) - (a->vm < b->vm);
}

static struct order order_of(const struct nq_board *board, uint32_t vm)
{
	const struct nq_vm *self = &board->host->vms[vm];
	uint64_t traffic = 0;

	for (uint32_t i = board->vms[vm].first_unit; i != NQ_NONE; i = board->next_of_vm[i])
		traffic += board->units[i].rx + board->units[i].tx;
	return (struct order){ nq_sat_mul(traffic, self->shares), nq_sat_mul(nq_homes_owed(self), self->shares), vm };
}

static uint32_t count_floating(const struct nq_draft *draft)
{
	uint32_t n = 0;

	for (uint32_t vm = 0; vm < draft->board->n_vms; vm++)
		n += floats(draft, vm);
	return n;
}

/* Those who want a home, in the order in which they get it; returns how many. */
static uint32_t line_up(const struct nq_draft *draft, struct order *ret)
{
	const struct nq_board *board = draft->board;
	struct nq_reason ignored;
	uint32_t n = 0;

	for (uint32_t vm = 0; vm < board->n_vms; vm++)
		if (floats(draft, vm) && !nq_guard_holds(draft, NQ_ACTION_HOME, vm, &ignored))
			ret[n++] = order_of(board, vm);
	if (board->policy->placement == NQ_PLACE_BEST_FIT)
		qsort(ret, n, sizeof(*ret), by_traffic);
	return n;
}

static int place_all(struct nq_draft *draft, struct order *order)
{
	uint32_t n = line_up(draft, order);
	struct nq_placing placing;
	int result = n ? nq_placing_open(&placing, draft) : 0;

	if (result < 0 || n == 0)
		return result;
	for (uint32_t i = 0; i < n; i++)
		place(&placing, draft, order[i].vm);
	nq_placing_close(&placing);
	return 0;
}

int nq_stage_home(struct nq_draft *draft)
{
	uint32_t n = count_floating(draft);
	struct order *order;
	int result;

	if (n == 0)
		return 0;
	order = calloc(n, sizeof(*order));
	if (!order)
		return -ENOMEM;
	nq_board_refresh(draft->board);
	result = place_all(draft, order);
	free(order);
	return result;
}
