/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* X3: what a picture shows, and where, before it is drawn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/scene.h"
#include "cli/show.h"
#include "cli/svg_layout.h"

#include <stdlib.h>
#include <string.h>

static struct nq_host *host;
static struct nq_scene *scene;

static void show(const char *path)
{
	FILE *stream = fopen(path, "r");
	struct nq_fault fault = { 0 };

	assert_non_null(stream);
	if (nq_snapshot_read(stream, path, &host, &fault) != 0)
		fail_msg("%s: %s", fault.where, fault.what);
	fclose(stream);
	assert_int_equal(nq_scene_new(host, &scene), 0);
}

static int teardown(void **state)
{
	(void)state;
	scene = nq_scene_free(scene);
	host = nq_host_free(host);
	return 0;
}

/* Figure 5: three queues, six VMs, four links that cross. */
static void figure_5(void **state)
{
	uint32_t remote = 0;

	(void)state;
	show(FIGURES "/figure-5.json");
	assert_int_equal(scene->n_boxes, 2);
	assert_int_equal(scene->n_ports, 3);
	assert_int_equal(scene->n_links, 6);
	for (uint32_t i = 0; i < scene->n_links; i++) {
		const struct nq_link *link = &scene->links[i];

		remote += link->remote;
		assert_int_equal(scene->ports[link->port].queue, host->vnics[link->vnic].rx_queue);
		assert_int_equal(link->pps, 50000);
	}
	assert_int_equal(remote, 4);
	assert_true(scene->ports[2].remote);
	assert_false(scene->ports[1].remote);
}

/* The default queues of a node are one port; VMs that float are elsewhere, and are never far from anything. */
static void default_queues_and_floating_vms(void **state)
{
	char name[NQ_PORT_TEXT];

	(void)state;
	show(DATA "/four-far.json");
	assert_int_equal(scene->n_boxes, 5);
	assert_int_equal(scene->n_ports, 4);
	assert_int_equal(scene->n_links, 16 * 4);
	for (uint32_t i = 0; i < scene->n_ports; i++) {
		assert_int_equal(scene->ports[i].n_queues, 2);
		assert_int_equal(scene->ports[i].role, NQ_ROLE_DEFAULT);
	}
	for (uint32_t i = 0; i < scene->n_links; i++) {
		bool floats = scene->vm_box[host->vnics[scene->links[i].vnic].vm] == host->n_nodes;

		assert_true(!floats || !scene->links[i].remote);
	}
	nq_port_text(scene, &scene->ports[0], name);
	assert_string_equal(name, "default");
}

static void traffic_of_a_port_is_that_of_its_links(void **state)
{
	(void)state;
	show(DATA "/four-near.json");
	assert_int_equal(scene->n_boxes, 4);
	for (uint32_t i = 0; i < scene->n_ports; i++) {
		uint64_t sum = 0;

		for (uint32_t j = 0; j < scene->n_links; j++)
			sum += scene->links[j].port == i ? scene->links[j].pps : 0;
		assert_int_equal(sum, scene->ports[i].pps);
	}
	for (uint32_t j = 0; j < scene->n_links; j++)
		assert_false(scene->links[j].remote);
}

/* A trickle from one node is left out of the picture. */
static void hairs_are_not_drawn(void **state)
{
	(void)state;
	show(DATA "/four-far.json");
	host->vnics[0].served[3] = host->vnics[0].rx.packets / 100;
	nq_scene_free(scene);
	assert_int_equal(nq_scene_new(host, &scene), 0);
	assert_int_equal(scene->n_links, 16 * 4 - 1);
}

/* What is on no node is elsewhere: a NIC on node -1, a queue that nobody is known to serve. */
static void unknown_places(void **state)
{
	(void)state;
	show(FIGURES "/figure-5.json");
	host->pnics[0].node = NQ_NONE;
	host->queues[2].cpu = NQ_NONE;
	nq_scene_free(scene);
	assert_int_equal(nq_scene_new(host, &scene), 0);
	assert_int_equal(scene->n_boxes, 3);
	assert_int_equal(scene->pnic_box[0], 2);
	assert_int_equal(scene->ports[2].box, 2);
	for (uint32_t i = 0; i < scene->n_links; i++)
		assert_true(!scene->links[i].remote || scene->ports[scene->links[i].port].box < 2);
}

