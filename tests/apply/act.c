/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Acts from the command line, for the system tests of this folder.
 *
 *   act get KIND KEY                   present value
 *   act set STATE KIND KEY VALUE       changes a setting; STATE is the journal's directory
 *   act restore STATE [force]          puts everything back
 *   act held STATE                     number of settings in the journal
 *   act hold STATE                     keeps the journal until its standard input ends
 *   act steered INTERFACE              MAC, CPU, queue, received, served per CPU
 *   act apply STATE SNAPSHOT ACTION…   an action is home:VM:NODE, queue:PNIC/INDEX:CPU or
 *                                      steer:MAC:CPU|default:INDEX|default
 *
 * Each outcome is a line "name<TAB>detail". Exit code 0: done or same; 1: something else; 2: a fault, on standard
 * error.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/change.h"
#include "host/steer.h"

enum { EXIT_OTHER = 1, EXIT_FAULT = 2 };

static int fault(const struct nq_fault *what)
{
	fprintf(stderr, "%s: %s\n", what->where, what->what);
	return EXIT_FAULT;
}

static int fault_errno(const char *where, int error)
{
	fprintf(stderr, "%s: %s\n", where, strerror(-error));
	return EXIT_FAULT;
}

static void print(const struct nq_outcome *outcome)
{
	printf("%s\t%s\n", nq_outcome_name(outcome->kind), outcome->detail);
}

static const struct nq_setting_kind *kind_of(const char *name)
{
	const struct nq_setting_kind *kind = nq_setting_find(name);

	if (!kind) {
		fprintf(stderr, "no kind %s\n", name);
		exit(EXIT_FAULT);
	}
	return kind;
}

static struct nq_applier *open_applier(const char *state)
{
	struct nq_applier *applier = NULL;
	struct nq_fault what;

	if (nq_applier_open(state, &applier, &what) < 0)
		exit(fault(&what));
	return applier;
}

static int get(char **argv)
{
	char value[NQ_SETTING_TEXT];
	struct nq_setting_ctx *ctx = NULL;
	int error = nq_setting_ctx_new(&ctx);

	if (error == 0)
		error = kind_of(argv[0])->read(ctx, argv[1], value);
	if (error == 0)
		puts(value);
	nq_setting_ctx_free(ctx);
	return error < 0 ? fault_errno(argv[1], error) : 0;
}

static int set(char **argv)
{
	struct nq_applier *applier = open_applier(argv[0]);
	struct nq_outcome outcome = {};
	int error, journal_error = 0;

	error = nq_change(applier, kind_of(argv[1]), argv[2], argv[3], &outcome, &journal_error);
	print(&outcome);
	nq_applier_close(applier);
	if (journal_error < 0)
		return fault_errno("journal", journal_error);
	return error < 0 ? EXIT_OTHER : 0;
}

static void restored(const char *kind, const char *key, const char *value, const struct nq_outcome *outcome,
		     void *userdata)
{
	(void)userdata;
	printf("%s\t%s %s \"%s\"\t%s\n", nq_outcome_name(outcome->kind), kind, key, value, outcome->detail);
}

static int restore(char **argv)
{
	struct nq_applier *applier = open_applier(argv[0]);
	int result = nq_applier_restore(applier, argv[1] && strcmp(argv[1], "force") == 0, restored, NULL);

	nq_applier_close(applier);
	if (result < 0)
		return fault_errno("restore", result);
	return result ? EXIT_OTHER : 0;
}

static int held(char **argv)
{
	struct nq_applier *applier = open_applier(argv[0]);

	printf("%d\n", nq_applier_held(applier));
	nq_applier_close(applier);
	return 0;
}

static int hold(char **argv)
{
	struct nq_applier *applier = open_applier(argv[0]);

	puts("held");
	fflush(stdout);
	while (getchar() != EOF)
		;
	nq_applier_close(applier);
	return 0;
}

static void print_number(uint32_t number)
{
	if (number == NQ_NONE)
		printf(" -");
	else
		printf(" %u", number);
}

static int steered(char **argv)
{
	struct nq_steer_table *table;
	uint32_t i, cpu;
	int error = nq_steer_read(argv[0], &table);

	if (error < 0)
		return fault_errno(argv[0], error);
	for (i = 0; i < table->n_macs; i++) {
		char mac[NQ_MAC_TEXT];

		nq_mac_text(&table->macs[i].mac, mac);
		printf("%s", mac);
		print_number(table->macs[i].cpu);
		print_number(table->macs[i].tx_queue);
		printf(" %lu", table->macs[i].received);
		for (cpu = 0; cpu < table->n_cpus; cpu++)
			printf(" %lu", table->macs[i].served[cpu]);
		puts("");
	}
	printf("other %lu %s map:%u\n", table->other, table->native ? "native" : "generic", table->cpumap_id);
	nq_steer_table_free(table);
	return 0;
}

