/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* X1: one writer, three forms; and the texts it is made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/text.h"
#include "cli/writer.h"

#include <errno.h>
#include <jansson.h>
#include <locale.h>
#include <nearq/types.h>
#include <stdlib.h>
#include <string.h>

static const struct nq_column columns[] = {
	{ .key = "queue", .title = "QUEUE", .shrink = true },	 { .key = "cpu", .title = "CPU", .right = true },
	{ .key = "rx_pps", .title = "RX/s", .right = true },	 { .key = "mac", .machine = true },
	{ .key = "text", .title = "FOR PEOPLE", .human = true },
};
static const struct nq_table table = {
	.key = "queues",
	.one = "queue",
	.title = "QUEUES",
	.columns = columns,
	.n_columns = 5,
};

/* A document in one form, as text. */
static char *document(struct nq_writer_options options, void (*describe)(struct nq_writer *writer))
{
	struct nq_writer *writer;
	char *text = NULL;
	size_t size;

	options.stream = open_memstream(&text, &size);
	assert_non_null(options.stream);
	if (options.width == 0)
		options.width = 80;
	assert_int_equal(nq_writer_new(&options, &writer), 0);
	describe(writer);
	assert_int_equal(nq_writer_finish(writer), 0);
	fclose(options.stream);
	return text;
}

static void row(struct nq_writer *writer, const char *name, uint32_t cpu, uint64_t pps)
{
	nq_writer_cell(writer, nq_text(name));
	nq_writer_cell(writer, nq_id(cpu));
	nq_writer_cell(writer, nq_styled(NQ_STYLE_BAD, nq_rate(pps)));
	nq_writer_cell(writer, nq_text("02:00:00:00:00:01"));
	nq_writer_cell(writer, nq_text("words"));
}

static void two_queues(struct nq_writer *writer)
{
	uint64_t list[] = { 10, 21 };

	nq_writer_field(writer, "host", "host", nq_text("it's one"));
	nq_writer_field(writer, "distances", NULL, nq_list(list, 2));
	nq_writer_field(writer, "acting", NULL, nq_flag(true));
	nq_writer_note(writer, NQ_STYLE_PLAIN, "%d queues.", 2);
	nq_writer_table(writer, &table);
	row(writer, "eth0/0", 3, 12345);
	row(writer, "eth0/cpu11", NQ_NONE, 999);
	nq_writer_table_end(writer);
}

static void check(struct nq_writer_options options, void (*describe)(struct nq_writer *writer), const char *expected)
{
	char *text = document(options, describe);

	assert_string_equal(text, expected);
	free(text);
}

static void table_form(void **state)
{
	(void)state;
	check((struct nq_writer_options){ .form = NQ_FORM_TABLE }, two_queues,
	      "host: it's one\n"
	      "2 queues.\n"
	      "\n"
	      "QUEUES\n"
	      "QUEUE       CPU   RX/s  FOR PEOPLE\n"
	      "eth0/0        3  12.3k  words\n"
	      "eth0/cpu11    -    999  words\n");
}

/* The same two rows, one of them for machines. */
static void one_queue_for_people(struct nq_writer *writer)
{
	nq_writer_table(writer, &table);
	nq_writer_machine_row(writer);
	row(writer, "eth0/cpu11", NQ_NONE, 999);
	row(writer, "eth0/0", 3, 12345);
	nq_writer_table_end(writer);
}

static void rows_for_machines(void **state)
{
	char *text = document((struct nq_writer_options){ .form = NQ_FORM_JSON }, one_queue_for_people);
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	(void)state;
	assert_int_equal(json_array_size(json_object_get(json, "queues")), 2);
	json_decref(json);
	free(text);
	text = document((struct nq_writer_options){ .form = NQ_FORM_KV }, one_queue_for_people);
	assert_non_null(strstr(text, "queue.eth0/cpu11.rx_pps=999\n"));
	free(text);
	check((struct nq_writer_options){ .form = NQ_FORM_TABLE }, one_queue_for_people,
	      "QUEUES\n"
	      "QUEUE   CPU   RX/s  FOR PEOPLE\n"
	      "eth0/0    3  12.3k  words\n");
}

