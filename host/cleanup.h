/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Owners for __attribute__((cleanup)) that more than one file needs. */
#ifndef NEARQ_HOST_CLEANUP_H
#define NEARQ_HOST_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

/* Of a pointer of any type; pointer_to_it is its address. */
static inline void nq_cleanup_free(void *pointer_to_it)
{
	free(*(void **)pointer_to_it);
}

/* Negative: none. */
static inline void nq_cleanup_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define NQ_FREE __attribute__((cleanup(nq_cleanup_free)))
#define NQ_CLOSE __attribute__((cleanup(nq_cleanup_fd)))

#endif
