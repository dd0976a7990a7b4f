/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading a plan against the host it was made for. What is checked beyond keys, types and names: that an action can
 * be carried out in the model at all (a home is not empty, a queue can move, a vnic gets queues of its own pnic).
 * Whether it is still wise is for the planner to say, not for the reader.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/action.h"
#include "serial/json.h"
#include "serial/plan_fields.h"

static const struct nq_field document_lists[] = { { NQ_PLAN_KEY }, { "actions" }, { "kept" }, { 0 } };

/* The member of that key, which must be there and of that type; the path then leads to it. */
static int member(struct nq_reader *reader, const json_t *object, const char *key, json_type type, const json_t **ret)
{
	const json_t *value = json_object_get(object, key);

	nq_path_push(reader, "%s%s", *reader->path ? "." : "", key);
	if (!value)
		return nq_reader_fault(reader, NULL, "this key is required");
	*ret = value;
	return nq_reader_expect(reader, value, type);
}

/* "rule" and the names of its values, as a table that nq_object_check() understands. */
static void reason_keys(enum nq_rule rule, struct nq_field keys[NQ_REASON_VALUES + 2])
{
	memset(keys, 0, (NQ_REASON_VALUES + 2) * sizeof(*keys));
	keys[0].key = "rule";
	for (size_t i = 0; nq_rule_values[rule][i]; i++)
		keys[i + 1].key = nq_rule_values[rule][i];
}

static int rule_read(struct nq_reader *reader, const json_t *object, enum nq_rule *ret)
{
	static const struct nq_field fields[] = {
		{ "rule", NQ_FIELD_ENUM, 0, .required = true, .names = &nq_names_rule },
		{ 0 },
	};
	unsigned int rule = 0;
	int result = nq_object_read(reader, object, fields, &rule);

	if (result == 0)
		*ret = rule;
	return result;
}

static int value_read(struct nq_reader *reader, const json_t *object, const char *key, uint64_t *ret)
{
	const json_t *value = json_object_get(object, key);
	size_t length = nq_path_push(reader, ".%s", key);
	int result = 0;

	if (!value)
		return nq_reader_fault(reader, NULL, "this key is required");
	*ret = NQ_NONE;
	if (!json_is_null(value))
		result = nq_number_read(reader, value, NQ_MAX_VALUE, ret);
	if (result == 0)
		nq_path_pop(reader, length);
	return result;
}

static int reason_read(struct nq_reader *reader, const json_t *owner, struct nq_reason *ret)
{
	struct nq_field keys[NQ_REASON_VALUES + 2];
	size_t length = strlen(reader->path);
	const json_t *object;
	int result = member(reader, owner, "reason", JSON_OBJECT, &object);

	if (result == 0)
		result = rule_read(reader, object, &ret->rule);
	if (result < 0)
		return result;
	reason_keys(ret->rule, keys);
	result = nq_object_check(reader, object, keys, NULL);
	for (size_t i = 0; result == 0 && keys[i + 1].key; i++)
		result = value_read(reader, object, keys[i + 1].key, &ret->value[i]);
	if (result == 0)
		nq_path_pop(reader, length);
	return result;
}

static int rejected_read(struct nq_reader *reader, const json_t *owner, struct nq_action *action)
{
	const struct nq_field fields[] = {
		{ "target", NQ_FIELD_REFERENCE, offsetof(struct nq_rejected, target), .required = true,
		  .array = nq_action_targets(action->kind) },
		{ "cost_ns", NQ_FIELD_U64, offsetof(struct nq_rejected, cost_ns), .required = true },
		{ 0 },
	};
	size_t length = strlen(reader->path);
	const json_t *object = json_object_get(owner, "rejected");
	int result;

	if (json_is_null(object))
		return 0;
	result = member(reader, owner, "rejected", JSON_OBJECT, &object);
	if (result == 0)
		result = nq_object_check(reader, object, fields, NULL);
	if (result == 0)
		result = nq_object_read(reader, object, fields, &action->rejected);
	if (result == 0)
		nq_path_pop(reader, length);
	return result;
}

/* Can the model do it? One function for each kind of action; 0 or -EBADMSG. */

