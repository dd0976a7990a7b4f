/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guard: what does not pay is not done, and nothing moves too often.
 *
 * Rules, in this order:
 *  - dwell: an object that moved less than dwell_ms ago stays (ESXi's load-based teaming: one move per 30 s). A move
 *    that lies in the future of the host's clock is of another boot and does not count.
 *  - credits (001_cfbf0f5011fec43f.txt, "Ping Pong Problem"): an object has `credits` moves and gets one back every
 *    credit_ms. docs/stability.md derives from both how often anything can move.
 *  - gain: a move must save at least least_gain_ns, and at least least_gain per mille of what the object pays for
 *    distance (ESXi: 2 %). Of the remote part, not of the whole: a packet costs most on its way through the stack,
 *    which no move changes, and 2 % of that would forbid moves that halve the remote part.
 *  - one-off: what the move saves within the horizon must reach what it costs once; a home has a longer horizon.
 *
 * All the savings are of the whole board: what the others on both queues gain and lose counts as much as the object's
 * own.
 *
 * Why here and not once at the end. A stage asks before it moves, so that the next decision builds on what will
 * really be done. Judging a finished plan and taking single actions out of it leaves others that relied on them (a
 * vnic steered to a queue that now does not come); to repair that is to plan again.
 */
#include "core/cost.h"
#include "core/stages.h"

#define NS_PER_MS 1000000u

bool nq_guard_holds(const struct nq_draft *draft, enum nq_action_kind kind, uint32_t object, struct nq_reason *ret)
{
	const struct nq_policy *policy = draft->board->policy;
	const struct nq_host *host = draft->board->host;
	const struct nq_memory_entry *entry;
	char room[NQ_KEY_TEXT];
	uint64_t ago_ms, wait_ms;

	if (!draft->memory || draft->memory->n_entries == 0 || policy->guard == NQ_OFF)
		return false;
	entry = nq_memory_find(draft->memory, kind, nq_memory_key(host, kind, object, room));
	if (!entry || entry->moved_ns > host->time_ns)
		return false;
	ago_ms = (host->time_ns - entry->moved_ns) / NS_PER_MS;
	if (ago_ms < policy->dwell_ms) {
		*ret = (struct nq_reason){ NQ_RULE_KEPT_DWELL, { ago_ms, policy->dwell_ms } };
		return true;
	}
	if (nq_memory_allows(policy, entry, host->time_ns, &wait_ms))
		return false;
	*ret = (struct nq_reason){ NQ_RULE_KEPT_CREDITS, { wait_ms } };
	return true;
}

/* The least saving per second that earns the one-off cost within the horizon. */
static uint64_t earning(uint64_t once_ns, uint64_t horizon_ms)
{
	uint64_t gain = nq_mul_div(once_ns, 1000, horizon_ms);

	return nq_cost_within(gain, horizon_ms) < once_ns ? gain + 1 : gain;
}

uint64_t nq_guard_needs(const struct nq_policy *policy, uint64_t remote_ns, uint64_t once_ns, uint64_t horizon_ms)
{
	uint64_t part = nq_mul_div(remote_ns, policy->least_gain, 1000), needed = earning(once_ns, horizon_ms);

	if (policy->guard == NQ_OFF)
		return 1;
	needed = needed > part ? needed : part;
	needed = needed > policy->least_gain_ns ? needed : policy->least_gain_ns;
	return needed ? needed : 1;
}

bool nq_guard_pays(const struct nq_draft *draft, const struct nq_proposal *proposal, uint64_t horizon_ms,
		   struct nq_reason *ret)
{
	const struct nq_policy *policy = draft->board->policy;
	uint64_t gain = nq_sat_sub(proposal->before_ns, proposal->after_ns);
	uint64_t least = nq_guard_needs(policy, proposal->remote_ns, 0, horizon_ms);
	uint64_t saved = nq_cost_within(gain, horizon_ms);

	if (gain == 0)
		*ret = (struct nq_reason){ NQ_RULE_KEPT_BEST, { proposal->before_ns, proposal->after_ns } };
	else if (gain < least)
		*ret = (struct nq_reason){ NQ_RULE_KEPT_SMALL_GAIN, { gain, least } };
	else if (policy->guard == NQ_ON && saved < proposal->once_ns)
		*ret = (struct nq_reason){ NQ_RULE_KEPT_ONE_OFF, { saved, proposal->once_ns } };
	else
		return true;
	return false;
}
