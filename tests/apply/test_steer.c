/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A2: rules, slots and counters of the steering program, on the loopback of a network namespace of this test's own.
 * Frames come from the kernel itself (BPF_PROG_TEST_RUN), so that every one of them is known.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/cleanup.h"
#include "host/steer_act.h"
#include "host/steer_pin.h"

#define INTERFACE "lo"
#define ETHERTYPE_AT 12
#define FRAME_BYTES 64
/* More than the first buffer of a dump holds (host/steer_pin.c), so that it has to grow. */
#define MANY 1500

static struct nq_setting_ctx *ctx;

static int enter_namespaces(void **state)
{
	(void)state;
	if (geteuid() != 0)
		return 0; /* each test says that it was skipped */
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("sysfs", "/sys", "sysfs", 0, NULL) < 0 || mount("bpf", NQ_BPFFS, "bpf", 0, NULL) < 0)
		return -1;
	return nq_setting_ctx_new(&ctx);
}

static int leave(void **state)
{
	(void)state;
	ctx = nq_setting_ctx_free(ctx);
	return 0;
}

static int attach(void **state)
{
	(void)state;
	return ctx ? nq_xdp_attach(ctx, INTERFACE, false) : 0;
}

static int detach(void **state)
{
	(void)state;
	if (ctx)
		nq_steer_sweep(ctx, true);
	return 0;
}

static void need_root(void)
{
	if (!ctx)
		skip();
}

static struct nq_mac mac_of(uint32_t number)
{
	return (struct nq_mac){ { 2, 0, 0, 0, (uint8_t)(number >> 8), (uint8_t)number } };
}

static void set_rule(uint32_t number, uint32_t cpu)
{
	struct nq_mac mac = mac_of(number);

	if (nq_steer_set(ctx, INTERFACE, &mac, cpu) != 0)
		fail_msg("rule %u: %s", number, ctx->why);
}

static struct nq_steer_table *must_read(void)
{
	struct nq_steer_table *table = NULL;

	assert_int_equal(nq_steer_read(INTERFACE, &table), 0);
	return table;
}

/* Runs the attached program on `count` frames to a MAC, with an optional VLAN tag; the verdict. */
static uint32_t run(const struct nq_mac *mac, int count, bool tagged)
{
	NQ_CLOSE int link = nq_pin_open(INTERFACE, NQ_PIN_LINK);
	NQ_CLOSE int program = -1;
	uint8_t frame[FRAME_BYTES] = {}, out[FRAME_BYTES];
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame), .data_out = out,
		    .data_size_out = sizeof(out), .repeat = count);
	struct bpf_link_info info = {};
	uint32_t size = sizeof(info);

	assert_true(link >= 0);
	assert_int_equal(bpf_obj_get_info_by_fd(link, &info, &size), 0);
	program = bpf_prog_get_fd_by_id(info.prog_id);
	assert_true(program >= 0);
	memcpy(frame, mac->byte, sizeof(mac->byte));
	frame[ETHERTYPE_AT] = tagged ? 0x81 : 0x08;
	assert_int_equal(bpf_prog_test_run_opts(program, &options), 0);
	return options.retval;
}

static void frames_are_counted_and_sent_where_the_rule_says(void **state)
{
	static const struct nq_mac broadcast = { { 255, 255, 255, 255, 255, 255 } };
	static const struct nq_mac multicast = { { 1, 0, 0x5e, 0, 0, 1 } };
	struct nq_mac one = mac_of(1), two = mac_of(2), nobody = mac_of(3);
	struct nq_steer_table *table;

	(void)state;
	need_root();
	set_rule(1, 0);
	set_rule(2, 0);
	assert_int_equal(run(&one, 10, false), XDP_REDIRECT);
	assert_int_equal(run(&two, 7, false), XDP_REDIRECT);
	assert_int_equal(run(&two, 5, true), XDP_REDIRECT); /* a VLAN tag comes after the MAC */
	assert_int_equal(run(&nobody, 3, false), XDP_PASS);
	assert_int_equal(run(&broadcast, 2, false), XDP_PASS);
	assert_int_equal(run(&multicast, 1, false), XDP_PASS);
	table = must_read();
	assert_int_equal(table->n_macs, 2);
	assert_memory_equal(&table->macs[0].mac, &one, sizeof(one));
	assert_int_equal(table->macs[0].received, 10);
	assert_int_equal(table->macs[1].received, 12);
	assert_int_equal(table->other, 6);
	assert_false(table->native);
	nq_steer_table_free(table);
}

static void a_rule_that_moves_keeps_its_counters_and_a_new_one_starts_at_0(void **state)
{
	struct nq_mac mac = mac_of(1);
	struct nq_steer_table *table;
	uint32_t cpu;

	(void)state;
	need_root();
	set_rule(1, 0);
	run(&mac, 4, false);
	set_rule(1, 0);
	run(&mac, 4, false);
	table = must_read();
	assert_int_equal(table->macs[0].received, 8);
	nq_steer_table_free(table);
	assert_int_equal(nq_steer_unset(INTERFACE, &mac), 0);
	assert_int_equal(nq_steer_unset(INTERFACE, &mac), 0); /* twice is once */
	assert_int_equal(nq_steer_get(INTERFACE, &mac, &cpu), 0);
	assert_int_equal(cpu, NQ_NONE);
	assert_int_equal(run(&mac, 1, false), XDP_PASS);
	set_rule(1, 0);
	table = must_read();
	assert_int_equal(table->macs[0].received, 0);
	assert_int_equal(table->other, 1);
	nq_steer_table_free(table);
}

