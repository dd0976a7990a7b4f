/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The systems of the seed documents as settings of this planner. Each follows its source with its weaknesses, so that
 * a comparison on one input shows what those cost; what a document does not describe is off rather than guessed.
 */
#include <errno.h>
#include <string.h>

#include <nearq/policy.h>

#define PAIR(setting, value) setting, value

/* What all that only deal with queues, or only with homes, leave out. */
#define NO_HOMES PAIR("placement", "none"), PAIR("rebalance", "off"), PAIR("wide", "off")
#define NO_QUEUES PAIR("assignment", "none"), PAIR("spreading", "off"), PAIR("vrss", "off")

static const char *const nearq[] = { NULL };

static const char *const static_vmq[] = {
	NO_HOMES, PAIR("assignment", "static"), PAIR("spreading", "off"), PAIR("vrss", "off"), PAIR("guard", "off"),
	NULL,
};

static const char *const dynamic_vmq[] = {
	NO_HOMES,
	PAIR("assignment", "static"),
	PAIR("spreading", "threshold"),
	PAIR("vrss", "off"),
	PAIR("guard", "off"),
	NULL,
};

/* The guard as nothing but credits: no dwell, no least gain, and every move is free. */
static const char *const vrss[] = {
	NO_HOMES,
	PAIR("assignment", "static"),
	PAIR("spreading", "threshold"),
	PAIR("dwell_ms", "0"),
	PAIR("least_gain", "0"),
	PAIR("least_gain_ns", "0"),
	PAIR("steer_once_ns", "0"),
	PAIR("queue_cpu_once_ns", "0"),
	NULL,
};

static const char *const esx_home[] = {
	PAIR("placement", "round-robin"),
	PAIR("rebalance", "load"),
	PAIR("wide", "off"),
	NO_QUEUES,
	PAIR("guard", "off"),
	NULL,
};

static const char *const esx_wide[] = {
	PAIR("placement", "round-robin"), PAIR("rebalance", "load"), NO_QUEUES, PAIR("guard", "off"), NULL,
};

static const char *const numa_io[] = {
	PAIR("rebalance", "off"),
	PAIR("assignment", "match"),
	PAIR("overflow", "per-node"),
	PAIR("spreading", "off"),
	PAIR("vrss", "off"),
	PAIR("guard", "off"),
	NULL,
};

static const char *const nuioa[] = {
	PAIR("placement", "proportional"),
	PAIR("rebalance", "off"),
	PAIR("wide", "off"),
	NO_QUEUES,
	PAIR("guard", "off"),
	NULL,
};

const struct nq_policy_preset nq_policy_presets[] = {
	{ "nearq", "All stages, by cost: the defaults.", nearq },
	{ "static-vmq",
	  "A queue for each vnic in turn when it appears, for good (Dynamic VMQ, on static VMQ). Lacks: everything "
	  "that "
	  "follows "
	  "load, and any notion of nodes.",
	  static_vmq },
	{ "dynamic-vmq",
	  "static-vmq, and queues that move away from busy CPUs and together on quiet ones (Dynamic VMQ, Windows "
	  "Server "
	  "2012). Lacks: nodes, and anything against ping-pong.",
	  dynamic_vmq },
	{ "vrss",
	  "dynamic-vmq, one vm over several queues and CPUs, and credits against the ping-pong (Windows Server 2012 "
	  "R2). "
	  "Lacks: nodes, and the question whether a move pays.",
	  vrss },
	{ "esx-home",
	  "Homes node after node, and from the most to the least loaded later (vSphere 4.0 manual, Using NUMA "
	  "Systems). "
	  "Lacks: "
	  "everything about NICs and queues, and homes for vms larger than a node.",
	  esx_home },
	{ "esx-wide",
	  "esx-home, and vms larger than a node in clients (ESX 4.1, wide VMs). Lacks: everything about NICs and "
	  "queues.",
	  esx_wide },
	{ "numa-io",
	  "Queues on the nodes of their vms, split and joined by thresholds, with one overflow queue on each node (US "
	  "9,459,904 "
	  "B2 as written). Lacks: the cost of what it does, anything against ping-pong, later changes of a home, and "
	  "CPUs within a node.",
	  numa_io },
	{ "nuioa",
	  "vCPUs and memory on the NIC's node in proportion to what it has free (NUIOA paper of CCGrid 2022, equations "
	  "3 and "
	  "4). Lacks: everything about queues, and what changes later.",
	  nuioa },
};
const size_t nq_policy_presets_count = sizeof(nq_policy_presets) / sizeof(nq_policy_presets[0]);

/* The tables are right by test; a value that is none of its setting's names is a number. */
static uint64_t value_of(const struct nq_policy_setting *setting, const char *text)
{
	uint64_t value = 0;

	for (uint64_t i = 0; setting->values && i <= setting->high; i++)
		if (strcmp(setting->values[i], text) == 0)
			return i;
	for (; *text >= '0' && *text <= '9'; text++)
		value = value * 10 + (uint64_t)(*text - '0');
	return value;
}

static void use(struct nq_policy *policy, const struct nq_policy_preset *preset)
{
	for (size_t i = 0; i < nq_policy_settings_count; i++)
		nq_policy_set(policy, &nq_policy_settings[i], nq_policy_settings[i].preset);
	for (const char *const *change = preset->changes; *change; change += 2) {
		const struct nq_policy_setting *setting = nq_policy_find(change[0]);

		nq_policy_set(policy, setting, value_of(setting, change[1]));
	}
}

int nq_policy_use(struct nq_policy *policy, const char *preset)
{
	for (size_t i = 0; i < nq_policy_presets_count; i++) {
		if (strcmp(nq_policy_presets[i].name, preset) != 0)
			continue;
		use(policy, &nq_policy_presets[i]);
		return 0;
	}
	return -EINVAL;
}
