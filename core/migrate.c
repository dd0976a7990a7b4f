/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Migrate: memory outside the home comes home (FEATURES H3; 002_a1e87099c2bc83d0.txt, "Dynamic Load Balancing and Page
 * Migration").
 *
 * Who. Vms at home that somebody placed, with CPU time to lose and memory on other nodes that can move; not those that
 * the operator pinned, whose memory is the operator's too. Only where pages of running vms can be moved by request.
 *
 * When. What remote memory costs the vm, and its packets on the way to it, pays for the copying within
 * home_horizon_ms, and there is room. There is no other threshold: a GiB takes 0.3 s of CPU to move, so a busy vm gets
 * its memory back and an idle one keeps it where it is.
 *
 * Who has memory outside is looked up once for a board: homes that the plan gives have their memory with them, so
 * nobody comes to that later.
 *
 * How fast is the applier's: the action has the bytes and migrate_mib_per_s.
 */
#include <errno.h>

#include "core/arena.h"
#include "core/cost.h"
#include "core/homes.h"

#define MIB_SHIFT 20u

/* Bytes outside its home. */
static uint64_t outside(const struct nq_board *board, uint32_t vm)
{
	const struct nq_nodeset *home = nq_board_home_of(board, vm);
	const uint64_t *mem = nq_board_mem_of(board, vm);
	uint64_t bytes = 0;

	if (board->vms[vm].node != NQ_NONE)
		return nq_board_outside(board, vm, board->vms[vm].node);
	for (uint32_t i = 0; i < board->n_nodes; i++)
		if (mem[i] && !nq_nodeset_has(home, i))
			bytes = nq_sat_add(bytes, mem[i]);
	return bytes;
}

/* Room for what comes to each node of the home. */
static bool fits(const struct nq_homes *homes, uint32_t vm)
{
	const struct nq_board *board = homes->board;
	const uint64_t *mem = nq_board_mem_of(board, vm);

	nq_homes_gather(homes, vm, nq_board_home_of(board, vm), homes->mem);
	for (uint32_t i = 0; i < board->n_nodes; i++) {
		uint64_t more = nq_sat_sub(homes->mem[i], mem[i]);

		if (more > nq_board_mem_free(board, i) || more + mem[i] > board->host->nodes[i].mem_total)
			return false;
	}
	return true;
}

static void migrate(struct nq_homes *homes, struct nq_draft *draft, uint32_t vm)
{
	const struct nq_policy *policy = draft->board->policy;
	uint64_t bytes = outside(draft->board, vm);
	struct nq_home now = { .clients = homes->clients }, then;
	struct nq_proposal proposal;
	struct nq_reason ignored;

	if (bytes == 0 || !fits(homes, vm))
		return;
	nq_homes_look_at(homes, vm);
	nq_homes_price_now(homes, vm, &now);
	then = now;
	nq_homes_price(homes, vm, true, &then);
	proposal = (struct nq_proposal){
		.before_ns = nq_sat_add(now.ways_ns, now.memory_ns),
		.after_ns = nq_sat_add(then.ways_ns, then.memory_ns),
		.remote_ns = nq_sat_add(now.ways_ns, now.memory_ns),
		.once_ns = nq_homes_once(homes, bytes),
	};
	if (!nq_guard_pays(draft, &proposal, policy->home_horizon_ms, &ignored))
		return;
	nq_board_note(draft->board, NQ_NOTE_VM, vm,
		      (struct nq_reason){ NQ_RULE_MEMORY_FOLLOWS,
					  { bytes, nq_mul_div(bytes >> MIB_SHIFT, 1000, policy->migrate_mib_per_s),
					    policy->migrate_mib_per_s } },
		      (struct nq_rejected){ NQ_NONE, 0 }, &proposal);
	nq_board_gather(draft->board, vm);
	draft->moves++;
}

static bool is_astray(const struct nq_board *board, uint32_t vm)
{
	const struct nq_vm *self = &board->host->vms[vm];

	return self->busy && !self->pinned && !self->mem_fixed && self->kind != NQ_VM_HOST &&
	       nq_board_placed(board, vm) && outside(board, vm);
}

static int find_astray(struct nq_board *board)
{
	uint32_t *astray = nq_arena_take(board->arena, ((size_t)board->n_vms + 1) * sizeof(*astray));

	if (!astray)
		return -ENOMEM;
	for (uint32_t vm = 0; vm < board->n_vms; vm++)
		if (is_astray(board, vm))
			astray[board->n_astray++] = vm;
	board->astray = astray;
	return 0;
}

int nq_stage_migrate(struct nq_draft *draft)
{
	struct nq_board *board = draft->board;
	struct nq_reason ignored;
	struct nq_homes homes;
	int result = 0;

	if (!board->host->can_migrate)
		return 0;
	if (!board->astray)
		result = find_astray(board);
	if (result < 0 || board->n_astray == 0)
		return result;
	nq_board_refresh(board);
	result = nq_homes_open(&homes, draft);
	if (result < 0)
		return result;
	for (uint32_t i = 0; i < board->n_astray; i++)
		if (!nq_guard_holds(draft, NQ_ACTION_MIGRATE, board->astray[i], &ignored))
			migrate(&homes, draft, board->astray[i]);
	nq_homes_close(&homes);
	return 0;
}
