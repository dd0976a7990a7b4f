/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* T3: names that drivers make. The tree "irqs" shows each driver's; here are the ones that must not match. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <host/irqname.h>

static const struct nq_pattern_fields eth1 = { "eth1", "igb", "0000:3b:00.0", "0000:3b:00.0" };
static const struct nq_pattern_fields virtual = { "eth1", "virtio_net", "0000:05:00.0", "virtio1" };

static void queues(void **state)
{
	static const struct {
		const struct nq_pattern_fields *owner;
		const char *name;
		uint32_t queue;
	} cases[] = {
		{ &eth1, "eth1-TxRx-0", 0 },
		{ &eth1, "eth1-TxRx-63", 63 },
		{ &eth1, "igb-eth1-TxRx-7", 7 },
		{ &eth1, "eth1-rx-0", 0 },
		{ &eth1, "mlx5_comp3@pci:0000:3b:00.0", 3 },
		{ &virtual, "virtio1-input.2", 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint32_t queue = 99;

		assert_true(nq_irq_queue(cases[i].owner, cases[i].name, &queue));
		assert_int_equal(queue, cases[i].queue);
	}
}

static void others(void **state)
{
	static const char *const names[] = {
		"",
		"eth1",		/* link changes */
		"eth10-TxRx-0", /* another interface whose name starts alike */
		"eth-TxRx-0",
		"eth1-TxRx-",	/* no number */
		"eth1-TxRx-0 ", /* something behind it */
		"eth1-TxRx--1",
		"eth1-TxRx-4294967295", /* NQ_NONE is no queue */
		"eth1-TxRx-99999999999999999",
		"eth1-tx-0",		       /* sends only */
		"mlx5_comp3@pci:0000:3b:00.1", /* the other port */
		"mlx5_async0@pci:0000:3b:00.0",
		"virtio10-input.0",
		"virtio1-output.0",
		"ahci[0000:3b:00.0]",
	};
	uint32_t queue = 99;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_false(nq_irq_queue(&eth1, names[i], &queue));
		assert_false(nq_irq_queue(&virtual, names[i], &queue));
	}
	assert_int_equal(queue, 99);
}

static void unknown_fields_never_match(void **state)
{
	static const struct nq_pattern_fields nothing = { "", NULL, "", "" };
	uint32_t queue;

	(void)state;
	assert_false(nq_irq_queue(&nothing, "-TxRx-0", &queue));
	assert_false(nq_irq_queue(&nothing, "mlx5_comp3@pci:", &queue));
	assert_false(nq_irq_only(&nothing, ""));
	assert_true(nq_irq_only(&eth1, "eth1"));
	assert_false(nq_irq_only(&eth1, "eth1-TxRx-0"));
}

static void patterns(void **state)
{
	uint32_t number = 5;

	(void)state;
	assert_true(nq_pattern_match("100%% %n%i", &eth1, "100% 42eth1", &number));
	assert_int_equal(number, 42);
	assert_true(nq_pattern_match("", &eth1, "", &number));
	assert_false(nq_pattern_match("", &eth1, "x", &number));
	assert_false(nq_pattern_match("abc", &eth1, "ab", &number));
	assert_int_equal(number, 42);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(queues),
		cmocka_unit_test(others),
		cmocka_unit_test(unknown_fields_never_match),
		cmocka_unit_test(patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
