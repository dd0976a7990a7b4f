/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* S1-S4: drivers' own counters by their names, and two sets of counters as the rates and loads of a host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <linux/ethtool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <host/view.h>

#define SECOND UINT64_C(1000000000)
#define IFINDEX 7u

/* A recorded answer of one driver: its names, and the values 1, 10, 100, … */
static void record(const char *base, const char *what, const void *data, size_t size)
{
	char path[128];
	FILE *stream;

	snprintf(path, sizeof(path), "%s/netlink/ethtool-eth0-%s", base, what);
	stream = fopen(path, "w");
	assert_non_null(stream);
	assert_int_equal(fwrite(data, 1, size, stream), size);
	assert_int_equal(fclose(stream), 0);
}

static void record_driver(const char *base, const char *const *names, uint32_t n)
{
	struct {
		struct ethtool_sset_info info;
		uint32_t n;
	} set = { { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1u << ETH_SS_STATS }, n };
	size_t names_size = sizeof(struct ethtool_gstrings) + n * ETH_GSTRING_LEN;
	size_t values_size = sizeof(struct ethtool_stats) + n * sizeof(uint64_t);
	NQ_FREE struct ethtool_gstrings *strings = calloc(1, names_size);
	NQ_FREE struct ethtool_stats *values = calloc(1, values_size);
	uint64_t value = 1;

	strings->len = values->n_stats = n;
	for (uint32_t i = 0; i < n; i++, value *= 10) {
		strcpy((char *)&strings->data[i * ETH_GSTRING_LEN], names[i]);
		memcpy(&values->data[i], &value, sizeof(value));
	}
	record(base, "statistics", &set, sizeof(set));
	record(base, "names", strings, names_size);
	record(base, "values", values, values_size);
}

static void expect(const struct nq_counters *counters, enum nq_counter_kind kind, uint32_t queue, uint64_t packets,
		   uint64_t bytes, uint64_t drops)
{
	for (uint32_t i = 0; i < counters->n; i++) {
		if (counters->counter[i].key != nq_counter_key(kind, IFINDEX, queue))
			continue;
		assert_true(counters->counter[i].value[0] == packets);
		assert_true(counters->counter[i].value[1] == bytes);
		assert_true(counters->counter[i].value[2] == drops);
		return;
	}
	fail_msg("no counter of queue %u", queue);
}

static void read_driver(const char *const *names, uint32_t n, struct nq_counters *ret)
{
	char base[] = "/tmp/nearq-counters-XXXXXX", path[64];
	struct nq_view view = { 0 };

	assert_non_null(mkdtemp(base));
	snprintf(path, sizeof(path), "%s/netlink", base);
	assert_int_equal(mkdir(path, 0755), 0);
	record_driver(base, names, n);
	assert_int_equal(nq_root_open(base, &view.root), 0);
	assert_int_equal(nq_wire_open(view.root, &view.wire), 0);
	assert_int_equal(nq_read_driver_counters(&view, "eth0", IFINDEX, ret), 0);
	nq_gstats_free(view.gstats);
	nq_wire_close(view.wire);
	nq_root_close(view.root);
	snprintf(path, sizeof(path), "rm -rf '%s'", base);
	assert_int_equal(system(path), 0);
}

#define READ(names, counters) read_driver(names, sizeof(names) / sizeof(*(names)), counters)

static void drivers_with_numbers(void **state)
{
	static const char *const names[] = { "rx_packets",	   "rx_queue_0_packets",     "rx_queue_0_bytes",
					     "rx_queue_0_drops",   "rx_queue_0_xdp_packets", "rx_queue_1_packets",
					     "tx_queue_1_packets", "tx_queue_1_bytes" };
	struct nq_counters counters = { 0 };

	(void)state;
	READ(names, &counters);
	expect(&counters, NQ_COUNTER_QUEUE_RX, 0, 10, 100, 1000); /* without the part that went through XDP */
	expect(&counters, NQ_COUNTER_QUEUE_RX, 1, 100000, 0, 0);
	expect(&counters, NQ_COUNTER_QUEUE_TX, 0, 0, 0, 0);
	expect(&counters, NQ_COUNTER_QUEUE_TX, 1, 1000000, 10000000, 0);
	assert_int_equal(counters.n, 4);
	nq_counters_clear(&counters);
}

