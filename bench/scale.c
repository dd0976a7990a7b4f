/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a plan grows with the host, as JSON lines: VMs x queues x nodes of a few sizes, each planned from nothing, and
 * then in a tick in which the loads of one vnic in a hundred changed by a factor of up to three.
 *
 *     scale [VMS]                 all sizes, or only the one with so many VMs
 *     scale --once VMS            one plan from nothing and one tick: for callgrind and perf
 *
 * For each: CPU time (median), instructions (when the kernel counts them), the most memory that a plan holds at once,
 * over VMs and queues. The last line fits time to VMs^e by least squares of the logarithms, beside what n log n
 * has for an exponent over the same sizes.
 */
#include <inttypes.h>
#include <linux/perf_event.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/build.h"
#include "bench/counted.h"
#include "bench/measure.h"

enum {
	QUEUES_PER_PNIC = 128,
	CPUS_PER_QUEUE = 2,
	UTILIZATION = 600, /* per mille of what the queues take */
	PER_MILLE = 1000,
	CHANGED = 100, /* one in so many */
	MOST_RUNS = 9,
	MIB = 1 << 20,
	MS = 1000000,
};

struct size {
	uint32_t vms, queues, nodes;
	unsigned runs;
	uint64_t tick_ns, nothing_ns; /* what is asked for; 0: nothing */
};

static const struct size sizes[] = {
	{ 100, 32, 4, 9, 0, 0 },
	{ 1000, 256, 8, 9, 1 * MS, 10 * MS },
	{ 10000, 1024, 16, 5, 0, 0 },
	{ 100000, 4096, 64, 3, 100 * MS, 0 },
};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))
#define BYTES_EACH 1024

struct reading {
	uint64_t ns, instructions, bytes;
	uint32_t actions;
};

/* A NIC per QUEUES_PER_PNIC queues, on the nodes in turn; its queues on the nodes in turn, each with a CPU of its own.
 */
static void add_queues(struct nq_host *host, const struct size *size, uint32_t cpus_per_node)
{
	uint32_t pnics = size->queues / QUEUES_PER_PNIC ? size->queues / QUEUES_PER_PNIC : 1;

	for (uint32_t i = 0; i < pnics; i++) {
		uint32_t from = size->queues / pnics * i, to = size->queues / pnics * (i + 1);

		bench_add_pnic(host, i % size->nodes, NQ_STEER_NTUPLE);
		for (uint32_t queue = from; queue < to; queue++) {
			uint32_t cpu = queue % size->nodes * cpus_per_node + queue / size->nodes;

			bench_add_queue(host, i, cpu, queue == from ? NQ_ROLE_DEFAULT : NQ_ROLE_FREE, true);
		}
	}
}

static struct nq_host *make_host(const struct size *size, const struct nq_policy *policy, struct bench_random *random)
{
	uint32_t cpus_per_node = size->queues / size->nodes * CPUS_PER_QUEUE;
	uint64_t room = policy->queue_capacity_pps * policy->queue_full / PER_MILLE;
	uint64_t *loads = calloc(size->vms, sizeof(*loads));
	struct nq_host *host = bench_host(size->nodes);

	bench_must(loads, "no memory for loads");
	for (uint32_t node = 0; node < size->nodes; node++) {
		bench_add_cpus(host, node, cpus_per_node);
		host->nodes[node].busy = 0;
	}
	add_queues(host, size, cpus_per_node);
	bench_loads(random, BENCH_UNIFORM, room * size->queues * UTILIZATION / PER_MILLE, room, size->vms, loads);
	for (uint32_t i = 0; i < size->vms; i++) {
		bench_add_vm(host, (uint32_t)bench_below(random, size->nodes), 64 * MIB);
		bench_add_vnic(host, i, (uint32_t)bench_below(random, host->n_pnics), loads[i]);
	}
	free(loads);
	bench_settle(host, policy);
	return host;
}

static void change_loads(struct nq_host *host, const struct nq_policy *policy, struct bench_random *random)
{
	uint32_t first = (uint32_t)bench_below(random, CHANGED);

	for (uint32_t i = first; i < host->n_vnics; i += CHANGED) {
		struct nq_vnic *vnic = &host->vnics[i];
		uint64_t packets = vnic->rx.packets + vnic->tx.packets;
		uint64_t factor = PER_MILLE + bench_below(random, 2 * PER_MILLE);

		bench_set_packets(vnic, i / CHANGED % 2 ? packets * factor / PER_MILLE : packets * PER_MILLE / factor);
		vnic->served_by = NQ_SERVED_UNKNOWN;
		memset(vnic->served, 0, host->n_nodes * sizeof(*vnic->served));
	}
	host->time_ns *= 2;
	bench_settle(host, policy);
}

/* User instructions of this process; -1 where the machine does not count them. */
static int open_counter(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};

	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static uint64_t read_counter(int counter)
{
	uint64_t value = 0;

	return counter >= 0 && read(counter, &value, sizeof(value)) == sizeof(value) ? value : 0;
}

static struct nq_plan *plan_once(const struct nq_host *host, const struct nq_policy *policy, struct reading *ret)
{
	static int counter = -2;
	struct nq_plan *plan = NULL;
	uint64_t begin, instructions;

