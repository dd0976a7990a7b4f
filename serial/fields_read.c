/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "serial/fields.h"

void nq_reader_clear(struct nq_reader *reader)
{
	for (enum nq_array array = 0; array < NQ_ARRAY_COUNT; array++)
		json_decref(reader->names[array]);
}

size_t nq_path_push(struct nq_reader *reader, const char *format, ...)
{
	size_t length = strlen(reader->path);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reader->path + length, sizeof(reader->path) - length, format, arguments);
	va_end(arguments);
	return length;
}

void nq_path_pop(struct nq_reader *reader, size_t length)
{
	reader->path[length] = '\0';
}

/* As much of the value as a reader wants to see. */
#define FILE_SHOWN 80 /* bytes of a file's name; the path within the file needs the rest of nq_fault.where */
#define QUOTED 60

static void quote(const json_t *value, char ret[QUOTED + 8])
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII);

	if (!text)
		snprintf(ret, QUOTED + 8, "?");
	else if (strlen(text) > QUOTED)
		snprintf(ret, QUOTED + 8, "%.*s…", QUOTED, text);
	else
		snprintf(ret, QUOTED + 8, "%s", text);
	free(text);
}

const char *nq_reader_file(const char *name)
{
	size_t length = strlen(name);

	return length > FILE_SHOWN ? name + length - FILE_SHOWN : name;
}

int nq_reader_fault(struct nq_reader *reader, const json_t *found, const char *format, ...)
{
	char where[sizeof(reader->fault->where)], allowed[160], quoted[QUOTED + 8] = "nothing";
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(allowed, sizeof(allowed), format, arguments);
	va_end(arguments);
	if (found)
		quote(found, quoted);
	snprintf(where, sizeof(where), "%s: %s", reader->file, *reader->path ? reader->path : "document");
	nq_fault_set(reader->fault, where, "found %s; allowed: %s", quoted, allowed);
	return -EBADMSG;
}

int nq_reader_expect(struct nq_reader *reader, const json_t *value, json_type type)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object",	   [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
		[JSON_INTEGER] = "a whole number", [JSON_REAL] = "a number",  [JSON_TRUE] = "true or false",
		[JSON_FALSE] = "true or false",	   [JSON_NULL] = "null",
	};

	return json_typeof(value) == type ? 0 : nq_reader_fault(reader, value, "%s", names[type]);
}

int nq_number_read(struct nq_reader *reader, const json_t *value, uint64_t high, uint64_t *ret)
{
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value) || number < 0 || (uint64_t)number > high)
		return nq_reader_fault(reader, value, "a whole number, 0 to %" PRIu64, high);
	*ret = (uint64_t)number;
	return 0;
}

static const char *const array_words[NQ_ARRAY_COUNT] = {
	[NQ_ARRAY_NODES] = "the id of one of the nodes",
	[NQ_ARRAY_CPUS] = "the id of one of the cpus",
	[NQ_ARRAY_PNICS] = "the name of one of the pnics",
	[NQ_ARRAY_QUEUES] = "\"default\" or a queue such as \"eth0/3\" or \"eth0/cpu5\"",
	[NQ_ARRAY_VMS] = "the name of one of the vms",
	[NQ_ARRAY_VNICS] = "the mac of one of the vnics",
};

static bool is_number_key(enum nq_array array)
{
	return array == NQ_ARRAY_NODES || array == NQ_ARRAY_CPUS;
}

static int lookup(const struct nq_reader *reader, enum nq_array array, const char *name, uint32_t *ret)
{
	const json_t *index = json_object_get(reader->names[array], name);

	if (!index)
		return -ENOENT;
	*ret = (uint32_t)json_integer_value(index);
	return 0;
}

