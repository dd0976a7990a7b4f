/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/change.h"
#include "host/testpoint.h"

/* Steps on the way from one value to another; no kind needs more than three. */
#define STEPS_MAX 8
/* How much of a value a message shows. */
#define SHOWN 64

static void free_entry(struct nq_journal_entry **entry)
{
	nq_journal_entry_free(*entry);
}

void nq_outcome_set(struct nq_outcome *outcome, enum nq_outcome_kind kind, int error, const char *format, ...)
{
	va_list list;

	outcome->kind = kind;
	outcome->error = error < 0 ? -error : error;
	va_start(list, format);
	vsnprintf(outcome->detail, sizeof(outcome->detail), format, list);
	va_end(list);
}

const char *nq_outcome_name(enum nq_outcome_kind kind)
{
	static const char *const names[] = {
		[NQ_OUTCOME_DONE] = "done", [NQ_OUTCOME_SAME] = "same",	    [NQ_OUTCOME_REFUSED] = "refused",
		[NQ_OUTCOME_GONE] = "gone", [NQ_OUTCOME_UNDONE] = "undone", [NQ_OUTCOME_STUCK] = "stuck",
	};
	static_assert(sizeof(names) / sizeof(*names) == NQ_OUTCOME_COUNT, "a name for every outcome");

	return kind < NQ_OUTCOME_COUNT ? names[kind] : "unknown";
}

/* Says why a step failed: GONE when the object is no more, else `kind`. */
static int fail(struct nq_applier *applier, enum nq_outcome_kind outcome_kind, const struct nq_setting_kind *kind,
		const char *key, const char *value, int error, struct nq_outcome *ret)
{
	const char *why = applier->ctx->why[0] ? applier->ctx->why : strerror(-error);

	if (error == -ENODEV)
		nq_outcome_set(ret, NQ_OUTCOME_GONE, error, "%s %.128s: it is gone", kind->name, key);
	else
		nq_outcome_set(ret, outcome_kind, error, "%s %.96s to \"%.*s\": %s", kind->name, key, SHOWN, value,
			       why);
	return error;
}

static int read_value(struct nq_applier *applier, const struct nq_setting_kind *kind, const char *key,
		      char ret[NQ_SETTING_TEXT])
{
	applier->ctx->why[0] = '\0';
	return kind->read(applier->ctx, key, ret);
}

/* Writes and reads back; the note must be on disk. */
static int write_value(struct nq_applier *applier, const struct nq_setting_kind *kind, const char *key,
		       const char *value, char found[NQ_SETTING_TEXT])
{
	int error = nq_test_point();

	applier->ctx->why[0] = '\0';
	if (error == 0)
		error = kind->write(applier->ctx, key, value);
	if (error == 0)
		error = nq_test_point();
	if (error == 0)
		error = read_value(applier, kind, key, found);
	if (error == 0 && !nq_setting_same(applier->ctx, kind, key, found, value))
		error = nq_setting_why(applier->ctx, -EIO, "read back \"%.*s\"", SHOWN, found);
	return error;
}

/*
 * After the last write: the entry goes when there is nothing left to restore. Also after a failure, when the setting
 * turns out untouched.
 */
static int settle(struct nq_applier *applier, const struct nq_setting_kind *kind, const char *key)
{
	__attribute__((cleanup(free_entry))) struct nq_journal_entry *entry = NULL;
	char present[NQ_SETTING_TEXT];
	int error = nq_journal_find(applier->journal, kind->name, key, &entry);

	if (error < 0)
		return error == -ENOENT ? 0 : error;
	error = kind->read(applier->ctx, key, present);
	if (error == -ENODEV || (error == 0 && nq_setting_same(applier->ctx, kind, key, present, entry->former)))
		return nq_journal_forget(applier->journal, kind->name, key);
	return 0;
}

/*
 * Does the journal know the next value as nearq's already? Then it need not be told again: so what is brought back or
 * restored is so also when the disk of the journal is full by now.
 */
