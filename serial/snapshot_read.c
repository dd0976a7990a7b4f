/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading a snapshot: syntax and duplicates (Jansson), keys and types (the tables), references (by name),
 * then every promise of the host model (nq_host_check). The first fault ends it.
 */
#include <errno.h>
#include <string.h>

#include "serial/json.h"
#include "serial/snapshot.h"

/* The other top-level keys; only their names matter. */
static const struct nq_field list_fields[] = {
	{ NQ_SNAPSHOT_KEY }, { "nodes" }, { "distance" }, { "cpus" },	 { "pnics" },
	{ "queues" },	     { "vms" },	  { "vnics" },	  { "notices" }, { 0 },
};

static void *add_element(struct nq_host *host, enum nq_array array, uint32_t i)
{
	switch (array) {
	case NQ_ARRAY_NODES:
		return &host->nodes[i];
	case NQ_ARRAY_CPUS:
		return nq_host_add_cpu(host);
	case NQ_ARRAY_PNICS:
		return nq_host_add_pnic(host);
	case NQ_ARRAY_QUEUES:
		return nq_host_add_queue(host);
	case NQ_ARRAY_VMS:
		return nq_host_add_vm(host);
	case NQ_ARRAY_VNICS:
		return nq_host_add_vnic(host);
	case NQ_ARRAY_COUNT:
		break;
	}
	return NULL;
}

/* The top-level array of that key, which must be there. */
static int list(struct nq_reader *reader, const json_t *document, const char *key, const json_t **ret)
{
	const json_t *value = json_object_get(document, key);

	nq_path_push(reader, "%s", key);
	if (!value)
		return nq_reader_fault(reader, NULL, "this key is required");
	*ret = value;
	return nq_reader_expect(reader, value, JSON_ARRAY);
}

static int nodes_begin(struct nq_reader *reader, const json_t *nodes)
{
	int result = nq_host_set_nodes(reader->texts, (uint32_t)json_array_size(nodes));

	if (result == -EINVAL)
		return nq_reader_fault(reader, NULL, "1 to %u nodes", NQ_MAX_NODES);
	return result;
}

static int elements_read(struct nq_reader *reader, const json_t *values, enum nq_array array)
{
	const json_t *value;
	size_t i;

	json_array_foreach(values, i, value)
	{
		size_t length = nq_path_push(reader, "[%zu]", i);
		void *element;
		int result = nq_object_check(reader, value, nq_array_fields[array], NULL);

		if (result < 0)
			return result;
		element = add_element(reader->texts, array, (uint32_t)i);
		if (!element)
			return -ENOMEM;
		result = nq_object_read(reader, value, nq_array_fields[array], element);
		if (result < 0)
			return result;
		nq_path_pop(reader, length);
	}
	return 0;
}

/* A pnic may refer to another one that comes later, so the names of all are made known first. */
static int pnics_begin(struct nq_reader *reader, const json_t *pnics)
{
	json_t *names = json_object();
	const json_t *pnic;
	size_t i;

	reader->names[NQ_ARRAY_PNICS] = names;
	json_array_foreach(pnics, i, pnic)
	{
		const char *name = json_string_value(json_object_get(pnic, "name"));

		if (name && json_object_set_new(names, name, json_integer((json_int_t)i)) < 0)
			return -ENOMEM;
	}
	return names ? 0 : -ENOMEM;
}

static int array_read(struct nq_reader *reader, const json_t *document, enum nq_array array)
{
	const json_t *values;
	int result = list(reader, document, nq_array_names[array], &values);

	if (result == 0 && array == NQ_ARRAY_NODES)
		result = nodes_begin(reader, values);
	if (result == 0 && array == NQ_ARRAY_PNICS)
		result = pnics_begin(reader, values);
	if (result == 0)
		result = elements_read(reader, values, array);
	if (result == 0)
		result = nq_reader_index(reader, array);
	if (result == 0)
		nq_path_pop(reader, 0);
	return result;
}

