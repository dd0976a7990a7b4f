/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Emptying a cpuset file of a cgroup that has processes, which the kernel refuses (ENOSPC: kernel/cgroup/cpuset.c,
 * validate_change; tried on 6.12). A container that had no cpuset of its own can get that state back only while
 * it is empty, so its processes step aside into a sibling, "NAME.nearq", and return at once. There they have
 * what the parent has, which is what they had before nearq.
 *
 * Not for a cgroup that is a unit of systemd: it would take the empty cgroup for the end of the unit. Not for one with
 * children or threads of its own arrangement, which would not come back as they were. Whoever asks
 * nq_aside_possible() before it fills an inherited cpuset can always put it back.
 *
 * A process killed in between leaves the sibling. nq_aside_left() tells, nq_aside_return() mends; until then the
 * cgroup's cpuset counts as half written.
 *
 * dir is the cgroup's directory relative to the root of the context.
 */
#ifndef NEARQ_HOST_ASIDE_H
#define NEARQ_HOST_ASIDE_H

#include "host/setting.h"

/* 0, or -EOPNOTSUPP with the sentence. */
int nq_aside_possible(struct nq_setting_ctx *ctx, const char *dir);
bool nq_aside_left(struct nq_setting_ctx *ctx, const char *dir);
/* Brings everybody back and removes the sibling; 0 too when there is none. */
int nq_aside_return(struct nq_setting_ctx *ctx, const char *dir);
/* Empties that file of the cgroup. On failure everybody is back, as far as the kernel lets them. */
int nq_aside_clear(struct nq_setting_ctx *ctx, const char *dir, const char *file);

#endif