static bool is_known(struct nq_applier *applier, const struct nq_setting_kind *kind, const char *key,
		     const char *present, const char *next)
{
	__attribute__((cleanup(free_entry))) struct nq_journal_entry *entry = NULL;

	if (nq_journal_find(applier->journal, kind->name, key, &entry) < 0)
		return false;
	return nq_setting_same(applier->ctx, kind, key, present, entry->written) &&
	       (nq_setting_same(applier->ctx, kind, key, next, entry->former) ||
		nq_setting_same(applier->ctx, kind, key, next, entry->previous));
}

/* One write on the way. *present is the value before, and after on success. */
static int step(struct nq_applier *applier, const struct nq_setting_kind *kind, const char *key, const char *value,
		char present[NQ_SETTING_TEXT], struct nq_outcome *outcome, int *journal_error)
{
	char next[NQ_SETTING_TEXT], found[NQ_SETTING_TEXT];
	int error = nq_setting_via(kind, present, value, next);

	if (error < 0)
		return fail(applier, NQ_OUTCOME_REFUSED, kind, key, value, error, outcome);
	if (!is_known(applier, kind, key, present, next))
		error = nq_journal_note(applier->journal, kind->name, key, present, next);
	if (error < 0) {
		*journal_error = error;
		nq_outcome_set(outcome, NQ_OUTCOME_REFUSED, error,
			       "%s %.96s: not written, because the journal cannot be: %s", kind->name, key,
			       strerror(-error));
		return error;
	}
	error = write_value(applier, kind, key, next, found);
	if (error == 0) {
		strcpy(present, found);
		return 0;
	}
	fail(applier, NQ_OUTCOME_STUCK, kind, key, next, error, outcome);
	/* nothing happened after all? */
	if (outcome->kind == NQ_OUTCOME_STUCK && kind->read(applier->ctx, key, found) == 0 &&
	    nq_setting_same(applier->ctx, kind, key, found, present))
		outcome->kind = NQ_OUTCOME_REFUSED;
	return error;
}

static int walk(struct nq_applier *applier, const struct nq_setting_kind *kind, const char *key, const char *value,
		char present[NQ_SETTING_TEXT], struct nq_outcome *outcome, int *journal_error)
{
	bool moved = false;
	int error, i;

	for (i = 0; i < STEPS_MAX; i++) {
		if (nq_setting_same(applier->ctx, kind, key, present, value))
			return 0;
		error = step(applier, kind, key, value, present, outcome, journal_error);
		if (error < 0) {
			if (moved && outcome->kind == NQ_OUTCOME_REFUSED)
				outcome->kind = NQ_OUTCOME_STUCK; /* half of the way: to be brought back */
			return error;
		}
		moved = true;
	}
	return fail(applier, NQ_OUTCOME_STUCK, kind, key, value, -EIO, outcome);
}

int nq_change(struct nq_applier *applier, const struct nq_setting_kind *kind, const char *key, const char *value,
	      struct nq_outcome *ret_outcome, int *ret_journal_error)
{
	char present[NQ_SETTING_TEXT], before[SHOWN];
	int error, settled;

	error = read_value(applier, kind, key, present);
	if (error == 0 && nq_setting_same(applier->ctx, kind, key, present, value)) {
		nq_outcome_set(ret_outcome, NQ_OUTCOME_SAME, 0, "%s %.96s is \"%.*s\"", kind->name, key, SHOWN,
			       present);
		return 0;
	}
	if (error == 0)
		error = kind->probe(applier->ctx, key);
	if (error < 0)
		return fail(applier, NQ_OUTCOME_REFUSED, kind, key, value, error, ret_outcome);
	snprintf(before, sizeof(before), "%.*s", (int)sizeof(before) - 1, present);
	error = walk(applier, kind, key, value, present, ret_outcome, ret_journal_error);
	settled = settle(applier, kind, key);
	if (error == 0)
		nq_outcome_set(ret_outcome, NQ_OUTCOME_DONE, 0, "%s %.96s \"%s\" -> \"%.*s\"", kind->name, key, before,
			       SHOWN, present);
	if (settled < 0 && !*ret_journal_error)
		*ret_journal_error = settled;
	return error;
}
