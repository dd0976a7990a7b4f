/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What must hold of every plan on every host (N1, N2, N9, H1, dwell), tried on random hosts.
 *
 * NEARQ_SEED and NEARQ_HOSTS choose other hosts; a failure prints the seed of the host that showed it.
 */
#include "support.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/action.h"
#include "core/memory.h"
#include "random_host.h"

#define HOSTS 3000

struct trial {
	uint64_t seed;
	struct nq_host *host, *planned;
	struct nq_policy policy;
	struct nq_memory *memory;
	struct nq_plan *plan;
	char *plan_text;
};

static void begin(struct trial *trial, uint64_t seed)
{
	struct random random = { seed * UINT64_C(0x9e3779b97f4a7c15) + 1 };

	trial->seed = seed;
	trial->host = random_host(&random);
	random_policy(&random, &trial->policy);
	trial->memory = random_memory(&random, trial->host);
	trial->plan = support_plan(trial->host, &trial->policy, trial->memory);
	trial->planned = support_planned(trial->host, trial->plan);
	trial->plan_text = support_plan_text(trial->host, trial->plan);
}

static void end(struct trial *trial)
{
	nq_host_free(trial->host);
	nq_host_free(trial->planned);
	nq_memory_free(trial->memory);
	nq_plan_free(trial->plan);
	free(trial->plan_text);
}

static void each_host(void (*check)(struct trial *trial))
{
	const char *seed_text = getenv("NEARQ_SEED"), *hosts_text = getenv("NEARQ_HOSTS");
	uint64_t seed = seed_text ? strtoull(seed_text, NULL, 0) : 1;
	uint64_t hosts = hosts_text ? strtoull(hosts_text, NULL, 0) : HOSTS;

	for (uint64_t i = 0; i < hosts; i++) {
		struct trial trial;

		begin(&trial, seed + i);
		check(&trial);
		end(&trial);
	}
}

#define FAIL(trial, ...)                                                                                               \
	do {                                                                                                           \
		print_error("seed %" PRIu64 ": ", (trial)->seed);                                                      \
		print_error(__VA_ARGS__);                                                                              \
		print_error("\n%s", (trial)->plan_text);                                                               \
		fail();                                                                                                \
	} while (0)

/* A second run on the planned host moves nothing. */
static void check_stable(struct trial *trial)
{
	struct nq_plan *second = support_plan(trial->planned, &trial->policy, trial->memory);

	if (second->n_actions) {
		char *text = support_plan_text(trial->planned, second);

		print_error("%s", text);
		FAIL(trial, "the second plan is not empty");
	}
	nq_plan_free(second);
}

/* The plan never costs more than doing nothing, and says what it really costs. */
static void check_cost(struct trial *trial)
{
	const struct nq_plan *plan = trial->plan;

	if (plan->cost_before_ns != nq_host_cost(trial->host, &trial->policy))
		FAIL(trial, "wrong cost before");
	if (plan->cost_after_ns != nq_host_cost(trial->planned, &trial->policy))
		FAIL(trial, "wrong cost after");
	if (plan->cost_after_ns > plan->cost_before_ns)
		FAIL(trial, "costs more than doing nothing");
}

static void check_same_bytes(struct trial *trial)
{
	struct nq_plan *again = support_plan(trial->host, &trial->policy, trial->memory);
	char *text = support_plan_text(trial->host, again);

	if (strcmp(text, trial->plan_text) != 0)
		FAIL(trial, "another plan the second time:\n%s", text);
	free(text);
	nq_plan_free(again);
}

/* Reading what was written gives the same value. */
static void check_round_trip(struct trial *trial)
{
	FILE *file = fmemopen(trial->plan_text, strlen(trial->plan_text), "r");
	struct nq_fault fault = { "", "" };
	struct nq_plan *read = NULL;
	char *text;

	if (nq_plan_read(file, "plan", trial->host, &read, &fault) < 0)
		FAIL(trial, "%s: %s", fault.where, fault.what);
	fclose(file);
	text = support_plan_text(trial->host, read);
	if (strcmp(text, trial->plan_text) != 0)
		FAIL(trial, "reads as another plan:\n%s", text);
	free(text);
	nq_plan_free(read);
}

