/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What each pool is due, and what of it is missing (FEATURES Q5, Q6; 000_35c30de055bde3dd.txt sections II and III).
 *
 * Asking. A unit asks for a queue when it is on one, or when its traffic is over its pool's enter_pps.
 *
 * Grants. The queues of a pnic that can be assigned are granted twice in order of priority, then of the policy:
 * first each pool its min while it has vnics there, then each what the demand of its asking units needs: the sum of
 * what they bring, or of floor_pps where that is more, over queue_full of a queue's capacity; at least one queue; one
 * more for each unit that is to have a queue for itself; never more than asking units, than max, or than queues that
 * have its features. Grants follow from demand and policy, not from who has what: they are the same before and after
 * a plan. Queues that are granted to nobody are for whoever wants them: a pool may have more than its grant as long
 * as what is granted to the others stays covered (nq_quota_open).
 *
 * That a pool distributes is no demand: it spreads over what is free, at the price of nothing (core/cost.h), and takes
 * no queue from others for that.
 *
 * Claims. What a plan owes by the operator's word and not by cost:
 *   - a queue that a pool lacks of its grant while a pool of lower priority has more than its own,
 *   - a unit on a queue of another pool, or of one without the features that its pool asks for,
 *   - a unit that is to be alone and shares its queue.
 * Each that is open costs NQ_CLAIM_NS a second, as much as a whole CPU: so the one comparison of costs decides about
 * them too, only an absurd load outweighs one, and a plan that meets a claim need not be cheaper otherwise.
 */
#ifndef NEARQ_CORE_QUOTA_H
#define NEARQ_CORE_QUOTA_H

#include "core/board.h"

#define NQ_CLAIM_NS UINT64_C(1000000000)

/* Counts the queues that can be assigned, and grants them; NQ_NONE-free quotas (max) along with it. */
void nq_quota_grant(struct nq_board *board);
/* May the pool take one more free queue of the pnic? */
bool nq_quota_open(const struct nq_board *board, uint32_t pnic, uint32_t pool);
/* Queues that the pool lacks of its grant and that its asking units could use. */
uint32_t nq_quota_short(const struct nq_board *board, uint32_t pnic, uint32_t pool);
/* May the pool take that queue away from the one that has it? */
bool nq_quota_takes(const struct nq_board *board, uint32_t pool, uint32_t queue);
/* Claims that are open. Grants first. */
uint64_t nq_quota_claims(struct nq_board *board);
/* Those of a missing queue. The grants must be right. */
uint64_t nq_quota_missing(const struct nq_board *board);
/* Pools of the policy in order of priority, the highest first; ret[NQ_MAX_POOLS]. */
void nq_quota_order(const struct nq_policy *policy, uint32_t *ret);

bool nq_unit_asks(const struct nq_board *board, const struct nq_unit *unit);
/* Has the queue the features that the pool asks for? */
bool nq_queue_suits(const struct nq_board *board, uint32_t queue, uint32_t pool);
/* Is the unit on a queue of another pool, or on one without the features of its own? */
bool nq_unit_misfits(const struct nq_board *board, const struct nq_unit *unit);
/* Is the unit over its pool's exclusive_pps, or over half of it where it is alone already (Q6)? */
bool nq_unit_wants_alone(const struct nq_board *board, const struct nq_unit *unit);
/* Does it share a queue although it is over exclusive_pps? */
bool nq_unit_is_crowded(const struct nq_board *board, const struct nq_unit *unit);

#endif
