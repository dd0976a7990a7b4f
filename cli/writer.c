/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/writer.h"
#include "cli/text.h"
#include "cli/writer_form.h"

#include <errno.h>
#include <nearq/types.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct nq_value nq_unknown(void)
{
	return (struct nq_value){ .kind = NQ_VALUE_UNKNOWN };
}

struct nq_value nq_text(const char *text)
{
	return text ? (struct nq_value){ .kind = NQ_VALUE_TEXT, .text = text } : nq_unknown();
}

struct nq_value nq_number(uint64_t number)
{
	return (struct nq_value){ .kind = NQ_VALUE_NUMBER, .number = number };
}

struct nq_value nq_id(uint32_t id)
{
	return id == NQ_NONE ? nq_unknown() : nq_number(id);
}

struct nq_value nq_flag(bool flag)
{
	return (struct nq_value){ .kind = NQ_VALUE_FLAG, .number = flag };
}

struct nq_value nq_rate(uint64_t pps)
{
	return (struct nq_value){ .kind = NQ_VALUE_RATE, .number = pps };
}

struct nq_value nq_bytes(uint64_t bytes)
{
	return (struct nq_value){ .kind = NQ_VALUE_BYTES, .number = bytes };
}

struct nq_value nq_share(uint64_t permille)
{
	return (struct nq_value){ .kind = NQ_VALUE_SHARE, .number = permille };
}

struct nq_value nq_time(uint64_t ns)
{
	return (struct nq_value){ .kind = NQ_VALUE_TIME, .number = ns };
}

struct nq_value nq_list(const uint64_t *list, size_t n)
{
	return (struct nq_value){ .kind = NQ_VALUE_LIST, .list = list, .n_list = n };
}

struct nq_value nq_styled(enum nq_style style, struct nq_value value)
{
	value.style = style;
	return value;
}

void nq_writer_fail(struct nq_writer *writer, int error)
{
	if (writer->error == 0)
		writer->error = error;
}

static char *list_text(const struct nq_value *value)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	for (size_t i = 0; i < value->n_list; i++)
		fprintf(stream, "%s%llu", i > 0 ? " " : "", (unsigned long long)value->list[i]);
	return fclose(stream) == 0 ? text : NULL;
}

char *nq_value_human(struct nq_writer *writer, const struct nq_value *value)
{
	char unit[NQ_UNIT_TEXT] = "", *text = NULL;

	switch (value->kind) {
	case NQ_VALUE_UNKNOWN:
		return NULL;
	case NQ_VALUE_TEXT:
		text = nq_text_clean(value->text);
		break;
	case NQ_VALUE_NUMBER:
		snprintf(unit, sizeof(unit), "%llu", (unsigned long long)value->number);
		break;
	case NQ_VALUE_FLAG:
		snprintf(unit, sizeof(unit), "%s", value->number ? "yes" : "no");
		break;
	case NQ_VALUE_RATE:
		nq_text_rate(value->number, unit);
		break;
	case NQ_VALUE_BYTES:
		nq_text_bytes(value->number, unit);
		break;
	case NQ_VALUE_SHARE:
		nq_text_share(value->number, unit);
		break;
	case NQ_VALUE_TIME:
		nq_text_time(value->number, unit);
		break;
	case NQ_VALUE_LIST:
		text = list_text(value);
		break;
	case NQ_VALUE_COUNT:
		break;
	}
	if (unit[0])
		text = strdup(unit);
	if (!text)
		nq_writer_fail(writer, -ENOMEM);
	return text;
}

static const struct nq_form_functions *const forms[] = {
	[NQ_FORM_TABLE] = &nq_form_table,
	[NQ_FORM_JSON] = &nq_form_json,
	[NQ_FORM_KV] = &nq_form_kv,
};
_Static_assert(sizeof(forms) / sizeof(forms[0]) == NQ_FORM_COUNT, "a form without functions");

int nq_writer_new(const struct nq_writer_options *options, struct nq_writer **ret)
{
	struct nq_writer *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return -ENOMEM;
	writer->options = *options;
	writer->form = forms[options->form];
	if (options->form == NQ_FORM_JSON) {
		writer->json.document = json_object();
		if (!writer->json.document) {
			free(writer);
			return -ENOMEM;
		}
	}
	*ret = writer;
	return 0;
}

void nq_writer_field(struct nq_writer *writer, const char *key, const char *title, struct nq_value value)
{
	writer->form->field(writer, key, title, &value);
}

void nq_writer_note(struct nq_writer *writer, enum nq_style style, const char *format, ...)
{
	char *text = NULL, *clean;
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vasprintf(&text, format, arguments);
	va_end(arguments);
	clean = n >= 0 ? nq_text_clean(text) : NULL;
	if (clean && writer->form->note)
		writer->form->note(writer, style, clean);
	else if (!clean)
		nq_writer_fail(writer, -ENOMEM);
	free(clean);
	if (n >= 0)
		free(text);
}

void nq_writer_table(struct nq_writer *writer, const struct nq_table *table)
{
	writer->table = table;
	writer->column = 0;
	writer->machine_row = false;
	if (writer->form->begin)
		writer->form->begin(writer);
}

void nq_writer_machine_row(struct nq_writer *writer)
{
	writer->machine_row = true;
}

void nq_writer_cell(struct nq_writer *writer, struct nq_value value)
{
	writer->form->cell(writer, &writer->table->columns[writer->column], &value);
	writer->column = (writer->column + 1) % writer->table->n_columns;
	if (writer->column == 0)
		writer->machine_row = false;
}

void nq_writer_table_end(struct nq_writer *writer)
{
	writer->form->end(writer);
	writer->table = NULL;
}

int nq_writer_finish(struct nq_writer *writer)
{
	int error;

	if (!writer)
		return 0;
	if (writer->error == 0 && writer->form->finish)
		writer->form->finish(writer);
	errno = 0;
	if (fflush(writer->options.stream) != 0 || ferror(writer->options.stream))
		nq_writer_fail(writer, errno ? -errno : -EIO);
	error = writer->error;
	nq_writer_free(writer);
	return error;
}

struct nq_writer *nq_writer_free(struct nq_writer *writer)
{
	if (!writer)
		return NULL;
	for (size_t i = 0; i < writer->text.n; i++)
		free(writer->text.cells[i].text);
	free(writer->text.cells);
	json_decref(writer->json.document);
	free(writer->kv.row);
	free(writer);
	return NULL;
}
