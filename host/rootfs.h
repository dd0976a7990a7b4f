/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One root directory for everything that is read from sysfs and procfs: "/" of the live host, or a
 * captured tree. Paths are relative to it, without a leading slash, and are given as a printf format.
 *
 * In a tree every symbolic link is followed inside the tree, also absolute ones and "..", so that a tree
 * from a stranger cannot lead outside. What a live root reads can be copied to a capture (capture.h).
 */
#ifndef NEARQ_HOST_ROOTFS_H
#define NEARQ_HOST_ROOTFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <host/cleanup.h>
#include <host/path.h>

struct nq_root;
struct nq_capture;

#define NQ_ROOT_PRINTF(n) __attribute__((format(printf, n, (n) + 1)))

/* path: NULL for the live host. 0 or -errno. */
int nq_root_open(const char *path, struct nq_root **ret);
struct nq_root *nq_root_close(struct nq_root *root); /* accepts NULL, returns NULL */
bool nq_root_is_live(const struct nq_root *root);
/* From now on copy what is read; NULL ends it. The capture stays the caller's. */
void nq_root_tee(struct nq_root *root, struct nq_capture *capture);
struct nq_capture *nq_root_capture(const struct nq_root *root);

/*
 * Whole file as text, always terminated, without trailing white space. Length, or -errno; -EFBIG when it does
 * not fit. The _kept form keeps the file open for the next time (as far as descriptors allow), which is four times
 * cheaper.
 */
int nq_root_read(struct nq_root *root, char *ret, size_t size, const char *format, ...) NQ_ROOT_PRINTF(4);
int nq_root_read_kept(struct nq_root *root, char *ret, size_t size, const char *format, ...) NQ_ROOT_PRINTF(4);
/* The same for a file of unknown size, kept open too; *ret is the caller's to free. */
int nq_root_read_all(struct nq_root *root, char **ret, const char *format, ...) NQ_ROOT_PRINTF(3);
/* A file with one decimal number. 0, or -errno; -EBADMSG when it is something else. */
int nq_root_number(struct nq_root *root, int64_t *ret, const char *format, ...) NQ_ROOT_PRINTF(3);
bool nq_root_exists(struct nq_root *root, const char *format, ...) NQ_ROOT_PRINTF(2);

/* Target text of a symbolic link. 0 or -errno (-EINVAL: not a link). */
int nq_root_link(struct nq_root *root, char *ret, size_t size, const char *format, ...) NQ_ROOT_PRINTF(4);
/* Path without any symbolic link. 0 or -errno; -ELOOP after 40 links. */
int nq_root_real(struct nq_root *root, char ret[NQ_ROOT_PATH], const char *format, ...) NQ_ROOT_PRINTF(3);

/* Names in a directory, without "." and "..", in natural order (eth2 before eth10). */
struct nq_names {
	char **name;
	uint32_t n;
};
int nq_root_list(struct nq_root *root, struct nq_names *ret, const char *format, ...) NQ_ROOT_PRINTF(3);
void nq_names_clear(struct nq_names *names); /* for __attribute__((cleanup)) */

/* Inode of the network namespace bound at a path (run/netns/NAME); a tree has a link "net:[INODE]" there. */
int nq_root_netns(struct nq_root *root, uint64_t *ret, const char *format, ...) NQ_ROOT_PRINTF(3);

/*
 * Answers that are not files (a netlink dump, an ioctl): bytes under a name. From a tree they are read with
 * _recall (0, -ENOENT; *ret is the caller's to free); on the live host _note copies them to the capture, if there is
 * one.
 */
int nq_root_recall(struct nq_root *root, const char *name, void **ret, size_t *ret_size);
void nq_root_note(struct nq_root *root, const char *name, const void *data, size_t size);

#endif
