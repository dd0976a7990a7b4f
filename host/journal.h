/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The journal of former values (SQLite). Before the first write of a setting its value is on disk; from
 * then on the entry stays until the setting was restored. All settings live in the running kernel only,
 * so entries of an earlier boot (other boot_id) are dropped when the journal is opened, and counted.
 */
#ifndef NEARQ_HOST_JOURNAL_H
#define NEARQ_HOST_JOURNAL_H

#include <nearq/serial.h>

struct nq_journal;

struct nq_journal_entry {
	int64_t sequence;   /* order of first write; undo goes from the highest */
	char *kind, *key;
	char *former;       /* before nearq's first write */
	char *written;      /* what nearq wrote last */
};

/* directory is created (0700) when missing. *ret_dropped (may be NULL): entries of another boot. One process at a time: -EBUSY. */
int nq_journal_open(const char *directory, struct nq_journal **ret, uint32_t *ret_dropped, struct nq_fault *ret_fault);
struct nq_journal *nq_journal_close(struct nq_journal *journal);

/* Durable on return. former is kept from the first call for a kind and key; later calls only change written. */
int nq_journal_note(struct nq_journal *journal, const char *kind, const char *key, const char *former, const char *written);
/* After the setting has its former value again, or its object is gone. */
int nq_journal_forget(struct nq_journal *journal, const char *kind, const char *key);
/* Calls back from the newest to the oldest; stops at the first non-zero return and passes it on. */
int nq_journal_each(struct nq_journal *journal, int (*visit)(const struct nq_journal_entry *entry, void *userdata), void *userdata);
int nq_journal_count(struct nq_journal *journal, uint32_t *ret);

#endif
