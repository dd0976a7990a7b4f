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
	int64_t sequence; /* order of first write; undo goes from the highest */
	char *kind, *key;
	char *former;	/* before nearq's first write */
	char *previous; /* just before nearq's last write: what the setting has if nearq died before that write */
	char *written;	/* what nearq wrote last, or was about to write */
};

/*
 * directory: made (0700) when its parent exists. *ret_dropped (may be NULL): entries of another boot. 0, or with fault:
 * -EBUSY: another process holds the journal; -EBADMSG: the file is not a journal or damaged, it was moved aside (the
 * fault says where) and the next open starts with an empty one; -EROFS, -ENOSPC, -EACCES, … of the directory.
 */
int nq_journal_open(const char *directory, struct nq_journal **ret, uint32_t *ret_dropped, struct nq_fault *ret_fault);
struct nq_journal *nq_journal_close(struct nq_journal *journal); /* accepts NULL, returns NULL */

/*
 * Announces a write from the value `present` to `next`; durable on return. The first call for a kind and key
 * makes `present` the former value. 0, or -errno: then nothing may be written to the host.
 */
int nq_journal_note(struct nq_journal *journal, const char *kind, const char *key, const char *present,
		    const char *next);
/* After the setting has its former value again, or its object is gone. */
int nq_journal_forget(struct nq_journal *journal, const char *kind, const char *key);
/* 0 with *ret, -ENOENT. */
int nq_journal_find(struct nq_journal *journal, const char *kind, const char *key, struct nq_journal_entry **ret);
struct nq_journal_entry *nq_journal_entry_free(struct nq_journal_entry *entry); /* accepts NULL, returns NULL */
/*
 * Calls back from the newest to the oldest; stops at the first non-zero return and passes it on. The callback may
 * note and forget entries, its own included.
 */
int nq_journal_each(struct nq_journal *journal, int (*visit)(const struct nq_journal_entry *entry, void *userdata),
		    void *userdata);
int nq_journal_count(struct nq_journal *journal, uint32_t *ret);

#endif