static void empty_host(void **state)
{
	struct nq_drawing drawing;

	(void)state;
	assert_int_equal(nq_host_new(&host), 0);
	assert_int_equal(nq_host_set_nodes(host, 1), 0);
	assert_int_equal(nq_scene_new(host, &scene), 0);
	assert_int_equal(scene->n_boxes, 1);
	assert_int_equal(nq_drawing_make(scene, 0, &drawing), 0);
	assert_true(nq_drawing_width(&drawing) >= DRAWING_LEAST);
	nq_drawing_free(&drawing);
	assert_null(nq_scene_free(NULL));
}

/* Everything is inside the box it belongs to, also with more VMs than one row holds. */
static void items_are_inside_their_boxes(void **state)
{
	struct nq_drawing drawing;

	(void)state;
	show(DATA "/four-far.json");
	for (uint32_t i = 0; i < host->n_vms; i++)
		scene->vm_box[i] = 0;
	assert_int_equal(nq_drawing_make(scene, 50, &drawing), 0);
	for (uint32_t i = 0; i < host->n_vnics; i++) {
		assert_true(drawing.vm[i].x >= drawing.box[0].x);
		assert_true(drawing.vm[i].x + VM_WIDTH <= drawing.box[0].x + drawing.box_width);
		assert_true(drawing.vm[i].y >= nq_drawing_vm_row(&drawing, i));
		assert_true(drawing.vm[i].y + VM_HEIGHT <= drawing.box[0].y + nq_drawing_box_height(&drawing));
		for (uint32_t j = 0; j < i; j++)
			assert_true(drawing.vm[i].x != drawing.vm[j].x || drawing.vm[i].y != drawing.vm[j].y);
	}
	nq_drawing_free(&drawing);
}

static void many_nodes_stand_in_rows(void **state)
{
	struct nq_drawing drawing;

	(void)state;
	assert_int_equal(nq_host_new(&host), 0);
	assert_int_equal(nq_host_set_nodes(host, 8), 0);
	assert_int_equal(nq_scene_new(host, &scene), 0);
	assert_int_equal(nq_drawing_make(scene, 0, &drawing), 0);
	assert_true(drawing.box[0].y == drawing.box[3].y);
	assert_true(drawing.box[4].y >= drawing.box[0].y + nq_drawing_box_height(&drawing));
	assert_true(drawing.box[4].x == drawing.box[0].x);
	nq_drawing_free(&drawing);
}

static void labels_and_lists(void **state)
{
	char text[NQ_LIST_TEXT], label[NQ_LABEL_TEXT];

	(void)state;
	show(FIGURES "/figure-5.json");
	nq_cpus_text(host, 1, true, text);
	assert_string_equal(text, "8-15");
	host->cpus[9].online = false;
	nq_cpus_text(host, 1, true, text);
	assert_string_equal(text, "8,10-15");
	nq_cpus_text(host, NQ_NONE, false, text);
	assert_string_equal(text, "9");
	nq_cpus_text(host, 0, false, text);
	assert_string_equal(text, "");
	nq_vnic_label(host, 1, label);
	assert_string_equal(label, "vm522");
	host->vnics[2].vm = host->vnics[1].vm;
	nq_vnic_label(host, 2, label);
	assert_string_equal(label, "vm522/1");
	assert_int_equal(nq_node_busy(host, 0), 50);
	assert_int_equal(nq_node_id(host, NQ_NONE), NQ_NONE);
}