static void drivers_that_count_by_cast(void **state)
{
	static const char *const names[] = { "[0]: rx_ucast_packets", "[0]: rx_mcast_packets", "[0]: rx_discards",
					     "[2]: rx_ucast_packets", "[0]: tx_bcast_bytes" };
	struct nq_counters counters = { 0 };

	(void)state;
	READ(names, &counters);
	expect(&counters, NQ_COUNTER_QUEUE_RX, 0, 1 + 10, 0, 100);
	expect(&counters, NQ_COUNTER_QUEUE_RX, 2, 1000, 0, 0);
	expect(&counters, NQ_COUNTER_QUEUE_TX, 0, 0, 10000, 0);
	nq_counters_clear(&counters);
}

static void drivers_with_headings(void **state)
{
	static const char *const names[] = {
		"  ucast pkts rx", /* before any heading: nobody's */
		"Tx Queue#",	   "  ucast pkts tx", "Tx Queue#",	 "  ucast pkts tx",
		"Rx Queue#",	   "  ucast pkts rx", "  bcast pkts rx", "  ucast bytes rx"
	};
	struct nq_counters counters = { 0 };

	(void)state;
	READ(names, &counters);
	expect(&counters, NQ_COUNTER_QUEUE_TX, 0, 100, 0, 0);
	expect(&counters, NQ_COUNTER_QUEUE_TX, 1, 10000, 0, 0);
	expect(&counters, NQ_COUNTER_QUEUE_RX, 0, 1000000 + 10000000, 100000000, 0);
	nq_counters_clear(&counters);
}

static void drivers_without_queues(void **state)
{
	static const char *const names[] = { "rx_packets", "tx_packets", "rx_queue_99999_packets" };
	struct nq_counters counters = { 0 };

	(void)state;
	READ(names, &counters);
	assert_int_equal(counters.n, 0);
}

/*
 * Two nodes with a CPU each; eth0 with two default queues, one on each node, and a soft queue on node 1; two vnics.
 */
struct scene {
	struct nq_host *host;
	struct nq_view view;
	struct nq_link links[3];
	struct nq_process process;
	struct nq_members members;
	struct nq_counters before, now;
};

static void add_queue(struct nq_host *host, enum nq_queue_kind kind, enum nq_queue_role role, uint32_t index)
{
	struct nq_queue *queue = nq_host_add_queue(host);

	queue->pnic = 0;
	queue->kind = kind;
	queue->role = role;
	queue->index = queue->cpu = index;
}

static void add_vnic(struct nq_host *host, const char *name, uint8_t last)
{
	struct nq_vnic *vnic = nq_host_add_vnic(host);

	vnic->vm = vnic->pnic = 0;
	vnic->name = name;
	vnic->mac.byte[0] = 2;
	vnic->mac.byte[5] = last;
}

static int set_up(void **state)
{
	static struct scene scene;
	struct nq_vm *vm;

	scene = (struct scene){ .links = { { .index = 5, .name = "v1" },
					   { .index = 6, .name = "v2" },
					   { .index = IFINDEX, .name = "eth0" } },
				.process = { .pid = 42 },
				.members = { 0, 1 } };
	scene.view.links = (struct nq_links){ .link = scene.links, .n = 3 };
	assert_int_equal(nq_links_sort(&scene.view.links), 0);
	scene.view.processes = (struct nq_processes){ .process = &scene.process, .n = 1 };
	scene.view.members = &scene.members;
	assert_int_equal(nq_host_new(&scene.host), 0);
	scene.host->name = "";
	assert_int_equal(nq_host_set_nodes(scene.host, 2), 0);
	for (uint32_t i = 0; i < 2; i++) {
		struct nq_cpu *cpu = nq_host_add_cpu(scene.host);

		cpu->id = cpu->core = cpu->node = scene.host->nodes[i].id = i;
		cpu->online = true;
	}
	nq_host_add_pnic(scene.host)->name = "eth0";
	add_queue(scene.host, NQ_QUEUE_HARD, NQ_ROLE_DEFAULT, 0);
	add_queue(scene.host, NQ_QUEUE_HARD, NQ_ROLE_DEFAULT, 1);
	add_queue(scene.host, NQ_QUEUE_SOFT, NQ_ROLE_ASSIGNED, 1);
	vm = nq_host_add_vm(scene.host);
	vm->name = "vm";
	vm->pid = 42;
	vm->cpus = 1;
	nq_nodeset_add(&vm->home, 0);
	add_vnic(scene.host, "v1", 1);
	add_vnic(scene.host, "v2", 2);
	scene.before.time_ns = 10 * SECOND;
	scene.now.time_ns = 12 * SECOND;
	*state = &scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	nq_counters_clear(&scene->before);
	nq_counters_clear(&scene->now);
	nq_host_free(scene->host);
	free(scene->view.links.by_name);
	return 0;
}

