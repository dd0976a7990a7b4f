/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one writer behind every verb: a document of fields and tables, as a text for people, as JSON, or as
 * key=value lines for shells.
 *
 * A verb describes what it has to say once; what a form leaves out or adds is said in the description, never
 * by a verb that looks at the form:
 *   - a field has a key (JSON, key=value) and a title (text; NULL: not in the text);
 *   - a table has columns; one marked `machine` is absent in the text, one marked `human` is only there;
 *   - a row after nq_writer_machine_row() is absent in the text as well;
 *   - a note is a sentence for people and absent elsewhere.
 *
 *   table   columns under headings, or one block per row (NQ_LAYOUT_BLOCKS) for rows of sentences
 *   json    { "key": value, "tables": [ { "column": value } ] }; unknown values are null; order as described
 *   kv      key=value and one.ROW.column=value; ROW is the row's first cell. A value with anything but letters, digits
 *           and %+,-./:@_ is quoted for a shell; an unknown one is empty. In ROW, what a shell or the grammar could
 * take for something else is written as %XX.
 *
 * Errors (memory, stream) are kept inside and returned by nq_writer_finish(), so that a verb reads as what it says.
 */
#ifndef NEARQ_CLI_WRITER_H
#define NEARQ_CLI_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum nq_form { NQ_FORM_TABLE, NQ_FORM_JSON, NQ_FORM_KV, NQ_FORM_COUNT };

enum nq_style {
	NQ_STYLE_PLAIN,
	NQ_STYLE_TITLE,
	NQ_STYLE_DIM,
	NQ_STYLE_GOOD, /* as it should be */
	NQ_STYLE_BAD,  /* remote, failed */
	NQ_STYLE_COUNT
};

enum nq_value_kind {
	NQ_VALUE_UNKNOWN,
	NQ_VALUE_TEXT,
	NQ_VALUE_NUMBER,
	NQ_VALUE_FLAG,
	NQ_VALUE_RATE, /* packets/s */
	NQ_VALUE_BYTES,
	NQ_VALUE_SHARE, /* per mille; a percentage for people */
	NQ_VALUE_TIME,	/* ns */
	NQ_VALUE_LIST,	/* of numbers */
	NQ_VALUE_COUNT
};

struct nq_value {
	enum nq_value_kind kind;
	enum nq_style style;
	const char *text; /* borrowed until the call that takes the value returns */
	uint64_t number;
	const uint64_t *list; /* likewise */
	size_t n_list;
};

struct nq_value nq_unknown(void);
struct nq_value nq_text(const char *text); /* NULL: unknown */
struct nq_value nq_number(uint64_t number);
struct nq_value nq_id(uint32_t id); /* NQ_NONE: unknown */
struct nq_value nq_flag(bool flag);
struct nq_value nq_rate(uint64_t pps);
struct nq_value nq_bytes(uint64_t bytes);
struct nq_value nq_share(uint64_t permille);
struct nq_value nq_time(uint64_t ns);
struct nq_value nq_list(const uint64_t *list, size_t n);
struct nq_value nq_styled(enum nq_style style, struct nq_value value);

struct nq_column {
	const char *key;   /* JSON and key=value */
	const char *title; /* heading or label */
	bool right;	   /* numbers */
	bool shrink;	   /* may be cut when the line is too narrow */
	bool machine, human;
};

enum nq_layout {
	NQ_LAYOUT_COLUMNS,
	NQ_LAYOUT_BLOCKS, /* first column: number, second: heading, the others labelled below it; unknown ones are left
			     out */
};

struct nq_table {
	const char *key;   /* plural; JSON */
	const char *one;   /* singular; key=value */
	const char *title; /* NULL: none */
	const char *empty; /* sentence for people when there is no row; NULL: nothing */
	enum nq_layout layout;
	bool machine; /* the whole table is absent in the text */
	const struct nq_column *columns;
	size_t n_columns;
};

struct nq_writer_options {
	enum nq_form form;
	FILE *stream;
	unsigned width; /* columns of the terminal */
	bool color;
	bool unicode;
	bool one_line; /* JSON: a document per line (`nearq run`) */
};

struct nq_writer;

int nq_writer_new(const struct nq_writer_options *options, struct nq_writer **ret); /* 0 or -ENOMEM */
void nq_writer_field(struct nq_writer *writer, const char *key, const char *title, struct nq_value value);
void nq_writer_note(struct nq_writer *writer, enum nq_style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void nq_writer_table(struct nq_writer *writer, const struct nq_table *table);
/* The next row is absent in the text: it says what a note says there for many of its kind. */
void nq_writer_machine_row(struct nq_writer *writer);
/* Exactly n_columns cells make a row. */
void nq_writer_cell(struct nq_writer *writer, struct nq_value value);
void nq_writer_table_end(struct nq_writer *writer);

/* Writes what is left, flushes, frees. 0, or -errno of the first thing that failed. Accepts NULL. */
int nq_writer_finish(struct nq_writer *writer);
/* For cleanup on a path that gives up. */
struct nq_writer *nq_writer_free(struct nq_writer *writer);

#endif
