/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Paths below a root directory that symbolic links cannot leave. */
#ifndef NEARQ_HOST_PATH_H
#define NEARQ_HOST_PATH_H

#define NQ_ROOT_PATH 4096

/* Told of each link on the way: where it stands (free of links itself) and its target. */
typedef void (*nq_path_link_fn)(const char *path, const char *target, void *userdata);

/* path without any link, "." for the root itself. met may be NULL. 0; -ENOENT, -ENAMETOOLONG, -ELOOP after 40 links, …
 */
int nq_path_resolve(int root, const char *path, char ret[NQ_ROOT_PATH], nq_path_link_fn met, void *userdata);

#endif
