/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The named policies: each follows its source, shows the weakness that its source has, and `nearq` does not have it on
 * the same host. D1 to D5 (001_cfbf0f5011fec43f.txt), H1, H2, H4 (002_a1e87099c2bc83d0.txt, 003_e02e5b8df2f7f331.txt),
 * N3 to N7 (000_35c30de055bde3dd.txt), U1 (004_efdb78f6fe803f20.txt).
 *
 * Two nodes with four CPUs each, eth0 on node 0 with its default queue on CPU 0, unless a test says otherwise.
 */
#include "support.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "build_host.h"
#include "core/memory.h"

#define CPUS 4u
#define GIB (UINT64_C(1) << 30)
#define TICK_NS UINT64_C(2000000000)

static struct nq_host *two_nodes(enum nq_steering steering)
{
	struct nq_host *host = build_host(2, CPUS);

	build_pnic(host, 0, steering);
	build_queue(host, 0, NQ_ROLE_DEFAULT, 0);
	return host;
}

/* A vm with one vnic on that queue, packets/s of both directions together; its number. */
static uint32_t add_vm(struct nq_host *host, uint32_t node, uint32_t queue, uint64_t packets)
{
	uint32_t vnic = build_vnic(host, build_vm(host, node), queue, 0, packets / 2);

	if (queue != NQ_NONE) {
		host->queues[queue].rx.packets += packets / 2;
		host->queues[queue].tx.packets += packets / 2;
	}
	return vnic;
}

/* A virtual machine without a home, with vCPUs, load and memory on one node; its number. */
static uint32_t add_domain(struct nq_host *host, uint32_t vcpus, uint32_t busy, uint32_t mem_node, uint64_t mem)
{
	uint32_t index = build_vm(host, NQ_NONE);
	struct nq_vm *self = &host->vms[index];

	self->kind = NQ_VM_DOMAIN;
	self->cpus = vcpus;
	self->busy = busy;
	self->mem[mem_node] = mem;
	return index;
}

static struct nq_policy named(const char *name)
{
	struct nq_policy policy;

	nq_policy_init(&policy);
	assert_int_equal(nq_policy_use(&policy, name), 0);
	return policy;
}

static struct nq_host *after(const struct nq_host *host, const char *name)
{
	struct nq_policy policy = named(name);
	struct nq_plan *plan = support_plan(host, &policy, NULL);
	struct nq_host *planned = support_planned(host, plan);

	nq_plan_free(plan);
	return planned;
}

static uint32_t actions(const struct nq_host *host, const char *name)
{
	struct nq_policy policy = named(name);
	struct nq_plan *plan = support_plan(host, &policy, NULL);
	uint32_t n = plan->n_actions;

	nq_plan_free(plan);
	return n;
}

/* The host as planned by `nearq` must cost less; frees that of the other policy. */
static struct nq_host *nearq_is_cheaper(const struct nq_host *host, struct nq_host *others)
{
	struct nq_host *own = after(host, "nearq");

	if (support_cost(own) >= support_cost(others))
		fail_msg("nearq: %" PRIu64 " ns/s, the other policy: %" PRIu64, support_cost(own),
			 support_cost(others));
	nq_host_free(others);
	return own;
}

static uint32_t cpu_of(const struct nq_host *host, uint32_t vnic)
{
	uint32_t queue = host->vnics[vnic].rx_queue;

	return host->queues[queue == NQ_NONE ? 0 : queue].cpu;
}

static uint32_t node_of(const struct nq_host *host, uint32_t vnic)
{
	return host->cpus[cpu_of(host, vnic)].node;
}

static uint64_t packets_of(const struct nq_host *host, uint32_t cpu)
{
	uint64_t packets = 0;

	for (uint32_t i = 0; i < host->n_queues; i++)
		if (host->queues[i].cpu == cpu)
			packets += host->queues[i].rx.packets + host->queues[i].tx.packets;
	return packets;
}

static uint64_t busiest(const struct nq_host *host)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < host->n_cpus; i++)
		most = packets_of(host, i) > most ? packets_of(host, i) : most;
	return most;
}

static uint32_t queues_in_use(const struct nq_host *host)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < host->n_queues; i++)
		n += host->queues[i].role == NQ_ROLE_ASSIGNED;
	return n;
}

