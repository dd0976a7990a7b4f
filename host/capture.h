/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The other end of a capture: a directory that receives a copy of each file, link and listing that is read
 * from the live host, in the same places, so that it can be opened as a tree.
 */
#ifndef NEARQ_HOST_CAPTURE_H
#define NEARQ_HOST_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>

struct nq_capture;

/* Creates the directory. -EEXIST when it exists and is not empty. */
int nq_capture_open(const char *path, struct nq_capture **ret);
/* *ret_error (may be NULL): the first error of any copy, or 0. Returns NULL. */
struct nq_capture *nq_capture_close(struct nq_capture *capture, int *ret_error);

/* path: relative, free of links. Parents are made; an error is kept for nq_capture_close. */
void nq_capture_file(struct nq_capture *capture, const char *path, const void *data, size_t size);
void nq_capture_link(struct nq_capture *capture, const char *path, const char *target);
void nq_capture_dir(struct nq_capture *capture, const char *path);
/* An entry that was listed: an empty file unless something with content is there already or comes later. */
void nq_capture_entry(struct nq_capture *capture, const char *path);

#endif