	counter = counter == -2 ? open_counter() : counter;
	bench_count_from_here();
	instructions = read_counter(counter);
	begin = bench_cpu_ns();
	bench_must(nq_plan_make(host, policy, NULL, &plan) == 0, "no plan");
	*ret = (struct reading){ bench_cpu_ns() - begin, 0, bench_most_counted(), plan->n_actions };
	ret->instructions = read_counter(counter) - instructions;
	return plan;
}

static struct reading measure(const struct nq_host *host, const struct nq_policy *policy, unsigned runs)
{
	uint64_t times[MOST_RUNS];
	struct reading reading;

	for (unsigned run = 0; run < runs; run++) {
		nq_plan_free(plan_once(host, policy, &reading));
		times[run] = reading.ns;
	}
	reading.ns = bench_median(times, runs);
	return reading;
}

static bool report(const char *command, const struct size *size, const char *start, const struct reading *reading,
		   uint64_t most_ns)
{
	uint64_t each = reading->bytes / (size->vms + size->queues);
	bool good = (most_ns == 0 || reading->ns <= most_ns) && each <= BYTES_EACH;

	printf("{\"bench\":\"scale\",\"command\":\"%s\",\"vms\":%u,\"queues\":%u,\"nodes\":%u,\"start\":\"%s\","
	       "\"actions\":%u,\"cpu_ns\":%" PRIu64 ",\"most_ns\":%" PRIu64 ",\"bytes\":%" PRIu64
	       ",\"bytes_per_vm_and_queue\":%" PRIu64 ",",
	       command, size->vms, size->queues, size->nodes, start, reading->actions, reading->ns, most_ns,
	       reading->bytes, each);
	if (reading->instructions)
		printf("\"instructions\":%" PRIu64 ",", reading->instructions);
	printf("\"pass\":%s}\n", good ? "true" : "false");
	fflush(stdout);
	return good;
}

static struct nq_host *apply(struct nq_host *host, const struct nq_policy *policy, const struct nq_plan *plan)
{
	struct nq_host *planned;

	bench_must(nq_plan_apply(host, policy, plan, &planned) == 0, "the plan does not apply");
	nq_host_free(host);
	return planned;
}

/* From nothing, then a tick of the planned host. */
static bool run(const char *command, const struct size *size, unsigned runs, struct reading ret[2])
{
	struct bench_random random = { size->vms };
	struct nq_policy policy;
	struct nq_host *host;
	struct nq_plan *plan;
	bool good;

	nq_policy_init(&policy);
	host = make_host(size, &policy, &random);
	plan = plan_once(host, &policy, &ret[0]);
	if (runs)
		ret[0] = measure(host, &policy, runs);
	good = report(command, size, "nothing", &ret[0], size->nothing_ns);
	host = apply(host, &policy, plan);
	nq_plan_free(plan);
	change_loads(host, &policy, &random);
	nq_plan_free(plan_once(host, &policy, &ret[1]));
	if (runs)
		ret[1] = measure(host, &policy, runs);
	good = report(command, size, "tick", &ret[1], size->tick_ns) && good;
	nq_host_free(host);
	return good;
}

/* The slope of a line through the points, by least squares. */
static double slope(const double *x, const double *y, size_t n)
{
	double mean_x = 0, mean_y = 0, above = 0, below = 0;

	for (size_t i = 0; i < n; i++) {
		mean_x += x[i] / (double)n;
		mean_y += y[i] / (double)n;
	}
	for (size_t i = 0; i < n; i++) {
		above += (x[i] - mean_x) * (y[i] - mean_y);
		below += (x[i] - mean_x) * (x[i] - mean_x);
	}
	return above / below;
}

static bool report_growth(const char *command, struct reading readings[SIZES][2])
{
	double x[SIZES], n_log_n[SIZES], nothing[SIZES], tick[SIZES], limit;
	bool good;

	for (size_t i = 0; i < SIZES; i++) {
		x[i] = log(sizes[i].vms);
		n_log_n[i] = x[i] + log(x[i]);
		nothing[i] = log((double)readings[i][0].ns);
		tick[i] = log((double)readings[i][1].ns);
	}
	limit = slope(x, n_log_n, SIZES);
	good = slope(x, nothing, SIZES) <= limit && slope(x, tick, SIZES) <= limit;
	printf("{\"bench\":\"scale\",\"command\":\"%s\",\"exponent_of\":\"vms\",\"nothing\":%.3f,\"tick\":%.3f,"
	       "\"n_log_n\":%.3f,\"pass\":%s}\n",
	       command, slope(x, nothing, SIZES), slope(x, tick, SIZES), limit, good ? "true" : "false");
	return good;
}

int main(int argc, char **argv)
{
	bool once = argc == 3 && strcmp(argv[1], "--once") == 0;
	uint64_t only = argc > 1 ? strtoul(argv[argc - 1], NULL, 10) : 0;
	struct reading readings[SIZES][2];
	bool good = true;

	if (argc > 1 && only == 0) {
		fprintf(stderr, "scale [[--once] 100|1000|10000|100000]\n");
		return 2;
	}
	for (size_t i = 0; i < SIZES; i++)
		if (only == 0 || only == sizes[i].vms)
			good = run(argv[0], &sizes[i], once ? 0 : sizes[i].runs, readings[i]) && good;
	if (only == 0)
		good = report_growth(argv[0], readings) && good;
	return good && !ferror(stdout) ? 0 : 1;
}
