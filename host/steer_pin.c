/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "host/steer_pin.h"

#define DIRECTORY_MODE 0700
/* First buffer of a dump; doubled until the map fits. A bucket of the kernel's hash must fit in it as well. */
#define DUMP_START 1024u
#define DUMP_MOST (1u << 20)

static const char *const names[] = {
	[NQ_PIN_LINK] = "link",	    [NQ_PIN_SERVE] = "serve", [NQ_PIN_CPUS] = "cpus",	  [NQ_PIN_RULES] = "rules",
	[NQ_PIN_COUNTS] = "counts", [NQ_PIN_TXQ] = "txq",     [NQ_PIN_QUEUES] = "queues",
};
static_assert(sizeof(names) / sizeof(*names) == NQ_PIN_COUNT, "a name for every pin");

int nq_pin_available(void)
{
	struct statfs fs;

	if (statfs(NQ_BPFFS, &fs) < 0)
		return -errno;
	return (uint32_t)fs.f_type == BPF_FS_MAGIC ? 0 : -ENOENT;
}

/* bpffs has no names with dots; interfaces have (eth0.5), but no colons. */
static void swap(char *text, char from, char to)
{
	for (; *text; text++)
		if (*text == from)
			*text = to;
}

static void directory_of(const char *interface, char ret[NQ_PIN_PATH])
{
	snprintf(ret, NQ_PIN_PATH, NQ_PIN_ROOT "/%s", interface);
	swap(ret + sizeof(NQ_PIN_ROOT), '.', ':');
}

static void path_of(const char *interface, enum nq_pin pin, char ret[NQ_PIN_PATH])
{
	size_t used;

	directory_of(interface, ret);
	used = strlen(ret);
	snprintf(ret + used, NQ_PIN_PATH - used, "/%s", names[pin]);
}

int nq_pin_make_directory(const char *interface)
{
	char path[NQ_PIN_PATH];

	if (mkdir(NQ_PIN_ROOT, DIRECTORY_MODE) < 0 && errno != EEXIST)
		return -errno;
	directory_of(interface, path);
	return mkdir(path, DIRECTORY_MODE) < 0 && errno != EEXIST ? -errno : 0;
}

void nq_pin_remove_directory(const char *interface)
{
	char path[NQ_PIN_PATH];

	directory_of(interface, path);
	rmdir(path);
	rmdir(NQ_PIN_ROOT);
}

int nq_pin_open(const char *interface, enum nq_pin pin)
{
	char path[NQ_PIN_PATH];
	int fd;

	path_of(interface, pin, path);
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

int nq_pin_save(const char *interface, enum nq_pin pin, int fd)
{
	char path[NQ_PIN_PATH];

	path_of(interface, pin, path);
	return bpf_obj_pin(fd, path) < 0 ? -errno : 0;
}

int nq_pin_remove(const char *interface, enum nq_pin pin)
{
	char path[NQ_PIN_PATH];

	path_of(interface, pin, path);
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

void nq_pin_each(void (*visit)(const char *interface, void *userdata), void *userdata)
{
	DIR *dir = opendir(NQ_PIN_ROOT);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		swap(entry->d_name, ':', '.');
		visit(entry->d_name, userdata);
	}
	closedir(dir);
}

struct nq_bpf_mac nq_pin_key(const struct nq_mac *mac)
{
	struct nq_bpf_mac key = {};

	memcpy(key.byte, mac->byte, sizeof(key.byte));
	return key;
}

int nq_pin_lookup(const char *interface, enum nq_pin pin, const struct nq_mac *mac, void *ret_value)
{
	NQ_CLOSE int map = nq_pin_open(interface, pin);
	struct nq_bpf_mac key = nq_pin_key(mac);

	if (map < 0)
		return map;
	return bpf_map_lookup_elem(map, &key, ret_value) < 0 ? -errno : 0;
}

int nq_pin_delete(const char *interface, enum nq_pin pin, const struct nq_mac *mac)
{
	NQ_CLOSE int map = nq_pin_open(interface, pin);
	struct nq_bpf_mac key = nq_pin_key(mac);

	if (map < 0)
		return map == -ENOENT ? 0 : map;
	return bpf_map_delete_elem(map, &key) < 0 && errno != ENOENT ? -errno : 0;
}

/* One attempt with room for n elements. 0, -ENOSPC when there are more, -errno. */
static int read_batch(int fd, size_t key_size, size_t value_size, uint32_t most, uint32_t n, struct nq_pin_dump *ret)
{
	__attribute__((cleanup(nq_pin_clear_dump))) struct nq_pin_dump dump = { .n = n };
	uint64_t place = 0; /* the kernel's: a bucket or an index */

	dump.keys = calloc(n, key_size);
	dump.values = calloc(n, value_size);
	if (!dump.keys || !dump.values)
		return -ENOMEM;
	/* ENOENT: that was the end of the map. Success: there may be more. */
	if (bpf_map_lookup_batch(fd, NULL, &place, dump.keys, dump.values, &dump.n, NULL) < 0) {
		if (errno != ENOENT)
			return -errno;
	} else if (dump.n != most) {
		return -ENOSPC;
	}
	*ret = dump;
	dump = (struct nq_pin_dump){};
	return 0;
}

int nq_pin_read_map(int fd, size_t key_size, size_t value_size, uint32_t most, struct nq_pin_dump *ret)
{
	uint32_t n;
	int error = -ENOSPC;

	for (n = most ? most : DUMP_START; error == -ENOSPC && n <= DUMP_MOST; n *= 2)
		error = read_batch(fd, key_size, value_size, most, n, ret);
	return error;
}

void nq_pin_clear_dump(struct nq_pin_dump *dump)
{
	free(dump->keys);
	free(dump->values);
}

void nq_pin_quiet(void)
{
	libbpf_set_print(NULL);
}
