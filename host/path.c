/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation. A path is walked component by component: the walked part is free of links and the rest is
 * still to do; ".." takes one component off the walked part and stops at the root; an absolute target empties it. So
 * the result never leaves the root, and needs no openat2().
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <host/path.h>

#define LINKS_MAX 40 /* as in the kernel (MAXSYMLINKS) */

struct walk {
	int root;
	nq_path_link_fn met;
	void *userdata;
};

static void strip_last(char *path)
{
	char *slash = strrchr(path, '/');

	*(slash ? slash : path) = '\0';
}

/* Takes the first component off rest; false when there is none left. */
static bool next_part(char *rest, char ret[NAME_MAX + 1])
{
	size_t skip = strspn(rest, "/"), length = strcspn(rest + skip, "/");

	if (!length || length > NAME_MAX)
		return false;
	memcpy(ret, rest + skip, length);
	ret[length] = '\0';
	memmove(rest, rest + skip + length, strlen(rest + skip + length) + 1);
	return true;
}

/* What stands at the walked path; replaces the link by its target. 1: was a link, 0: was none, -errno */
static int follow(const struct walk *walk, char *walked, char *rest)
{
	char target[NQ_ROOT_PATH], joined[NQ_ROOT_PATH];
	ssize_t n = readlinkat(walk->root, walked, target, sizeof(target) - 1);
	int length;

	if (n < 0)
		return errno == EINVAL ? 0 : -errno;
	target[n] = '\0';
	if (walk->met)
		walk->met(walked, target, walk->userdata);
	length = snprintf(joined, sizeof(joined), "%s/%s", target, rest);
	if (length < 0 || (size_t)length >= sizeof(joined))
		return -ENAMETOOLONG;
	memcpy(rest, joined, (size_t)length + 1);
	if (target[0] == '/')
		walked[0] = '\0';
	else
		strip_last(walked);
	return 1;
}

int nq_path_resolve(int root, const char *path, char ret[NQ_ROOT_PATH], nq_path_link_fn met, void *userdata)
{
	struct walk walk = { root, met, userdata };
	char rest[NQ_ROOT_PATH], part[NAME_MAX + 1], walked[NQ_ROOT_PATH] = "";
	uint32_t links = 0;

	if (snprintf(rest, sizeof(rest), "%s", path) >= (int)sizeof(rest))
		return -ENAMETOOLONG;
	while (next_part(rest, part)) {
		size_t length = strlen(walked);
		int r;

		if (!strcmp(part, "."))
			continue;
		if (!strcmp(part, "..")) {
			strip_last(walked);
			continue;
		}
		if (length + strlen(part) + 2 > sizeof(walked))
			return -ENAMETOOLONG;
		sprintf(walked + length, "%s%s", length ? "/" : "", part);
		r = follow(&walk, walked, rest);
		if (r < 0)
			return r;
		links += (uint32_t)r;
		if (links > LINKS_MAX)
			return -ELOOP;
	}
	strcpy(ret, walked[0] ? walked : ".");
	return 0;
}