/* Loads of the vnics at that tick, in per mille of what they were; queues carry what their vnics do. */
typedef uint64_t (*load_at)(uint32_t vnic, uint32_t tick);

static uint64_t steady(uint32_t vnic, uint32_t tick)
{
	(void)vnic;
	(void)tick;
	return 1000;
}

static void set_loads(struct nq_host *host, const uint64_t *packets, load_at load, uint32_t tick)
{
	for (uint32_t i = 0; i < host->n_queues; i++)
		host->queues[i].rx.packets = host->queues[i].tx.packets = 0;
	for (uint32_t i = 0; i < host->n_cpus; i++)
		host->cpus[i].busy = 0;
	for (uint32_t i = 0; i < host->n_vnics; i++) {
		struct nq_vnic *vnic = &host->vnics[i];

		vnic->served_by = NQ_SERVED_UNKNOWN;
		memset(vnic->served, 0, host->n_nodes * sizeof(*vnic->served));
		vnic->rx.packets = vnic->tx.packets = packets[i] * load(i, tick) / 1000;
		if (vnic->rx_queue == NQ_NONE)
			continue;
		host->queues[vnic->rx_queue].rx.packets += vnic->rx.packets;
		host->queues[vnic->tx_queue].tx.packets += vnic->tx.packets;
	}
	for (uint32_t i = 0; i < host->n_cpus; i++)
		host->cpus[i].busy = packets_of(host, i) >= 1000000 ? 1000 : (uint32_t)(packets_of(host, i) / 1000);
}

/* How many moves the policy makes in so many ticks of two seconds. Frees the host. */
static uint32_t moves_in(struct nq_host *host, const char *name, load_at load, uint32_t ticks)
{
	struct nq_policy policy = named(name);
	struct nq_memory *memory = NULL;
	uint64_t packets[8];
	uint32_t moves = 0;

	for (uint32_t i = 0; i < host->n_vnics; i++)
		packets[i] = host->vnics[i].rx.packets;
	assert_int_equal(nq_memory_new(&memory), 0);
	for (uint32_t tick = 0; tick < ticks; tick++) {
		struct nq_plan *plan;
		struct nq_host *next;

		set_loads(host, packets, load, tick);
		plan = support_plan(host, &policy, memory);
		for (uint32_t i = 0; i < plan->n_actions; i++)
			assert_int_equal(nq_memory_learn(memory, &policy, host, plan, i), 0);
		moves += plan->n_actions;
		next = support_planned(host, plan);
		next->time_ns += TICK_NS;
		nq_plan_free(plan);
		nq_host_free(host);
		host = next;
	}
	nq_memory_free(memory);
	nq_host_free(host);
	return moves;
}

/* D1: a queue for each in turn, each on the next CPU; and nothing ever after, whatever the loads do. */
static void static_vmq_deals_in_turn(void **state)
{
	struct nq_host *host = two_nodes(NQ_STEER_NTUPLE), *planned;
	uint64_t seen = 0;

	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		build_queue(host, 0, NQ_ROLE_FREE, 0);
	for (uint32_t i = 0; i < 4; i++)
		add_vm(host, i % 2, NQ_NONE, 100000);
	planned = after(host, "static-vmq");
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(planned->vnics[i].rx_queue, i + 1);
		seen |= UINT64_C(1) << cpu_of(planned, i);
	}
	assert_int_equal(__builtin_popcountll(seen), 4);
	planned->vnics[0].rx.packets = planned->queues[1].rx.packets = 2000000;
	assert_int_equal(actions(planned, "static-vmq"), 0);
	nq_host_free(planned);
	nq_host_free(host);
}

static struct nq_host *two_heavy_on_one_cpu(void)
{
	struct nq_host *host = two_nodes(NQ_STEER_NTUPLE);

	for (uint32_t i = 0; i < 2; i++)
		add_vm(host, 0, build_queue(host, 0, NQ_ROLE_ASSIGNED, 1), 600000);
	host->cpus[1].busy = 1000;
	return host;
}