static void shuffle(struct random *random, json_t *array, uint32_t *order)
{
	size_t n = json_array_size(array);
	json_t *copy = json_copy(array);

	for (size_t i = 0; i < n; i++)
		order[i] = (uint32_t)i;
	for (size_t i = n; i > 1; i--) {
		size_t j = random_in(random, 0, i - 1);
		uint32_t other = order[j];

		order[j] = order[i - 1];
		order[i - 1] = other;
	}
	for (size_t i = 0; i < n; i++)
		json_array_set(array, i, json_array_get(copy, order[i]));
	json_decref(copy);
}

/* The same host with every array in another order. References are by name and need no care, distances do. */
static struct nq_host *shuffled(struct trial *trial)
{
	static const char *const arrays[] = { "cpus", "pnics", "queues", "vms", "vnics" };
	struct random random = { trial->seed + 12345 };
	char *text = support_snapshot_text(trial->host);
	json_t *document = json_loads(text, 0, NULL), *rows = json_object_get(document, "distance");
	json_t *old_rows = json_deep_copy(rows);
	uint32_t order[1024];
	struct nq_fault fault;
	struct nq_host *host = NULL;

	free(text);
	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
		shuffle(&random, json_object_get(document, arrays[i]), order);
	shuffle(&random, json_object_get(document, "nodes"), order);
	for (uint32_t i = 0; i < trial->host->n_nodes; i++)
		for (uint32_t j = 0; j < trial->host->n_nodes; j++)
			json_array_set(json_array_get(rows, i), j,
				       json_array_get(json_array_get(old_rows, order[i]), order[j]));
	text = json_dumps(document, 0);
	assert_int_equal(support_host_from_text(text, strlen(text), &host, &fault), 0);
	free(text);
	json_decref(old_rows);
	json_decref(document);
	return host;
}

/* The order of the input's arrays does not matter. */
static void check_order(struct trial *trial)
{
	struct nq_host *host = shuffled(trial);
	struct nq_plan *plan = support_plan(host, &trial->policy, trial->memory);
	char *text = support_plan_text(host, plan);

	if (strcmp(text, trial->plan_text) != 0)
		FAIL(trial, "another plan for another order:\n%s", text);
	free(text);
	nq_plan_free(plan);
	nq_host_free(host);
}

/* An object that moved within the dwell time stays. */
static void check_dwell(struct trial *trial)
{
	for (uint32_t i = 0; i < trial->plan->n_actions; i++) {
		const struct nq_action *action = &trial->plan->actions[i];
		char room[NQ_KEY_TEXT];
		const char *key = nq_memory_key(trial->host, action->kind, nq_action_object(action), room);
		const struct nq_memory_entry *entry = nq_memory_find(trial->memory, action->kind, key);

		if (entry && trial->host->time_ns - entry->moved_ns < trial->policy.dwell_ms * 1000000)
			FAIL(trial, "%s moves although it dwells", key);
	}
}

static void check_home(struct trial *trial, const struct nq_action *action)
{
	const struct nq_vm *vm = &trial->host->vms[action->vm];
	uint32_t node = nq_nodeset_single(&action->home_to);

	if (vm->placed || vm->pinned || vm->kind == NQ_VM_HOST)
		FAIL(trial, "%s is not to be placed", vm->name);
	if (node == NQ_NONE || !nq_nodeset_equal(&action->home_from, &vm->home))
		FAIL(trial, "%s: from or to is wrong", vm->name);
	for (uint32_t i = 0; vm->mem_fixed && i < trial->host->n_nodes; i++)
		if (i != node && vm->mem[i])
			FAIL(trial, "%s leaves its memory", vm->name);
}