static void json_form(void **state)
{
	char *text = document((struct nq_writer_options){ .form = NQ_FORM_JSON }, two_queues);
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *first;

	(void)state;
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "host")), "it's one");
	assert_true(json_is_true(json_object_get(json, "acting")));
	assert_int_equal(json_integer_value(json_array_get(json_object_get(json, "distances"), 1)), 21);
	first = json_array_get(json_object_get(json, "queues"), 0);
	assert_int_equal(json_integer_value(json_object_get(first, "rx_pps")), 12345);
	assert_null(json_object_get(first, "text"));
	assert_true(json_is_null(json_object_get(json_array_get(json_object_get(json, "queues"), 1), "cpu")));
	json_decref(json);
	free(text);
}

static void one_line_form(void **state)
{
	char *text = document((struct nq_writer_options){ .form = NQ_FORM_JSON, .one_line = true }, two_queues);

	(void)state;
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	free(text);
}

static void kv_form(void **state)
{
	(void)state;
	check((struct nq_writer_options){ .form = NQ_FORM_KV }, two_queues,
	      "host='it'\\''s one'\n"
	      "distances='10 21'\n"
	      "acting=1\n"
	      "queue.eth0/0.queue=eth0/0\n"
	      "queue.eth0/0.cpu=3\n"
	      "queue.eth0/0.rx_pps=12345\n"
	      "queue.eth0/0.mac=02:00:00:00:00:01\n"
	      "queue.eth0/cpu11.queue=eth0/cpu11\n"
	      "queue.eth0/cpu11.cpu=\n"
	      "queue.eth0/cpu11.rx_pps=999\n"
	      "queue.eth0/cpu11.mac=02:00:00:00:00:01\n");
}

/* A name of the host that would break a line, a key, or the terminal. */
static void hostile(struct nq_writer *writer)
{
	nq_writer_table(writer, &table);
	row(writer, "a=b c\033[2J\n\xff%", 1, 1);
	nq_writer_table_end(writer);
}

static void hostile_names(void **state)
{
	char *text;

	(void)state;
	check((struct nq_writer_options){ .form = NQ_FORM_TABLE }, hostile,
	      "QUEUES\n"
	      "QUEUE         CPU  RX/s  FOR PEOPLE\n"
	      "a=b c?[2J??%    1     1  words\n");
	check((struct nq_writer_options){ .form = NQ_FORM_KV }, hostile,
	      "queue.a%3Db%20c%3F%5B2J%3F%3F%25.queue='a=b c?[2J??%'\n"
	      "queue.a%3Db%20c%3F%5B2J%3F%3F%25.cpu=1\n"
	      "queue.a%3Db%20c%3F%5B2J%3F%3F%25.rx_pps=1\n"
	      "queue.a%3Db%20c%3F%5B2J%3F%3F%25.mac=02:00:00:00:00:01\n");
	text = document((struct nq_writer_options){ .form = NQ_FORM_JSON }, hostile);
	assert_non_null(strstr(text, "\"a=b c?[2J??%\""));
	free(text);
}

static void long_names(struct nq_writer *writer)
{
	nq_writer_table(writer, &table);
	row(writer, "a-queue-with-quite-a-long-name-übermäßig", 1, 1);
	nq_writer_table_end(writer);
}

/* A table is no wider than the terminal: the column that may shrink is cut, by columns and not by bytes. */
static void narrow(void **state)
{
	(void)state;
	check((struct nq_writer_options){ .form = NQ_FORM_TABLE, .width = 42, .unicode = true }, long_names,
	      "QUEUES\n"
	      "QUEUE                CPU  RX/s  FOR PEOPLE\n"
	      "a-queue-with-quite…    1     1  words\n");
}

static void colors(void **state)
{
	char *text = document((struct nq_writer_options){ .form = NQ_FORM_TABLE, .color = true }, two_queues);

	(void)state;
	assert_non_null(strstr(text, "\033[1;31m12.3k\033[0m"));
	free(text);
	text = document((struct nq_writer_options){ .form = NQ_FORM_TABLE }, two_queues);
	assert_null(strchr(text, '\033'));
	free(text);
}

static void sentences(struct nq_writer *writer)
{
	static const struct nq_column parts[] = {
		{ .key = "number", .title = "" },
		{ .key = "what", .title = "" },
		{ .key = "why", .title = "why" },
		{ .key = "instead", .title = "instead" },
	};
	static const struct nq_table blocks = {
		.key = "actions",
		.one = "action",
		.layout = NQ_LAYOUT_BLOCKS,
		.columns = parts,
		.n_columns = 4,
	};

	nq_writer_table(writer, &blocks);
	nq_writer_cell(writer, nq_number(1));
	nq_writer_cell(writer, nq_text("do this"));
	nq_writer_cell(writer, nq_text("because of a reason that needs more room than a line has"));
	nq_writer_cell(writer, nq_unknown());
	nq_writer_table_end(writer);
}

