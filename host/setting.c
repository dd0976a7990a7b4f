/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "host/cpulist.h"
#include "host/set_kinds.h"
#include "host/setting.h"

static_assert(NQ_INTERFACE_TEXT == IFNAMSIZ, "an interface's name has its size from the kernel");

const struct nq_setting_kind *const nq_setting_kinds[] = {
	&nq_set_irq,   &nq_set_threaded, &nq_set_thread, &nq_set_rss, &nq_set_cpuset, &nq_set_xdp,
	&nq_set_steer, &nq_set_xps,	 &nq_set_egress, &nq_set_txq, NULL,
};

const struct nq_setting_kind *nq_setting_find(const char *kind)
{
	size_t i;

	for (i = 0; nq_setting_kinds[i]; i++)
		if (strcmp(nq_setting_kinds[i]->name, kind) == 0)
			return nq_setting_kinds[i];
	return NULL;
}

int nq_setting_ctx_new_at(const char *root, struct nq_setting_ctx **ret)
{
	struct nq_setting_ctx *ctx = calloc(1, sizeof(*ctx));
	int error;

	if (!ctx)
		return -ENOMEM;
	ctx->root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ctx->root < 0) {
		error = -errno;
		free(ctx);
		return error;
	}
	*ret = ctx;
	return 0;
}

int nq_setting_ctx_new(struct nq_setting_ctx **ret)
{
	return nq_setting_ctx_new_at("/", ret);
}

struct nq_setting_ctx *nq_setting_ctx_free(struct nq_setting_ctx *ctx)
{
	if (!ctx)
		return NULL;
	close(ctx->root);
	free(ctx);
	return NULL;
}

bool nq_setting_same(struct nq_setting_ctx *ctx, const struct nq_setting_kind *kind, const char *key, const char *a,
		     const char *b)
{
	return kind->same ? kind->same(ctx, key, a, b) : strcmp(a, b) == 0;
}

int nq_setting_via(const struct nq_setting_kind *kind, const char *present, const char *wanted,
		   char ret[NQ_SETTING_TEXT])
{
	if (kind->via)
		return kind->via(present, wanted, ret);
	if (strlen(wanted) >= NQ_SETTING_TEXT)
		return -ENAMETOOLONG;
	strcpy(ret, wanted);
	return 0;
}

int nq_setting_why(struct nq_setting_ctx *ctx, int error, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(ctx->why, sizeof(ctx->why), format, list);
	va_end(list);
	return error;
}

int nq_setting_read_file(struct nq_setting_ctx *ctx, const char *path, char *ret, size_t size)
{
	NQ_CLOSE int fd = openat(ctx->root, path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t length;

	if (fd < 0)
		return -errno;
	do {
		length = read(fd, ret + used, size - used);
		if (length < 0)
			return -errno;
		used += (size_t)length;
	} while (length > 0 && used < size);
	if (used == size)
		return -ENAMETOOLONG;
	if (used > 0 && ret[used - 1] == '\n')
		used--;
	ret[used] = '\0';
	return 0;
}

int nq_setting_write_file(struct nq_setting_ctx *ctx, const char *path, const char *text)
{
	NQ_CLOSE int fd = openat(ctx->root, path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return -errno;
	/* The kernel takes one write as one value; an empty one needs at least the newline to reach it. */
	length = text[0] ? write(fd, text, strlen(text)) : write(fd, "\n", 1);
	if (length < 0)
		return -errno;
	return (size_t)length == (text[0] ? strlen(text) : 1) ? 0 : -EIO;
}

int nq_setting_check_file(struct nq_setting_ctx *ctx, const char *path)
{
	return faccessat(ctx->root, path, W_OK, AT_EACCESS) < 0 ? -errno : 0;
}

bool nq_setting_same_list(struct nq_setting_ctx *ctx, const char *key, const char *a, const char *b)
{
	(void)ctx;
	(void)key;
	return nq_cpulist_same(a, b);
}

int nq_setting_split_key(const char *key, char ret_interface[NQ_INTERFACE_TEXT], const char **ret_rest)
{
	const char *slash = strchr(key, '/');
	size_t length = slash ? (size_t)(slash - key) : strlen(key);

	if (length == 0 || length >= NQ_INTERFACE_TEXT || key[0] == '.')
		return -EINVAL;
	memcpy(ret_interface, key, length);
	ret_interface[length] = '\0';
	*ret_rest = slash ? slash + 1 : "";
	return 0;
}

int nq_setting_interface_exists(struct nq_setting_ctx *ctx, const char *interface)
{
	char path[sizeof("sys/class/net/") + NQ_INTERFACE_TEXT];

	if (!interface[0] || interface[0] == '.' || strchr(interface, '/') || strlen(interface) >= NQ_INTERFACE_TEXT)
		return -EINVAL;
	snprintf(path, sizeof(path), "sys/class/net/%s", interface);
	if (faccessat(ctx->root, path, F_OK, 0) == 0)
		return 0;
	return errno == ENOENT ? -ENODEV : -errno;
}
