/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>

#include "serial/plan_fields.h"

/* clang-format off */
#define AT(type, member) offsetof(struct type, member)

const struct nq_field nq_plan_fields[] = {
	{ "time_ns",        NQ_FIELD_U64, AT(nq_plan, time_ns), .required = true },
	{ "cost_before_ns", NQ_FIELD_U64, AT(nq_plan, cost_before_ns), .required = true },
	{ "cost_after_ns",  NQ_FIELD_U64, AT(nq_plan, cost_after_ns), .required = true },
	{ 0 },
};

const struct nq_field nq_action_kind_field[] = {
	{ "kind", NQ_FIELD_ENUM, AT(nq_action, kind), .required = true, .names = &nq_names_action },
	{ 0 },
};

static const struct nq_field home_fields[] = {
	{ "vm",          NQ_FIELD_REFERENCE, AT(nq_action, vm), .required = true, .array = NQ_ARRAY_VMS },
	{ "from",        NQ_FIELD_NODESET,   AT(nq_action, home_from), .required = true },
	{ "to",          NQ_FIELD_NODESET,   AT(nq_action, home_to), .required = true },
	{ "cpus_on",     NQ_FIELD_CLIENTS,   AT(nq_action, cpus_on) },
	{ "bytes",       NQ_FIELD_U64,       AT(nq_action, bytes) },
	{ "bytes_per_s", NQ_FIELD_U64,       AT(nq_action, bytes_per_s) },
	{ 0 },
};

static const struct nq_field queue_cpu_fields[] = {
	{ "queue", NQ_FIELD_REFERENCE, AT(nq_action, queue), .required = true, .array = NQ_ARRAY_QUEUES },
	{ "from",  NQ_FIELD_REFERENCE, AT(nq_action, cpu_from), .required = true, .none = true, .array = NQ_ARRAY_CPUS },
	{ "to",    NQ_FIELD_REFERENCE, AT(nq_action, cpu_to), .required = true, .array = NQ_ARRAY_CPUS },
	{ 0 },
};

static const struct nq_field migrate_fields[] = {
	{ "vm",          NQ_FIELD_REFERENCE, AT(nq_action, vm), .required = true, .array = NQ_ARRAY_VMS },
	{ "to",          NQ_FIELD_NODESET,   AT(nq_action, home_to), .required = true },
	{ "bytes",       NQ_FIELD_U64,       AT(nq_action, bytes), .required = true },
	{ "bytes_per_s", NQ_FIELD_U64,       AT(nq_action, bytes_per_s), .required = true },
	{ 0 },
};

static const struct nq_field queue_set_fields[] = {
	{ "queue",         NQ_FIELD_REFERENCE, AT(nq_action, queue), .required = true, .array = NQ_ARRAY_QUEUES },
	{ "coalesce_from", NQ_FIELD_U32,       AT(nq_action, coalesce_from), .required = true, .none = true },
	{ "coalesce_to",   NQ_FIELD_U32,       AT(nq_action, coalesce_to), .required = true },
	{ 0 },
};

static const struct nq_field steer_fields[] = {
	{ "vnic",        NQ_FIELD_REFERENCE, AT(nq_action, vnic), .required = true, .array = NQ_ARRAY_VNICS },
	{ "rx_from",     NQ_FIELD_REFERENCE, AT(nq_action, rx_from), .required = true, .none = true, .array = NQ_ARRAY_QUEUES },
	{ "rx_to",       NQ_FIELD_REFERENCE, AT(nq_action, rx_to), .required = true, .none = true, .array = NQ_ARRAY_QUEUES },
	{ "spread_from", NQ_FIELD_LANES,     AT(nq_action, spread_from), .count = AT(nq_action, n_spread_from) },
	{ "spread_to",   NQ_FIELD_LANES,     AT(nq_action, spread_to), .count = AT(nq_action, n_spread_to) },
	{ "tx_from",     NQ_FIELD_REFERENCE, AT(nq_action, tx_from), .required = true, .none = true, .array = NQ_ARRAY_QUEUES },
	{ "tx_to",       NQ_FIELD_REFERENCE, AT(nq_action, tx_to), .required = true, .none = true, .array = NQ_ARRAY_QUEUES },
	{ 0 },
};

const struct nq_field nq_action_cost_fields[] = {
	{ "cost_before_ns", NQ_FIELD_U64, AT(nq_action, cost_before_ns), .required = true },
	{ "cost_after_ns",  NQ_FIELD_U64, AT(nq_action, cost_after_ns), .required = true },
	{ "once_ns",        NQ_FIELD_U64, AT(nq_action, once_ns), .required = true },
	{ 0 },
};

const struct nq_field nq_kept_fields[] = {
	{ "vnic", NQ_FIELD_REFERENCE, AT(nq_kept, vnic), .required = true, .array = NQ_ARRAY_VNICS },
	{ 0 },
};

const struct nq_field *const nq_action_fields[] = {
	[NQ_ACTION_HOME] = home_fields,
	[NQ_ACTION_MIGRATE] = migrate_fields,
	[NQ_ACTION_QUEUE_CPU] = queue_cpu_fields,
	[NQ_ACTION_QUEUE_SET] = queue_set_fields,
	[NQ_ACTION_STEER] = steer_fields,
};
static_assert(sizeof(nq_action_fields) / sizeof(nq_action_fields[0]) == NQ_ACTION_KIND_COUNT, "fields of every kind");
/* clang-format on */
