/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nanoseconds per packet of the steering program, against a program that does nothing but XDP_PASS, in the
 * same run and in turn.
 *
 * The kernel runs a program itself (BPF_PROG_TEST_RUN) and times it. Two ways: `warm`, the same frame many times over,
 * which is what the instructions cost; and `cold`, another MAC each time, which adds fetching its rule and
 * its counters from memory, and the start of the measurement, which both programs pay. A redirect is decided, not
 * carried out: what the cpumap thread does afterwards is not in these numbers.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/measure.h"
#include "bpf/tables.h"
#include "steer.skel.h"

#define FRAME_BYTES 64
#define WARM_REPEAT 20000
#define WARM_FRAMES 25 /* medians over this many different MACs */
#define COLD_FRAMES 2001

static const uint32_t sizes[] = { 16, 64, 256, 1024, 4096, 16384, NQ_STEER_MACS_MAX };

static int fail(const char *what)
{
	fprintf(stderr, "bench/steer: %s: %s\n", what, strerror(errno));
	return 1;
}

/* Locally administered, spread over the hash by its own bytes. */
static void set_mac(uint8_t mac[ETH_ALEN], uint32_t number)
{
	mac[0] = 2;
	mac[1] = 0;
	mac[2] = (uint8_t)(number >> 24);
	mac[3] = (uint8_t)(number >> 16);
	mac[4] = (uint8_t)(number >> 8);
	mac[5] = (uint8_t)number;
}

/* A walk over 0 .. n - 1 whose steps are far apart; n is a power of two. */
static uint32_t scatter(uint32_t i, uint32_t n)
{
	return (i * 2654435761u >> 7) & (n - 1);
}

static int load_pass(void)
{
	const struct bpf_insn instructions[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", "GPL", instructions,
			     sizeof(instructions) / sizeof(*instructions), NULL);
}

static int add_rules(const struct steer_bpf *skeleton, uint32_t from, uint32_t to)
{
	uint32_t i;

	for (i = from; i < to; i++) {
		struct nq_bpf_mac key = {};
		struct nq_bpf_rule rule = { .cpu = 0, .slot = i % NQ_STEER_MACS_MAX };

		set_mac(key.byte, i);
		if (bpf_map_update_elem(bpf_map__fd(skeleton->maps.rules), &key, &rule, BPF_ANY) < 0)
			return -1;
	}
	return 0;
}

static struct steer_bpf *load_steer(void)
{
	struct steer_bpf *skeleton = steer_bpf__open();
	struct bpf_cpumap_val value = { .qsize = 64 };
	uint32_t cpu = 0;

	if (!skeleton)
		return NULL;
	if (steer_bpf__load(skeleton) == 0) {
		value.bpf_prog.fd = bpf_program__fd(skeleton->progs.serve);
		if (bpf_map_update_elem(bpf_map__fd(skeleton->maps.cpus), &cpu, &value, BPF_ANY) == 0)
			return skeleton;
	}
	steer_bpf__destroy(skeleton);
	return NULL;
}

/* Mean ns of `repeat` runs on a frame to this MAC; *ret_verdict is what the program said. */
static uint64_t run(int program, uint32_t mac, int repeat, uint32_t *ret_verdict)
{
	uint8_t frame[FRAME_BYTES] = {}, out[FRAME_BYTES];
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame), .data_out = out,
		    .data_size_out = sizeof(out), .repeat = repeat);

	set_mac(frame, mac);
	if (bpf_prog_test_run_opts(program, &options) < 0)
		exit(fail("BPF_PROG_TEST_RUN"));
	*ret_verdict = options.retval;
	return options.duration;
}

/* Both programs in turn on the same frames, so that whatever disturbs the machine disturbs both. */
static void measure(int steer, int pass, uint32_t macs, uint32_t frames, int repeat, uint64_t *ret_steer,
		    uint64_t *ret_pass)
{
	static uint64_t steer_ns[COLD_FRAMES], pass_ns[COLD_FRAMES];
	uint32_t i, verdict;

	for (i = 0; i < frames; i++) {
		pass_ns[i] = run(pass, scatter(i, macs), repeat, &verdict);
		steer_ns[i] = run(steer, scatter(i, macs), repeat, &verdict);
		if (verdict != XDP_REDIRECT) {
			fprintf(stderr, "bench/steer: MAC %u of %u was not steered\n", scatter(i, macs), macs);
			exit(1);
		}
	}
	*ret_steer = bench_median(steer_ns, frames);
	*ret_pass = bench_median(pass_ns, frames);
}

static void report(const char *command, const char *how, uint32_t macs, uint32_t frames, int repeat, int steer,
		   int pass)
{
	uint64_t steer_ns, pass_ns;

	measure(steer, pass, macs, frames, repeat, &steer_ns, &pass_ns);
	printf("{\"bench\":\"steer\",\"command\":\"%s\",\"cache\":\"%s\",\"macs\":%u,\"runs\":%u,\"repeat\":%d,"
	       "\"steer_ns\":%" PRIu64 ",\"pass_ns\":%" PRIu64 ",\"ratio\":%.2f}\n",
	       command, how, macs, frames, repeat, steer_ns, pass_ns, (double)steer_ns / (pass_ns ? pass_ns : 1));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct steer_bpf *skeleton;
	cpu_set_t one;
	int pass, steer;
	size_t i;

	(void)argc;
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one); /* counters of one CPU, and no migration inside a run */
	pass = load_pass();
	skeleton = load_steer();
	if (pass < 0 || !skeleton)
		return fail("loading the programs");
	steer = bpf_program__fd(skeleton->progs.steer);
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		if (add_rules(skeleton, i ? sizes[i - 1] : 0, sizes[i]) < 0)
			return fail("adding rules");
		report(argv[0], "warm", sizes[i], WARM_FRAMES, WARM_REPEAT, steer, pass);
		report(argv[0], "cold", sizes[i], COLD_FRAMES, 1, steer, pass);
	}
	steer_bpf__destroy(skeleton);
	return 0;
}
