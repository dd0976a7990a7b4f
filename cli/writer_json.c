/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/text.h"
#include "cli/writer_form.h"

#include <errno.h>
#include <stdlib.h>

static json_t *text_value(const char *text)
{
	char *clean = nq_text_clean(text);
	json_t *json = clean ? json_string(clean) : NULL;

	free(clean);
	return json;
}

static json_t *list_value(const struct nq_value *value)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < value->n_list; i++) {
		if (json_array_append_new(list, json_integer((json_int_t)value->list[i])) == 0)
			continue;
		json_decref(list);
		return NULL;
	}
	return list;
}

static json_t *json_value(const struct nq_value *value)
{
	switch (value->kind) {
	case NQ_VALUE_UNKNOWN:
		return json_null();
	case NQ_VALUE_TEXT:
		return text_value(value->text);
	case NQ_VALUE_FLAG:
		return json_boolean(value->number);
	case NQ_VALUE_NUMBER:
	case NQ_VALUE_RATE:
	case NQ_VALUE_BYTES:
	case NQ_VALUE_SHARE:
	case NQ_VALUE_TIME:
		return json_integer((json_int_t)value->number);
	case NQ_VALUE_LIST:
		return list_value(value);
	case NQ_VALUE_COUNT:
		break;
	}
	return NULL;
}

static void put(struct nq_writer *writer, json_t *object, const char *key, json_t *json)
{
	if (json_object_set_new(object, key, json) != 0)
		nq_writer_fail(writer, -ENOMEM);
}

static void field(struct nq_writer *writer, const char *key, const char *title, const struct nq_value *value)
{
	(void)title;
	put(writer, writer->json.document, key, json_value(value));
}

static void begin(struct nq_writer *writer)
{
	writer->json.rows = json_array();
	put(writer, writer->json.document, writer->table->key, writer->json.rows);
}

static void cell(struct nq_writer *writer, const struct nq_column *column, const struct nq_value *value)
{
	if (writer->column == 0) {
		writer->json.row = json_object();
		if (json_array_append_new(writer->json.rows, writer->json.row) != 0)
			nq_writer_fail(writer, -ENOMEM);
	}
	if (!column->human && writer->error == 0)
		put(writer, writer->json.row, column->key, json_value(value));
}

static void end(struct nq_writer *writer)
{
	writer->json.rows = writer->json.row = NULL;
}

static void finish(struct nq_writer *writer)
{
	size_t flags = writer->options.one_line ? JSON_COMPACT : JSON_INDENT(2);

	if (json_dumpf(writer->json.document, writer->options.stream, flags) != 0)
		nq_writer_fail(writer, errno ? -errno : -EIO);
	fputc('\n', writer->options.stream);
}

const struct nq_form_functions nq_form_json = {
	.field = field,
	.begin = begin,
	.cell = cell,
	.end = end,
	.finish = finish,
};
