/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* T5: a root directory that nothing leads out of, files that stay open, and captures of what was read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <host/capture.h>
#include <host/kept.h>
#include <host/rootfs.h>

static char base[64];
static struct nq_root *root;

static void put(const char *path, const char *text)
{
	char whole[256];
	FILE *stream;

	snprintf(whole, sizeof(whole), "%s/%s", base, path);
	stream = fopen(whole, "w");
	assert_non_null(stream);
	fputs(text, stream);
	assert_int_equal(fclose(stream), 0);
}

static void make_link(const char *path, const char *target)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "%s/%s", base, path);
	assert_int_equal(symlink(target, whole), 0);
}

static void make_directory(const char *path)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "%s/%s", base, path);
	assert_int_equal(mkdir(whole, 0755), 0);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(base, "/tmp/nearq-rootfs-XXXXXX");
	if (!mkdtemp(base))
		return -1;
	make_directory("a");
	make_directory("a/b");
	put("a/b/file", "text \n\n");
	return nq_root_open(base, &root);
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	root = nq_root_close(root);
	snprintf(command, sizeof(command), "rm -rf '%s'", base);
	return system(command);
}

static void links_stay_inside(void **state)
{
	static const struct {
		const char *path, *target, *leads;
	} cases[] = {
		{ "absolute", "/a/b", "a/b" },
		{ "relative", "a/./b/", "a/b" },
		{ "above", "../../../../a", "a" },
		{ "a/up", "../a/b", "a/b" },
		{ "a/top", "/", "." },
		{ "chain", "absolute/../up/file", "a/b/file" },
	};
	char real[NQ_ROOT_PATH];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		make_link(cases[i].path, cases[i].target);
		assert_int_equal(nq_root_real(root, real, "%s", cases[i].path), 0);
		assert_string_equal(real, cases[i].leads);
	}
}

static void links_that_lead_nowhere(void **state)
{
	char real[NQ_ROOT_PATH] = "untouched", text[32], path[300];

	(void)state;
	make_link("circle", "circle");
	assert_int_equal(nq_root_real(root, real, "circle"), -ELOOP);
	assert_int_equal(nq_root_read(root, text, sizeof(text), "circle"), -ELOOP);
	make_link("outside", "/etc/passwd");
	assert_int_equal(nq_root_real(root, real, "outside"), -ENOENT);
	assert_int_equal(nq_root_read(root, text, sizeof(text), "outside"), -ENOENT);
	assert_false(nq_root_exists(root, "outside"));
	assert_int_equal(nq_root_real(root, real, "a/b/file/.."), 0); /* a walk of names, as text */
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_true(nq_root_real(root, real, "%s", path) <= 0);
}

static void reading(void **state)
{
	char text[8], small[4];
	int64_t number = 7;
	char *all;

	(void)state;
	assert_int_equal(nq_root_read(root, text, sizeof(text), "a/b/%s", "file"), 4);
	assert_string_equal(text, "text");
	assert_int_equal(nq_root_read(root, small, sizeof(small), "a/b/file"), -EFBIG);
	assert_int_equal(nq_root_read(root, text, sizeof(text), "a/none"), -ENOENT);
	assert_int_equal(nq_root_read(root, text, sizeof(text), "a"), -EISDIR);
	assert_int_equal(nq_root_read_all(root, &all, "a/b/file"), 4);
	assert_string_equal(all, "text");
	free(all);
	put("number", "-12\n");
	assert_int_equal(nq_root_number(root, &number, "number"), 0);
	assert_int_equal(number, -12);
	put("number", "12x\n");
	assert_int_equal(nq_root_number(root, &number, "number"), -EBADMSG);
	put("number", "");
	assert_int_equal(nq_root_number(root, &number, "number"), -EBADMSG);
	put("number", "99999999999999999999\n");
	assert_int_equal(nq_root_number(root, &number, "number"), -EBADMSG);
	assert_int_equal(number, -12);
}

static void kept_files_show_what_is_there_now(void **state)
{
	char text[16];

	(void)state;
	put("hot", "1");
	assert_int_equal(nq_root_read_kept(root, text, sizeof(text), "hot"), 1);
	put("hot", "22");
	assert_int_equal(nq_root_read_kept(root, text, sizeof(text), "hot"), 2);
	assert_string_equal(text, "22");
	assert_int_equal(nq_root_read_kept(root, text, sizeof(text), "cold"), -ENOENT);
	put("cold", "3");
	assert_int_equal(nq_root_read_kept(root, text, sizeof(text), "cold"), 1);
}