static void check_queue_cpu(struct trial *trial, const struct nq_action *action)
{
	const struct nq_queue *queue = &trial->host->queues[action->queue];

	if (!queue->movable || queue->kind != NQ_QUEUE_HARD)
		FAIL(trial, "queue %" PRIu32 " cannot move", action->queue);
	if (!trial->host->cpus[action->cpu_to].online || action->cpu_from != queue->cpu || action->cpu_to == queue->cpu)
		FAIL(trial, "queue %" PRIu32 ": from or to is wrong", action->queue);
}

static void check_steer(struct trial *trial, const struct nq_action *action)
{
	const struct nq_host *host = trial->host;
	const struct nq_vnic *vnic = &host->vnics[action->vnic];
	const struct nq_queue *to = &host->queues[action->rx_to];
	enum nq_steering steering = host->pnics[vnic->pnic].steering;

	if (action->rx_from != vnic->rx_queue || action->tx_from != vnic->tx_queue)
		FAIL(trial, "vnic %" PRIu32 ": from is wrong", action->vnic);
	if (steering == NQ_STEER_NONE || to->pnic != vnic->pnic || to->role == NQ_ROLE_DEFAULT ||
	    (steering == NQ_STEER_XDP) != (to->kind == NQ_QUEUE_SOFT))
		FAIL(trial, "vnic %" PRIu32 ": steering does not reach it", action->vnic);
	if (to->kind == NQ_QUEUE_HARD && action->tx_to != action->rx_to)
		FAIL(trial, "vnic %" PRIu32 ": not a pair", action->vnic);
}

/* Each kind of action does only what its kind may. */
static void check_actions(struct trial *trial)
{
	void (*const checks[NQ_ACTION_KIND_COUNT])(struct trial *, const struct nq_action *) = {
		[NQ_ACTION_HOME] = check_home,
		[NQ_ACTION_QUEUE_CPU] = check_queue_cpu,
		[NQ_ACTION_STEER] = check_steer,
	};

	for (uint32_t i = 0; i < trial->plan->n_actions; i++) {
		const struct nq_action *action = &trial->plan->actions[i];

		checks[action->kind](trial, action);
		if (i && action->kind < action[-1].kind)
			FAIL(trial, "actions out of order");
	}
}

/* No queue takes a vnic over its limit, unless it is alone there; no pnic gets more rules than it takes. */
static void check_capacity(struct trial *trial)
{
	const struct nq_host *planned = trial->planned;
	uint64_t limit = trial->policy.queue_capacity_pps * trial->policy.queue_full / 1000;

	for (uint32_t i = 0; i < trial->plan->n_actions; i++) {
		const struct nq_action *action = &trial->plan->actions[i];
		uint64_t load = 0, vnics = 0;

		if (action->kind != NQ_ACTION_STEER || action->rx_to == action->rx_from)
			continue;
		for (uint32_t j = 0; j < planned->n_vnics; j++) {
			const struct nq_vnic *vnic = &planned->vnics[j];

			uint64_t part = (vnic->rx_queue == action->rx_to ? vnic->rx.packets : 0) +
					(vnic->tx_queue == action->rx_to ? vnic->tx.packets : 0);

			vnics += part > 0;
			load += part;
		}
		if (load > limit && vnics > 1)
			FAIL(trial, "queue %" PRIu32 " is over its limit", action->rx_to);
	}
	for (uint32_t pnic = 0; pnic < planned->n_pnics; pnic++) {
		uint64_t before = 0, after = 0;

		for (uint32_t j = 0; j < planned->n_vnics; j++) {
			before += trial->host->vnics[j].pnic == pnic && trial->host->vnics[j].rx_queue != NQ_NONE;
			after += planned->vnics[j].pnic == pnic && planned->vnics[j].rx_queue != NQ_NONE;
		}
		if (after > before && after > planned->pnics[pnic].rules_max)
			FAIL(trial, "pnic %" PRIu32 " has too many rules", pnic);
	}
}

