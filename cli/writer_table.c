/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The form for people. A table is as wide as its cells need; when that is more than the terminal has, the widest
 * column that may shrink gives up one column of the screen after the other, down to SHRINK_LEAST.
 */
#include "cli/text.h"
#include "cli/writer_form.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GAP 2	       /* between columns */
#define SHRINK_LEAST 8 /* a name cut shorter than this says nothing */
#define LABEL_WIDTH 9  /* of the labels of a block, and its indentation */
#define BLOCK_INDENT 4

static const char *const styles[] = {
	[NQ_STYLE_PLAIN] = "",	      [NQ_STYLE_TITLE] = "\033[1m",  [NQ_STYLE_DIM] = "\033[2m",
	[NQ_STYLE_GOOD] = "\033[32m", [NQ_STYLE_BAD] = "\033[1;31m",
};
_Static_assert(sizeof(styles) / sizeof(styles[0]) == NQ_STYLE_COUNT, "a style without a form");

static void put(struct nq_writer *writer, enum nq_style style, const char *text, size_t bytes)
{
	bool colored = writer->options.color && styles[style][0];

	fprintf(writer->options.stream, "%s%.*s%s", colored ? styles[style] : "", (int)bytes, text,
		colored ? "\033[0m" : "");
}

static void pad(struct nq_writer *writer, unsigned columns)
{
	fprintf(writer->options.stream, "%*s", (int)columns, "");
}

/* At most width columns, the cut marked. Returns what it took. */
static unsigned put_cut(struct nq_writer *writer, enum nq_style style, const char *text, unsigned width)
{
	const char *mark = writer->options.unicode ? "…" : "~";
	unsigned wide = nq_text_width(text);
	size_t bytes;

	if (wide <= width) {
		put(writer, style, text, strlen(text));
		return wide;
	}
	bytes = nq_text_fit(text, width - 1);
	put(writer, style, text, bytes);
	fputs(mark, writer->options.stream);
	return width;
}

static unsigned put_wrapped_from(struct nq_writer *writer, enum nq_style style, const char *text, unsigned indent)
{
	unsigned room = writer->options.width > indent + SHRINK_LEAST ? writer->options.width - indent : SHRINK_LEAST;
	unsigned lines = 0;

	do {
		size_t next, bytes = nq_text_line(text, room, &next);

		if (lines++ > 0)
			pad(writer, indent);
		put(writer, style, text, bytes);
		fputc('\n', writer->options.stream);
		text += next;
	} while (*text);
	return lines;
}

static void field(struct nq_writer *writer, const char *key, const char *title, const struct nq_value *value)
{
	char *text;

	(void)key;
	if (!title)
		return;
	text = nq_value_human(writer, value);
	put(writer, NQ_STYLE_TITLE, title, strlen(title));
	fputs(": ", writer->options.stream);
	put_wrapped_from(writer, value->style, text ? text : "-", nq_text_width(title) + 2);
	writer->text.begun = true;
	free(text);
}

static void note(struct nq_writer *writer, enum nq_style style, const char *text)
{
	put_wrapped_from(writer, style, text, 0);
	writer->text.begun = true;
}

static void begin(struct nq_writer *writer)
{
	writer->text.n = 0;
}

static bool is_shown(const struct nq_writer *writer, size_t column)
{
	return !writer->table->columns[column].machine;
}

static void cell(struct nq_writer *writer, const struct nq_column *column, const struct nq_value *value)
{
	struct nq_text_cell *cells = writer->text.cells;
	char *text;

	if (writer->machine_row)
		return;
	if (writer->text.n == writer->text.room) {
		size_t room = writer->text.room ? writer->text.room * 2 : 256;

		cells = reallocarray(cells, room, sizeof(*cells));
		if (!cells) {
			nq_writer_fail(writer, -ENOMEM);
			return;
		}
		writer->text.cells = cells;
		writer->text.room = room;
	}
	text = column->machine ? NULL : nq_value_human(writer, value);
	cells[writer->text.n++] = (struct nq_text_cell){
		.text = text,
		.style = value->style,
		.width = text && *text ? nq_text_width(text) : 1,
		.known = text && *text, /* for people nothing to say is as good as unknown */
	};
}

/* The widest column that may still shrink, or n_columns. */
static size_t shrinkable(const struct nq_table *table, const unsigned *width)
{
	size_t found = table->n_columns;

	for (size_t i = 0; i < table->n_columns; i++) {
		if (!table->columns[i].shrink || table->columns[i].machine || width[i] <= SHRINK_LEAST)
			continue;
		if (found == table->n_columns || width[i] > width[found])
			found = i;
	}
	return found;
}