/* Adds one name to the index. 0, -ENOMEM, or -EBADMSG when it is there already. */
static int index_one(struct nq_reader *reader, enum nq_array array, const json_t *name, uint32_t i)
{
	char digits[24] = "";
	const char *key = digits;

	if (!name)
		return -ENOMEM;
	if (json_is_integer(name))
		snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, json_integer_value(name));
	else
		key = json_string_value(name);
	if (json_object_get(reader->names[array], key)) {
		nq_path_push(reader, "[%" PRIu32 "]", i);
		return nq_reader_fault(reader, name, "every name or id once");
	}
	return json_object_set_new(reader->names[array], key, json_integer(i)) < 0 ? -ENOMEM : 0;
}

int nq_reader_index(struct nq_reader *reader, enum nq_array array)
{
	int result = 0;

	json_decref(reader->names[array]);
	reader->names[array] = json_object();
	for (uint32_t i = 0; i < nq_array_size(reader->host, array) && result == 0; i++) {
		json_t *name = nq_reference_write(reader->host, array, i);

		result = index_one(reader, array, name, i);
		json_decref(name);
	}
	return reader->names[array] ? result : -ENOMEM;
}

int nq_reference_read(struct nq_reader *reader, const json_t *value, enum nq_array array, bool none, uint32_t *ret)
{
	const char *name = json_string_value(value);
	char digits[24];

	if (none && (array == NQ_ARRAY_QUEUES ? name && strcmp(name, "default") == 0 : json_is_null(value))) {
		*ret = NQ_NONE;
		return 0;
	}
	if (is_number_key(array) && json_is_integer(value)) {
		snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		name = digits;
	} else if (is_number_key(array)) {
		name = NULL;
	}
	if (name && lookup(reader, array, name, ret) == 0)
		return 0;
	return nq_reader_fault(reader, value, "%s%s", array_words[array],
			       none && array != NQ_ARRAY_QUEUES ? ", or null" : "");
}

static int nodeset_read(struct nq_reader *reader, const json_t *value, struct nq_nodeset *ret)
{
	struct nq_nodeset set = { 0 };
	const json_t *element;
	size_t i;
	int result = nq_reader_expect(reader, value, JSON_ARRAY);

	if (result < 0)
		return result;
	json_array_foreach(value, i, element)
	{
		size_t length = nq_path_push(reader, "[%zu]", i);
		uint32_t node;

		result = nq_reference_read(reader, element, NQ_ARRAY_NODES, false, &node);
		if (result == 0 && nq_nodeset_has(&set, node))
			result = nq_reader_fault(reader, element, "every node once");
		if (result < 0)
			return result;
		nq_nodeset_add(&set, node);
		nq_path_pop(reader, length);
	}
	*ret = set;
	return 0;
}

/* Elements 0 … n-1 of an array of numbers for each node. */
typedef void (*put_fn)(void *numbers, uint32_t node, uint64_t number);

static void put_u64(void *numbers, uint32_t node, uint64_t number)
{
	((uint64_t *)numbers)[node] = number;
}

static void put_u32(void *numbers, uint32_t node, uint64_t number)
{
	((uint32_t *)numbers)[node] = (uint32_t)number;
}

static int per_node_read(struct nq_reader *reader, const json_t *value, uint64_t high, put_fn put, void *numbers)
{
	const json_t *number;
	const char *key;
	int result = nq_reader_expect(reader, value, JSON_OBJECT);

	if (result < 0)
		return result;
	json_object_foreach((json_t *)value, key, number)
	{
		size_t length = nq_path_push(reader, ".%.16s", key);
		uint64_t read;
		uint32_t node;

		if (lookup(reader, NQ_ARRAY_NODES, key, &node) < 0)
			return nq_reader_fault(reader, number, "keys that are %s", array_words[NQ_ARRAY_NODES]);
		result = nq_number_read(reader, number, high, &read);
		if (result < 0)
			return result;
		put(numbers, node, read);
		nq_path_pop(reader, length);
	}
	return 0;
}

