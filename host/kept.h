/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that stay open between two reads, by path; at most half of the descriptors that the process may have. */
#ifndef NEARQ_HOST_KEPT_H
#define NEARQ_HOST_KEPT_H

#include <stdbool.h>

struct nq_kept;

int nq_kept_new(struct nq_kept **ret);
struct nq_kept *nq_kept_free(struct nq_kept *kept); /* closes all; accepts NULL, returns NULL */

/* The descriptor, or -1. It stays the table's. */
int nq_kept_find(const struct nq_kept *kept, const char *path);
/* Hands a descriptor over. False: no room, it stays the caller's. */
bool nq_kept_add(struct nq_kept *kept, const char *path, int fd);
/* Closes and forgets it, if it is there. */
void nq_kept_drop(struct nq_kept *kept, const char *path);

#endif