/* Every MAC keeps counters of its own, however rules come and go. */
static void many_rules_do_not_share_counters(void **state)
{
	struct nq_steer_table *table;
	struct nq_mac mac;
	uint32_t i;

	(void)state;
	need_root();
	for (i = 0; i < MANY; i++)
		set_rule(i, 0);
	for (i = 0; i < MANY; i += 2) { /* holes, filled by others */
		mac = mac_of(i);
		assert_int_equal(nq_steer_unset(INTERFACE, &mac), 0);
		set_rule(MANY + i, 0);
	}
	for (i = 1; i < MANY; i += 500) {
		mac = mac_of(i);
		run(&mac, (int)i, false);
	}
	table = must_read();
	assert_int_equal(table->n_macs, MANY);
	for (i = 0; i < table->n_macs; i++) {
		const struct nq_steered *steered = &table->macs[i];
		uint32_t number = (uint32_t)steered->mac.byte[4] << 8 | steered->mac.byte[5];

		assert_int_equal(steered->received, number < MANY && number % 500 == 1 ? number : 0);
		assert_int_equal(steered->cpu, 0);
		assert_int_equal(steered->tx_queue, NQ_NONE);
		assert_true(i == 0 || nq_mac_compare(&table->macs[i - 1].mac, &steered->mac) < 0);
	}
	nq_steer_table_free(table);
}

static void what_is_not_attached_cannot_be_read_or_steered(void **state)
{
	struct nq_mac mac = mac_of(1);
	struct nq_steer_table *table = NULL;
	enum nq_xdp_state xdp;
	uint32_t foreign, cpu = 7;

	(void)state;
	need_root();
	assert_int_equal(nq_xdp_detach(ctx, INTERFACE), 0);
	assert_int_equal(nq_xdp_detach(ctx, INTERFACE), 0);
	assert_int_equal(nq_xdp_state(INTERFACE, &xdp, &foreign), 0);
	assert_int_equal(xdp, NQ_XDP_NONE);
	assert_int_equal(nq_steer_read(INTERFACE, &table), -ENOENT);
	assert_null(table);
	assert_int_equal(nq_steer_get(INTERFACE, &mac, &cpu), 0);
	assert_int_equal(cpu, NQ_NONE);
	assert_int_equal(nq_steer_set(ctx, INTERFACE, &mac, 0), -EOPNOTSUPP);
	assert_int_equal(nq_xdp_state("absent0", &xdp, &foreign), -ENODEV);
	assert_int_equal(access(NQ_PIN_ROOT, F_OK), -1);
}

/* An attach that was killed: pins without a link. Nothing is steered, and the next attach is none the worse. */
static void pins_without_a_link_are_nothing(void **state)
{
	struct nq_steer_table *table = NULL;
	enum nq_xdp_state xdp;
	uint32_t foreign;

	(void)state;
	need_root();
	set_rule(1, 0);
	assert_int_equal(nq_pin_remove(INTERFACE, NQ_PIN_LINK), 0);
	do /* the kernel lets go of the link a moment later */
		assert_int_equal(nq_xdp_state(INTERFACE, &xdp, &foreign), 0);
	while (xdp != NQ_XDP_NONE);
	assert_int_equal(nq_steer_read(INTERFACE, &table), -ENOENT);
	assert_int_equal(nq_xdp_attach(ctx, INTERFACE, false), 0);
	table = must_read();
	assert_int_equal(table->n_macs, 0);
	nq_steer_table_free(table);
}

static void a_transmit_queue_shows_beside_the_rule_or_alone(void **state)
{
	struct nq_mac one = mac_of(1), two = mac_of(2);
	struct nq_steer_table *table;

	(void)state;
	need_root();
	set_rule(1, 0);
	assert_int_equal(nq_egress_add_clsact(ctx, INTERFACE), 0);
	assert_int_equal(nq_egress_attach(ctx, INTERFACE), 0);
	assert_int_equal(nq_txq_set(ctx, INTERFACE, &one, 5), 0);
	assert_int_equal(nq_txq_set(ctx, INTERFACE, &two, 6), 0);
	table = must_read();
	assert_int_equal(table->n_macs, 2);
	assert_int_equal(table->macs[0].cpu, 0);
	assert_int_equal(table->macs[0].tx_queue, 5);
	assert_int_equal(table->macs[1].cpu, NQ_NONE);
	assert_int_equal(table->macs[1].tx_queue, 6);
	nq_steer_table_free(table);
	assert_int_equal(nq_egress_detach(ctx, INTERFACE), 0);
	assert_int_equal(nq_egress_remove_clsact(ctx, INTERFACE), 0);
	table = must_read();
	assert_int_equal(table->n_macs, 1);
	assert_int_equal(table->macs[0].tx_queue, NQ_NONE);
	nq_steer_table_free(table);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, attach, detach)
	static const struct CMUnitTest tests[] = {
		TEST(frames_are_counted_and_sent_where_the_rule_says),
		TEST(a_rule_that_moves_keeps_its_counters_and_a_new_one_starts_at_0),
		TEST(many_rules_do_not_share_counters),
		TEST(what_is_not_attached_cannot_be_read_or_steered),
		TEST(pins_without_a_link_are_nothing),
		TEST(a_transmit_queue_shows_beside_the_rule_or_alone),
	};

	return cmocka_run_group_tests_name("A2 steering", tests, enter_namespaces, leave);
}
