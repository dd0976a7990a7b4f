/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Affinity of an interrupt. What is read back is what was asked for (smp_affinity_list): the effective list of virtio
 * and vmxnet3 follows with the next interrupt only, which on a quiet queue may be never.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/set_kinds.h"

#define IRQ_PATH 64

static int path_of(const char *key, char ret[IRQ_PATH])
{
	if (!key[0] || strspn(key, "0123456789") != strlen(key) ||
	    snprintf(ret, IRQ_PATH, "proc/irq/%s/smp_affinity_list", key) >= IRQ_PATH)
		return -EINVAL;
	return 0;
}

static int irq_probe(struct nq_setting_ctx *ctx, const char *key)
{
	char path[IRQ_PATH];
	int error = path_of(key, path);

	if (error == 0)
		error = nq_setting_check_file(ctx, path);
	return error == -ENOENT ? -ENODEV : error;
}

static int irq_read(struct nq_setting_ctx *ctx, const char *key, char ret[NQ_SETTING_TEXT])
{
	char path[IRQ_PATH];
	int error = path_of(key, path);

	if (error == 0)
		error = nq_setting_read_file(ctx, path, ret, NQ_SETTING_TEXT);
	return error == -ENOENT ? -ENODEV : error;
}

static int irq_write(struct nq_setting_ctx *ctx, const char *key, const char *value)
{
	char path[IRQ_PATH];
	int error = path_of(key, path);

	if (error == 0)
		error = nq_setting_write_file(ctx, path, value);
	switch (error) {
	case -ENOENT:
		return -ENODEV;
	case -EIO: /* kernels before 6.12 */
	case -EPERM:
		return nq_setting_why(ctx, -EOPNOTSUPP,
				      "the kernel keeps this interrupt's CPUs to itself (managed interrupt)");
	case -EINVAL: /* none online */
	case -ERANGE: /* beyond the possible ones */
	case -EOVERFLOW:
		return nq_setting_why(ctx, error, "no CPU of the list is online");
	default:
		return error;
	}
}

const struct nq_setting_kind nq_set_irq = {
	.name = "irq",
	.probe = irq_probe,
	.read = irq_read,
	.write = irq_write,
	.same = nq_setting_same_list,
};