static int lanes_read(struct nq_reader *reader, const json_t *value, uint32_t *ret_n, uint32_t *ret)
{
	int result = nq_reader_expect(reader, value, JSON_ARRAY);
	const json_t *element;
	size_t i;

	if (result < 0)
		return result;
	if (json_array_size(value) >= NQ_MAX_LANES)
		return nq_reader_fault(reader, value, "at most %u queues", NQ_MAX_LANES - 1);
	json_array_foreach(value, i, element)
	{
		size_t length = nq_path_push(reader, "[%zu]", i);

		result = nq_reference_read(reader, element, NQ_ARRAY_QUEUES, false, &ret[i]);
		if (result < 0)
			return result;
		nq_path_pop(reader, length);
	}
	*ret_n = (uint32_t)json_array_size(value);
	return 0;
}

static const struct nq_field rates_fields[] = {
	{ "packets", NQ_FIELD_U64, offsetof(struct nq_rates, packets) },
	{ "bytes", NQ_FIELD_U64, offsetof(struct nq_rates, bytes) },
	{ "drops", NQ_FIELD_U64, offsetof(struct nq_rates, drops) },
	{ 0 },
};

static int rates_read(struct nq_reader *reader, const json_t *value, struct nq_rates *ret)
{
	int result = nq_object_check(reader, value, rates_fields, NULL);

	return result < 0 ? result : nq_object_read(reader, value, rates_fields, ret);
}

static int text_read(struct nq_reader *reader, const json_t *value, const char **ret)
{
	int result = nq_reader_expect(reader, value, JSON_STRING);
	const char *own;

	if (result < 0)
		return result;
	own = nq_host_string(reader->texts, json_string_value(value));
	if (!own)
		return -ENOMEM;
	*ret = own;
	return 0;
}

static int mac_read(struct nq_reader *reader, const json_t *value, struct nq_mac *ret)
{
	if (json_is_string(value) && nq_mac_parse(json_string_value(value), ret) == 0)
		return 0;
	return nq_reader_fault(reader, value, "six hexadecimal bytes separated by colons");
}

static int enum_read(struct nq_reader *reader, const json_t *value, const struct nq_names *names, unsigned int *ret)
{
	int found = json_is_string(value) ? nq_names_find(names, json_string_value(value)) : -EINVAL;
	char allowed[512];

	if (found < 0) {
		nq_names_list(names, allowed, sizeof(allowed));
		return nq_reader_fault(reader, value, "%s", allowed);
	}
	*ret = (unsigned int)found;
	return 0;
}

static int u32_read(struct nq_reader *reader, const json_t *value, bool none, uint32_t *ret)
{
	uint64_t number = NQ_NONE;
	int result = none && json_is_null(value) ? 0 : nq_number_read(reader, value, NQ_NONE - 1, &number);

	if (result == 0)
		*ret = (uint32_t)number;
	return result;
}

static int bool_read(struct nq_reader *reader, const json_t *value, bool *ret)
{
	if (!json_is_boolean(value))
		return nq_reader_fault(reader, value, "true or false");
	*ret = json_is_true(value);
	return 0;
}

static int field_read(struct nq_reader *reader, const json_t *value, const struct nq_field *field, void *ret)
{
	void *at = (char *)ret + field->offset;

	switch (field->type) {
	case NQ_FIELD_U32:
		return u32_read(reader, value, field->none, at);
	case NQ_FIELD_U64:
		return nq_number_read(reader, value, NQ_MAX_VALUE, at);
	case NQ_FIELD_BOOL:
		return bool_read(reader, value, at);
	case NQ_FIELD_TEXT:
		return text_read(reader, value, at);
	case NQ_FIELD_MAC:
		return mac_read(reader, value, at);
	case NQ_FIELD_ENUM:
		return enum_read(reader, value, field->names, at);
	case NQ_FIELD_REFERENCE:
		return nq_reference_read(reader, value, field->array, field->none, at);
	case NQ_FIELD_NODESET:
		return nodeset_read(reader, value, at);
	case NQ_FIELD_PER_NODE:
		return per_node_read(reader, value, NQ_MAX_VALUE, put_u64, *(uint64_t **)at);
	case NQ_FIELD_CLIENTS:
		if (!*(uint32_t **)at)
			return nq_reader_expect(reader, value, JSON_OBJECT);
		return per_node_read(reader, value, NQ_NONE - 1, put_u32, *(uint32_t **)at);
	case NQ_FIELD_LANES:
		return lanes_read(reader, value, (uint32_t *)((char *)ret + field->count), at);
	case NQ_FIELD_RATES:
		return rates_read(reader, value, at);
	case NQ_FIELD_TYPE_COUNT:
		break;
	}
	return -EBADMSG;
}