static int home_possible(struct nq_reader *reader, const struct nq_action *action)
{
	uint64_t sum = 0;

	if (nq_nodeset_count(&action->home_to) == 0)
		return nq_reader_fault(reader, NULL, "at least one node in \"to\"");
	for (uint32_t i = 0; action->cpus_on && i < reader->host->n_nodes; i++) {
		if (action->cpus_on[i] && !nq_nodeset_has(&action->home_to, i))
			return nq_reader_fault(reader, NULL, "nodes of \"to\" in \"cpus_on\"");
		sum += action->cpus_on[i];
	}
	if (action->cpus_on && sum != reader->host->vms[action->vm].cpus)
		return nq_reader_fault(reader, NULL, "as many vCPUs in \"cpus_on\" as the vm has");
	return 0;
}

static int migrate_possible(struct nq_reader *reader, const struct nq_action *action)
{
	if (reader->host->vms[action->vm].mem_fixed)
		return nq_reader_fault(reader, NULL, "a vm whose memory can migrate");
	return home_possible(reader, action);
}

static int queue_cpu_possible(struct nq_reader *reader, const struct nq_action *action)
{
	return reader->host->queues[action->queue].movable ? 0
							   : nq_reader_fault(reader, NULL, "a queue that can be moved");
}

static int queue_set_possible(struct nq_reader *reader, const struct nq_action *action)
{
	return reader->host->queues[action->queue].kind == NQ_QUEUE_HARD
		       ? 0
		       : nq_reader_fault(reader, NULL, "a hard queue in \"queue\"");
}

/* Further queues, of which none is one of the others or a default queue, and none is there without a first. */
static bool are_lanes(const struct nq_host *host, uint32_t first, uint32_t n, const uint32_t *spread)
{
	for (uint32_t i = 0; i < n; i++) {
		if (first == NQ_NONE || spread[i] == first || host->queues[spread[i]].role == NQ_ROLE_DEFAULT)
			return false;
		for (uint32_t j = 0; j < i; j++)
			if (spread[i] == spread[j])
				return false;
	}
	return true;
}

static bool are_of_pnic(const struct nq_host *host, uint32_t pnic, uint32_t n, const uint32_t *queues)
{
	for (uint32_t i = 0; i < n; i++)
		if (queues[i] != NQ_NONE && host->queues[queues[i]].pnic != pnic)
			return false;
	return true;
}

static int steer_possible(struct nq_reader *reader, const struct nq_action *action)
{
	const struct nq_host *host = reader->host;
	const uint32_t queues[] = { action->rx_from, action->rx_to, action->tx_from, action->tx_to };
	uint32_t pnic = host->vnics[action->vnic].pnic;

	if (!are_of_pnic(host, pnic, sizeof(queues) / sizeof(queues[0]), queues) ||
	    !are_of_pnic(host, pnic, action->n_spread_from, action->spread_from) ||
	    !are_of_pnic(host, pnic, action->n_spread_to, action->spread_to))
		return nq_reader_fault(reader, NULL, "queues of the vnic's own pnic");
	if (!are_lanes(host, action->rx_to, action->n_spread_to, action->spread_to))
		return nq_reader_fault(reader, NULL, "further queues in \"spread_to\", each once");
	if (action->tx_to != NQ_NONE && host->queues[action->tx_to].kind != NQ_QUEUE_HARD)
		return nq_reader_fault(reader, NULL, "a hard queue in \"tx_to\"");
	return 0;
}

static int possible(struct nq_reader *reader, const struct nq_action *action)
{
	static int (*const checks[NQ_ACTION_KIND_COUNT])(struct nq_reader *, const struct nq_action *) = {
		[NQ_ACTION_HOME] = home_possible,	    [NQ_ACTION_MIGRATE] = migrate_possible,
		[NQ_ACTION_QUEUE_CPU] = queue_cpu_possible, [NQ_ACTION_QUEUE_SET] = queue_set_possible,
		[NQ_ACTION_STEER] = steer_possible,
	};

	return checks[action->kind](reader, action);
}

static int action_keys_check(struct nq_reader *reader, const json_t *object, const struct nq_field *own)
{
	/* All keys of an action, gathered into one table. */
	struct nq_field keys[16] = { { "reason" }, { "rejected" } };
	const struct nq_field *const parts[] = { nq_action_kind_field, own, nq_action_cost_fields };
	size_t n = 2;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (const struct nq_field *field = parts[i]; field->key; field++)
			keys[n++].key = field->key;
	return nq_object_check(reader, object, keys, NULL);
}

static bool has_clients(const json_t *action)
{
	return json_object_size(json_object_get(action, "cpus_on")) > 0;
}

