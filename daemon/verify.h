/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Verification: did the plan bring what it promised?
 *
 * After a plan was carried out its prediction is kept: the remote share of the host's packets, and of those of each
 * vnic, as the what-if of the actions that were really done has them. The counters of the following ticks are held
 * against it. The first ticks still hold packets on their way and rates from before, so a miss is only
 * called one after NQ_VERIFY_TICKS.
 */
#ifndef NEARQ_DAEMON_VERIFY_H
#define NEARQ_DAEMON_VERIFY_H

#include <nearq/plan.h>

/* A vnic with less than this of its packets remote, per mille, counts as local: broadcasts come through the default
 * queue. */
#define NQ_REMOTE_LEAST 50
/* How far counters may stay behind the prediction, per mille of all packets. */
#define NQ_VERIFY_SLACK 50
#define NQ_VERIFY_TICKS 3

/* How much of the traffic is served on a node that is not the receiver's home. */
struct nq_share {
	uint32_t vnics, remote_vnics; /* vnics with an uplink */
	uint64_t packets, remote;     /* packets/s of which the serving node is known */
	enum nq_served how;	      /* the weakest source among the vnics with traffic */
};

struct nq_share nq_share_of_host(const struct nq_host *host);
struct nq_share nq_share_of_vnic(const struct nq_host *host, uint32_t vnic);
uint64_t nq_share_permille(const struct nq_share *share);

enum nq_verdict {
	NQ_VERDICT_NONE, /* nothing was promised */
	NQ_VERDICT_WAIT, /* not there yet, and too early to say more */
	NQ_VERDICT_PAID, /* as predicted */
	NQ_VERDICT_PART, /* better than before, less than predicted */
	NQ_VERDICT_MISSED,
	NQ_VERDICT_COUNT
};

const char *nq_verdict_name(enum nq_verdict verdict);

/* A vnic that was promised less remote traffic. */
struct nq_promise {
	struct nq_mac mac;
	uint64_t before, predicted, realised; /* remote share, per mille; realised from the last tick */
};

struct nq_verification {
	enum nq_verdict verdict;
	uint32_t ticks;			      /* since the plan was carried out */
	uint64_t before, predicted, realised; /* remote share of the host, per mille */
	struct nq_promise *promises;
	uint32_t n_promises;
};

/* Promise of the actions of plan for which done[i]. A promise not yet verified is replaced. 0 or -ENOMEM. */
int nq_verify_promise(struct nq_verification *verification, const struct nq_host *host, const struct nq_policy *policy,
		      const struct nq_plan *plan, const bool *done);
/* Holds the promise against the counters of the next tick. Does nothing without one. */
void nq_verify_tick(struct nq_verification *verification, const struct nq_host *host);
/* True once: the verdict will not change any more; the promise is then forgotten by the next tick. */
bool nq_verify_is_final(const struct nq_verification *verification);
void nq_verify_clear(struct nq_verification *verification);

#endif