/* A counter that is 1,000 at first and grew by so much. */
static void grew(struct scene *scene, enum nq_counter_kind kind, uint32_t a, uint32_t b, uint64_t x, uint64_t y,
		 uint64_t z)
{
	uint64_t key = nq_counter_key(kind, a, b);

	assert_int_equal(nq_counters_add(&scene->before, key, 1000, 1000, 1000), 0);
	assert_int_equal(nq_counters_add(&scene->now, key, 1000 + x, 1000 + y, 1000 + z), 0);
}

static void apply(struct scene *scene)
{
	struct nq_violation violation;

	nq_counters_sort(&scene->before);
	nq_counters_sort(&scene->now);
	nq_apply_rates(&scene->view, &scene->before, &scene->now, scene->host);
	nq_estimate_served(scene->host);
	assert_int_equal(nq_host_check(scene->host, &violation), 0);
}

static void rates_of_links_and_queues(void **state)
{
	struct scene *scene = *state;
	const struct nq_host *host = scene->host;

	grew(scene, NQ_COUNTER_LINK_TX, 5, 0, 2000, 128000, 20); /* sent by the outside end: received by the VM */
	grew(scene, NQ_COUNTER_LINK_RX, 5, 0, 400, 24000, 0);
	grew(scene, NQ_COUNTER_QUEUE_RX, IFINDEX, 1, 600, 60000, 6);
	grew(scene, NQ_COUNTER_QUEUE_TX, IFINDEX, 1, 200, 20000, 0);
	grew(scene, NQ_COUNTER_STEERED, IFINDEX, 1, 100, 0, 0);
	apply(scene);
	assert_true(host->interval_ns == 2 * SECOND);
	assert_true(host->vnics[0].rx.packets == 1000 && host->vnics[0].rx.bytes == 64000 &&
		    host->vnics[0].rx.drops == 10);
	assert_true(host->vnics[0].tx.packets == 200 && host->vnics[0].tx.bytes == 12000);
	assert_true(host->queues[1].rx.packets == 300 && host->queues[1].rx.drops == 3 &&
		    host->queues[1].tx.packets == 100);
	assert_true(host->queues[2].rx.packets == 50);
	assert_true(host->queues[0].rx.packets == 0 && host->vnics[1].rx.packets == 0);
}

static void loads(void **state)
{
	struct scene *scene = *state;
	struct nq_host *host = scene->host;

	host->queues[0].thread = 77;
	grew(scene, NQ_COUNTER_THREAD, 77, 0, SECOND / 2, 0, 0);
	grew(scene, NQ_COUNTER_PROCESS, 42, 0, 3 * SECOND, 0, 0);
	grew(scene, NQ_COUNTER_CPU, 0, 0, 50, 200, 0);
	grew(scene, NQ_COUNTER_CPU, 1, 0, 300, 200, 0); /* read in the middle of an update */
	apply(scene);
	assert_int_equal(host->queues[0].busy, 250);
	assert_int_equal(host->vms[0].busy, 1500);
	assert_int_equal(host->cpus[0].busy, 250);
	assert_int_equal(host->cpus[1].busy, 1000);
}

static void no_rates_at_first(void **state)
{
	struct scene *scene = *state;

	grew(scene, NQ_COUNTER_LINK_TX, 5, 0, 2000, 128000, 0);
	scene->before.time_ns = 0;
	apply(scene);
	assert_true(scene->host->interval_ns == 0 && scene->host->vnics[0].rx.packets == 0);
	assert_int_equal(scene->host->vnics[0].served_by, NQ_SERVED_UNKNOWN);
}

