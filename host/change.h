/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changing one setting safely: note in the journal, write, read back. host/apply.c does it for a plan's actions,
 * host/restore.c for what the journal holds.
 */
#ifndef NEARQ_HOST_CHANGE_H
#define NEARQ_HOST_CHANGE_H

#include "host/apply.h"
#include "host/journal.h"
#include "host/setting.h"

struct nq_applier {
	struct nq_journal *journal;
	struct nq_setting_ctx *ctx;
};

/*
 * Brings a setting to a value. 0 with *ret_outcome DONE or SAME. Otherwise -errno with *ret_outcome REFUSED (nothing
 * was written), GONE, or STUCK (written, but the setting does not have the value: the caller should bring back what was
 * before). -errno with outcome REFUSED also when the journal could not be written: then *ret_journal_error is set too.
 * The entry is forgotten when the setting has its former value again, or its object is gone.
 */
int nq_change(struct nq_applier *applier, const struct nq_setting_kind *kind, const char *key, const char *value,
	      struct nq_outcome *ret_outcome, int *ret_journal_error);

void nq_outcome_set(struct nq_outcome *outcome, enum nq_outcome_kind kind, int error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
