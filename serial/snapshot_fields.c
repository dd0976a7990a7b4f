/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serial/snapshot.h"

/* clang-format off */
#define AT(type, member) offsetof(struct type, member)

const struct nq_field nq_host_fields[] = {
	{ "name",        NQ_FIELD_TEXT, AT(nq_host, name), .required = true },
	{ "time_ns",     NQ_FIELD_U64,  AT(nq_host, time_ns), .required = true },
	{ "interval_ns", NQ_FIELD_U64,  AT(nq_host, interval_ns), .required = true },
	{ "can_migrate", NQ_FIELD_BOOL, AT(nq_host, can_migrate) },
	{ 0 },
};

static const struct nq_field node_fields[] = {
	{ "id",        NQ_FIELD_U32, AT(nq_node, id), .required = true },
	{ "package",   NQ_FIELD_U32, AT(nq_node, package), .none = true },
	{ "mem_total", NQ_FIELD_U64, AT(nq_node, mem_total), .required = true },
	{ "mem_free",  NQ_FIELD_U64, AT(nq_node, mem_free), .required = true },
	{ "busy",      NQ_FIELD_U32, AT(nq_node, busy), .none = true },
	{ 0 },
};

static const struct nq_field cpu_fields[] = {
	{ "id",     NQ_FIELD_U32,       AT(nq_cpu, id), .required = true },
	{ "node",   NQ_FIELD_REFERENCE, AT(nq_cpu, node), .required = true, .array = NQ_ARRAY_NODES },
	{ "core",   NQ_FIELD_U32,       AT(nq_cpu, core), .required = true },
	{ "online", NQ_FIELD_BOOL,      AT(nq_cpu, online), .required = true },
	{ "busy",   NQ_FIELD_U32,       AT(nq_cpu, busy) },
	{ 0 },
};

static const struct nq_field pnic_fields[] = {
	{ "name",         NQ_FIELD_TEXT,      AT(nq_pnic, name), .required = true },
	{ "driver",       NQ_FIELD_TEXT,      AT(nq_pnic, driver) },
	{ "bus",          NQ_FIELD_TEXT,      AT(nq_pnic, bus) },
	{ "bond",         NQ_FIELD_TEXT,      AT(nq_pnic, bond) },
	{ "physfn",       NQ_FIELD_REFERENCE, AT(nq_pnic, physfn), .none = true, .array = NQ_ARRAY_PNICS },
	{ "node",         NQ_FIELD_REFERENCE, AT(nq_pnic, node), .required = true, .none = true, .array = NQ_ARRAY_NODES },
	{ "steering",     NQ_FIELD_ENUM,      AT(nq_pnic, steering), .required = true, .names = &nq_names_steering },
	{ "rules_max",    NQ_FIELD_U32,       AT(nq_pnic, rules_max), .none = true },
	{ "channels_max", NQ_FIELD_U32,       AT(nq_pnic, channels_max) },
	{ "rss_entries",  NQ_FIELD_U32,       AT(nq_pnic, rss_entries) },
	{ "rss_contexts", NQ_FIELD_U32,       AT(nq_pnic, rss_contexts) },
	{ 0 },
};

static const struct nq_field queue_fields[] = {
	{ "pnic",        NQ_FIELD_REFERENCE, AT(nq_queue, pnic), .required = true, .array = NQ_ARRAY_PNICS },
	{ "kind",        NQ_FIELD_ENUM,      AT(nq_queue, kind), .required = true, .names = &nq_names_queue_kind },
	{ "index",       NQ_FIELD_U32,       AT(nq_queue, index), .required = true },
	{ "role",        NQ_FIELD_ENUM,      AT(nq_queue, role), .required = true, .names = &nq_names_queue_role },
	{ "cpu",         NQ_FIELD_REFERENCE, AT(nq_queue, cpu), .required = true, .none = true, .array = NQ_ARRAY_CPUS },
	{ "movable",     NQ_FIELD_BOOL,      AT(nq_queue, movable) },
	{ "irq",         NQ_FIELD_U32,       AT(nq_queue, irq), .none = true },
	{ "napi",        NQ_FIELD_U32,       AT(nq_queue, napi), .none = true },
	{ "thread",      NQ_FIELD_U32,       AT(nq_queue, thread), .none = true },
	{ "rss_entries", NQ_FIELD_U32,       AT(nq_queue, rss_entries) },
	{ "busy",        NQ_FIELD_U32,       AT(nq_queue, busy) },
	{ "features",    NQ_FIELD_ENUM,      AT(nq_queue, features), .names = &nq_names_features },
	{ "coalesce_us", NQ_FIELD_U32,       AT(nq_queue, coalesce_us), .none = true },
	{ "xps",         NQ_FIELD_TEXT,      AT(nq_queue, xps) },
	{ "rx",          NQ_FIELD_RATES,     AT(nq_queue, rx) },
	{ "tx",          NQ_FIELD_RATES,     AT(nq_queue, tx) },
	{ 0 },
};