static uint32_t queue_of(const struct nq_host *host, uint32_t pnic, enum nq_queue_kind kind, const char *index)
{
	uint32_t i;

	for (i = 0; i < host->n_queues; i++)
		if (host->queues[i].pnic == pnic && host->queues[i].kind == kind &&
		    host->queues[i].index == strtoul(index, NULL, 10))
			return i;
	return NQ_NONE;
}

static void parse_steer(const struct nq_host *host, const char *mac_text, const char *rx, const char *tx,
			struct nq_action *ret)
{
	struct nq_mac mac;
	uint32_t pnic;

	if (nq_mac_parse(mac_text, &mac) < 0)
		exit(EXIT_FAULT);
	ret->kind = NQ_ACTION_STEER;
	ret->vnic = nq_host_vnic_by_mac(host, &mac);
	pnic = host->vnics[ret->vnic].pnic;
	ret->rx_to = strcmp(rx, "default") == 0 ? NQ_NONE : queue_of(host, pnic, NQ_QUEUE_SOFT, rx);
	ret->tx_to = strcmp(tx, "default") == 0 ? NQ_NONE : queue_of(host, pnic, NQ_QUEUE_HARD, tx);
}

static void parse_action(const struct nq_host *host, char *text, struct nq_action *ret)
{
	char mac[NQ_MAC_TEXT], name[32], one[32], two[32];

	*ret = (struct nq_action){ .kind = NQ_ACTION_HOME };
	if (sscanf(text, "steer:%17[0-9a-f:]:%31[^:]:%31s", mac, one, two) == 3) {
		parse_steer(host, mac, one, two, ret);
	} else if (sscanf(text, "queue:%31[^/]/%31[^:]:%31s", name, one, two) == 3) {
		ret->kind = NQ_ACTION_QUEUE_CPU;
		ret->queue = queue_of(host, nq_host_pnic_by_name(host, name), NQ_QUEUE_HARD, one);
		ret->cpu_to = nq_host_cpu_by_id(host, (uint32_t)strtoul(two, NULL, 10));
	} else if (sscanf(text, "home:%31[^:]:%31s", name, one) == 2) {
		ret->vm = nq_host_vm_by_name(host, name);
		nq_nodeset_add(&ret->home_to, nq_host_node_by_id(host, (uint32_t)strtoul(one, NULL, 10)));
	} else {
		fprintf(stderr, "no action: %s\n", text);
		exit(EXIT_FAULT);
	}
}

static struct nq_host *read_host(const char *path)
{
	FILE *file = fopen(path, "re");
	struct nq_host *host = NULL;
	struct nq_fault what = { .where = "snapshot", .what = "cannot be opened" };

	if (!file || nq_snapshot_read(file, path, &host, &what) < 0)
		exit(fault(&what));
	fclose(file);
	return host;
}

static int apply(char **argv)
{
	struct nq_applier *applier = open_applier(argv[0]);
	struct nq_host *host = read_host(argv[1]);
	struct nq_action actions[16];
	struct nq_outcome outcomes[16] = {};
	struct nq_plan plan = { .actions = actions };
	uint32_t i;
	int result;

	for (argv += 2; *argv && plan.n_actions < 16; argv++)
		parse_action(host, *argv, &actions[plan.n_actions++]);
	result = nq_applier_apply(applier, host, &plan, outcomes);
	for (i = 0; i < plan.n_actions; i++)
		print(&outcomes[i]);
	nq_host_free(host);
	nq_applier_close(applier);
	if (result < 0)
		return fault_errno("apply", result);
	return result ? EXIT_OTHER : 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int arguments; /* least number */
		int (*run)(char **argv);
	} verbs[] = {
		{ "get", 2, get },   { "set", 4, set },		{ "restore", 1, restore }, { "held", 1, held },
		{ "hold", 1, hold }, { "steered", 1, steered }, { "apply", 3, apply },
	};
	size_t i;

	for (i = 0; argc > 1 && i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strcmp(verbs[i].name, argv[1]) == 0 && argc - 2 >= verbs[i].arguments)
			return verbs[i].run(argv + 2);
	fprintf(stderr, "usage: see the head of act.c\n");
	return EXIT_FAULT;
}