static void blocks(void **state)
{
	(void)state;
	check((struct nq_writer_options){ .form = NQ_FORM_TABLE, .width = 40 }, sentences,
	      " 1. do this\n"
	      "    why      because of a reason that\n"
	      "             needs more room than a line\n"
	      "             has\n");
}

/* A full disk is noticed, whatever the form, and the first error is the one that is told. */
static void full_stream(void **state)
{
	(void)state;
	for (enum nq_form form = 0; form < NQ_FORM_COUNT; form++) {
		struct nq_writer_options options = { .form = form, .width = 80, .stream = fopen("/dev/full", "w") };
		struct nq_writer *writer;

		assert_non_null(options.stream);
		assert_int_equal(nq_writer_new(&options, &writer), 0);
		two_queues(writer);
		assert_int_equal(nq_writer_finish(writer), -ENOSPC);
		fclose(options.stream);
	}
	assert_int_equal(nq_writer_finish(NULL), 0);
}

static void units(void **state)
{
	static const struct {
		void (*function)(uint64_t value, char ret[NQ_UNIT_TEXT]);
		uint64_t value;
		const char *expected;
	} cases[] = {
		{ nq_text_rate, 0, "0" },
		{ nq_text_rate, 999, "999" },
		{ nq_text_rate, 1000, "1.00k" },
		{ nq_text_rate, 12345, "12.3k" },
		{ nq_text_rate, 123456, "123k" },
		{ nq_text_rate, 14880952, "14.8M" },
		{ nq_text_rate, UINT64_MAX, "18446744073G" },
		{ nq_text_bytes, 512, "512 B" },
		{ nq_text_bytes, 3ull << 29, "1.50 GiB" },
		{ nq_text_share, 0, "0 %" },
		{ nq_text_share, 781, "78.1 %" },
		{ nq_text_share, 1000, "100 %" },
		{ nq_text_share_short, 94, "9.4 %" },
		{ nq_text_share_short, 99, "9.9 %" },
		{ nq_text_share_short, 100, "10 %" },
		{ nq_text_share_short, 496, "50 %" },
		{ nq_text_share_short, 1000, "100 %" },
		{ nq_text_time, 850, "850 ns" },
		{ nq_text_time, 1250000, "1.25 ms" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[NQ_UNIT_TEXT];

		cases[i].function(cases[i].value, text);
		assert_string_equal(text, cases[i].expected);
	}
}

static void widths(void **state)
{
	size_t next;

	(void)state;
	assert_int_equal(nq_text_width("abc"), 3);
	assert_int_equal(nq_text_width("äöü"), 3);
	assert_int_equal(nq_text_width("日本"), 4);
	assert_int_equal(nq_text_fit("日本", 3), 3);
	assert_int_equal(nq_text_fit("abc", 2), 2);
	assert_int_equal(nq_text_line("one two three", 8, &next), 7);
	assert_int_equal(next, 8);
	assert_int_equal(nq_text_line("unbreakable word", 4, &next), 11);
	assert_int_equal(nq_text_line("fits", 8, &next), 4);
	assert_int_equal(next, 4);
}

static void cleaning(void **state)
{
	static const struct {
		const char *dirty, *clean;
	} cases[] = {
		{ "plain", "plain" },
		{ "\xc3\xa4", "\xc3\xa4" },
		{ "\xc3", "?" },
		{ "\xc0\x80", "??" },
		{ "\xed\xa0\x80", "???" },
		{ "a\tb", "a?b" },
		{ "\xe2\x80\xae"
		  "evil",
		  "?evil" },
		{ "\xc2\x9b"
		  "2J",
		  "?2J" },
		{ "\xf0\x9f\x90\xa7", "\xf0\x9f\x90\xa7" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *clean = nq_text_clean(cases[i].dirty);

		assert_string_equal(clean, cases[i].clean);
		free(clean);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_form),
		cmocka_unit_test(json_form),
		cmocka_unit_test(one_line_form),
		cmocka_unit_test(kv_form),
		cmocka_unit_test(hostile_names),
		cmocka_unit_test(narrow),
		cmocka_unit_test(colors),
		cmocka_unit_test(blocks),
		cmocka_unit_test(full_stream),
		cmocka_unit_test(units),
		cmocka_unit_test(widths),
		cmocka_unit_test(cleaning),
		cmocka_unit_test(rows_for_machines),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