/* *clients: where the next action with clients has its room. */
static int action_read(struct nq_reader *reader, const json_t *object, uint32_t **clients, struct nq_action *ret)
{
	int result = nq_reader_expect(reader, object, JSON_OBJECT);

	*ret = nq_action_init(NQ_ACTION_HOME);
	if (has_clients(object)) {
		ret->cpus_on = *clients;
		*clients += reader->host->n_nodes;
	}
	if (result == 0)
		result = nq_object_read(reader, object, nq_action_kind_field, ret);
	if (result == 0)
		result = action_keys_check(reader, object, nq_action_fields[ret->kind]);
	if (result == 0)
		result = nq_object_read(reader, object, nq_action_fields[ret->kind], ret);
	if (result == 0)
		result = nq_object_read(reader, object, nq_action_cost_fields, ret);
	if (result == 0)
		result = reason_read(reader, object, &ret->reason);
	if (result == 0)
		result = rejected_read(reader, object, ret);
	return result < 0 ? result : possible(reader, ret);
}

/* Room for the actions of the list, and for the clients of those that have some. 0 or -ENOMEM. */
static int make_room(const struct nq_host *host, const json_t *list, struct nq_plan *plan)
{
	size_t n_clients = 0, i;
	const json_t *value;

	json_array_foreach(list, i, value)
	{
		n_clients += has_clients(value);
	}
	plan->actions = calloc(json_array_size(list) + 1, sizeof(*plan->actions));
	plan->clients = calloc(n_clients * host->n_nodes + 1, sizeof(*plan->clients));
	return plan->actions && plan->clients ? 0 : -ENOMEM;
}

static int actions_read(struct nq_reader *reader, const json_t *document, struct nq_plan *plan)
{
	const json_t *list, *value;
	uint32_t *clients;
	size_t i;
	int result = member(reader, document, "actions", JSON_ARRAY, &list);

	if (result == 0)
		result = make_room(reader->host, list, plan);
	if (result < 0)
		return result;
	clients = plan->clients;
	json_array_foreach(list, i, value)
	{
		size_t length = nq_path_push(reader, "[%zu]", i);

		result = action_read(reader, value, &clients, &plan->actions[i]);
		if (result < 0)
			return result;
		plan->n_actions++;
		nq_path_pop(reader, length);
	}
	nq_path_pop(reader, 0);
	return 0;
}

static int kept_read(struct nq_reader *reader, const json_t *document, struct nq_plan *plan)
{
	static const struct nq_field more[] = { { "reason" }, { 0 } };
	const json_t *list, *value;
	size_t i;
	int result = member(reader, document, "kept", JSON_ARRAY, &list);

	if (result < 0)
		return result;
	plan->kept = calloc(json_array_size(list) + 1, sizeof(*plan->kept));
	if (!plan->kept)
		return -ENOMEM;
	json_array_foreach(list, i, value)
	{
		size_t length = nq_path_push(reader, "[%zu]", i);

		result = nq_object_check(reader, value, nq_kept_fields, more);
		if (result == 0)
			result = nq_object_read(reader, value, nq_kept_fields, &plan->kept[i]);
		if (result == 0)
			result = reason_read(reader, value, &plan->kept[i].reason);
		if (result < 0)
			return result;
		plan->n_kept++;
		nq_path_pop(reader, length);
	}
	nq_path_pop(reader, 0);
	return 0;
}

static int document_read(struct nq_reader *reader, const json_t *document, struct nq_plan *plan)
{
	int result = nq_object_check(reader, document, nq_plan_fields, document_lists);

	for (enum nq_array array = 0; array < NQ_ARRAY_COUNT && result == 0; array++)
		result = nq_reader_index(reader, array);
	if (result == 0)
		result = nq_object_read(reader, document, nq_plan_fields, plan);
	if (result == 0)
		result = actions_read(reader, document, plan);
	return result < 0 ? result : kept_read(reader, document, plan);
}

int nq_plan_read(FILE *stream, const char *name, const struct nq_host *host, struct nq_plan **ret,
		 struct nq_fault *ret_fault)
{
	nq_own_plan struct nq_plan *plan = calloc(1, sizeof(*plan));
	nq_json json_t *document = NULL;
	struct nq_reader reader = { .file = nq_reader_file(name), .fault = ret_fault, .host = host };
	int result = plan ? 0 : -ENOMEM;

	if (result == 0)
		result = nq_document_read(&reader, stream, NQ_PLAN_KEY, NQ_PLAN_VERSION, &document);
	if (result == 0)
		result = document_read(&reader, document, plan);
	nq_reader_clear(&reader);
	if (result < 0)
		return result;
	*ret = plan;
	plan = NULL;
	return 0;
}
