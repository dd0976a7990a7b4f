/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation. On the live host a path is opened as it is: the kernel follows the links, and /sys and /proc are
 * the kernel's own. In a tree, and whenever a capture needs to know through which links a path leads, it is resolved
 * first (path.h). Files that are read in every tick stay open (kept.h); one that fails to read (a process that ended)
 * is dropped and opened anew, so that a process that took over the number is read correctly.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <host/capture.h>
#include <host/kept.h>
#include <host/rootfs.h>

/* Stands in a capture for a link that could not be read, so that the tree shows the same host with the same gaps. */
#define DENIED "(permission denied)"

struct nq_root {
	int fd;
	bool live;
	struct nq_capture *capture;
	struct nq_kept *kept;
};

int nq_root_open(const char *path, struct nq_root **ret)
{
	struct nq_root *root = calloc(1, sizeof(*root));
	int r;

	if (!root)
		return -ENOMEM;
	root->live = !path;
	root->fd = open(path ? path : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = root->fd < 0 ? -errno : nq_kept_new(&root->kept);
	if (r < 0) {
		nq_root_close(root);
		return r;
	}
	*ret = root;
	return 0;
}

struct nq_root *nq_root_close(struct nq_root *root)
{
	if (!root)
		return NULL;
	nq_kept_free(root->kept);
	nq_cleanup_fd(&root->fd);
	free(root);
	return NULL;
}

bool nq_root_is_live(const struct nq_root *root)
{
	return root->live;
}

void nq_root_tee(struct nq_root *root, struct nq_capture *capture)
{
	root->capture = capture;
}

struct nq_capture *nq_root_capture(const struct nq_root *root)
{
	return root->capture;
}

static int print_path(char ret[NQ_ROOT_PATH], const char *format, va_list args)
{
	int n = vsnprintf(ret, NQ_ROOT_PATH, format, args);

	return n < 0 || n >= NQ_ROOT_PATH ? -ENAMETOOLONG : 0;
}

/* Fills the local array `path` from the function's format and arguments; leaves the function on failure. */
#define PRINT_PATH(path, format)                                                                                       \
	do {                                                                                                           \
		va_list args_;                                                                                         \
		int r_;                                                                                                \
		va_start(args_, format);                                                                               \
		r_ = print_path(path, format, args_);                                                                  \
		va_end(args_);                                                                                         \
		if (r_ < 0)                                                                                            \
			return r_;                                                                                     \
	} while (0)

static void tee_link(const char *path, const char *target, void *userdata)
{
	nq_capture_link(userdata, path, target);
}

static int resolve(struct nq_root *root, const char *path, char ret[NQ_ROOT_PATH])
{
	return nq_path_resolve(root->fd, path, ret, root->capture ? tee_link : NULL, root->capture);
}

/* Where to open: the path itself, or, in a tree or for a capture, what it leads to. */
static int place(struct nq_root *root, const char *path, char ret[NQ_ROOT_PATH])
{
	if (!root->live || root->capture)
		return resolve(root, path, ret);
	strcpy(ret, path);
	return 0;
}

static int open_file(struct nq_root *root, const char *path, int flags)
{
	char where[NQ_ROOT_PATH];
	int r = place(root, path, where), fd;

	if (r < 0)
		return r;
	fd = openat(root->fd, where, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (root->live ? 0 : O_NOFOLLOW) | flags);
	return fd < 0 ? -errno : fd;
}

/* A file of /proc or /sys ends with the first read that returns nothing; a short read says nothing. */
static int read_text(int fd, char *ret, size_t size)
{
	size_t length = 0;
	ssize_t n;

	while ((n = pread(fd, ret + length, size - length, (off_t)length)) > 0) {
		length += (size_t)n;
		if (length == size) /* no room for the end of the text */
			return -EFBIG;
	}
	if (n < 0)
		return -errno;
	while (length > 0 && strchr(" \t\n", ret[length - 1]))
		length--;
	ret[length] = '\0';
	return (int)length;
}

static void tee_text(struct nq_root *root, const char *path, const char *text, int length)
{
	char where[NQ_ROOT_PATH];

	if (!root->capture || length < 0 || resolve(root, path, where) < 0)
		return;
	nq_capture_file(root->capture, where, text, (size_t)length);
}

int nq_root_read(struct nq_root *root, char *ret, size_t size, const char *format, ...)
{
	char path[NQ_ROOT_PATH];
	NQ_CLOSE int fd = -1;
	int length;

	PRINT_PATH(path, format);
	fd = open_file(root, path, 0);
	if (fd < 0)
		return fd;
	length = read_text(fd, ret, size);
	tee_text(root, path, ret, length);
	return length;
}

/* A descriptor from the table, or a new one, which the caller has to close (*ret_once) when the table is full. */
static int open_kept(struct nq_root *root, const char *path, int *ret_once)
{
	int fd = nq_kept_find(root->kept, path);

	if (fd >= 0)
		return fd;
	fd = open_file(root, path, 0);
	if (fd >= 0 && !nq_kept_add(root->kept, path, fd))
		*ret_once = fd;
	return fd;
}

static int read_path_kept(struct nq_root *root, const char *path, char *ret, size_t size)
{
	int length = -EIO;

	for (int attempt = 0; attempt < 2; attempt++) {
		NQ_CLOSE int once = -1;
		int fd = open_kept(root, path, &once);

		if (fd < 0)
			return fd;
		length = read_text(fd, ret, size);
		if (length >= 0 || length == -EFBIG || once >= 0)
			break;
		nq_kept_drop(root->kept, path);
	}
	tee_text(root, path, ret, length);
	return length;
}

int nq_root_read_kept(struct nq_root *root, char *ret, size_t size, const char *format, ...)
{
	char path[NQ_ROOT_PATH];

	PRINT_PATH(path, format);
	return read_path_kept(root, path, ret, size);
}

int nq_root_read_all(struct nq_root *root, char **ret, const char *format, ...)
{
	char path[NQ_ROOT_PATH];

	PRINT_PATH(path, format);
	for (size_t size = 16384; size <= 64 << 20; size *= 4) {
		char *text = malloc(size);
		int length;

		if (!text)
			return -ENOMEM;
		length = read_path_kept(root, path, text, size);
		if (length >= 0) {
			*ret = text;
			return length;
		}
		free(text);
		if (length != -EFBIG)
			return length;
	}
	return -EFBIG;
}

int nq_root_number(struct nq_root *root, int64_t *ret, const char *format, ...)
{
	char path[NQ_ROOT_PATH], text[32], *end;
	int length;
	long long value;

	PRINT_PATH(path, format);
	length = nq_root_read(root, text, sizeof(text), "%s", path);
	if (length < 0)
		return length;
	errno = 0;
	value = strtoll(text, &end, 10);
	if (!length || *end || errno)
		return -EBADMSG;
	*ret = value;
	return 0;
}

bool nq_root_exists(struct nq_root *root, const char *format, ...)
{
	char path[NQ_ROOT_PATH], where[NQ_ROOT_PATH];
	struct stat st;
	va_list args;
	int r;

	va_start(args, format);
	r = print_path(path, format, args);
	va_end(args);
	if (r < 0 || place(root, path, where) < 0 || fstatat(root->fd, where, &st, 0) < 0)
		return false;
	if (root->capture && S_ISDIR(st.st_mode))
		nq_capture_dir(root->capture, where);
	else if (root->capture)
		nq_capture_entry(root->capture, where);
	return true;
}

/* The directory of a path free of links, the last component as it is. */
static int resolve_parent(struct nq_root *root, const char *path, char ret[NQ_ROOT_PATH])
{
	char parent[NQ_ROOT_PATH] = "";
	const char *name = strrchr(path, '/');
	int r;

	memcpy(parent, path, name ? (size_t)(name - path) : 0);
	r = resolve(root, parent, ret);
	if (r < 0)
		return r;
	if (strlen(ret) + strlen(path) >= NQ_ROOT_PATH)
		return -ENAMETOOLONG;
	strcat(strcat(ret, "/"), name ? name + 1 : path);
	return 0;
}

int nq_root_link(struct nq_root *root, char *ret, size_t size, const char *format, ...)
{
	char path[NQ_ROOT_PATH], where[NQ_ROOT_PATH], target[NQ_ROOT_PATH];
	ssize_t n;
	int r = 0;

	PRINT_PATH(path, format);
	if (root->live && !root->capture)
		strcpy(where, path);
	else
		r = resolve_parent(root, path, where);
	if (r < 0)
		return r;
	n = readlinkat(root->fd, where, target, sizeof(target) - 1);
	if (n < 0) {
		r = -errno;
		if (root->capture && r == -EACCES)
			nq_capture_link(root->capture, where, DENIED);
		return r;
	}
	if ((size_t)n >= size)
		return -ENAMETOOLONG;
	target[n] = '\0';
	if (!root->live && !strcmp(target, DENIED))
		return -EACCES;
	memcpy(ret, target, (size_t)n + 1);
	if (root->capture)
		nq_capture_link(root->capture, where, target);
	return 0;
}

int nq_root_real(struct nq_root *root, char ret[NQ_ROOT_PATH], const char *format, ...)
{
	char path[NQ_ROOT_PATH];

	PRINT_PATH(path, format);
	return resolve(root, path, ret);
}

static void tee_entry(struct nq_root *root, const char *directory, const struct dirent *entry)
{
	char path[NQ_ROOT_PATH];

	if (!root->capture || snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name) >= (int)sizeof(path))
		return;
	if (entry->d_type == DT_DIR)
		nq_capture_dir(root->capture, path);
	else if (entry->d_type != DT_LNK)
		nq_capture_entry(root->capture, path);
	else
		nq_root_link(root, (char[NQ_ROOT_PATH]){ 0 }, NQ_ROOT_PATH, "%s", path);
}

