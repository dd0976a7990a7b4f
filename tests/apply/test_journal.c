/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A5: the journal keeps the first former value, survives what happens to files, and is held by one process. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/journal.h"

static char directory[] = "/tmp/nearq-journal-XXXXXX";

static const char *in_directory(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static int make_directory(void **state)
{
	(void)state;
	strcpy(strrchr(directory, '-') + 1, "XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	char command[256];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	return system(command);
}

static struct nq_journal *must_open(uint32_t *dropped)
{
	struct nq_journal *journal = NULL;
	struct nq_fault fault = {};

	if (nq_journal_open(directory, &journal, dropped, &fault) != 0)
		fail_msg("%s: %s", fault.where, fault.what);
	return journal;
}

static uint32_t count(struct nq_journal *journal)
{
	uint32_t n = UINT32_MAX;

	assert_int_equal(nq_journal_count(journal, &n), 0);
	return n;
}

static void the_first_value_is_kept(void **state)
{
	struct nq_journal *journal = must_open(NULL);
	struct nq_journal_entry *entry;

	(void)state;
	assert_int_equal(nq_journal_note(journal, "irq", "57", "0-3", "1"), 0);
	assert_int_equal(nq_journal_note(journal, "irq", "57", "1", "2"), 0);
	assert_int_equal(nq_journal_note(journal, "xps", "57", "", "a'b\"c"), 0);
	journal = nq_journal_close(journal);
	assert_null(journal);
	journal = must_open(NULL); /* on disk, not in memory */
	assert_int_equal(count(journal), 2);
	assert_int_equal(nq_journal_find(journal, "irq", "57", &entry), 0);
	assert_string_equal(entry->former, "0-3");
	assert_string_equal(entry->previous, "1");
	assert_string_equal(entry->written, "2");
	nq_journal_entry_free(entry);
	assert_int_equal(nq_journal_find(journal, "xps", "57", &entry), 0);
	assert_string_equal(entry->former, "");
	assert_string_equal(entry->written, "a'b\"c");
	nq_journal_entry_free(entry);
	assert_int_equal(nq_journal_find(journal, "irq", "58", &entry), -ENOENT);
	assert_int_equal(nq_journal_forget(journal, "irq", "57"), 0);
	assert_int_equal(nq_journal_forget(journal, "irq", "57"), 0);
	assert_int_equal(count(journal), 1);
	nq_journal_close(journal);
}

struct walk {
	struct nq_journal *journal;
	char seen[64];
	bool forget;
	int stop_at;
};

static int visit(const struct nq_journal_entry *entry, void *userdata)
{
	struct walk *walk = userdata;

	strcat(walk->seen, entry->key);
	if (walk->forget)
		assert_int_equal(nq_journal_forget(walk->journal, entry->kind, entry->key), 0);
	return --walk->stop_at == 0 ? 42 : 0;
}

static void the_newest_comes_first(void **state)
{
	struct walk walk = { .journal = must_open(NULL) };

	(void)state;
	assert_int_equal(nq_journal_note(walk.journal, "k", "a", "1", "2"), 0);
	assert_int_equal(nq_journal_note(walk.journal, "k", "b", "1", "2"), 0);
	assert_int_equal(nq_journal_note(walk.journal, "k", "c", "1", "2"), 0);
	assert_int_equal(nq_journal_note(walk.journal, "k", "a", "2", "3"), 0); /* a second write is no first one */
	assert_int_equal(nq_journal_each(walk.journal, visit, &walk), 0);
	assert_string_equal(walk.seen, "cba");
	walk.seen[0] = '\0';
	walk.stop_at = 2;
	assert_int_equal(nq_journal_each(walk.journal, visit, &walk), 42);
	assert_string_equal(walk.seen, "cb");
	walk.seen[0] = '\0';
	walk.forget = true;
	assert_int_equal(nq_journal_each(walk.journal, visit, &walk), 0);
	assert_string_equal(walk.seen, "cba");
	assert_int_equal(count(walk.journal), 0);
	/* an entry made anew is the newest again, even when the table was empty between */
	assert_int_equal(nq_journal_note(walk.journal, "k", "b", "1", "2"), 0);
	assert_int_equal(nq_journal_note(walk.journal, "k", "a", "1", "2"), 0);
	walk.seen[0] = '\0';
	assert_int_equal(nq_journal_each(walk.journal, visit, &walk), 0);
	assert_string_equal(walk.seen, "ab");
	nq_journal_close(walk.journal);
}

static void one_process_at_a_time(void **state)
{
	struct nq_journal *journal = must_open(NULL), *other = NULL;
	struct nq_fault fault = {};
	char number[16];

	(void)state;
	assert_int_equal(nq_journal_open(directory, &other, NULL, &fault), -EBUSY);
	assert_null(other);
	snprintf(number, sizeof(number), "%d", getpid());
	assert_non_null(strstr(fault.what, number)); /* who holds it */
	assert_string_equal(fault.where, directory);
	nq_journal_close(journal);
	nq_journal_close(must_open(NULL));
}

static void sql(const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(in_directory("journal.sqlite"), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void entries_of_another_boot_are_dropped_and_counted(void **state)
{
	struct nq_journal *journal = must_open(NULL);
	uint32_t dropped = 99;

	(void)state;
	assert_int_equal(nq_journal_note(journal, "k", "a", "1", "2"), 0);
	assert_int_equal(nq_journal_note(journal, "k", "b", "1", "2"), 0);
	nq_journal_close(journal);
	sql("UPDATE setting SET boot = '00000000-0000-0000-0000-000000000000' WHERE key = 'a'");
	journal = must_open(&dropped);
	assert_int_equal(dropped, 1);
	assert_int_equal(count(journal), 1);
	nq_journal_close(journal);
	nq_journal_close(must_open(&dropped));
	assert_int_equal(dropped, 0);
}

/* Damages the file, sees it refused and kept, and a new one made after it. */
static void damage(void (*hurt)(int fd, off_t size), const char *kept)
{
	struct nq_journal *journal = must_open(NULL);
	struct nq_fault fault = {};
	struct stat before, after;
	int i, fd;
	char key[16];

	for (i = 0; i < 200; i++) {
		snprintf(key, sizeof(key), "%d", i);
		assert_int_equal(nq_journal_note(journal, "k", key, "former", "written"), 0);
	}
	nq_journal_close(journal);
	fd = open(in_directory("journal.sqlite"), O_RDWR);
	assert_true(fd >= 0 && fstat(fd, &before) == 0);
	hurt(fd, before.st_size);
	fstat(fd, &before);
	close(fd);
	journal = NULL;
	assert_int_equal(nq_journal_open(directory, &journal, NULL, &fault), -EBADMSG);
	assert_null(journal);
	assert_non_null(strstr(fault.what, kept));
	assert_int_equal(stat(in_directory(kept), &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	assert_int_equal(after.st_size, before.st_size);
	journal = must_open(NULL);
	assert_int_equal(count(journal), 0);
	nq_journal_close(journal);
}

static void overwrite_head(int fd, off_t size)
{
	(void)size;
	assert_int_equal(pwrite(fd, "this is no database", 19, 0), 19);
}

static void cut_in_half(int fd, off_t size)
{
	assert_int_equal(ftruncate(fd, size / 2), 0);
}

static void overwrite_pages(int fd, off_t size)
{
	off_t at;

	for (at = 4096; at < size; at += 512)
		assert_int_equal(pwrite(fd, "garbage", 7, at), 7);
}

static void a_damaged_file_is_kept_aside(void **state)
{
	(void)state;
	damage(overwrite_head, "journal.sqlite.damaged-1");
	damage(cut_in_half, "journal.sqlite.damaged-2"); /* and never over an older one */
	damage(overwrite_pages, "journal.sqlite.damaged-3");
}

static void a_database_of_another_kind_is_not_taken_over(void **state)
{
	struct nq_journal *journal = NULL;
	struct nq_fault fault = {};

	(void)state;
	sql("CREATE TABLE setting (a INTEGER)");
	assert_int_equal(nq_journal_open(directory, &journal, NULL, &fault), -EBADMSG);
	assert_null(journal);
	assert_int_equal(access(in_directory("journal.sqlite.damaged-1"), F_OK), 0);
}

static void bad_places_are_faults(void **state)
{
	struct nq_journal *journal = NULL;
	struct nq_fault fault = {};
	int fd;

	(void)state;
	assert_int_equal(nq_journal_open("/proc/nearq", &journal, NULL, &fault), -ENOENT);
	assert_string_equal(fault.where, "/proc/nearq");
	assert_int_equal(nq_journal_open(in_directory("absent/below"), &journal, NULL, &fault), -ENOENT);
	fd = open(in_directory("file"), O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(nq_journal_open(in_directory("file"), &journal, NULL, &fault), -ENOTDIR);
	assert_null(journal);
}

static void a_new_directory_is_private(void **state)
{
	struct nq_journal *journal = NULL;
	struct nq_fault fault = {};
	struct stat status;
	char path[256];

	(void)state;
	snprintf(path, sizeof(path), "%s", in_directory("new"));
	assert_int_equal(nq_journal_open(path, &journal, NULL, &fault), 0);
	nq_journal_close(journal);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
}

/* A child notes entry after entry and says so after each; whatever it said is there after its death. */
static void nothing_noted_is_lost_by_a_kill(void **state)
{
	int pipe_fds[2], said = 0;
	char byte;
	pid_t child;
	struct nq_journal *journal;

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	child = fork();
	if (child == 0) {
		char key[16];
		int i;

		journal = must_open(NULL);
		for (i = 0;; i++) {
			snprintf(key, sizeof(key), "%d", i);
			if (nq_journal_note(journal, "k", key, "1", "2") < 0 || write(pipe_fds[1], "x", 1) != 1)
				_exit(1);
		}
	}
	close(pipe_fds[1]);
	while (said < 50 && read(pipe_fds[0], &byte, 1) == 1)
		said++;
	kill(child, SIGKILL);
	while (read(pipe_fds[0], &byte, 1) == 1)
		said++;
	waitpid(child, NULL, 0);
	close(pipe_fds[0]);
	journal = must_open(NULL);
	assert_true(said >= 50);
	assert_in_range(count(journal), said, said + 1); /* one may be on disk before it was said */
	nq_journal_close(journal);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)
	static const struct CMUnitTest tests[] = {
		TEST(the_first_value_is_kept),	       TEST(the_newest_comes_first),
		TEST(one_process_at_a_time),	       TEST(entries_of_another_boot_are_dropped_and_counted),
		TEST(a_damaged_file_is_kept_aside),    TEST(a_database_of_another_kind_is_not_taken_over),
		TEST(bad_places_are_faults),	       TEST(a_new_directory_is_private),
		TEST(nothing_noted_is_lost_by_a_kill),
	};

	return cmocka_run_group_tests_name("A5 journal", tests, NULL, NULL);
}
