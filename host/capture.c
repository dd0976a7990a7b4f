/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <host/capture.h>
#include <host/rootfs.h>

struct nq_capture {
	int fd;
	int error;
};

static bool directory_is_empty(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	bool empty = true;

	if (!dir)
		return false;
	while (empty && (entry = readdir(dir)))
		empty = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
	closedir(dir);
	return empty;
}

int nq_capture_open(const char *path, struct nq_capture **ret)
{
	struct nq_capture *capture;

	if (mkdir(path, 0755) < 0 && (errno != EEXIST || !directory_is_empty(path)))
		return -errno;
	capture = calloc(1, sizeof(*capture));
	if (!capture)
		return -ENOMEM;
	capture->fd = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (capture->fd < 0) {
		free(capture);
		return -errno;
	}
	*ret = capture;
	return 0;
}

struct nq_capture *nq_capture_close(struct nq_capture *capture, int *ret_error)
{
	if (!capture)
		return NULL;
	if (ret_error)
		*ret_error = capture->error;
	close(capture->fd);
	free(capture);
	return NULL;
}

static void keep_error(struct nq_capture *capture, int error)
{
	if (!capture->error)
		capture->error = error;
}

void nq_capture_dir(struct nq_capture *capture, const char *path)
{
	char part[NQ_ROOT_PATH];

	for (size_t i = 0; i < sizeof(part); i++) {
		part[i] = path[i];
		if (path[i] && path[i] != '/')
			continue;
		part[i] = '\0';
		if (i > 0 && mkdirat(capture->fd, part, 0755) < 0 && errno != EEXIST)
			keep_error(capture, -errno);
		if (!path[i])
			return;
		part[i] = '/';
	}
}

static void make_parent(struct nq_capture *capture, const char *path)
{
	const char *slash = strrchr(path, '/');
	char parent[NQ_ROOT_PATH];

	if (!slash)
		return;
	memcpy(parent, path, (size_t)(slash - path));
	parent[slash - path] = '\0';
	nq_capture_dir(capture, parent);
}

static int open_new(struct nq_capture *capture, const char *path, int flags)
{
	make_parent(capture, path);
	return openat(capture->fd, path, O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW | flags, 0644);
}

void nq_capture_file(struct nq_capture *capture, const char *path, const void *data, size_t size)
{
	NQ_CLOSE int fd = open_new(capture, path, O_TRUNC);

	for (size_t done = 0; done < size && fd >= 0;) {
		ssize_t n = write(fd, (const char *)data + done, size - done);

		if (n < 0)
			break;
		done += (size_t)n;
		if (done == size)
			return;
	}
	if (fd < 0 || size > 0)
		keep_error(capture, -errno);
}

void nq_capture_link(struct nq_capture *capture, const char *path, const char *target)
{
	make_parent(capture, path);
	unlinkat(capture->fd, path, 0); /* the empty file of a listing */
	if (symlinkat(target, capture->fd, path) < 0)
		keep_error(capture, -errno);
}

void nq_capture_entry(struct nq_capture *capture, const char *path)
{
	NQ_CLOSE int fd = open_new(capture, path, O_EXCL);

	if (fd < 0 && errno != EEXIST)
		keep_error(capture, -errno);
}
