/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation.
 *
 * An action is a few settings (host/steps.c), changed one after the other (host/change.c): each is noted in the
 * journal, written, read back. When one fails, those that this action changed are brought back to what they
 * had before the action - not to what they had before nearq: an earlier action may have set them - in reverse
 * order, by the very same means. So the journal is right at every instant, whatever fails, and an action is
 * done, or not done, or stuck, which means that bringing back failed too and `nearq restore` has the rest.
 *
 * An action that builds on one that failed is not tried: a MAC is not steered to a queue that did not come, nor
 * to the home that its VM did not move to.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/change.h"
#include "host/cleanup.h"
#include "host/steps.h"

static void close_applier(struct nq_applier **applier)
{
	nq_applier_close(*applier);
}

/* Without these nothing that nearq manages can be written; steering asks for CAP_BPF by itself when it comes to it. */
static int check_privilege(struct nq_fault *fault)
{
	static const struct {
		uint32_t number;
		const char *name, *use;
	} needed[] = {
		{ CAP_NET_ADMIN, "CAP_NET_ADMIN", "queues and steering" },
		{ CAP_SYS_NICE, "CAP_SYS_NICE", "the affinity of threads" },
		{ CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE", "interrupts and cpusets" },
	};
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
	size_t i;

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	for (i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		if (data[CAP_TO_INDEX(needed[i].number)].effective & CAP_TO_MASK(needed[i].number))
			continue;
		if (needed[i].number == CAP_DAC_OVERRIDE && geteuid() == 0)
			continue; /* the files are root's */
		nq_fault_set(fault, "privilege", "acting needs %s for %s; run as root", needed[i].name, needed[i].use);
		return -EPERM;
	}
	return 0;
}

int nq_applier_open(const char *state, struct nq_applier **ret, struct nq_fault *ret_fault)
{
	__attribute__((cleanup(close_applier))) struct nq_applier *applier = calloc(1, sizeof(*applier));
	int error;

	if (!applier)
		return -ENOMEM;
	error = check_privilege(ret_fault);
	if (error < 0)
		return error;
	error = nq_setting_ctx_new(&applier->ctx);
	if (error < 0) {
		nq_fault_set(ret_fault, "/", "%s", strerror(-error));
		return error;
	}
	error = nq_journal_open(state, &applier->journal, NULL, ret_fault);
	if (error < 0)
		return error;
	*ret = applier;
	applier = NULL;
	return 0;
}

struct nq_applier *nq_applier_close(struct nq_applier *applier)
{
	if (!applier)
		return NULL;
	nq_journal_close(applier->journal);
	nq_setting_ctx_free(applier->ctx);
	free(applier);
	return NULL;
}

int nq_applier_held(struct nq_applier *applier)
{
	uint32_t count;
	int error = nq_journal_count(applier->journal, &count);

	return error == 0 ? (int)count : error;
}

static bool failed(const struct nq_outcome *outcome)
{
	return outcome->kind != NQ_OUTCOME_DONE && outcome->kind != NQ_OUTCOME_SAME;
}

/* What a setting had before the action, for bringing it back. */
struct before {
	char value[NQ_SETTING_TEXT];
};

/* Brings back steps[0] .. steps[n - 1], the last one first. */
static int bring_back(struct nq_applier *applier, const struct nq_steps *steps, const struct before *before, size_t n,
		      struct nq_outcome *outcome)
{
	struct nq_outcome one;
	int error = 0, journal_error = 0;

	while (n-- > 0) {
		const struct nq_step *step = &steps->steps[n];

		if (nq_change(applier, step->kind, step->key, before[n].value, &one, &journal_error) == 0 ||
		    one.kind == NQ_OUTCOME_GONE)
			continue;
		error = -EIO;
		nq_outcome_set(outcome, NQ_OUTCOME_STUCK, one.error, "not brought back: %.200s", one.detail);
	}
	return error;
}

static void add_remark(struct nq_outcome *outcome, const char *remark)
{
	size_t used = strlen(outcome->detail);

	snprintf(outcome->detail + used, sizeof(outcome->detail) - used, "; %s", remark);
}

/*
 * Carries the steps out. On failure *outcome is the failing step's, turned into what became of the whole action.
 * A step that got nowhere leaves only those before it to be brought back.
 */
static int run_steps(struct nq_applier *applier, const struct nq_steps *steps, struct nq_outcome *outcome)
{
	NQ_FREE struct before *before = calloc(steps->n_steps, sizeof(*before));
	bool changed = false, partly = false;
	struct nq_outcome one;
	int error = 0, journal_error = 0;
	size_t i;

	if (!before) {
		nq_outcome_set(outcome, NQ_OUTCOME_REFUSED, ENOMEM, "no memory to note what was before");
		return 0;
	}
	for (i = 0; error == 0 && i < steps->n_steps; i++) {
		const struct nq_step *step = &steps->steps[i];

		applier->ctx->why[0] = '\0';
		/* an unreadable setting fails in nq_change, with the same words as any other */
		if (step->kind->read(applier->ctx, step->key, before[i].value) < 0)
			before[i].value[0] = '\0';
		error = nq_change(applier, step->kind, step->key, step->value, &one, &journal_error);
		changed |= error == 0 && one.kind == NQ_OUTCOME_DONE;
		partly = error < 0 && one.kind == NQ_OUTCOME_STUCK;
		if (error < 0 || one.kind == NQ_OUTCOME_DONE || !changed)
			*outcome = one;
	}
	if (error < 0 && (changed || partly)) {
		if (outcome->kind == NQ_OUTCOME_STUCK || outcome->kind == NQ_OUTCOME_REFUSED)
			outcome->kind = NQ_OUTCOME_UNDONE;
		bring_back(applier, steps, before, i - (partly ? 0 : 1), outcome);
	}
	if (error == 0 && steps->remark)
		add_remark(outcome, steps->remark);
	return journal_error;
}

static bool steers_to(const struct nq_action *action, uint32_t queue)
{
	bool found = queue == action->rx_to || queue == action->tx_to;
	uint32_t i;

	for (i = 0; i < action->n_spread_to; i++)
		found = found || queue == action->spread_to[i];
	return found;
}

/* Is the action of no use, or worse, unless the earlier one was done? */
static bool builds_on(const struct nq_host *host, const struct nq_action *action, const struct nq_action *base)
{
	uint32_t vm = NQ_NONE; /* whose home matters */

	if (action->kind == NQ_ACTION_STEER)
		vm = host->vnics[action->vnic].vm;
	else if (action->kind == NQ_ACTION_MIGRATE)
		vm = action->vm;
	if (base->kind == NQ_ACTION_HOME)
		return base->vm == vm;
	return base->kind == NQ_ACTION_QUEUE_CPU && action->kind == NQ_ACTION_STEER && steers_to(action, base->queue);
}

/* The first earlier action that this one builds on and that failed, or n_actions. */
static uint32_t failed_base(const struct nq_host *host, const struct nq_plan *plan, uint32_t which,
			    const struct nq_outcome *outcomes)
{
	uint32_t i;

	for (i = 0; i < which; i++)
		if (failed(&outcomes[i]) && builds_on(host, &plan->actions[which], &plan->actions[i]))
			return i;
	return plan->n_actions;
}

/* 0, or -errno of the journal: then nothing more may be written. */
static int run_action(struct nq_applier *applier, const struct nq_host *host, const struct nq_plan *plan,
		      uint32_t which, struct nq_outcome *outcomes)
{
	__attribute__((cleanup(nq_steps_clear))) struct nq_steps steps = {};
	struct nq_outcome *outcome = &outcomes[which];
	uint32_t base = failed_base(host, plan, which, outcomes);
	int error;

	if (base < plan->n_actions) {
		nq_outcome_set(outcome, NQ_OUTCOME_REFUSED, ECANCELED,
			       "not tried: it builds on action %u (%s), which failed", base + 1,
			       nq_action_name(plan->actions[base].kind));
		return 0;
	}
	error = nq_steps_make(applier->ctx, host, &plan->actions[which], &steps);
	if (error == 0)
		return run_steps(applier, &steps, outcome);
	nq_outcome_set(outcome, error == -ENODEV ? NQ_OUTCOME_GONE : NQ_OUTCOME_REFUSED, error, "%s",
		       applier->ctx->why[0] ? applier->ctx->why : strerror(-error));
	return 0;
}

int nq_applier_apply(struct nq_applier *applier, const struct nq_host *host, const struct nq_plan *plan,
		     struct nq_outcome *outcomes)
{
	int error = 0, others = 0;
	uint32_t i;

	for (i = 0; i < plan->n_actions; i++) {
		if (error < 0)
			nq_outcome_set(&outcomes[i], NQ_OUTCOME_REFUSED, error,
				       "not tried: the journal cannot be written");
		else
			error = run_action(applier, host, plan, i, outcomes);
		others += failed(&outcomes[i]);
	}
	return error < 0 ? error : others;
}
