/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* XPS: the CPUs that transmit through a queue. The kernel's file is a hexadecimal mask, the value a CPU list. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cpulist.h"
#include "host/set_kinds.h"

#define XPS_PATH 96
#define MASK_WORD_BITS 32u
#define MASK_WORD_TEXT 9 /* eight digits and a comma */

static int path_of(struct nq_setting_ctx *ctx, const char *key, char ret[XPS_PATH])
{
	char interface[NQ_INTERFACE_TEXT];
	const char *queue;
	int error = nq_setting_split_key(key, interface, &queue);

	if (error == 0 && (!queue[0] || strspn(queue, "0123456789") != strlen(queue)))
		error = -EINVAL;
	if (error == 0)
		error = nq_setting_interface_exists(ctx, interface);
	if (error == 0 &&
	    snprintf(ret, XPS_PATH, "sys/class/net/%s/queues/tx-%s/xps_cpus", interface, queue) >= XPS_PATH)
		error = -EINVAL;
	return error;
}

/* The interface is there: is it the file, or the queue that went when channels were taken away? */
static int absent(struct nq_setting_ctx *ctx)
{
	return nq_setting_why(ctx, -EOPNOTSUPP, "no such transmit queue, or the interface has only one");
}

static int xps_read(struct nq_setting_ctx *ctx, const char *key, char ret[NQ_SETTING_TEXT])
{
	char mask_text[NQ_MAX_CPUS / MASK_WORD_BITS * MASK_WORD_TEXT + 2];
	struct nq_cpumask mask;
	char path[XPS_PATH];
	int error = path_of(ctx, key, path);

	if (error == 0)
		error = nq_setting_read_file(ctx, path, mask_text, sizeof(mask_text));
	if (error == -ENOENT)
		return absent(ctx);
	if (error == 0)
		error = nq_cpumask_parse(mask_text, &mask);
	return error == 0 ? nq_cpulist_format(&mask, ret, NQ_SETTING_TEXT) : error;
}

static int xps_probe(struct nq_setting_ctx *ctx, const char *key)
{
	char text[NQ_SETTING_TEXT], path[XPS_PATH];
	int error = xps_read(ctx, key, text);

	if (error == 0)
		error = path_of(ctx, key, path);
	return error == 0 ? nq_setting_check_file(ctx, path) : error;
}

/* The kernel's bitmap parser takes any number of words, so leading empty ones are left out. */
static void format_mask(const struct nq_cpumask *mask, char *ret, size_t size)
{
	int word = (int)(NQ_MAX_CPUS / MASK_WORD_BITS);
	size_t used = 0;

	while (word-- > 0) {
		uint32_t bits = (uint32_t)(mask->word[word / 2] >> (word % 2 * MASK_WORD_BITS));

		if (used > 0)
			used += (size_t)snprintf(ret + used, size - used, ",%08" PRIx32, bits);
		else if (bits || word == 0)
			used += (size_t)snprintf(ret, size, "%" PRIx32, bits);
	}
}

static int xps_write(struct nq_setting_ctx *ctx, const char *key, const char *value)
{
	char text[NQ_MAX_CPUS / MASK_WORD_BITS * MASK_WORD_TEXT + 1];
	struct nq_cpumask mask;
	char path[XPS_PATH];
	int error = path_of(ctx, key, path);

	if (error == 0)
		error = nq_cpulist_parse(value, &mask);
	if (error < 0)
		return error;
	format_mask(&mask, text, sizeof(text));
	error = nq_setting_write_file(ctx, path, text);
	return error == -ENOENT ? absent(ctx) : error;
}

const struct nq_setting_kind nq_set_xps = {
	.name = "xps",
	.probe = xps_probe,
	.read = xps_read,
	.write = xps_write,
	.same = nq_setting_same_list,
};
