/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation.
 *
 * One table, one row per setting that nearq holds. The promise is "kill -9 at any instant loses nothing",
 * so a row is committed with synchronous=FULL before the write it announces, and removed only after the
 * setting was seen to have its former value. Between those two instants the host may show `previous` (died
 * before the write) or `written` (died after it); both are nearq's, everything else is somebody else's.
 *
 * Exclusion is a flock on a file of its own rather than SQLite's locks: it must also cover the writes to
 * the host between two transactions, and the kernel drops it with the process however that dies.
 *
 * Write-ahead logging costs one fsync for each commit where a rollback journal costs three; the locking
 * mode is exclusive, so no shared memory file is needed. No statement is kept over calls: hundreds of
 * rows at most, and the fsync dwarfs the preparation.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "host/journal.h"

#define FILE_NAME "journal.sqlite"
#define LOCK_NAME "lock"
#define DIRECTORY_MODE 0700
#define FILE_MODE 0600
#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_SIZE 37 /* an UUID as text and its end */
#define ASIDE_MAX 1000	/* damaged files kept before nearq gives up finding a free name */

struct nq_journal {
	sqlite3 *db;
	int lock;
};

static void close_journal(struct nq_journal **journal)
{
	nq_journal_close(*journal);
}

static void finalize(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}

/* SQLite's result as errno; the errno of the system call where SQLite kept it. */
static int fault_of(sqlite3 *db, int result)
{
	static const struct {
		int result, error;
	} table[] = {
		{ SQLITE_NOMEM, ENOMEM },    { SQLITE_FULL, ENOSPC },	 { SQLITE_READONLY, EROFS },
		{ SQLITE_CORRUPT, EBADMSG }, { SQLITE_NOTADB, EBADMSG }, { SQLITE_BUSY, EBUSY },
		{ SQLITE_ERROR, EBADMSG }, /* the statements are fixed: the tables must be others */
	};
	int error;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (table[i].result == (result & 0xff))
			return -table[i].error;
	error = db ? sqlite3_system_errno(db) : 0;
	return error ? -error : -EIO;
}

static int prepare(struct nq_journal *journal, const char *sql, sqlite3_stmt **ret)
{
	int result = sqlite3_prepare_v2(journal->db, sql, -1, ret, NULL);

	return result == SQLITE_OK ? 0 : fault_of(journal->db, result);
}

/* Runs a statement with texts for its ?1, ?2, …; the list ends with NULL. */
static int run(struct nq_journal *journal, const char *sql, const char *const *texts)
{
	__attribute__((cleanup(finalize))) sqlite3_stmt *statement = NULL;
	int error, i, result;

	error = prepare(journal, sql, &statement);
	if (error < 0)
		return error;
	for (i = 0; texts && texts[i]; i++) {
		result = sqlite3_bind_text(statement, i + 1, texts[i], -1, SQLITE_STATIC);
		if (result != SQLITE_OK)
			return fault_of(journal->db, result);
	}
	do
		result = sqlite3_step(statement);
	while (result == SQLITE_ROW);
	return result == SQLITE_DONE ? 0 : fault_of(journal->db, result);
}

