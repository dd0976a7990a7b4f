/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "serial/fields.h"

/* A name that the kernel allowed but JSON does not: every byte outside ASCII becomes a question mark. */
static json_t *text_write(const char *text)
{
	json_t *value = json_string(text);
	char *ascii;

	if (value)
		return value;
	ascii = strdup(text);
	for (char *c = ascii; c && *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	value = ascii ? json_string(ascii) : NULL;
	free(ascii);
	return value;
}

static json_t *number_write(uint64_t number)
{
	return json_integer((json_int_t)(number < NQ_MAX_VALUE ? number : NQ_MAX_VALUE));
}

static json_t *mac_write(const struct nq_mac *mac)
{
	char text[NQ_MAC_TEXT];

	nq_mac_text(mac, text);
	return json_string(text);
}

static json_t *queue_write(const struct nq_host *host, uint32_t queue)
{
	char text[NQ_QUEUE_TEXT];

	nq_queue_text(host, queue, text);
	return text_write(text);
}

json_t *nq_reference_write(const struct nq_host *host, enum nq_array array, uint32_t index)
{
	if (array == NQ_ARRAY_QUEUES)
		return queue_write(host, index);
	if (index >= nq_array_size(host, array))
		return json_null();
	switch (array) {
	case NQ_ARRAY_NODES:
		return number_write(host->nodes[index].id);
	case NQ_ARRAY_CPUS:
		return number_write(host->cpus[index].id);
	case NQ_ARRAY_PNICS:
		return text_write(host->pnics[index].name);
	case NQ_ARRAY_VMS:
		return text_write(host->vms[index].name);
	case NQ_ARRAY_VNICS:
		return mac_write(&host->vnics[index].mac);
	case NQ_ARRAY_QUEUES:
	case NQ_ARRAY_COUNT:
		break;
	}
	return NULL;
}

static json_t *nodeset_write(const struct nq_host *host, const struct nq_nodeset *set)
{
	json_t *array = json_array();

	/* By kernel id, so that the text does not depend on the order of the nodes. */
	for (uint32_t id = 0; id < NQ_MAX_NODES; id++) {
		uint32_t node = nq_host_node_by_id(host, id);

		if (node != NQ_NONE && nq_nodeset_has(set, node) &&
		    json_array_append_new(array, number_write(id)) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

/* 0, also for a zero, which is not written; or -ENOMEM. */
static int node_number_write(const struct nq_host *host, json_t *object, uint32_t node, uint64_t number)
{
	char key[16];

	snprintf(key, sizeof(key), "%" PRIu32, host->nodes[node].id);
	return number && json_object_set_new(object, key, number_write(number)) < 0 ? -ENOMEM : 0;
}

static json_t *per_node_write(const struct nq_host *host, const uint64_t *numbers)
{
	json_t *object = json_object();

	for (uint32_t i = 0; object && i < host->n_nodes; i++) {
		if (node_number_write(host, object, i, numbers[i]) < 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

/* The node with the next higher kernel id; NQ_NONE as `after`: the lowest. NQ_NONE: no more. */
static uint32_t next_by_id(const struct nq_host *host, uint32_t after)
{
	uint32_t best = NQ_NONE;

	for (uint32_t i = 0; i < host->n_nodes; i++)
		if ((after == NQ_NONE || host->nodes[i].id > host->nodes[after].id) &&
		    (best == NQ_NONE || host->nodes[i].id < host->nodes[best].id))
			best = i;
	return best;
}

/* Ascending, as the plan is the same in whatever order the host was read. */
static json_t *clients_write(const struct nq_host *host, const uint32_t *numbers)
{
	json_t *object = json_object();

	for (uint32_t i = numbers ? next_by_id(host, NQ_NONE) : NQ_NONE; object && i != NQ_NONE;
	     i = next_by_id(host, i)) {
		if (node_number_write(host, object, i, numbers[i]) < 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static json_t *lanes_write(const struct nq_host *host, uint32_t n, const uint32_t *queues)
{
	json_t *array = json_array();

	for (uint32_t i = 0; array && i < n; i++) {
		if (json_array_append_new(array, queue_write(host, queues[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *rates_write(const struct nq_rates *rates)
{
	return json_pack("{sIsIsI}", "packets", (json_int_t)rates->packets, "bytes", (json_int_t)rates->bytes, "drops",
			 (json_int_t)rates->drops);
}

static json_t *field_write(const struct nq_host *host, const struct nq_field *field, const void *value)
{
	const void *at = (const char *)value + field->offset;

	switch (field->type) {
	case NQ_FIELD_U32:
		return *(const uint32_t *)at == NQ_NONE && field->none ? json_null()
								       : number_write(*(const uint32_t *)at);
	case NQ_FIELD_U64:
		return number_write(*(const uint64_t *)at);
	case NQ_FIELD_BOOL:
		return json_boolean(*(const bool *)at);
	case NQ_FIELD_TEXT:
		return text_write(*(const char *const *)at);
	case NQ_FIELD_MAC:
		return mac_write(at);
	case NQ_FIELD_ENUM:
		return json_string(field->names->name[*(const unsigned int *)at]);
	case NQ_FIELD_REFERENCE:
		return nq_reference_write(host, field->array, *(const uint32_t *)at);
	case NQ_FIELD_NODESET:
		return nodeset_write(host, at);
	case NQ_FIELD_PER_NODE:
		return per_node_write(host, *(const uint64_t *const *)at);
	case NQ_FIELD_CLIENTS:
		return clients_write(host, *(const uint32_t *const *)at);
	case NQ_FIELD_LANES:
		return lanes_write(host, *(const uint32_t *)((const char *)value + field->count), at);
	case NQ_FIELD_RATES:
		return rates_write(at);
	case NQ_FIELD_TYPE_COUNT:
		break;
	}
	return NULL;
}

int nq_object_write(const struct nq_host *host, json_t *object, const struct nq_field *fields, const void *value)
{
	for (const struct nq_field *field = fields; field->key; field++)
		if (json_object_set_new(object, field->key, field_write(host, field, value)) < 0)
			return -ENOMEM;
	return 0;
}

static int array_write(FILE *stream, const json_t *array)
{
	size_t n = json_array_size(array);

	fputs(n ? "[\n" : "[", stream);
	for (size_t i = 0; i < n; i++) {
		fputs("    ", stream);
		if (json_dumpf(json_array_get(array, i), stream, JSON_ENCODE_ANY) < 0)
			return -ENOMEM;
		fputs(i + 1 < n ? ",\n" : "\n  ", stream);
	}
	fputc(']', stream);
	return 0;
}

int nq_document_write(FILE *stream, const json_t *document)
{
	const char *separator = "{\n", *key;
	json_t *value;

	errno = 0;
	json_object_foreach((json_t *)document, key, value)
	{
		int result = 0;

		fprintf(stream, "%s  \"%s\": ", separator, key);
		if (json_is_array(value))
			result = array_write(stream, value);
		else if (json_dumpf(value, stream, JSON_ENCODE_ANY) < 0)
			result = -ENOMEM;
		if (result < 0 && !ferror(stream))
			return result;
		separator = ",\n";
	}
	fputs("\n}\n", stream);
	if (fflush(stream) == 0 && !ferror(stream))
		return 0;
	return errno ? -errno : -EIO;
}