/* A vnic is listed as kept exactly when part of what it receives is served away from its vm. */
static void check_kept(struct trial *trial)
{
	const struct nq_host *planned = trial->planned;

	for (uint32_t i = 0; i < planned->n_vnics; i++) {
		uint32_t node = nq_host_queue_node(planned, planned->vnics[i].rx_queue);
		uint32_t listed = 0, home = nq_nodeset_single(&planned->vms[planned->vnics[i].vm].home);

		for (uint32_t j = 0; j < trial->plan->n_kept; j++)
			listed += trial->plan->kept[j].vnic == i;
		if (listed > 1)
			FAIL(trial, "vnic %" PRIu32 " listed twice", i);
		if (node == NQ_NONE || home == NQ_NONE || trial->policy.handoff_remote_ns == 0)
			continue;
		if (listed != (node != home))
			FAIL(trial, "vnic %" PRIu32 " served on %" PRIu32 ", home %" PRIu32 ", listed %" PRIu32, i,
			     node, home, listed);
	}
}

#define PROPERTY(name)                                                                                                 \
	static void name(void **state)                                                                                 \
	{                                                                                                              \
		(void)state;                                                                                           \
		each_host(check_##name);                                                                               \
	}

PROPERTY(stable)
PROPERTY(cost)
PROPERTY(same_bytes)
PROPERTY(round_trip)
PROPERTY(order)
PROPERTY(dwell)
PROPERTY(actions)
PROPERTY(capacity)
PROPERTY(kept)

/* The hosts are not all alike: each kind of action and each rule that a plan can have does occur. */
static uint64_t seen[NQ_RULE_COUNT];

static void check_seen(struct trial *trial)
{
	for (uint32_t i = 0; i < trial->plan->n_actions; i++)
		seen[trial->plan->actions[i].reason.rule]++;
	for (uint32_t i = 0; i < trial->plan->n_kept; i++)
		seen[trial->plan->kept[i].reason.rule]++;
}

/* Rules of stages that are still to come. */
static bool is_later(enum nq_rule rule)
{
	static const enum nq_rule later[] = {
		NQ_RULE_HOME_PROPORTIONAL, NQ_RULE_HOME_WIDE,	   NQ_RULE_HOME_REBALANCE,    NQ_RULE_HOME_SWAP,
		NQ_RULE_MEMORY_FOLLOWS,	   NQ_RULE_QUEUE_BALANCE,  NQ_RULE_QUEUE_SWAP,	      NQ_RULE_QUEUE_SPLIT,
		NQ_RULE_QUEUE_CONSOLIDATE, NQ_RULE_QUEUE_OVERFLOW, NQ_RULE_QUEUE_RETURN,      NQ_RULE_QUEUE_EXCLUSIVE,
		NQ_RULE_QUEUE_PREEMPTED,   NQ_RULE_QUEUE_POOL,	   NQ_RULE_DEFAULT_RETURN,    NQ_RULE_STATIC,
		NQ_RULE_SPREAD_LANES,	   NQ_RULE_GATHER_LANES,   NQ_RULE_CPU_SPREAD,	      NQ_RULE_CPU_COALESCE,
		NQ_RULE_POOL_SETTINGS,	   NQ_RULE_KEPT_CREDITS,   NQ_RULE_KEPT_MEMORY_FIXED, NQ_RULE_KEPT_LITTLE,
		NQ_RULE_KEPT_OFF,
	};

	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		if (later[i] == rule)
			return true;
	return false;
}

static void variety(void **state)
{
	(void)state;
	each_host(check_seen);
	for (enum nq_rule rule = 0; rule < NQ_RULE_COUNT; rule++) {
		print_message("# %s: %" PRIu64 "\n", nq_rule_name(rule), seen[rule]);
		if (seen[rule] == 0 && !is_later(rule) && !getenv("NEARQ_HOSTS"))
			fail_msg("no random host shows %s", nq_rule_name(rule));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stable),     cmocka_unit_test(cost),	  cmocka_unit_test(same_bytes),
		cmocka_unit_test(round_trip), cmocka_unit_test(order),	  cmocka_unit_test(dwell),
		cmocka_unit_test(actions),    cmocka_unit_test(capacity), cmocka_unit_test(kept),
		cmocka_unit_test(variety),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