/* D1: "multiple network heavy VMQs are affinitized to the same processor". */
static void static_vmq_keeps_two_heavy_on_one_cpu(void **state)
{
	struct nq_host *host = two_heavy_on_one_cpu(), *own;

	(void)state;
	assert_int_equal(actions(host, "static-vmq"), 0);
	own = nearq_is_cheaper(host, after(host, "static-vmq"));
	assert_int_equal(busiest(own), 600000);
	assert_int_equal(node_of(own, 0), 0);
	assert_int_equal(node_of(own, 1), 0);
	nq_host_free(own);
	nq_host_free(host);
}

/* D2: the same host; a queue moves away from the CPU over its threshold. */
static void dynamic_vmq_spreads(void **state)
{
	struct nq_host *host = two_heavy_on_one_cpu(), *planned = after(host, "dynamic-vmq");

	(void)state;
	assert_int_equal(busiest(host), 1200000);
	assert_int_equal(busiest(planned), 600000);
	nq_host_free(planned);
	nq_host_free(host);
}

/* D2: a CPU that is a bottleneck itself is no destination. */
static void dynamic_vmq_needs_a_destination(void **state)
{
	struct nq_host *host = two_heavy_on_one_cpu();

	(void)state;
	host->queues[0].movable = false;
	for (uint32_t i = 0; i < host->n_cpus; i++)
		host->cpus[i].busy = i == 1 ? 1000 : 801;
	assert_int_equal(actions(host, "dynamic-vmq"), 0);
	host->cpus[6].busy = 800;
	assert_int_equal(actions(host, "dynamic-vmq"), 1);
	nq_host_free(host);
}

/* D2: CPUs of node 1 are idler, and it knows no nodes. */
static struct nq_host *idle_cpus_elsewhere(void)
{
	struct nq_host *host = two_nodes(NQ_STEER_NTUPLE);

	for (uint32_t i = 0; i < 2; i++)
		add_vm(host, 0, build_queue(host, 0, NQ_ROLE_ASSIGNED, 1), 450000);
	for (uint32_t i = 0; i < CPUS; i++)
		host->cpus[i].busy = i == 1 ? 900 : 100;
	return host;
}

static void dynamic_vmq_leaves_the_node(void **state)
{
	struct nq_host *host = idle_cpus_elsewhere(), *theirs = after(host, "dynamic-vmq"), *own;

	(void)state;
	assert_int_equal(node_of(theirs, 0) + node_of(theirs, 1), 1);
	own = nearq_is_cheaper(host, theirs);
	assert_int_equal(node_of(own, 0) + node_of(own, 1), 0);
	assert_int_equal(busiest(own), 450000);
	nq_host_free(own);
	nq_host_free(host);
}

/* D4: a queue that is a bottleneck wherever it is. */
static struct nq_host *one_heavy_queue(void)
{
	struct nq_host *host = two_nodes(NQ_STEER_NTUPLE);

	add_vm(host, 0, build_queue(host, 0, NQ_ROLE_ASSIGNED, 1), 900000);
	return host;
}

static void dynamic_vmq_plays_ping_pong(void **state)
{
	(void)state;
	assert_int_equal(moves_in(one_heavy_queue(), "dynamic-vmq", steady, 50), 50);
	assert_int_equal(moves_in(one_heavy_queue(), "nearq", steady, 50), 0);
}

/* D5: one vm over several queues and CPUs: more than one CPU can do. */
static void vrss_spreads_one_vm(void **state)
{
	struct nq_host *host = two_nodes(NQ_STEER_NTUPLE), *planned;
	uint32_t vnic = add_vm(host, 0, build_queue(host, 0, NQ_ROLE_ASSIGNED, 1), 0);

	(void)state;
	host->pnics[0].rss_contexts = 4;
	host->vnics[vnic].virtqueues = 4;
	host->vnics[vnic].rx.packets = host->queues[1].rx.packets = 1600000;
	host->cpus[1].busy = 1000;
	for (uint32_t i = 2; i < 5; i++)
		build_queue(host, 0, NQ_ROLE_FREE, i % CPUS);
	assert_int_equal(actions(host, "dynamic-vmq"), 1); /* another CPU, the same bottleneck */
	planned = after(host, "vrss");
	assert_true(planned->vnics[vnic].n_spread > 0);
	assert_true(busiest(planned) < 1000000);
	nq_host_free(planned);
	nq_host_free(host);
}

