/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "serial/json.h"
#include "serial/snapshot.h"

static json_t *distance_write(const struct nq_host *host)
{
	json_t *rows = json_array();

	for (uint32_t from = 0; from < host->n_nodes; from++) {
		json_t *row = json_array();

		for (uint32_t to = 0; to < host->n_nodes; to++)
			json_array_append_new(row, json_integer(nq_host_distance(host, from, to)));
		if (json_array_size(row) != host->n_nodes || json_array_append_new(rows, row) < 0) {
			json_decref(rows);
			return NULL;
		}
	}
	return rows;
}

static const void *element(const struct nq_host *host, enum nq_array array, uint32_t i)
{
	const void *const elements[] = {
		[NQ_ARRAY_NODES] = host->nodes + i, [NQ_ARRAY_CPUS] = host->cpus + i,
		[NQ_ARRAY_PNICS] = host->pnics + i, [NQ_ARRAY_QUEUES] = host->queues + i,
		[NQ_ARRAY_VMS] = host->vms + i,	    [NQ_ARRAY_VNICS] = host->vnics + i,
	};

	return elements[array];
}

/* Appends the struct as an object. 0 or -ENOMEM. */
static int append(const struct nq_host *host, json_t *array, const struct nq_field *fields, const void *value)
{
	json_t *object = json_object();

	if (object && nq_object_write(host, object, fields, value) == 0)
		return json_array_append_new(array, object) < 0 ? -ENOMEM : 0;
	json_decref(object);
	return -ENOMEM;
}

static json_t *array_write(const struct nq_host *host, enum nq_array array)
{
	nq_json json_t *list = json_array();

	for (uint32_t i = 0; i < nq_array_size(host, array); i++)
		if (append(host, list, nq_array_fields[array], element(host, array, i)) < 0)
			return NULL;
	return json_incref(list);
}

static json_t *notices_write(const struct nq_host *host)
{
	nq_json json_t *list = json_array();

	for (uint32_t i = 0; i < host->n_notices; i++)
		if (append(host, list, nq_notice_fields, &host->notices[i]) < 0)
			return NULL;
	return json_incref(list);
}

int nq_snapshot_write(FILE *stream, const struct nq_host *host)
{
	nq_json json_t *document = json_object();
	int failed;

	failed = json_object_set_new(document, NQ_SNAPSHOT_KEY, json_integer(NQ_SNAPSHOT_VERSION)) |
		 nq_object_write(host, document, nq_host_fields, host);
	for (enum nq_array array = 0; array < NQ_ARRAY_COUNT; array++) {
		failed |= json_object_set_new(document, nq_array_names[array], array_write(host, array));
		if (array == NQ_ARRAY_NODES)
			failed |= json_object_set_new(document, "distance", distance_write(host));
	}
	failed |= json_object_set_new(document, "notices", notices_write(host));
	return failed ? -ENOMEM : nq_document_write(stream, document);
}