static int read_boot_id(char ret[BOOT_ID_SIZE])
{
	NQ_CLOSE int fd = open(BOOT_ID_PATH, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return -errno;
	length = read(fd, ret, BOOT_ID_SIZE - 1);
	if (length != BOOT_ID_SIZE - 1)
		return length < 0 ? -errno : -EIO;
	ret[length] = '\0';
	return 0;
}

static int take_lock(const char *directory, int directory_fd, int *ret, struct nq_fault *fault)
{
	NQ_CLOSE int fd = openat(directory_fd, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
	char holder[32] = "";
	int error;

	if (fd < 0) {
		error = errno;
		nq_fault_set(fault, directory, "the lock file cannot be made: %s", strerror(error));
		return -error;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		error = errno == EWOULDBLOCK ? EBUSY : errno;
		if (pread(fd, holder, sizeof(holder) - 1, 0) < 0)
			holder[0] = '\0';
		nq_fault_set(fault, directory, "another nearq acts on this host (process %s); stop it first",
			     holder[0] ? holder : "unknown");
		return -error;
	}
	/* For the message above only: a lock file without a number still locks, so a full disk is met by the journal.
	 */
	if (ftruncate(fd, 0) == 0)
		dprintf(fd, "%d", getpid());
	*ret = fd;
	fd = -1;
	return 0;
}

static int open_directory(const char *path, int *ret, struct nq_fault *fault)
{
	int error, fd;

	if (mkdir(path, DIRECTORY_MODE) < 0 && errno != EEXIST) {
		error = errno;
		nq_fault_set(fault, path, "the directory of the journal cannot be made: %s", strerror(error));
		return -error;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		error = errno;
		nq_fault_set(fault, path, "the directory of the journal cannot be opened: %s", strerror(error));
		return -error;
	}
	*ret = fd;
	return 0;
}

static int path_of(const char *directory, const char *name, char **ret)
{
	return asprintf(ret, "%s/%s", directory, name) < 0 ? -ENOMEM : 0;
}

/* The tables, and proof that the file is whole and can be written. */
static int prepare_database(struct nq_journal *journal)
{
	static const char *const statements[] = {
		"PRAGMA locking_mode = EXCLUSIVE",
		"PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = FULL",
		"BEGIN IMMEDIATE",
		"CREATE TABLE IF NOT EXISTS setting (sequence INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,"
		" key TEXT NOT NULL, former TEXT NOT NULL, previous TEXT NOT NULL, written TEXT NOT NULL,"
		" boot TEXT NOT NULL, UNIQUE (kind, key))",
		/* a journal of another shape is as unusable as a damaged one, and is found here */
		"SELECT sequence, kind, key, former, previous, written, boot FROM setting",
		"COMMIT",
	};
	__attribute__((cleanup(finalize))) sqlite3_stmt *check = NULL;
	size_t i;
	int error;

	for (i = 0; i < sizeof(statements) / sizeof(*statements); i++) {
		error = run(journal, statements[i], NULL);
		if (error < 0)
			return error;
	}
	error = prepare(journal, "PRAGMA integrity_check(1)", &check);
	if (error < 0)
		return error;
	if (sqlite3_step(check) != SQLITE_ROW || strcmp((const char *)sqlite3_column_text(check, 0), "ok") != 0)
		return -EBADMSG;
	return 0;
}

static int drop_other_boots(struct nq_journal *journal, uint32_t *ret_dropped)
{
	char boot[BOOT_ID_SIZE];
	int error = read_boot_id(boot);

	if (error < 0)
		return error;
	error = run(journal, "DELETE FROM setting WHERE boot != ?1", (const char *const[]){ boot, NULL });
	if (error == 0 && ret_dropped)
		*ret_dropped = (uint32_t)sqlite3_changes(journal->db);
	return error;
}

/* Renames without ever replacing what is already there. */
static int move_aside(int directory_fd, const char *name, char *ret, size_t size)
{
	int i;

	for (i = 1; i <= ASIDE_MAX; i++) {
		snprintf(ret, size, "%s.damaged-%d", name, i);
		if (renameat2(directory_fd, name, directory_fd, ret, RENAME_NOREPLACE) == 0)
			return fsync(directory_fd) < 0 ? -errno : 0;
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

static int report_damage(const char *directory, int directory_fd, struct nq_fault *fault)
{
	char name[64], log[64];
	int error = move_aside(directory_fd, FILE_NAME, name, sizeof(name));

	if (error < 0) {
		nq_fault_set(fault, directory, FILE_NAME " is damaged and cannot be moved aside: %s", strerror(-error));
		return error;
	}
	move_aside(directory_fd, FILE_NAME "-wal", log, sizeof(log)); /* belongs to it; may not exist */
	nq_fault_set(fault, directory,
		     FILE_NAME " is damaged or not a journal; kept as %s. Settings that nearq changed since this boot "
			       "cannot be put back from it; the next start uses a new journal",
		     name);
	return -EBADMSG;
}

static int open_database(struct nq_journal *journal, const char *directory)
{
	NQ_FREE char *path = NULL;
	int error = path_of(directory, FILE_NAME, &path);
	int result;

	if (error < 0)
		return error;
	result = sqlite3_open_v2(path, &journal->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW,
				 NULL);
	if (result != SQLITE_OK)
		return fault_of(journal->db, result);
	return prepare_database(journal);
}

int nq_journal_open(const char *directory, struct nq_journal **ret, uint32_t *ret_dropped, struct nq_fault *ret_fault)
{
	__attribute__((cleanup(close_journal))) struct nq_journal *journal = calloc(1, sizeof(*journal));
	NQ_CLOSE int directory_fd = -1;
	int error;

	if (!journal)
		return -ENOMEM;
	journal->lock = -1;
	error = open_directory(directory, &directory_fd, ret_fault);
	if (error == 0)
		error = take_lock(directory, directory_fd, &journal->lock, ret_fault);
	if (error < 0)
		return error;
	error = open_database(journal, directory);
	if (error == 0)
		error = drop_other_boots(journal, ret_dropped);
	if (error == -EBADMSG) {
		sqlite3_close(journal->db);
		journal->db = NULL;
		return report_damage(directory, directory_fd, ret_fault);
	}
	if (error < 0) {
		nq_fault_set(ret_fault, directory, "the journal cannot be written: %s", strerror(-error));
		return error;
	}
	*ret = journal;
	journal = NULL;
	return 0;
}

struct nq_journal *nq_journal_close(struct nq_journal *journal)
{
	if (!journal)
		return NULL;
	sqlite3_close(journal->db);
	nq_cleanup_fd(&journal->lock); /* last: the database must not be used without it */
	free(journal);
	return NULL;
}

int nq_journal_note(struct nq_journal *journal, const char *kind, const char *key, const char *present,
		    const char *next)
{
	char boot[BOOT_ID_SIZE];
	int error = read_boot_id(boot);

	if (error < 0)
		return error;
	return run(journal,
		   "INSERT INTO setting (kind, key, former, previous, written, boot) VALUES (?1, ?2, ?3, ?3, ?4, ?5)"
		   " ON CONFLICT (kind, key) DO UPDATE SET previous = ?3, written = ?4",
		   (const char *const[]){ kind, key, present, next, boot, NULL });
}

int nq_journal_forget(struct nq_journal *journal, const char *kind, const char *key)
{
	return run(journal, "DELETE FROM setting WHERE kind = ?1 AND key = ?2",
		   (const char *const[]){ kind, key, NULL });
}

struct nq_journal_entry *nq_journal_entry_free(struct nq_journal_entry *entry)
{
	if (!entry)
		return NULL;
	free(entry->kind);
	free(entry->key);
	free(entry->former);
	free(entry->previous);
	free(entry->written);
	free(entry);
	return NULL;
}

static void free_entry(struct nq_journal_entry **entry)
{
	nq_journal_entry_free(*entry);
}

#define COLUMNS "sequence, kind, key, former, previous, written"

static int entry_of_row(sqlite3_stmt *row, struct nq_journal_entry **ret)
{
	__attribute__((cleanup(free_entry))) struct nq_journal_entry *entry = calloc(1, sizeof(*entry));
	char **const texts[] = { &entry->kind, &entry->key, &entry->former, &entry->previous, &entry->written };
	size_t i;

	if (!entry)
		return -ENOMEM;
	entry->sequence = sqlite3_column_int64(row, 0);
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const unsigned char *text = sqlite3_column_text(row, (int)i + 1);

		*texts[i] = text ? strdup((const char *)text) : NULL;
		if (!*texts[i])
			return -ENOMEM;
	}
	*ret = entry;
	entry = NULL;
	return 0;
}

int nq_journal_find(struct nq_journal *journal, const char *kind, const char *key, struct nq_journal_entry **ret)
{
	__attribute__((cleanup(finalize))) sqlite3_stmt *row = NULL;
	int error = prepare(journal, "SELECT " COLUMNS " FROM setting WHERE kind = ?1 AND key = ?2", &row);
	int result;

	if (error < 0)
		return error;
	if (sqlite3_bind_text(row, 1, kind, -1, SQLITE_STATIC) != SQLITE_OK ||
	    sqlite3_bind_text(row, 2, key, -1, SQLITE_STATIC) != SQLITE_OK)
		return -ENOMEM;
	result = sqlite3_step(row);
	if (result == SQLITE_DONE)
		return -ENOENT;
	return result == SQLITE_ROW ? entry_of_row(row, ret) : fault_of(journal->db, result);
}

/* The newest entry older than `before`: one query each, so that the visitor may change the table. */
static int older(struct nq_journal *journal, int64_t before, struct nq_journal_entry **ret)
{
	__attribute__((cleanup(finalize))) sqlite3_stmt *row = NULL;
	int error = prepare(journal,
			    "SELECT " COLUMNS " FROM setting WHERE sequence < ?1 ORDER BY sequence DESC LIMIT 1", &row);
	int result;

	if (error < 0)
		return error;
	result = sqlite3_bind_int64(row, 1, before);
	if (result == SQLITE_OK)
		result = sqlite3_step(row);
	if (result == SQLITE_DONE)
		return -ENOENT;
	return result == SQLITE_ROW ? entry_of_row(row, ret) : fault_of(journal->db, result);
}

int nq_journal_each(struct nq_journal *journal, int (*visit)(const struct nq_journal_entry *entry, void *userdata),
		    void *userdata)
{
	int64_t before = INT64_MAX;

	for (;;) {
		__attribute__((cleanup(free_entry))) struct nq_journal_entry *entry = NULL;
		int error = older(journal, before, &entry);

		if (error == -ENOENT)
			return 0;
		if (error == 0)
			error = visit(entry, userdata);
		if (error != 0)
			return error;
		before = entry->sequence;
	}
}

int nq_journal_count(struct nq_journal *journal, uint32_t *ret)
{
	__attribute__((cleanup(finalize))) sqlite3_stmt *row = NULL;
	int error = prepare(journal, "SELECT count(*) FROM setting", &row);
	int result;

	if (error < 0)
		return error;
	result = sqlite3_step(row);
	if (result != SQLITE_ROW)
		return fault_of(journal->db, result);
	*ret = (uint32_t)sqlite3_column_int64(row, 0);
	return 0;
}
