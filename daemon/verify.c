/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/verify.h"

#include <errno.h>
#include <stdlib.h>

static const char *const verdicts[] = {
	[NQ_VERDICT_NONE] = "none", [NQ_VERDICT_WAIT] = "waiting",  [NQ_VERDICT_PAID] = "paid",
	[NQ_VERDICT_PART] = "part", [NQ_VERDICT_MISSED] = "missed",
};
_Static_assert(sizeof(verdicts) / sizeof(verdicts[0]) == NQ_VERDICT_COUNT, "a verdict without name");

const char *nq_verdict_name(enum nq_verdict verdict)
{
	return verdicts[verdict];
}

uint64_t nq_share_permille(const struct nq_share *share)
{
	return share->packets
		       ? (uint64_t)(((unsigned __int128)share->remote * 1000 + share->packets / 2) / share->packets)
		       : 0;
}

struct nq_share nq_share_of_vnic(const struct nq_host *host, uint32_t index)
{
	const struct nq_vnic *vnic = &host->vnics[index];
	struct nq_share share = { .vnics = vnic->pnic != NQ_NONE, .how = vnic->served_by };

	if (!share.vnics || vnic->served_by == NQ_SERVED_UNKNOWN)
		return share;
	for (uint32_t node = 0; node < host->n_nodes; node++)
		share.packets += vnic->served[node];
	share.remote = nq_vnic_remote(host, index);
	share.remote_vnics = nq_share_permille(&share) >= NQ_REMOTE_LEAST;
	return share;
}

struct nq_share nq_share_of_host(const struct nq_host *host)
{
	struct nq_share sum = { .how = NQ_SERVED_UNKNOWN };

	for (uint32_t i = 0; i < host->n_vnics; i++) {
		struct nq_share share = nq_share_of_vnic(host, i);

		sum.vnics += share.vnics;
		sum.remote_vnics += share.remote_vnics;
		if (share.packets > 0 && (sum.packets == 0 || share.how < sum.how))
			sum.how = share.how;
		sum.packets += share.packets;
		sum.remote += share.remote;
	}
	return sum;
}

/* The plan as it was carried out. Borrows the actions of the original. */
static int only_done(const struct nq_plan *plan, const bool *done, struct nq_plan *ret)
{
	struct nq_plan part = *plan;

	part.n_actions = 0;
	part.actions = calloc(plan->n_actions ? plan->n_actions : 1, sizeof(*part.actions));
	if (!part.actions)
		return -ENOMEM;
	for (uint32_t i = 0; i < plan->n_actions; i++) {
		if (done[i])
			part.actions[part.n_actions++] = plan->actions[i];
	}
	*ret = part;
	return 0;
}

static uint64_t vnic_permille(const struct nq_host *host, uint32_t vnic)
{
	struct nq_share share = nq_share_of_vnic(host, vnic);

	return nq_share_permille(&share);
}

static uint64_t host_permille(const struct nq_host *host)
{
	struct nq_share share = nq_share_of_host(host);

	return nq_share_permille(&share);
}

static int set_promises(struct nq_verification *verification, const struct nq_host *before, const struct nq_host *after)
{
	struct nq_promise *promises = calloc(before->n_vnics ? before->n_vnics : 1, sizeof(*promises));
	uint32_t n = 0;

	if (!promises)
		return -ENOMEM;
	for (uint32_t i = 0; i < before->n_vnics; i++) {
		uint64_t now = vnic_permille(before, i), then = vnic_permille(after, i);

		if (then < now)
			promises[n++] = (struct nq_promise){ before->vnics[i].mac, now, then, now };
	}
	nq_verify_clear(verification);
	*verification = (struct nq_verification){
		.verdict = NQ_VERDICT_WAIT,
		.before = host_permille(before),
		.predicted = host_permille(after),
		.realised = host_permille(before),
		.promises = promises,
		.n_promises = n,
	};
	return 0;
}

int nq_verify_promise(struct nq_verification *verification, const struct nq_host *host, const struct nq_policy *policy,
		      const struct nq_plan *plan, const bool *done)
{
	struct nq_plan part;
	struct nq_host *after = NULL;
	int r = only_done(plan, done, &part);

	if (r < 0)
		return r;
	if (part.n_actions > 0)
		r = nq_plan_apply(host, policy, &part, &after);
	if (r == 0 && after)
		r = set_promises(verification, host, after);
	free(part.actions);
	nq_host_free(after);
	return r;
}

static enum nq_verdict judge(const struct nq_verification *verification)
{
	if (verification->realised <= verification->predicted + NQ_VERIFY_SLACK)
		return NQ_VERDICT_PAID;
	if (verification->ticks < NQ_VERIFY_TICKS)
		return NQ_VERDICT_WAIT;
	return verification->realised < verification->before ? NQ_VERDICT_PART : NQ_VERDICT_MISSED;
}

void nq_verify_tick(struct nq_verification *verification, const struct nq_host *host)
{
	if (verification->verdict != NQ_VERDICT_WAIT) {
		nq_verify_clear(verification);
		return;
	}
	/* A silent host says nothing about where its packets would be served. */
	if (nq_share_of_host(host).packets == 0)
		return;
	verification->ticks++;
	verification->realised = host_permille(host);
	for (uint32_t i = 0; i < verification->n_promises; i++) {
		uint32_t vnic = nq_host_vnic_by_mac(host, &verification->promises[i].mac);

		if (vnic != NQ_NONE)
			verification->promises[i].realised = vnic_permille(host, vnic);
	}
	verification->verdict = judge(verification);
}

bool nq_verify_is_final(const struct nq_verification *verification)
{
	return verification->verdict > NQ_VERDICT_WAIT;
}

void nq_verify_clear(struct nq_verification *verification)
{
	free(verification->promises);
	*verification = (struct nq_verification){ .verdict = NQ_VERDICT_NONE };
}
