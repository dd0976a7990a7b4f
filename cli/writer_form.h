/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the forms of the writer share (private to cli/writer*.c). */
#ifndef NEARQ_CLI_WRITER_FORM_H
#define NEARQ_CLI_WRITER_FORM_H

#include "cli/writer.h"

#include <jansson.h>

struct nq_text_cell {
	char *text;
	enum nq_style style;
	unsigned width;
	bool known;
};

struct nq_writer {
	struct nq_writer_options options;
	const struct nq_form_functions *form;
	int error;
	const struct nq_table *table; /* NULL between tables */
	size_t column;		      /* of the next cell */
	bool machine_row;	      /* the row of the next cell */

	struct { /* text: a table is kept until its end, because its widths depend on all its rows */
		struct nq_text_cell *cells;
		size_t n, room;
		bool begun; /* something was written, so the next table starts with an empty line */
	} text;
	struct {
		json_t *document, *rows, *row;
	} json;
	struct {
		char *row;
	} kv;
};

/* note, begin and finish may be NULL: nothing to do in that form. */
struct nq_form_functions {
	void (*field)(struct nq_writer *writer, const char *key, const char *title, const struct nq_value *value);
	void (*note)(struct nq_writer *writer, enum nq_style style, const char *text);
	void (*begin)(struct nq_writer *writer);
	void (*cell)(struct nq_writer *writer, const struct nq_column *column, const struct nq_value *value);
	void (*end)(struct nq_writer *writer);
	void (*finish)(struct nq_writer *writer);
};

extern const struct nq_form_functions nq_form_table, nq_form_json, nq_form_kv;

void nq_writer_fail(struct nq_writer *writer, int error); /* keeps the first */
/* The value for people, to be freed. NULL: unknown, or no memory (then noted). */
char *nq_value_human(struct nq_writer *writer, const struct nq_value *value);

#endif