static const struct nq_field vm_fields[] = {
	{ "name",        NQ_FIELD_TEXT,     AT(nq_vm, name), .required = true },
	{ "kind",        NQ_FIELD_ENUM,     AT(nq_vm, kind), .required = true, .names = &nq_names_vm_kind },
	{ "cgroup",      NQ_FIELD_TEXT,     AT(nq_vm, cgroup) },
	{ "pid",         NQ_FIELD_U32,      AT(nq_vm, pid), .none = true },
	{ "cpus",        NQ_FIELD_U32,      AT(nq_vm, cpus), .required = true },
	{ "busy",        NQ_FIELD_U32,      AT(nq_vm, busy) },
	{ "home",        NQ_FIELD_NODESET,  AT(nq_vm, home), .required = true },
	{ "placed",      NQ_FIELD_BOOL,     AT(nq_vm, placed), .required = true },
	{ "pinned",      NQ_FIELD_BOOL,     AT(nq_vm, pinned) },
	{ "mem_fixed",   NQ_FIELD_BOOL,     AT(nq_vm, mem_fixed) },
	{ "mem",         NQ_FIELD_PER_NODE, AT(nq_vm, mem) },
	{ "pool",        NQ_FIELD_TEXT,     AT(nq_vm, pool) },
	{ "shares",      NQ_FIELD_U32,      AT(nq_vm, shares) },
	{ "reservation", NQ_FIELD_U32,      AT(nq_vm, reservation) },
	{ "limit",       NQ_FIELD_U32,      AT(nq_vm, limit), .none = true },
	{ "cpus_on",     NQ_FIELD_CLIENTS,  AT(nq_vm, cpus_on) },
	{ 0 },
};

static const struct nq_field vnic_fields[] = {
	{ "mac",        NQ_FIELD_MAC,       AT(nq_vnic, mac), .required = true },
	{ "vm",         NQ_FIELD_REFERENCE, AT(nq_vnic, vm), .required = true, .array = NQ_ARRAY_VMS },
	{ "pnic",       NQ_FIELD_REFERENCE, AT(nq_vnic, pnic), .required = true, .none = true, .array = NQ_ARRAY_PNICS },
	{ "name",       NQ_FIELD_TEXT,      AT(nq_vnic, name) },
	{ "rx_queue",   NQ_FIELD_REFERENCE, AT(nq_vnic, rx_queue), .none = true, .array = NQ_ARRAY_QUEUES },
	{ "spread",     NQ_FIELD_LANES,     AT(nq_vnic, spread), .count = AT(nq_vnic, n_spread) },
	{ "virtqueues", NQ_FIELD_U32,       AT(nq_vnic, virtqueues) },
	{ "tx_queue",   NQ_FIELD_REFERENCE, AT(nq_vnic, tx_queue), .none = true, .array = NQ_ARRAY_QUEUES },
	{ "worker",     NQ_FIELD_U32,       AT(nq_vnic, worker), .none = true },
	{ "worker_cpu", NQ_FIELD_REFERENCE, AT(nq_vnic, worker_cpu), .none = true, .array = NQ_ARRAY_CPUS },
	{ "rx",         NQ_FIELD_RATES,     AT(nq_vnic, rx) },
	{ "tx",         NQ_FIELD_RATES,     AT(nq_vnic, tx) },
	{ "served_by",  NQ_FIELD_ENUM,      AT(nq_vnic, served_by), .names = &nq_names_served },
	{ "served",     NQ_FIELD_PER_NODE,  AT(nq_vnic, served) },
	{ 0 },
};

const struct nq_field nq_notice_fields[] = {
	{ "kind",    NQ_FIELD_ENUM, AT(nq_notice, kind), .required = true, .names = &nq_names_notice },
	{ "subject", NQ_FIELD_TEXT, AT(nq_notice, subject), .required = true },
	{ "detail",  NQ_FIELD_TEXT, AT(nq_notice, detail), .required = true },
	{ 0 },
};

const struct nq_field *const nq_array_fields[NQ_ARRAY_COUNT] = {
	[NQ_ARRAY_NODES] = node_fields,   [NQ_ARRAY_CPUS] = cpu_fields, [NQ_ARRAY_PNICS] = pnic_fields,
	[NQ_ARRAY_QUEUES] = queue_fields, [NQ_ARRAY_VMS] = vm_fields,   [NQ_ARRAY_VNICS] = vnic_fields,
};

const char *const nq_array_names[NQ_ARRAY_COUNT] = {
	[NQ_ARRAY_NODES] = "nodes",   [NQ_ARRAY_CPUS] = "cpus", [NQ_ARRAY_PNICS] = "pnics",
	[NQ_ARRAY_QUEUES] = "queues", [NQ_ARRAY_VMS] = "vms",   [NQ_ARRAY_VNICS] = "vnics",
};
/* clang-format on */