/* D4: credits end it. */
static void vrss_ends_the_ping_pong(void **state)
{
	uint32_t moves = moves_in(one_heavy_queue(), "vrss", steady, 50);

	(void)state;
	assert_in_range(moves, 1, named("vrss").credits);
}

static void vrss_leaves_the_node(void **state)
{
	struct nq_host *host = idle_cpus_elsewhere(), *theirs = after(host, "vrss"), *own;

	(void)state;
	assert_int_equal(node_of(theirs, 0) + node_of(theirs, 1), 1);
	own = nearq_is_cheaper(host, theirs);
	assert_int_equal(node_of(own, 0) + node_of(own, 1), 0);
	nq_host_free(own);
	nq_host_free(host);
}

/* Four domains without a home, the second with all the traffic of a NIC on node 0. */
static struct nq_host *four_domains(void)
{
	struct nq_host *host = two_nodes(NQ_STEER_NONE);

	for (uint32_t i = 0; i < 4; i++)
		build_vnic(host, add_domain(host, 1, 200, 0, 0), NQ_NONE, 0, i == 1 ? 100000 : 0);
	host->queues[0].rx.packets = host->queues[0].tx.packets = 100000;
	return host;
}

/* H1: "the first virtual machine going to the first node, the second virtual machine to the second node, and so forth".
 */
static void esx_home_deals_in_turn(void **state)
{
	struct nq_host *host = four_domains(), *planned = after(host, "esx-home");

	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(nq_nodeset_single(&planned->vms[i].home), i % 2);
	nq_host_free(planned);
	nq_host_free(host);
}

/* H1: the one with the traffic ends away from the NIC. */
static void esx_home_ignores_the_nic(void **state)
{
	struct nq_host *host = four_domains(), *own = nearq_is_cheaper(host, after(host, "esx-home"));

	(void)state;
	assert_int_equal(nq_nodeset_single(&own->vms[1].home), 0);
	nq_host_free(own);
	nq_host_free(host);
}

/* Two busy domains at home on node 0 beside the NIC, their memory with them; node 1 is idle. */
static struct nq_host *all_on_one_node(void)
{
	struct nq_host *host = two_nodes(NQ_STEER_NONE);

	host->queues[0].rx.packets = host->queues[0].tx.packets = 200000;
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t vm = add_domain(host, 1, 600, 0, 2 * GIB);

		host->vms[vm].placed = true;
		nq_nodeset_remove(&host->vms[vm].home, 1);
		build_vnic(host, vm, NQ_NONE, 0, 100000);
	}
	return host;
}

static uint32_t on_node(const struct nq_host *host, uint32_t node)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < host->n_vms; i++)
		n += nq_nodeset_single(&host->vms[i].home) == node;
	return n;
}

/* H2: one goes to the least loaded node. */
static void esx_home_rebalances(void **state)
{
	struct nq_host *host = all_on_one_node(), *planned = after(host, "esx-home");

	(void)state;
	assert_int_equal(on_node(planned, 0), 1);
	assert_int_equal(on_node(planned, 1), 1);
	nq_host_free(planned);
	nq_host_free(host);
}

/*
 * H2, H5: its load alone decides. The one that goes leaves the NIC, and until its 2 GiB are copied "incurs a
 * performance penalty"; nothing is gained.
 */
static void esx_home_leaves_nic_and_memory(void **state)
{
	struct nq_host *host = all_on_one_node(), *theirs = after(host, "esx-home");
	struct nq_policy policy = named("esx-home");
	struct nq_plan *plan = support_plan(host, &policy, NULL);

	(void)state;
	assert_int_equal(plan->n_actions, 1);
	assert_int_equal(plan->actions[0].bytes, 2 * GIB);
	assert_true(support_cost(theirs) > support_cost(host));
	assert_int_equal(actions(host, "nearq"), 0);
	nq_plan_free(plan);
	nq_host_free(theirs);
	nq_host_free(host);
}

/* A domain with six vCPUs on nodes with four cores, all its memory on node 1; four nodes. */
static struct nq_host *wide_domain(void)
{
	struct nq_host *host = build_host(4, CPUS);

