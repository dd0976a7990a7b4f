/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>

#include "core/action.h"

static const struct {
	enum nq_array moves, targets;
} kinds[] = {
	[NQ_ACTION_HOME] = { NQ_ARRAY_VMS, NQ_ARRAY_NODES },
	[NQ_ACTION_MIGRATE] = { NQ_ARRAY_VMS, NQ_ARRAY_NODES },
	[NQ_ACTION_QUEUE_CPU] = { NQ_ARRAY_QUEUES, NQ_ARRAY_CPUS },
	[NQ_ACTION_QUEUE_SET] = { NQ_ARRAY_QUEUES, NQ_ARRAY_CPUS },
	[NQ_ACTION_STEER] = { NQ_ARRAY_VNICS, NQ_ARRAY_QUEUES },
};
static_assert(sizeof(kinds) / sizeof(kinds[0]) == NQ_ACTION_KIND_COUNT, "one line for every kind of action");

enum nq_array nq_action_array(enum nq_action_kind kind)
{
	return kinds[kind].moves;
}

enum nq_array nq_action_targets(enum nq_action_kind kind)
{
	return kinds[kind].targets;
}

uint32_t nq_action_object(const struct nq_action *action)
{
	const uint32_t objects[NQ_ACTION_KIND_COUNT] = {
		[NQ_ACTION_HOME] = action->vm,	       [NQ_ACTION_MIGRATE] = action->vm,
		[NQ_ACTION_QUEUE_CPU] = action->queue, [NQ_ACTION_QUEUE_SET] = action->queue,
		[NQ_ACTION_STEER] = action->vnic,
	};

	return objects[action->kind];
}

struct nq_action nq_action_init(enum nq_action_kind kind)
{
	return (struct nq_action){
		.kind = kind,
		.vm = NQ_NONE,
		.vnic = NQ_NONE,
		.queue = NQ_NONE,
		.cpu_from = NQ_NONE,
		.cpu_to = NQ_NONE,
		.rx_from = NQ_NONE,
		.rx_to = NQ_NONE,
		.tx_from = NQ_NONE,
		.tx_to = NQ_NONE,
		.coalesce_from = NQ_NONE,
		.coalesce_to = NQ_NONE,
		.rejected.target = NQ_NONE,
	};
}