static bool has_key(const struct nq_field *fields, const char *key)
{
	for (; fields && fields->key; fields++)
		if (strcmp(fields->key, key) == 0)
			return true;
	return false;
}

static size_t list_keys(const struct nq_field *fields, char *ret, size_t size, size_t used)
{
	for (; fields && fields->key && used < size; fields++)
		used += (size_t)snprintf(ret + used, size - used, "%s%s", used ? ", " : "", fields->key);
	return used;
}

static int unknown_key(struct nq_reader *reader, const struct nq_field *fields, const struct nq_field *more)
{
	char allowed[sizeof(reader->fault->what) - 32], where[sizeof(reader->fault->where)];
	size_t used = list_keys(fields, allowed, sizeof(allowed), 0);

	list_keys(more, allowed, sizeof(allowed), used);
	snprintf(where, sizeof(where), "%s: %s", reader->file, reader->path);
	nq_fault_set(reader->fault, where, "unknown key; allowed: %s", allowed);
	return -EBADMSG;
}

int nq_object_check(struct nq_reader *reader, const json_t *object, const struct nq_field *fields,
		    const struct nq_field *more)
{
	int result = nq_reader_expect(reader, object, JSON_OBJECT);
	const json_t *value;
	const char *key;

	if (result < 0)
		return result;
	json_object_foreach((json_t *)object, key, value) if (value && !has_key(fields, key) && !has_key(more, key))
	{
		nq_path_push(reader, "%s%.40s", *reader->path ? "." : "", key);
		return unknown_key(reader, fields, more);
	}
	return 0;
}

int nq_object_read(struct nq_reader *reader, const json_t *object, const struct nq_field *fields, void *ret)
{
	for (const struct nq_field *field = fields; field->key; field++) {
		const json_t *value = json_object_get(object, field->key);
		size_t length = nq_path_push(reader, "%s%s", *reader->path ? "." : "", field->key);
		int result = 0;

		if (value)
			result = field_read(reader, value, field, ret);
		else if (field->required)
			result = nq_reader_fault(reader, NULL, "this key is required");
		if (result < 0)
			return result;
		nq_path_pop(reader, length);
	}
	return 0;
}

static int check_version(struct nq_reader *reader, const json_t *document, const char *version_key, int version)
{
	const json_t *found;

	if (!json_is_object(document))
		return nq_reader_expect(reader, document, JSON_OBJECT);
	found = json_object_get(document, version_key);
	nq_path_push(reader, "%s", version_key);
	if (!json_is_integer(found) || json_integer_value(found) != version)
		return nq_reader_fault(reader, found, "%d, the version this nearq understands", version);
	nq_path_pop(reader, 0);
	return 0;
}

int nq_document_read(struct nq_reader *reader, FILE *stream, const char *version_key, int version, json_t **ret)
{
	json_error_t error;
	json_t *document;
	int result;

	errno = 0;
	document = json_loadf(stream, JSON_REJECT_DUPLICATES, &error);
	if (!document && ferror(stream))
		return errno ? -errno : -EIO;
	if (!document && json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	if (!document) {
		char where[sizeof(reader->fault->where)];

		snprintf(where, sizeof(where), "%s:%d:%d", reader->file, error.line, error.column);
		nq_fault_set(reader->fault, where, "%s", error.text);
		return -EBADMSG;
	}
	result = check_version(reader, document, version_key, version);
	if (result < 0)
		json_decref(document);
	else
		*ret = document;
	return result;
}