	build_pnic(host, 1, NQ_STEER_NTUPLE);
	build_queue(host, 0, NQ_ROLE_DEFAULT, CPUS);
	add_domain(host, 6, 3000, 1, 2 * GIB);
	build_vnic(host, 0, build_queue(host, 0, NQ_ROLE_ASSIGNED, 15), 0, 50000);
	host->queues[1].rx.packets = host->queues[1].tx.packets = 50000;
	return host;
}

/* H4: "not managed by the NUMA load balancer": it drifts over all nodes. */
static void esx_home_leaves_wide_vms(void **state)
{
	struct nq_host *host = wide_domain(), *own;

	(void)state;
	assert_int_equal(actions(host, "esx-home"), 0);
	own = nearq_is_cheaper(host, after(host, "esx-home"));
	assert_true(own->vms[0].placed);
	assert_int_equal(nq_nodeset_count(&own->vms[0].home), 2);
	nq_host_free(own);
	nq_host_free(host);
}

/* H4: clients of a node's cores: 4 + 2. */
static void esx_wide_divides(void **state)
{
	struct nq_host *host = wide_domain(), *planned = after(host, "esx-wide");
	uint32_t clients[4], fours = 0, twos = 0;

	(void)state;
	assert_int_equal(nq_nodeset_count(&planned->vms[0].home), 2);
	nq_vm_clients(planned, 0, clients);
	for (uint32_t i = 0; i < 4; i++) {
		fours += clients[i] == 4;
		twos += clients[i] == 2;
	}
	assert_int_equal(fours, 1);
	assert_int_equal(twos, 1);
	nq_host_free(planned);
	nq_host_free(host);
}

/* N8: its queue stays on node 3; nearq has it on a node of the vm. */
static void esx_wide_ignores_the_queue(void **state)
{
	struct nq_host *host = wide_domain(), *theirs = after(host, "esx-wide"), *own;

	(void)state;
	assert_int_equal(node_of(theirs, 0), 3);
	own = nearq_is_cheaper(host, theirs);
	assert_true(nq_nodeset_has(&own->vms[0].home, node_of(own, 0)));
	nq_host_free(own);
	nq_host_free(host);
}

/* Both nodes' queues are full; on each a mouse is left over. */
static struct nq_host *two_mice(void)
{
	struct nq_host *host = two_nodes(NQ_STEER_NTUPLE);

	for (uint32_t node = 0; node < 2; node++) {
		add_vm(host, node, build_queue(host, 0, NQ_ROLE_ASSIGNED, node * CPUS + 1), 849900);
		host->cpus[node * CPUS + 1].busy = 850;
		build_queue(host, 0, NQ_ROLE_FREE, node * CPUS + 2);
	}
	add_vm(host, 0, NQ_NONE, 400);
	add_vm(host, 1, NQ_NONE, 400);
	return host;
}

/* N7: "the overflow queues on one or more NUMA nodes may be used at well below their maximum": two for two mice. */
static void numa_io_opens_nearly_empty_queues(void **state)
{
	struct nq_host *host = two_mice(), *theirs = after(host, "numa-io"), *own;

	(void)state;
	assert_int_equal(node_of(theirs, 2), 0);
	assert_int_equal(node_of(theirs, 3), 1);
	assert_int_equal(queues_in_use(theirs), 4);
	own = nearq_is_cheaper(host, theirs);
	assert_int_equal(queues_in_use(own), 2);
	nq_host_free(own);
	nq_host_free(host);
}

static uint64_t every_other_tick(uint32_t vnic, uint32_t tick)
{
	(void)vnic;
	return tick % 2 ? 300 : 1000;
}

/* N4, N5: split over 90 %, joined under 70 %: with a load that goes up and down, at every tick. */
static void numa_io_oscillates(void **state)
{
	struct nq_host *hosts[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		uint32_t queue;

		hosts[i] = two_nodes(NQ_STEER_NTUPLE);
		queue = build_queue(hosts[i], 0, NQ_ROLE_ASSIGNED, 1);
		build_queue(hosts[i], 0, NQ_ROLE_FREE, 2);
		add_vm(hosts[i], 0, queue, 480000);
		add_vm(hosts[i], 0, queue, 480000);
	}
	assert_int_equal(moves_in(hosts[0], "numa-io", every_other_tick, 40), 40);
	assert_in_range(moves_in(hosts[1], "nearq", every_other_tick, 40), 1, 2);
}

