/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/text.h"
#include "cli/writer_form.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_plain(unsigned char byte)
{
	return isalnum(byte) || (byte != '\0' && strchr("%+,-./:@_", byte));
}

/* A word of the shell: single quotes keep everything but themselves. */
static void put_value(FILE *stream, const char *text)
{
	size_t plain = 0;

	while (is_plain((unsigned char)text[plain]))
		plain++;
	if (text[plain] == '\0') {
		fputs(text, stream);
		return;
	}
	fputc('\'', stream);
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", stream);
		else
			fputc(*text, stream);
	}
	fputc('\'', stream);
}

static void put(struct nq_writer *writer, const struct nq_value *value)
{
	FILE *stream = writer->options.stream;
	char *text = NULL;

	switch (value->kind) {
	case NQ_VALUE_NUMBER:
	case NQ_VALUE_FLAG:
	case NQ_VALUE_RATE:
	case NQ_VALUE_BYTES:
	case NQ_VALUE_SHARE:
	case NQ_VALUE_TIME:
		fprintf(stream, "%llu", (unsigned long long)value->number);
		break;
	case NQ_VALUE_TEXT:
	case NQ_VALUE_LIST:
		text = nq_value_human(writer, value);
		put_value(stream, text ? text : "");
		break;
	case NQ_VALUE_UNKNOWN:
	case NQ_VALUE_COUNT:
		break;
	}
	fputc('\n', stream);
	free(text);
}

static void field(struct nq_writer *writer, const char *key, const char *title, const struct nq_value *value)
{
	(void)title;
	fprintf(writer->options.stream, "%s=", key);
	put(writer, value);
}

/* The name of a row is part of the key: what could end or quote a key is escaped. */
static char *row_name(const struct nq_value *value)
{
	char *clean = value->kind == NQ_VALUE_TEXT ? nq_text_clean(value->text) : NULL, *name = NULL;
	size_t size;
	FILE *stream = open_memstream(&name, &size);

	if (stream && clean) {
		for (const char *at = clean; *at; at++)
			fprintf(stream, is_plain((unsigned char)*at) && *at != '%' ? "%c" : "%%%02X",
				(unsigned char)*at);
	} else if (stream) {
		fprintf(stream, "%llu", (unsigned long long)value->number);
	}
	free(clean);
	return stream && fclose(stream) == 0 ? name : NULL;
}

static void cell(struct nq_writer *writer, const struct nq_column *column, const struct nq_value *value)
{
	if (writer->column == 0) {
		free(writer->kv.row);
		writer->kv.row = row_name(value);
		if (!writer->kv.row)
			nq_writer_fail(writer, -ENOMEM);
	}
	if (column->human || !writer->kv.row)
		return;
	fprintf(writer->options.stream, "%s.%s.%s=", writer->table->one, writer->kv.row, column->key);
	put(writer, value);
}

static void end(struct nq_writer *writer)
{
	free(writer->kv.row);
	writer->kv.row = NULL;
}

const struct nq_form_functions nq_form_kv = {
	.field = field,
	.cell = cell,
	.end = end,
};
