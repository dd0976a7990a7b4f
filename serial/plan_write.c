/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "core/action.h"
#include "serial/json.h"
#include "serial/plan_fields.h"

static json_t *reason_write(const struct nq_reason *reason)
{
	const char *const *key = nq_rule_values[reason->rule];
	json_t *object = json_pack("{ss}", "rule", nq_rule_name(reason->rule));

	for (size_t i = 0; object && key[i]; i++) {
		/* An unknown node is null. */
		json_t *value = reason->value[i] == NQ_NONE ? json_null() : json_integer((json_int_t)reason->value[i]);

		if (json_object_set_new(object, key[i], value) < 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static json_t *rejected_write(const struct nq_host *host, const struct nq_action *action)
{
	const struct nq_rejected *rejected = &action->rejected;

	if (rejected->target == NQ_NONE)
		return json_null();
	return json_pack("{sosI}", "target",
			 nq_reference_write(host, nq_action_targets(action->kind), rejected->target), "cost_ns",
			 (json_int_t)rejected->cost_ns);
}

static json_t *action_write(const struct nq_host *host, const struct nq_action *action)
{
	nq_json json_t *object = json_object();
	int failed = nq_object_write(host, object, nq_action_kind_field, action);

	failed |= nq_object_write(host, object, nq_action_fields[action->kind], action);
	failed |= json_object_set_new(object, "reason", reason_write(&action->reason));
	failed |= json_object_set_new(object, "rejected", rejected_write(host, action));
	failed |= nq_object_write(host, object, nq_action_cost_fields, action);
	return failed ? NULL : json_incref(object);
}

static json_t *kept_write(const struct nq_host *host, const struct nq_kept *kept)
{
	nq_json json_t *object = json_object();
	int failed = nq_object_write(host, object, nq_kept_fields, kept);

	failed |= json_object_set_new(object, "reason", reason_write(&kept->reason));
	return failed ? NULL : json_incref(object);
}

int nq_plan_write(FILE *stream, const struct nq_host *host, const struct nq_plan *plan)
{
	nq_json json_t *document = json_object();
	json_t *actions = json_array(), *kept = json_array();
	int failed = json_object_set_new(document, NQ_PLAN_KEY, json_integer(NQ_PLAN_VERSION));

	failed |= nq_object_write(host, document, nq_plan_fields, plan);
	failed |= json_object_set_new(document, "actions", actions);
	failed |= json_object_set_new(document, "kept", kept);
	for (uint32_t i = 0; i < plan->n_actions && !failed; i++)
		failed = json_array_append_new(actions, action_write(host, &plan->actions[i]));
	for (uint32_t i = 0; i < plan->n_kept && !failed; i++)
		failed = json_array_append_new(kept, kept_write(host, &plan->kept[i]));
	return failed ? -ENOMEM : nq_document_write(stream, document);
}