static int distance_row_read(struct nq_reader *reader, const json_t *row, uint32_t *ret)
{
	uint32_t n = reader->host->n_nodes;
	int result = nq_reader_expect(reader, row, JSON_ARRAY);

	if (result == 0 && json_array_size(row) != n)
		result = nq_reader_fault(reader, row, "one number for each of the %u nodes", n);
	for (uint32_t i = 0; i < n && result == 0; i++) {
		size_t length = nq_path_push(reader, "[%u]", i);
		uint64_t number;

		result = nq_number_read(reader, json_array_get(row, i), NQ_MAX_DISTANCE, &number);
		if (result < 0)
			return result;
		ret[i] = (uint32_t)number;
		nq_path_pop(reader, length);
	}
	return result;
}

static int distance_read(struct nq_reader *reader, const json_t *document)
{
	uint32_t n = reader->host->n_nodes;
	const json_t *rows;
	int result = list(reader, document, "distance", &rows);

	if (result == 0 && json_array_size(rows) != n)
		result = nq_reader_fault(reader, rows, "one row for each of the %u nodes", n);
	for (uint32_t i = 0; i < n && result == 0; i++) {
		size_t length = nq_path_push(reader, "[%u]", i);

		result = distance_row_read(reader, json_array_get(rows, i), &reader->texts->distance[(size_t)i * n]);
		if (result == 0)
			nq_path_pop(reader, length);
	}
	if (result == 0)
		nq_path_pop(reader, 0);
	return result;
}

static int notices_read(struct nq_reader *reader, const json_t *document)
{
	const json_t *values, *value;
	size_t i;
	int result = list(reader, document, "notices", &values);

	if (result < 0)
		return result;
	json_array_foreach(values, i, value)
	{
		struct nq_notice notice = { 0 };
		size_t length = nq_path_push(reader, "[%zu]", i);

		result = nq_object_check(reader, value, nq_notice_fields, NULL);
		if (result == 0)
			result = nq_object_read(reader, value, nq_notice_fields, &notice);
		if (result == 0)
			result = nq_host_add_notice(reader->texts, notice.kind, notice.subject, notice.detail);
		if (result < 0)
			return result;
		nq_path_pop(reader, length);
	}
	nq_path_pop(reader, 0);
	return 0;
}

static int document_read(struct nq_reader *reader, const json_t *document)
{
	int result = nq_object_check(reader, document, nq_host_fields, list_fields);

	if (result == 0)
		result = nq_object_read(reader, document, nq_host_fields, reader->texts);
	for (enum nq_array array = 0; array < NQ_ARRAY_COUNT && result == 0; array++) {
		result = array_read(reader, document, array);
		if (result == 0 && array == NQ_ARRAY_NODES)
			result = distance_read(reader, document);
	}
	return result < 0 ? result : notices_read(reader, document);
}

static int check(struct nq_reader *reader)
{
	struct nq_violation violation;
	struct nq_fault fault;
	int result = nq_host_check(reader->host, &violation);

	if (result != -EINVAL)
		return result;
	nq_explain_violation(reader->host, &violation, &fault);
	snprintf(reader->fault->where, sizeof(reader->fault->where), "%s: %.100s", reader->file, fault.where);
	memcpy(reader->fault->what, fault.what, sizeof(fault.what));
	return -EBADMSG;
}

int nq_snapshot_read(FILE *stream, const char *name, struct nq_host **ret, struct nq_fault *ret_fault)
{
	nq_own_host struct nq_host *host = NULL;
	nq_json json_t *document = NULL;
	struct nq_reader reader = { .file = nq_reader_file(name), .fault = ret_fault };
	int result = nq_host_new(&host);

	if (result < 0)
		return result;
	reader.host = host;
	reader.texts = host;
	result = nq_document_read(&reader, stream, NQ_SNAPSHOT_KEY, NQ_SNAPSHOT_VERSION, &document);
	if (result == 0)
		result = document_read(&reader, document);
	if (result == 0)
		result = check(&reader);
	nq_reader_clear(&reader);
	if (result < 0)
		return result;
	*ret = host;
	host = NULL;
	return 0;
}
