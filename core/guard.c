/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guard: what does not pay is not done.
 *
 * Rules, in this order:
 *  - dwell: an object that moved less than dwell_ms ago stays (ESXi's load-based teaming: one move per 30 s; the
 *    credits of 001_cfbf0f5011fec43f.txt are later work). A move that lies in the future of the host's clock is of
 *    another boot and does not count.
 *  - gain: a move must save something, at least least_gain_ns, and at least least_gain per mille of what the object
 *    pays for distance (ESXi: 2 %). Of the remote part, not of the whole: a packet costs most on its way through the
 *    stack, which no move changes, and 2 % of that would forbid moves that halve the remote part.
 *  - one-off: what the move saves within the horizon must reach what it costs once; a first home has longer.
 *  - placing is not moving: a vm without a home gets one although it saves nothing, when it does not cost more
 *    than floating and its memory is there already or is worth bringing.
 *  - the whole: a round that does not make the host cheaper (or place somebody at no more cost) is not taken.
 *
 * Why here and not once at the end. A stage asks before it changes the what-if host, so that the next decision
 * builds on what will really be done. Judging a finished plan and taking single actions out of it leaves others
 * that relied on them (a vnic steered to a queue that now does not come) and moves that would have been better
 * elsewhere; to repair that is to plan again. An action and what it needs are one proposal: a free queue is
 * brought for a vnic with the one-off cost of both.
 */
#include <string.h>

#include "core/cost.h"
#include "core/draft.h"
#include "core/memory.h"

#define NS_PER_MS 1000000u

bool nq_guard_dwells(const struct nq_draft *draft, enum nq_action_kind kind, uint32_t object, struct nq_reason *ret)
{
	char room[NQ_KEY_TEXT];
	const char *key = nq_memory_key(draft->host, kind, object, room);
	const struct nq_memory_entry *entry = nq_memory_find(draft->memory, kind, key);
	uint64_t ago_ms;

	if (!entry || entry->moved_ns > draft->host->time_ns)
		return false;
	ago_ms = (draft->host->time_ns - entry->moved_ns) / NS_PER_MS;
	if (ago_ms >= draft->policy->dwell_ms)
		return false;
	*ret = (struct nq_reason){ NQ_RULE_KEPT_DWELL, { ago_ms, draft->policy->dwell_ms } };
	return true;
}

static uint64_t needed(const struct nq_policy *policy, const struct nq_proposal *proposal)
{
	uint64_t part = nq_sat_mul(proposal->remote_ns, policy->least_gain) / 1000;
	uint64_t least = policy->least_gain_ns > part ? policy->least_gain_ns : part;

	return least ? least : 1;
}

static bool earns(const struct nq_proposal *proposal, uint64_t horizon_ms, struct nq_reason *ret)
{
	uint64_t gain = nq_sat_sub(proposal->before_ns, proposal->after_ns);
	uint64_t saved = nq_cost_within(gain, horizon_ms);

	if (saved >= proposal->once_ns)
		return true;
	*ret = (struct nq_reason){ NQ_RULE_KEPT_ONE_OFF, { saved, proposal->once_ns } };
	return false;
}

bool nq_guard_pays(const struct nq_draft *draft, const struct nq_proposal *proposal, struct nq_reason *ret)
{
	uint64_t gain = nq_sat_sub(proposal->before_ns, proposal->after_ns);
	uint64_t least = needed(draft->policy, proposal);

	if (gain == 0) {
		*ret = (struct nq_reason){ NQ_RULE_KEPT_BEST, { proposal->before_ns, proposal->after_ns } };
		return false;
	}
	if (gain < least) {
		*ret = (struct nq_reason){ NQ_RULE_KEPT_SMALL_GAIN, { gain, least } };
		return false;
	}
	return earns(proposal, draft->policy->horizon_ms, ret);
}

bool nq_guard_may_place(const struct nq_draft *draft, const struct nq_proposal *proposal, struct nq_reason *ret)
{
	if (proposal->after_ns > proposal->before_ns) {
		*ret = (struct nq_reason){ NQ_RULE_KEPT_BEST, { proposal->before_ns, proposal->after_ns } };
		return false;
	}
	return earns(proposal, draft->policy->home_horizon_ms, ret);
}

static bool same_homes(const struct nq_host *a, const struct nq_host *b)
{
	for (uint32_t i = 0; i < a->n_vms; i++)
		if (a->vms[i].placed != b->vms[i].placed || !nq_nodeset_equal(&a->vms[i].home, &b->vms[i].home))
			return false;
	return true;
}

bool nq_guard_accepts_round(const struct nq_policy *policy, const struct nq_host *before, const struct nq_host *after)
{
	uint64_t cost_before = nq_host_cost(before, policy), cost_after = nq_host_cost(after, policy);

	return cost_after < cost_before || (cost_after == cost_before && !same_homes(before, after));
}

void nq_note_move(struct nq_note *note, struct nq_reason reason, struct nq_rejected rejected,
		  const struct nq_proposal *proposal)
{
	if (!note->moved)
		note->cost_before_ns = proposal->before_ns;
	note->moved = true;
	note->reason = reason;
	note->rejected = rejected;
	note->cost_after_ns = proposal->after_ns;
	note->once_ns = proposal->once_ns;
	note->has_kept = false;
}

void nq_note_keep(struct nq_note *note, struct nq_reason reason)
{
	note->kept = reason;
	note->has_kept = true;
}