static int compare_names(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

static int add_name(struct nq_names *names, const char *name)
{
	if ((names->n & (names->n - 1)) == 0) { /* full at each power of two */
		size_t capacity = names->n ? (size_t)names->n * 2 : 1;
		char **grown = reallocarray(names->name, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		names->name = grown;
	}
	names->name[names->n] = strdup(name);
	return names->name[names->n++] ? 0 : -ENOMEM;
}

int nq_root_list(struct nq_root *root, struct nq_names *ret, const char *format, ...)
{
	char path[NQ_ROOT_PATH], where[NQ_ROOT_PATH];
	struct nq_names names = { 0 };
	const struct dirent *entry;
	int fd, r = 0;
	DIR *dir;

	PRINT_PATH(path, format);
	fd = open_file(root, path, O_DIRECTORY);
	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir || place(root, path, where) < 0) {
		close(fd);
		return -ENOMEM;
	}
	while (r == 0 && (entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		tee_entry(root, where, entry);
		r = add_name(&names, entry->d_name);
	}
	closedir(dir);
	if (r < 0) {
		nq_names_clear(&names);
		return r;
	}
	if (names.n)
		qsort(names.name, names.n, sizeof(*names.name), compare_names);
	*ret = names;
	return 0;
}

void nq_names_clear(struct nq_names *names)
{
	for (uint32_t i = 0; i < names->n; i++)
		free(names->name[i]);
	free(names->name);
	*names = (struct nq_names){ 0 };
}

int nq_root_netns(struct nq_root *root, uint64_t *ret, const char *format, ...)
{
	char path[NQ_ROOT_PATH], text[64];
	unsigned long long inode;
	struct stat st;
	int r;

	PRINT_PATH(path, format);
	if (root->live) {
		if (fstatat(root->fd, path, &st, 0) < 0)
			return -errno;
		snprintf(text, sizeof(text), "net:[%llu]", (unsigned long long)st.st_ino);
		if (root->capture)
			nq_capture_link(root->capture, path, text);
		*ret = st.st_ino;
		return 0;
	}
	r = nq_root_link(root, text, sizeof(text), "%s", path);
	if (r < 0)
		return r;
	if (sscanf(text, "net:[%llu]", &inode) != 1)
		return -EBADMSG;
	*ret = inode;
	return 0;
}

int nq_root_recall(struct nq_root *root, const char *name, void **ret, size_t *ret_size)
{
	NQ_CLOSE int fd = -1;
	struct stat st;
	char path[NQ_ROOT_PATH], *data;
	ssize_t n;

	if (snprintf(path, sizeof(path), "netlink/%s", name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open_file(root, path, 0);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	data = malloc((size_t)st.st_size + 1);
	if (!data)
		return -ENOMEM;
	n = pread(fd, data, (size_t)st.st_size, 0);
	if (n != st.st_size) {
		free(data);
		return -EIO;
	}
	data[n] = '\0';
	*ret = data;
	*ret_size = (size_t)n;
	return 0;
}

void nq_root_note(struct nq_root *root, const char *name, const void *data, size_t size)
{
	char path[NQ_ROOT_PATH];

	if (root->capture && snprintf(path, sizeof(path), "netlink/%s", name) < (int)sizeof(path))
		nq_capture_file(root->capture, path, data, size);
}
