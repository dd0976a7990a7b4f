/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Properties that hold for any input: random names and numbers through the writer's forms, random bytes and broken
 * configurations through the parsers. The seed is fixed and printed with a failure, so that it can be run again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/text.h"
#include "cli/writer.h"
#include "daemon/config.h"
#include "daemon/ini.h"
#include "daemon/quantity.h"

#include <errno.h>
#include <jansson.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 400

static uint64_t seed;

static uint32_t draw(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % below;
}

/* Mostly what names are made of, often something else. */
static void draw_name(char *ret, size_t size)
{
	static const char letters[] = "abcz0189-_./ ='\"$`\\\n\t\033\x7f\xc3\xa4\xe6\x97\xa5\xff%{}:";
	size_t length = draw((uint32_t)size);

	for (size_t i = 0; i < length; i++)
		ret[i] = draw(4) ? letters[draw(sizeof(letters) - 1)] : (char)(1 + draw(255));
	ret[length] = '\0';
}

/* ---- text ---- */

/* Clean text stays as it is, has a width, and may be cut anywhere that fit says. */
static void clean_text_is_clean(void **state)
{
	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		char name[64], *clean, *again;
		unsigned width;

		draw_name(name, sizeof(name));
		clean = nq_text_clean(name);
		again = nq_text_clean(clean);
		assert_string_equal(clean, again);
		width = draw(40);
		clean[nq_text_fit(clean, width)] = '\0';
		assert_true(nq_text_width(clean) <= width);
		free(again);
		again = nq_text_clean(clean);
		assert_string_equal(clean, again); /* no character was cut in two */
		free(clean);
		free(again);
	}
}

/* Lines give the words back, in order, none lost. */
static void wrapping_loses_nothing(void **state)
{
	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		char text[200] = "", joined[sizeof(text) + 1] = "";
		unsigned width = 5 + draw(40);

		for (unsigned words = draw(12); words > 0; words--) {
			size_t used = strlen(text);

			snprintf(text + used, sizeof(text) - used, "%s%.*s", used ? " " : "", 1 + (int)draw(12),
				 "abcdefghijklm");
		}
		for (const char *at = text; *at;) {
			size_t next, bytes = nq_text_line(at, width, &next);
			bool one_word = !memchr(at, ' ', bytes);

			assert_true(next > 0);
			assert_true(bytes <= width || one_word);
			strcat(joined, *joined ? " " : "");
			strncat(joined, at, bytes);
			at += next;
		}
		assert_string_equal(joined, text);
	}
}

/* ---- writer ---- */

static const struct nq_column columns[] = {
	{ .key = "name", .title = "NAME", .shrink = true },
	{ .key = "rate", .title = "RATE", .right = true },
	{ .key = "words", .title = "WORDS", .shrink = true },
};
static const struct nq_table table = { .key = "rows", .one = "row", .columns = columns, .n_columns = 3 };

static struct nq_value draw_value(const char *name)
{
	switch (draw(6)) {
	case 0:
		return nq_unknown();
	case 1:
		return nq_bytes((uint64_t)draw(1 << 30) << draw(30));
	case 2:
		return nq_share(draw(1001));
	case 3:
		return nq_time((uint64_t)draw(1 << 30) << draw(20));
	case 4:
		return nq_number(draw(1 << 30));
	default:
		return nq_text(name);
	}
}

/* The same random document in one form; rows are drawn anew from the same seed. */
static char *document(enum nq_form form, unsigned width, uint32_t rows)
{
	struct nq_writer_options options = { .form = form, .width = width, .unicode = true };
	struct nq_writer *writer;
	char *text = NULL, name[48], words[96];
	size_t size;

	options.stream = open_memstream(&text, &size);
	assert_int_equal(nq_writer_new(&options, &writer), 0);
	nq_writer_table(writer, &table);
	for (uint32_t i = 0; i < rows; i++) {
		draw_name(name, sizeof(name));
		draw_name(words, sizeof(words));
		nq_writer_cell(writer, nq_text(name));
		nq_writer_cell(writer, nq_rate((uint64_t)draw(1 << 30) << draw(20)));
		nq_writer_cell(writer, draw_value(words));
	}
	nq_writer_table_end(writer);
	assert_int_equal(nq_writer_finish(writer), 0);
	fclose(options.stream);
	return text;
}

static void tables_fit_and_are_harmless(void **state)
{
	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned width = 40 + draw(80);
		uint32_t rows = 1 + draw(5), lines = 0;
		char *text = document(NQ_FORM_TABLE, width, rows);

		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
			char *clean = nq_text_clean(line);

			assert_string_equal(clean, line);
			assert_true(nq_text_width(line) <= width);
			lines++;
			free(clean);
		}
		assert_int_equal(lines, rows + 1);
		free(text);
	}
}