static void served_as_measured(void **state)
{
	struct scene *scene = *state;
	const struct nq_vnic *vnic = &scene->host->vnics[0];

	grew(scene, NQ_COUNTER_LINK_TX, 5, 0, 2000, 0, 0);
	grew(scene, NQ_COUNTER_SERVED, 5, NQ_COUNTER_ALL, 2000, 0, 0);
	grew(scene, NQ_COUNTER_SERVED, 5, 0, 500, 0, 0);
	nq_counters_add(&scene->now, nq_counter_key(NQ_COUNTER_SERVED, 5, 1), 1500, 0, 0); /* its first frames */
	apply(scene);
	assert_int_equal(vnic->served_by, NQ_SERVED_MEASURED);
	assert_true(vnic->served[0] == 250 && vnic->served[1] == 750);
	assert_true(nq_vnic_remote(scene->host, 0) == 750);
}

/* The counter is read a little later than the interface's: the sum must not exceed it. */
static void served_fits(void **state)
{
	struct scene *scene = *state;
	const struct nq_vnic *vnic = &scene->host->vnics[0];

	grew(scene, NQ_COUNTER_LINK_TX, 5, 0, 2000, 0, 0);
	grew(scene, NQ_COUNTER_SERVED, 5, NQ_COUNTER_ALL, 2200, 0, 0);
	grew(scene, NQ_COUNTER_SERVED, 5, 0, 550, 0, 0);
	grew(scene, NQ_COUNTER_SERVED, 5, 1, 1650, 0, 0);
	apply(scene);
	assert_true(vnic->served[0] == 250 && vnic->served[1] == 750);
}

static void served_as_estimated(void **state)
{
	struct scene *scene = *state;
	struct nq_host *host = scene->host;

	host->vnics[1].rx_queue = 2; /* steered to the soft queue on node 1 */
	grew(scene, NQ_COUNTER_LINK_TX, 5, 0, 2000, 0, 0);
	grew(scene, NQ_COUNTER_LINK_TX, 6, 0, 400, 0, 0);
	grew(scene, NQ_COUNTER_QUEUE_RX, IFINDEX, 0, 300, 0, 0);
	grew(scene, NQ_COUNTER_QUEUE_RX, IFINDEX, 1, 900, 0, 0);
	apply(scene);
	assert_int_equal(host->vnics[0].served_by, NQ_SERVED_ESTIMATED);
	assert_true(host->vnics[0].served[0] == 250 && host->vnics[0].served[1] == 750);
	assert_int_equal(host->vnics[1].served_by, NQ_SERVED_ESTIMATED);
	assert_true(host->vnics[1].served[0] == 0 && host->vnics[1].served[1] == 200);
}

static void what_cannot_be_estimated(void **state)
{
	struct scene *scene = *state;
	struct nq_host *host = scene->host;

	host->vnics[1].pnic = NQ_NONE;
	host->queues[1].cpu = NQ_NONE; /* half of the traffic comes through a queue that is served nobody knows where */
	grew(scene, NQ_COUNTER_LINK_TX, 5, 0, 2000, 0, 0);
	grew(scene, NQ_COUNTER_LINK_TX, 6, 0, 2000, 0, 0);
	grew(scene, NQ_COUNTER_QUEUE_RX, IFINDEX, 0, 500, 0, 0);
	grew(scene, NQ_COUNTER_QUEUE_RX, IFINDEX, 1, 500, 0, 0);
	apply(scene);
	assert_true(host->vnics[0].served[0] == 500 && host->vnics[0].served[1] == 0);
	assert_int_equal(host->vnics[1].served_by, NQ_SERVED_UNKNOWN);
}

#define IN_A_SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(drivers_with_numbers),
		cmocka_unit_test(drivers_that_count_by_cast),
		cmocka_unit_test(drivers_with_headings),
		cmocka_unit_test(drivers_without_queues),
		IN_A_SCENE(rates_of_links_and_queues),
		IN_A_SCENE(loads),
		IN_A_SCENE(no_rates_at_first),
		IN_A_SCENE(served_as_measured),
		IN_A_SCENE(served_fits),
		IN_A_SCENE(served_as_estimated),
		IN_A_SCENE(what_cannot_be_estimated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
