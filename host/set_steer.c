/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Steering as settings: the XDP program of an interface, a MAC's CPU, the tc program of an interface, a MAC's
 * transmit queue. How it works is in host/steer.c; here are the texts.
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/set_kinds.h"
#include "host/steer_act.h"

#define NEARQ_ANY "nearq"
#define CLSACT "clsact"
#define CLSACT_NEARQ "clsact nearq"
#define QUEUE_PATH 96
/* errno of drivers that mean EOPNOTSUPP: the kernel's own number, in no uapi header (include/linux/errno.h) */
#define KERNEL_ENOTSUPP 524

static const char *const xdp_names[] = {
	[NQ_XDP_NONE] = "",
	[NQ_XDP_NATIVE] = "nearq native",
	[NQ_XDP_GENERIC] = "nearq generic",
	[NQ_XDP_FOREIGN] = "foreign",
};
static_assert(sizeof(xdp_names) / sizeof(*xdp_names) == NQ_XDP_COUNT, "a name for every state");

/* Of every kind here: the interface is there and the build and host know BPF. */
static int probe_interface(struct nq_setting_ctx *ctx, const char *key)
{
	char interface[NQ_INTERFACE_TEXT];
	const char *rest;
	int error = nq_setting_split_key(key, interface, &rest);

	if (error == 0)
		error = nq_setting_interface_exists(ctx, interface);
	if (error < 0)
		return error;
	error = nq_steer_available();
	if (error == -EOPNOTSUPP)
		return nq_setting_why(ctx, error, "this nearq was built without BPF");
	if (error == -ENOENT)
		return nq_setting_why(ctx, -EOPNOTSUPP, "no bpf file system is mounted on /sys/fs/bpf");
	return error;
}

static int foreign_why(struct nq_setting_ctx *ctx, const char *interface, uint32_t program)
{
	return nq_setting_why(ctx, -EBUSY, "%s carries XDP program %u of somebody else, which nearq never replaces",
			      interface, program);
}

static int xdp_probe(struct nq_setting_ctx *ctx, const char *key)
{
	enum nq_xdp_state state;
	uint32_t foreign;
	int error = probe_interface(ctx, key);

	if (error == 0)
		error = nq_xdp_state(key, &state, &foreign);
	if (error == 0 && state == NQ_XDP_FOREIGN)
		return foreign_why(ctx, key, foreign);
	return error;
}

static int xdp_read(struct nq_setting_ctx *ctx, const char *key, char ret[NQ_SETTING_TEXT])
{
	enum nq_xdp_state state;
	uint32_t foreign;
	int error = nq_xdp_state(key, &state, &foreign);

	(void)ctx;
	if (error < 0)
		return error;
	snprintf(ret, NQ_SETTING_TEXT, "%s", xdp_names[state]);
	if (state == NQ_XDP_FOREIGN)
		snprintf(ret, NQ_SETTING_TEXT, "%s %u", xdp_names[state], foreign);
	return 0;
}

