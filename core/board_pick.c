/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The CPU of a node for one more queue. */
#include "core/board_parts.h"
#include "core/cost.h"

/* How much one more queue on a CPU disturbs; compared field by field. */
struct crowd {
	uint64_t ppm;
	uint32_t on_core;
};

static bool is_quieter(struct crowd a, struct crowd b)
{
	return a.ppm != b.ppm ? a.ppm < b.ppm : a.on_core < b.on_core;
}

/* Each queue in use counts as a step of the waiting table: measured loads swing, and a quiet queue will not stay so. */
static uint64_t weight_of(const struct nq_board *board, uint32_t cpu)
{
	return nq_board_ppm(board, cpu, board->cpus[cpu].load) + (uint64_t)board->cpus[cpu].used * NQ_WAITING_STEP;
}

/* A busy hardware thread leaves its sibling about half of a core. */
static struct crowd crowd_of(const struct nq_board *board, uint32_t cpu)
{
	uint64_t own = weight_of(board, cpu);
	uint32_t core = board->cpus[cpu].core;

	return (struct crowd){ own + (board->cpus[core].core_ppm - own) / 2, board->cpus[core].core_used };
}

static void sum_cores(const struct nq_board *board, uint32_t node)
{
	for (uint32_t i = board->nodes[node].first_cpu; i != NQ_NONE; i = board->cpus[i].next_on_node) {
		struct nq_board_cpu *core = &board->cpus[board->cpus[i].core];

		if (board->cpus[i].core == i)
			core->core_ppm = core->core_used = 0;
		core->core_ppm += weight_of(board, i);
		core->core_used += board->cpus[i].used;
	}
}

uint32_t nq_board_pick_cpu(const struct nq_board *board, uint32_t node, uint32_t *ret_next)
{
	uint32_t best = NQ_NONE, next = NQ_NONE;
	struct crowd best_crowd = { 0 }, next_crowd = { 0 };

	sum_cores(board, node);
	for (uint32_t i = board->nodes[node].first_cpu; i != NQ_NONE; i = board->cpus[i].next_on_node) {
		struct crowd crowd = crowd_of(board, i);

		if (!board->cpus[i].online)
			continue;
		if (best == NQ_NONE || is_quieter(crowd, best_crowd)) {
			next = best;
			next_crowd = best_crowd;
			best = i;
			best_crowd = crowd;
		} else if (next == NQ_NONE || is_quieter(crowd, next_crowd)) {
			next = i;
			next_crowd = crowd;
		}
	}
	if (ret_next)
		*ret_next = next;
	return best;
}