/* What is said of a plan in one form, to be freed. */
static char *actions(const struct nq_plan *plan, enum nq_form form, bool reasons)
{
	struct nq_outcome done = { .kind = NQ_OUTCOME_DONE, .detail = "irq 57" };
	struct nq_writer_options options = { .form = form, .width = 200 };
	struct nq_writer *writer;
	char *text = NULL;
	size_t size;

	options.stream = open_memstream(&text, &size);
	assert_non_null(options.stream);
	assert_int_equal(nq_writer_new(&options, &writer), 0);
	nq_show_actions(writer, host, plan, &done, reasons);
	nq_show_kept(writer, host, plan, reasons);
	assert_int_equal(nq_writer_finish(writer), 0);
	fclose(options.stream);
	return text;
}

/* X2: a gain has its sign, and reasons that were read are not told again to people, but to machines. */
static void gains_and_reasons(void **state)
{
	static const struct {
		uint64_t before, after;
		const char *expected;
	} cases[] = {
		{ 3000000, 1000000, "saves 2.00 ms of CPU each second (3.00 ms now, 1.00 ms then) for 5.00 us once" },
		{ 1000000, 3000000,
		  "costs 2.00 ms of CPU more each second (1.00 ms now, 3.00 ms then) for 5.00 us once" },
	};
	struct nq_action action = { .kind = NQ_ACTION_STEER,
				    .rx_from = NQ_NONE,
				    .rx_to = 1,
				    .tx_from = NQ_NONE,
				    .tx_to = NQ_NONE,
				    .once_ns = 5000,
				    .rejected = { .target = NQ_NONE } };
	struct nq_kept kept = { .vnic = 3, .reason = { .rule = NQ_RULE_KEPT_NO_ROOM } };
	struct nq_plan plan = { .actions = &action, .n_actions = 1, .kept = &kept, .n_kept = 1 };
	char *text, *known;

	(void)state;
	show(FIGURES "/figure-5.json");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		action.cost_before_ns = cases[i].before;
		action.cost_after_ns = cases[i].after;
		text = actions(&plan, NQ_FORM_TABLE, true);
		assert_non_null(strstr(text, cases[i].expected));
		assert_non_null(strstr(text, "    why "));
		assert_non_null(strstr(text, "LEFT AS IT IS"));
		free(text);
	}
	text = actions(&plan, NQ_FORM_TABLE, false);
	assert_non_null(strstr(text, " 1. vm521"));
	assert_non_null(strstr(text, "\n    outcome  done: irq 57\n"));
	assert_null(strstr(text, "    why "));
	assert_null(strstr(text, "    gain "));
	assert_null(strstr(text, "LEFT AS IT IS"));
	free(text);
	for (enum nq_form form = NQ_FORM_JSON; form <= NQ_FORM_KV; form++) {
		text = actions(&plan, form, true);
		known = actions(&plan, form, false);
		assert_string_equal(text, known);
		assert_non_null(strstr(text, "why"));
		free(text);
		free(known);
	}
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

/* A vnic that spreads has a link to each of its queues, each with its part; one of them is far away. */
static void lanes(void **state)
{
	struct nq_vnic *vnic;
	uint32_t n = 0, remote = 0;

	(void)state;
	show(FIGURES "/figure-8.json");
	scene = nq_scene_free(scene);
	vnic = &host->vnics[0];
	assert_int_not_equal(vnic->rx_queue, NQ_NONE);
	vnic->n_spread = 1;
	vnic->spread[0] = vnic->rx_queue == 1 ? 2 : 1;
	assert_int_equal(nq_scene_new(host, &scene), 0);
	for (uint32_t i = 0; i < scene->n_links; i++) {
		if (scene->links[i].vnic != 0)
			continue;
		assert_int_equal(scene->links[i].pps, vnic->rx.packets / 2);
		remote += scene->links[i].remote;
		n++;
	}
	assert_int_equal(n, 2);
	assert_int_equal(remote, 1);
	assert_int_equal(scene->n_links, host->n_vnics + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(figure_5),
		TEST(default_queues_and_floating_vms),
		TEST(traffic_of_a_port_is_that_of_its_links),
		TEST(hairs_are_not_drawn),
		TEST(unknown_places),
		TEST(empty_host),
		TEST(items_are_inside_their_boxes),
		TEST(many_nodes_stand_in_rows),
		TEST(labels_and_lists),
		TEST(gains_and_reasons),
		TEST(lanes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