static void fit_columns(const struct nq_writer *writer, unsigned *width)
{
	const struct nq_table *table = writer->table;
	unsigned total = 0;

	for (size_t i = 0; i < table->n_columns; i++) {
		width[i] = is_shown(writer, i) ? nq_text_width(table->columns[i].title) : 0;
		for (size_t at = i; at < writer->text.n; at += table->n_columns) {
			if (is_shown(writer, i) && writer->text.cells[at].width > width[i])
				width[i] = writer->text.cells[at].width;
		}
		total += is_shown(writer, i) ? width[i] + GAP : 0;
	}
	for (total -= total ? GAP : 0; total > writer->options.width; total--) {
		size_t column = shrinkable(table, width);

		if (column == table->n_columns)
			break;
		width[column]--;
	}
}

static bool is_last(const struct nq_writer *writer, size_t column)
{
	while (++column < writer->table->n_columns) {
		if (is_shown(writer, column))
			return false;
	}
	return true;
}

static void put_cell(struct nq_writer *writer, size_t column, unsigned width, enum nq_style style, const char *text)
{
	const struct nq_column *spec = &writer->table->columns[column];
	unsigned wide = nq_text_width(text);
	bool last = is_last(writer, column);

	if (spec->right && wide < width)
		pad(writer, width - wide);
	wide = put_cut(writer, style, text, width);
	if (!spec->right && wide < width && !last)
		pad(writer, width - wide);
	if (!last)
		pad(writer, GAP);
}

static void put_columns(struct nq_writer *writer)
{
	const struct nq_table *table = writer->table;
	unsigned *width = calloc(table->n_columns, sizeof(*width));

	if (!width) {
		nq_writer_fail(writer, -ENOMEM);
		return;
	}
	fit_columns(writer, width);
	for (size_t i = 0; i < table->n_columns; i++) {
		if (is_shown(writer, i))
			put_cell(writer, i, width[i], NQ_STYLE_DIM, table->columns[i].title);
	}
	fputc('\n', writer->options.stream);
	for (size_t at = 0; at < writer->text.n; at++) {
		const struct nq_text_cell *cell_at = &writer->text.cells[at];
		size_t column = at % table->n_columns;

		if (is_shown(writer, column))
			put_cell(writer, column, width[column], cell_at->known ? cell_at->style : NQ_STYLE_DIM,
				 cell_at->known ? cell_at->text : "-");
		if (column + 1 == table->n_columns)
			fputc('\n', writer->options.stream);
	}
	free(width);
}

static void put_block(struct nq_writer *writer, const struct nq_text_cell *cells)
{
	const struct nq_table *table = writer->table;

	fprintf(writer->options.stream, "%2s. ", cells[0].known ? cells[0].text : "-");
	put_wrapped_from(writer, NQ_STYLE_TITLE, cells[1].known ? cells[1].text : "-", BLOCK_INDENT);
	for (size_t i = 2; i < table->n_columns; i++) {
		const char *label = table->columns[i].title;

		if (!is_shown(writer, i) || !cells[i].known || !cells[i].text[0])
			continue;
		pad(writer, BLOCK_INDENT);
		put(writer, NQ_STYLE_DIM, label, strlen(label));
		pad(writer, LABEL_WIDTH - nq_text_width(label));
		put_wrapped_from(writer, cells[i].style, cells[i].text, BLOCK_INDENT + LABEL_WIDTH);
	}
}

static void put_table(struct nq_writer *writer)
{
	const struct nq_table *table = writer->table;

	if (writer->text.n == 0 && !table->empty)
		return;
	if (writer->text.begun)
		fputc('\n', writer->options.stream);
	writer->text.begun = true;
	if (table->title) {
		put(writer, NQ_STYLE_TITLE, table->title, strlen(table->title));
		fputc('\n', writer->options.stream);
	}
	if (writer->text.n == 0) {
		put_wrapped_from(writer, NQ_STYLE_PLAIN, table->empty, 0);
		return;
	}
	switch (table->layout) {
	case NQ_LAYOUT_COLUMNS:
		put_columns(writer);
		break;
	case NQ_LAYOUT_BLOCKS:
		for (size_t at = 0; at + table->n_columns <= writer->text.n; at += table->n_columns)
			put_block(writer, writer->text.cells + at);
		break;
	}
}

static void end(struct nq_writer *writer)
{
	if (!writer->table->machine && writer->error == 0)
		put_table(writer);
	for (size_t i = 0; i < writer->text.n; i++)
		free(writer->text.cells[i].text);
	writer->text.n = 0;
}

const struct nq_form_functions nq_form_table = {
	.field = field,
	.note = note,
	.begin = begin,
	.cell = cell,
	.end = end,
};
