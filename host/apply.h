/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Acting: a plan becomes settings, each journaled, written, read back; what fails is undone.
 *
 * An applier holds the journal's lock, so two of them never act on one host. An action is carried out
 * whole or not at all: when one of its settings fails, those already written for it are undone and the
 * outcome says why; the remaining actions of the plan are still tried only if they do not depend on it
 * (a STEER depends on the QUEUE_CPU of its queues and on the HOME of its vm).
 */
#ifndef NEARQ_HOST_APPLY_H
#define NEARQ_HOST_APPLY_H

#include <nearq/plan.h>
#include <nearq/serial.h>

struct nq_applier;

enum nq_outcome_kind {
	NQ_OUTCOME_DONE,    /* written and read back */
	NQ_OUTCOME_SAME,    /* was already so */
	NQ_OUTCOME_REFUSED, /* cannot be done on this host; nothing was written */
	NQ_OUTCOME_GONE,    /* the object vanished between reading and writing */
	NQ_OUTCOME_UNDONE,  /* failed half-way and was put back */
	NQ_OUTCOME_STUCK,   /* failed, and putting back failed too: journal keeps it for `nearq restore` */
	NQ_OUTCOME_COUNT
};

struct nq_outcome {
	enum nq_outcome_kind kind;
	int error;	  /* 0 or errno */
	char detail[256]; /* setting, value wanted, value found, reason; one sentence */
};

const char *nq_outcome_name(enum nq_outcome_kind kind);

/* state: directory of the journal. -EBUSY when another nearq acts, -EPERM without the needed privilege, both with
 * fault. */
int nq_applier_open(const char *state, struct nq_applier **ret, struct nq_fault *ret_fault);
struct nq_applier *
nq_applier_close(struct nq_applier *applier); /* leaves settings as they are; steering keeps working (pinned) */

/* outcomes: one per action, by the caller. 0 when every action ended DONE or SAME, else the number of others; -errno
 * for the journal. */
int nq_applier_apply(struct nq_applier *applier, const struct nq_host *host, const struct nq_plan *plan,
		     struct nq_outcome *outcomes);

/* A setting that was (or could not be) put back. */
typedef void (*nq_restored_fn)(const char *kind, const char *key, const char *value, const struct nq_outcome *outcome,
			       void *userdata);

/*
 * Puts back everything in the journal, newest first. A setting that someone else changed after nearq is
 * left alone and reported (REFUSED) unless force; an object that is gone counts as restored. Removes nearq's
 * pinned BPF objects. Idempotent. 0, or the number of settings that could not be put back, or -errno.
 */
int nq_applier_restore(struct nq_applier *applier, bool force, nq_restored_fn report, void *userdata);

/* Number of settings now held by nearq, or -errno. */
int nq_applier_held(struct nq_applier *applier);

#endif