/* Native where it loses nothing and the driver takes it. */
static int attach_best(struct nq_setting_ctx *ctx, const char *interface)
{
	static const int refusals[] = { -EOPNOTSUPP, -KERNEL_ENOTSUPP, -EINVAL, -ENOMEM, -ENOSPC, -ERANGE, -E2BIG };
	int error = -EOPNOTSUPP;
	size_t i;

	if (!nq_xdp_generic_only(interface))
		error = nq_xdp_attach(ctx, interface, true);
	for (i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		if (error == refusals[i])
			return nq_xdp_attach(ctx, interface, false);
	return error;
}

static int attach_or_detach(struct nq_setting_ctx *ctx, const char *key, const char *value)
{
	enum nq_xdp_state state;
	uint32_t foreign;
	int error = nq_xdp_state(key, &state, &foreign);

	if (error < 0)
		return error;
	if (state == NQ_XDP_FOREIGN)
		return foreign_why(ctx, key, foreign);
	if (strcmp(value, "") == 0)
		return nq_xdp_detach(ctx, key);
	if (state != NQ_XDP_NONE)
		return nq_setting_why(ctx, -EBUSY, "nearq's program must be detached before it changes its mode");
	if (strcmp(value, NEARQ_ANY) == 0)
		return attach_best(ctx, key);
	if (strcmp(value, xdp_names[NQ_XDP_NATIVE]) == 0)
		return nq_xdp_attach(ctx, key, true);
	if (strcmp(value, xdp_names[NQ_XDP_GENERIC]) == 0)
		return nq_xdp_attach(ctx, key, false);
	return -EINVAL;
}

/*
 * Some drivers (vmxnet3) start anew when a program comes or goes, and their RSS table with them. The table is
 * another setting, and not to change by the way.
 */
static int xdp_write(struct nq_setting_ctx *ctx, const char *key, const char *value)
{
	char before[NQ_SETTING_TEXT], after[NQ_SETTING_TEXT];
	bool table = nq_set_rss.read(ctx, key, before) == 0;
	int error;

	ctx->why[0] = '\0'; /* an interface without a table is no failure here */
	error = attach_or_detach(ctx, key, value);
	if (error < 0 || !table || nq_set_rss.read(ctx, key, after) < 0 || strcmp(before, after) == 0)
		return error;
	error = nq_set_rss.write(ctx, key, before);
	return error < 0 ? nq_setting_why(ctx, error, "the RSS table of %s changed and cannot be set again", key) : 0;
}

static bool is_nearq(const char *value)
{
	return strcmp(value, xdp_names[NQ_XDP_NATIVE]) == 0 || strcmp(value, xdp_names[NQ_XDP_GENERIC]) == 0;
}

static bool xdp_same(struct nq_setting_ctx *ctx, const char *key, const char *a, const char *b)
{
	(void)ctx;
	(void)key;
	return strcmp(a, b) == 0 || (strcmp(a, NEARQ_ANY) == 0 && is_nearq(b)) ||
	       (strcmp(b, NEARQ_ANY) == 0 && is_nearq(a));
}

const struct nq_setting_kind nq_set_xdp = {
	.name = "xdp",
	.probe = xdp_probe,
	.read = xdp_read,
	.write = xdp_write,
	.same = xdp_same,
};

/* "interface/MAC" of one station. */
static int split(struct nq_setting_ctx *ctx, const char *key, char ret_interface[NQ_INTERFACE_TEXT],
		 struct nq_mac *ret_mac)
{
	const char *rest;
	int error = nq_setting_split_key(key, ret_interface, &rest);

	if (error == 0)
		error = nq_mac_parse(rest, ret_mac);
	if (error == 0 && (nq_mac_is_zero(ret_mac) || nq_mac_is_multicast(ret_mac)))
		return nq_setting_why(ctx, -EINVAL, "%s is not the MAC of one station", rest);
	return error == 0 ? nq_setting_interface_exists(ctx, ret_interface) : error;
}

/* "" is NQ_NONE. */
static int parse_number(const char *value, uint32_t *ret)
{
	uint32_t number = NQ_NONE;
	char rest;

	if (value[0] && (strspn(value, "0123456789") != strlen(value) || sscanf(value, "%u%c", &number, &rest) != 1))
		return -EINVAL;
	*ret = number;
	return 0;
}

static void format_number(uint32_t number, char ret[NQ_SETTING_TEXT])
{
	ret[0] = '\0';
	if (number != NQ_NONE)
		snprintf(ret, NQ_SETTING_TEXT, "%u", number);
}

static int steer_probe(struct nq_setting_ctx *ctx, const char *key)
{
	char interface[NQ_INTERFACE_TEXT];
	struct nq_mac mac;
	int error = split(ctx, key, interface, &mac);

	return error == 0 ? xdp_probe(ctx, interface) : error;
}

static int steer_read(struct nq_setting_ctx *ctx, const char *key, char ret[NQ_SETTING_TEXT])
{
	char interface[NQ_INTERFACE_TEXT];
	struct nq_mac mac;
	uint32_t cpu;
	int error = split(ctx, key, interface, &mac);

	if (error == 0)
		error = nq_steer_get(interface, &mac, &cpu);
	if (error == 0)
		format_number(cpu, ret);
	return error;
}

static int steer_write(struct nq_setting_ctx *ctx, const char *key, const char *value)
{
	char interface[NQ_INTERFACE_TEXT];
	struct nq_mac mac;
	uint32_t cpu;
	int error = split(ctx, key, interface, &mac);

	if (error == 0)
		error = parse_number(value, &cpu);
	if (error < 0)
		return error;
	return cpu == NQ_NONE ? nq_steer_unset(interface, &mac) : nq_steer_set(ctx, interface, &mac, cpu);
}

const struct nq_setting_kind nq_set_steer = {
	.name = "steer",
	.probe = steer_probe,
	.read = steer_read,
	.write = steer_write,
};

static const char *const egress_names[] = {
	[NQ_EGRESS_NONE] = "",
	[NQ_EGRESS_CLSACT] = CLSACT,
	[NQ_EGRESS_NEARQ] = CLSACT_NEARQ,
	[NQ_EGRESS_BLOCKED] = "foreign",
};
static_assert(sizeof(egress_names) / sizeof(*egress_names) == NQ_EGRESS_COUNT, "a name for every state");

static int egress_read(struct nq_setting_ctx *ctx, const char *key, char ret[NQ_SETTING_TEXT])
{
	enum nq_egress_state state;
	int error = nq_egress_state(key, &state);

	(void)ctx;
	if (error == 0)
		strcpy(ret, egress_names[state]);
	return error;
}

static int egress_via(const char *present, const char *wanted, char ret[NQ_SETTING_TEXT])
{
	bool passes = strcmp(present, CLSACT) != 0;

	if (strlen(wanted) >= NQ_SETTING_TEXT)
		return -ENAMETOOLONG;
	strcpy(ret, passes ? CLSACT : wanted); /* from either end the way leads through the middle */
	return 0;
}

static int egress_write(struct nq_setting_ctx *ctx, const char *key, const char *value)
{
	enum nq_egress_state state;
	int error = nq_egress_state(key, &state);

	if (error < 0)
		return error;
	if (state == NQ_EGRESS_BLOCKED)
		return nq_setting_why(ctx, -EBUSY, "a qdisc or filter of somebody else sits on the egress of %s", key);
	if (state == NQ_EGRESS_NONE && strcmp(value, CLSACT) == 0)
		return nq_egress_add_clsact(ctx, key);
	if (state == NQ_EGRESS_NEARQ && strcmp(value, CLSACT) == 0)
		return nq_egress_detach(ctx, key);
	if (state == NQ_EGRESS_CLSACT && strcmp(value, CLSACT_NEARQ) == 0)
		return nq_egress_attach(ctx, key);
	if (state == NQ_EGRESS_CLSACT && strcmp(value, "") == 0)
		return nq_egress_remove_clsact(ctx, key);
	return -EINVAL;
}

const struct nq_setting_kind nq_set_egress = {
	.name = "egress",
	.probe = probe_interface,
	.read = egress_read,
	.write = egress_write,
	.via = egress_via,
};

static int txq_probe(struct nq_setting_ctx *ctx, const char *key)
{
	char interface[NQ_INTERFACE_TEXT];
	struct nq_mac mac;
	int error = split(ctx, key, interface, &mac);

	return error == 0 ? probe_interface(ctx, interface) : error;
}

static int txq_read(struct nq_setting_ctx *ctx, const char *key, char ret[NQ_SETTING_TEXT])
{
	char interface[NQ_INTERFACE_TEXT];
	struct nq_mac mac;
	uint32_t queue;
	int error = split(ctx, key, interface, &mac);

	if (error == 0)
		error = nq_txq_get(interface, &mac, &queue);
	if (error == 0)
		format_number(queue, ret);
	return error;
}

static int check_queue(struct nq_setting_ctx *ctx, const char *interface, uint32_t queue)
{
	char path[QUEUE_PATH];
	int error;

	snprintf(path, sizeof(path), "sys/class/net/%s/queues/tx-%u/tx_maxrate", interface, queue);
	error = nq_setting_check_file(ctx, path);
	return error == -ENOENT ? nq_setting_why(ctx, -EINVAL, "%s has no transmit queue %u", interface, queue) : 0;
}

static int txq_write(struct nq_setting_ctx *ctx, const char *key, const char *value)
{
	char interface[NQ_INTERFACE_TEXT];
	struct nq_mac mac;
	uint32_t queue;
	int error = split(ctx, key, interface, &mac);

	if (error == 0)
		error = parse_number(value, &queue);
	if (error < 0)
		return error;
	if (queue == NQ_NONE)
		return nq_txq_unset(interface, &mac);
	error = check_queue(ctx, interface, queue);
	return error == 0 ? nq_txq_set(ctx, interface, &mac, queue) : error;
}

const struct nq_setting_kind nq_set_txq = {
	.name = "txq",
	.probe = txq_probe,
	.read = txq_read,
	.write = txq_write,
};