static void json_is_json(void **state)
{
	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint32_t rows = draw(5);
		char *text = document(NQ_FORM_JSON, 80, rows);
		json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

		assert_non_null(json);
		assert_int_equal(json_array_size(json_object_get(json, "rows")), rows);
		json_decref(json);
		free(text);
	}
}

/* Each line is a key of harmless bytes, =, and one word of a shell. */
static void kv_lines_are_words(void **state)
{
	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint32_t rows = 1 + draw(4), lines = 0;
		char *text = document(NQ_FORM_KV, 80, rows);

		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
			char *equals = strchr(line, '=');
			bool quoted = false;

			assert_non_null(equals);
			assert_int_equal(
				strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:@_"),
				equals - line);
			for (const char *at = equals + 1; *at; at++) {
				if (*at == '\'')
					quoted = !quoted;
				else if (!quoted && *at == '\\')
					at++;
				else
					assert_true(quoted || !strchr(" $`\"{}*?[]();&|<>~#!", *at));
			}
			assert_false(quoted);
			lines++;
		}
		assert_int_equal(lines, rows * 3);
		free(text);
	}
}

/* ---- parsers ---- */

static int count_entries(const struct nq_ini_entry *entry, void *userdata, struct nq_fault *fault)
{
	unsigned *n = userdata;

	(void)fault;
	assert_true(entry->section[0] && entry->key[0] && entry->line > 0);
	assert_null(strpbrk(entry->key, "=\n"));
	(*n)++;
	return 0;
}

/* Any bytes: understood, or a fault that names the line. */
static void ini_of_any_bytes(void **state)
{
	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		char text[256] = "[section]\nkey = value\n";
		size_t begin = strlen(text);
		struct nq_fault fault = { 0 };
		unsigned n = 0;
		FILE *stream;
		int r;

		draw_name(text + begin, sizeof(text) - begin);
		stream = fmemopen(text, strlen(text), "r");
		r = nq_ini_read(stream, "any", count_entries, &n, &fault);
		fclose(stream);
		assert_true(n >= 1);
		assert_true(r == 0 || r == -EBADMSG);
		if (r < 0) {
			assert_int_equal(strncmp(fault.where, "any:", 4), 0);
			assert_true(strstr(fault.what, "found ") && strstr(fault.what, "allowed: "));
		}
	}
}

/* A good configuration with one byte changed is good or has a fault; it is never half taken. */
static void one_byte_changed(void **state)
{
	static const char good[] =
		"[nearq]\nmode = act\ntick_ms = 500\n\n[policy]\ndwell_ms = 5 s\nplacement = best-fit\npreset = vrss\n"
		"queue_split = 710\n\n[pool llr]\nmin = 3\nmax = 4\nenter_pps = 9\n";
	char path[] = "/tmp/nearq-test-random.XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	fclose(fdopen(fd, "w"));
	for (unsigned round = 0; round < ROUNDS; round++) {
		char text[sizeof(good)];
		struct nq_config *config = NULL;
		struct nq_fault fault = { 0 };
		FILE *stream = fopen(path, "w");
		int r;

		memcpy(text, good, sizeof(good));
		text[draw(sizeof(good) - 1)] = (char)(1 + draw(255));
		fputs(text, stream);
		fclose(stream);
		r = nq_config_load(path, &config, &fault);
		if (r == 0) {
			assert_int_equal(nq_policy_check(&config->policy, NULL, NULL), 0);
			assert_true(config->tick_ms >= 100 && config->tick_ms <= 3600000);
		} else {
			assert_int_equal(r, -EBADMSG);
			assert_null(config);
			assert_true(strstr(fault.where, path) == fault.where && fault.what[0]);
		}
		nq_config_free(config);
	}
	remove(path);
}

static void quantities_convert_both_ways(void **state)
{
	static const char *const units[] = { "ns", "us", "ms", "s", "min", "h" };

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		const char *from = units[draw(6)], *to = units[draw(6)];
		uint64_t number = draw(100000), converted, back;
		char text[64];

		snprintf(text, sizeof(text), "%llu %s", (unsigned long long)number, from);
		if (nq_quantity_parse(text, "s", to, &converted) < 0)
			continue; /* a fraction */
		snprintf(text, sizeof(text), "%llu%s", (unsigned long long)converted, to);
		assert_int_equal(nq_quantity_parse(text, "s", from, &back), 0);
		assert_int_equal(back, number);
	}
}

static int start(void **state)
{
	const char *given = getenv("NEARQ_SEED");

	(void)state;
	seed = given ? strtoull(given, NULL, 10) : 20110623;
	print_message("# NEARQ_SEED=%llu\n", (unsigned long long)seed);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(clean_text_is_clean), TEST(wrapping_loses_nothing),       TEST(tables_fit_and_are_harmless),
		TEST(json_is_json),	   TEST(kv_lines_are_words),	       TEST(ini_of_any_bytes),
		TEST(one_byte_changed),	   TEST(quantities_convert_both_ways),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