static void a_table_of_descriptors(void **state)
{
	struct nq_kept *kept;
	char path[32];

	(void)state;
	assert_int_equal(nq_kept_new(&kept), 0);
	for (int i = 0; i < 400; i++) { /* more than half of the first slots: it grows */
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		snprintf(path, sizeof(path), "path/%d", i);
		assert_int_equal(nq_kept_find(kept, path), -1);
		assert_true(nq_kept_add(kept, path, fd));
		assert_int_equal(nq_kept_find(kept, path), fd);
		if (i % 3)
			continue;
		nq_kept_drop(kept, path);
		assert_int_equal(nq_kept_find(kept, path), -1);
		assert_int_equal(fcntl(fd, F_GETFD), -1); /* really closed */
	}
	for (int i = 0; i < 400; i++) {
		snprintf(path, sizeof(path), "path/%d", i);
		assert_int_equal(nq_kept_find(kept, path) >= 0, i % 3 != 0);
	}
	nq_kept_drop(kept, "never there");
	assert_null(nq_kept_free(kept));
	assert_null(nq_kept_free(NULL));
}

static void names_in_natural_order(void **state)
{
	__attribute__((cleanup(nq_names_clear))) struct nq_names names = { 0 };

	(void)state;
	make_directory("d");
	assert_int_equal(nq_root_list(root, &names, "d"), 0);
	assert_int_equal(names.n, 0);
	put("d/rx-10", "");
	put("d/rx-2", "");
	put("d/rx-0", "");
	assert_int_equal(nq_root_list(root, &names, "d"), 0);
	assert_int_equal(names.n, 3);
	assert_string_equal(names.name[0], "rx-0");
	assert_string_equal(names.name[1], "rx-2");
	assert_string_equal(names.name[2], "rx-10");
	nq_names_clear(&names);
	assert_int_equal(nq_root_list(root, &names, "a/b/file"), -ENOTDIR);
}

/* Reads through a link, a listing, a denied link and an answer, and finds all in the copy. */
static void a_capture_is_a_tree(void **state)
{
	char place[96], text[64], link[64];
	__attribute__((cleanup(nq_names_clear))) struct nq_names names = { 0 };
	struct nq_capture *capture;
	struct nq_root *copy;
	int error = -1;
	void *answer;
	size_t size;

	(void)state;
	make_link("way", "a/b");
	make_link("a/net", "net:[5]");
	snprintf(place, sizeof(place), "%s/copy", base);
	assert_int_equal(nq_capture_open(place, &capture), 0);
	nq_root_tee(root, capture);
	assert_int_equal(nq_root_read(root, text, sizeof(text), "way/file"), 4);
	assert_int_equal(nq_root_link(root, link, sizeof(link), "a/net"), 0);
	assert_int_equal(nq_root_list(root, &names, "a"), 0);
	nq_root_note(root, "question", "yes\0no", 6);
	nq_root_tee(root, NULL);
	assert_null(nq_capture_close(capture, &error));
	assert_int_equal(error, 0);

	assert_int_equal(nq_root_open(place, &copy), 0);
	assert_int_equal(nq_root_read(copy, text, sizeof(text), "way/file"), 4);
	assert_int_equal(nq_root_link(copy, link, sizeof(link), "a/net"), 0);
	assert_string_equal(link, "net:[5]");
	nq_names_clear(&names);
	assert_int_equal(nq_root_list(copy, &names, "a"), 0);
	assert_int_equal(names.n, 2);
	assert_int_equal(nq_root_recall(copy, "question", &answer, &size), 0);
	assert_int_equal(size, 6);
	assert_memory_equal(answer, "yes\0no", 6);
	free(answer);
	assert_int_equal(nq_root_recall(copy, "other", &answer, &size), -ENOENT);
	nq_root_close(copy);
	assert_int_equal(nq_capture_open(place, &capture), -EEXIST); /* not empty any more */
}

static void a_capture_tells_that_it_failed(void **state)
{
	struct nq_capture *capture;
	char place[96];
	int error = 0;

	(void)state;
	snprintf(place, sizeof(place), "%s/copy", base);
	assert_int_equal(nq_capture_open(place, &capture), 0);
	nq_capture_file(capture, "x", "1", 1);
	nq_capture_file(capture, "x/below-a-file", "1", 1);
	nq_capture_close(capture, &error);
	assert_int_equal(error, -ENOTDIR);
}

#define IN_A_TREE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		IN_A_TREE(links_stay_inside),
		IN_A_TREE(links_that_lead_nowhere),
		IN_A_TREE(reading),
		IN_A_TREE(kept_files_show_what_is_there_now),
		cmocka_unit_test(a_table_of_descriptors),
		IN_A_TREE(names_in_natural_order),
		IN_A_TREE(a_capture_is_a_tree),
		IN_A_TREE(a_capture_tells_that_it_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
