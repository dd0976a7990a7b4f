/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Putting everything back. The journal is walked from the newest entry to the oldest, so that what was built on
 * something goes before it. An entry whose setting shows a value that nearq never gave it belongs to somebody else
 * by now, and stays until they give it back or the user insists.
 */
#include <errno.h>
#include <string.h>

#include "host/change.h"
#include "host/steer_act.h"

struct restore {
	struct nq_applier *applier;
	bool force;
	nq_restored_fn report;
	void *userdata;
	int others;
};

static bool reachable(struct nq_applier *applier, const struct nq_setting_kind *kind, const char *present,
		      const char *from, const char *to)
{
	return kind->between && kind->between(applier->ctx, present, from, to);
}

/* Is the present value nearq's: the last one, the one before a write that was killed, or a write cut in half? */
static bool ours(struct nq_applier *applier, const struct nq_setting_kind *kind, const struct nq_journal_entry *entry,
		 const char *present)
{
	return nq_setting_same(applier->ctx, kind, entry->key, present, entry->written) ||
	       nq_setting_same(applier->ctx, kind, entry->key, present, entry->previous) ||
	       nq_setting_same(applier->ctx, kind, entry->key, present, entry->former) ||
	       reachable(applier, kind, present, entry->previous, entry->written) ||
	       /* a restore that was killed */
	       reachable(applier, kind, present, entry->written, entry->former);
}

static int restore_setting(struct restore *restore, const struct nq_setting_kind *kind,
			   const struct nq_journal_entry *entry, struct nq_outcome *outcome)
{
	struct nq_applier *applier = restore->applier;
	char present[NQ_SETTING_TEXT];
	int error, journal_error = 0;

	applier->ctx->why[0] = '\0';
	error = kind->read(applier->ctx, entry->key, present);
	if (error == -ENODEV) {
		nq_outcome_set(outcome, NQ_OUTCOME_GONE, ENODEV, "%s %.128s: it is gone", kind->name, entry->key);
		return nq_journal_forget(applier->journal, entry->kind, entry->key);
	}
	if (error == 0 && !restore->force && !ours(applier, kind, entry, present)) {
		nq_outcome_set(outcome, NQ_OUTCOME_REFUSED, EBUSY,
			       "somebody changed it from \"%.48s\" to \"%.48s\" since; force puts \"%.48s\" back",
			       entry->written, present, entry->former);
		return 0;
	}
	nq_change(applier, kind, entry->key, entry->former, outcome, &journal_error);
	if (journal_error == 0 && outcome->kind == NQ_OUTCOME_SAME)
		journal_error = nq_journal_forget(applier->journal, entry->kind, entry->key);
	return journal_error;
}

static int restore_entry(const struct nq_journal_entry *entry, void *userdata)
{
	const struct nq_setting_kind *kind = nq_setting_find(entry->kind);
	struct restore *restore = userdata;
	struct nq_outcome outcome;
	int error = 0;

	if (kind)
		error = restore_setting(restore, kind, entry, &outcome);
	else
		nq_outcome_set(&outcome, NQ_OUTCOME_REFUSED, EOPNOTSUPP, "this nearq knows no setting of this kind");
	if (outcome.kind == NQ_OUTCOME_REFUSED || outcome.kind == NQ_OUTCOME_STUCK)
		restore->others++;
	if (restore->report)
		restore->report(entry->kind, entry->key, entry->former, &outcome, restore->userdata);
	return error;
}

int nq_applier_restore(struct nq_applier *applier, bool force, nq_restored_fn report, void *userdata)
{
	struct restore restore = { .applier = applier, .force = force, .report = report, .userdata = userdata };
	int error = nq_journal_each(applier->journal, restore_entry, &restore);

	if (error < 0)
		return error;
	/* pins of interfaces that are gone; with nothing left in the journal, every pin there is */
	nq_steer_sweep(applier->ctx, nq_applier_held(applier) == 0);
	return restore.others;
}