/* U1: a third of the free CPU time is on node 0, and so are two of six vCPUs (equation 4). */
static void nuioa_divides_in_proportion(void **state)
{
	struct nq_host *host = two_nodes(NQ_STEER_NONE), *planned;
	uint32_t clients[2];

	(void)state;
	host->cpus[0].busy = host->cpus[1].busy = 1000;
	build_vnic(host, add_domain(host, 6, 600, 0, GIB), NQ_NONE, 0, 10000);
	planned = after(host, "nuioa");
	nq_vm_clients(planned, 0, clients);
	assert_int_equal(clients[0], 2);
	assert_int_equal(clients[1], 4);
	nq_host_free(planned);
	nq_host_free(host);
}

/* U1: a vm that would fit beside the NIC is split, and half of its accesses go to the other node's memory. */
static void nuioa_splits_what_would_fit(void **state)
{
	struct nq_host *host = two_nodes(NQ_STEER_NONE), *theirs, *own;

	(void)state;
	build_vnic(host, add_domain(host, 2, 1600, 0, 2 * GIB), NQ_NONE, 0, 20000);
	theirs = after(host, "nuioa");
	assert_int_equal(nq_nodeset_count(&theirs->vms[0].home), 2);
	own = nearq_is_cheaper(host, theirs);
	assert_int_equal(nq_nodeset_single(&own->vms[0].home), 0);
	nq_host_free(own);
	nq_host_free(host);
}

/* `nearq` against all of them, on every host of this file and of the figures. */
static void nearq_beats_them_all(void **state)
{
	static const char *const figures[] = { "figure-5.json", "figure-5-unplaced.json", "figure-6-free.json",
					       "figure-9.json" };
	struct nq_host *hosts[] = {
		two_heavy_on_one_cpu(),
		idle_cpus_elsewhere(),
		one_heavy_queue(),
		four_domains(),
		wide_domain(),
		two_mice(),
		support_host(figures[0]),
		support_host(figures[1]),
		support_host(figures[2]),
		support_host(figures[3]),
	};

	(void)state;
	for (uint32_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct nq_host *own = after(hosts[i], "nearq");

		for (size_t j = 0; j < nq_policy_presets_count; j++) {
			struct nq_host *theirs = after(hosts[i], nq_policy_presets[j].name);

			if (support_cost(own) > support_cost(theirs))
				fail_msg("host %" PRIu32 ": nearq %" PRIu64 " ns/s, %s %" PRIu64, i, support_cost(own),
					 nq_policy_presets[j].name, support_cost(theirs));
			nq_host_free(theirs);
		}
		nq_host_free(own);
		nq_host_free(hosts[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(static_vmq_deals_in_turn),
		cmocka_unit_test(static_vmq_keeps_two_heavy_on_one_cpu),
		cmocka_unit_test(dynamic_vmq_spreads),
		cmocka_unit_test(dynamic_vmq_needs_a_destination),
		cmocka_unit_test(dynamic_vmq_leaves_the_node),
		cmocka_unit_test(dynamic_vmq_plays_ping_pong),
		cmocka_unit_test(vrss_spreads_one_vm),
		cmocka_unit_test(vrss_ends_the_ping_pong),
		cmocka_unit_test(vrss_leaves_the_node),
		cmocka_unit_test(esx_home_deals_in_turn),
		cmocka_unit_test(esx_home_ignores_the_nic),
		cmocka_unit_test(esx_home_rebalances),
		cmocka_unit_test(esx_home_leaves_nic_and_memory),
		cmocka_unit_test(esx_home_leaves_wide_vms),
		cmocka_unit_test(esx_wide_divides),
		cmocka_unit_test(esx_wide_ignores_the_queue),
		cmocka_unit_test(numa_io_opens_nearly_empty_queues),
		cmocka_unit_test(numa_io_oscillates),
		cmocka_unit_test(nuioa_divides_in_proportion),
		cmocka_unit_test(nuioa_splits_what_would_fit),
		cmocka_unit_test(nearq_beats_them_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
