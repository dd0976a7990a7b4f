/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Acting on steering: what host/set_steer.c turns into settings, and the pins below. Every function returns 0 or -errno
 * and leaves a sentence in ctx where errno would not tell the user what to do; each is one kernel operation away
 * from both its states, so a process killed inside leaves the one or the other and at most unused pins.
 */
#ifndef NEARQ_HOST_STEER_ACT_H
#define NEARQ_HOST_STEER_ACT_H

#include "host/setting.h"
#include "host/steer.h"

enum nq_xdp_state { NQ_XDP_NONE, NQ_XDP_NATIVE, NQ_XDP_GENERIC, NQ_XDP_FOREIGN, NQ_XDP_COUNT };

/* -ENODEV without the interface. *ret_foreign: program id, for NQ_XDP_FOREIGN. */
int nq_xdp_state(const char *interface, enum nq_xdp_state *ret, uint32_t *ret_foreign);
/* native: in the driver, else in the kernel's generic place. Never replaces a program: -EBUSY. */
int nq_xdp_attach(struct nq_setting_ctx *ctx, const char *interface, bool native);
int nq_xdp_detach(struct nq_setting_ctx *ctx, const char *interface);
/* Must frames on this interface keep what the driver's place for programs would lose? See host/steer.c. */
bool nq_xdp_generic_only(const char *interface);

/* *ret_cpu: NQ_NONE when the MAC is not steered. */
int nq_steer_get(const char *interface, const struct nq_mac *mac, uint32_t *ret_cpu);
int nq_steer_set(struct nq_setting_ctx *ctx, const char *interface, const struct nq_mac *mac, uint32_t cpu);
int nq_steer_unset(const char *interface, const struct nq_mac *mac);

enum nq_egress_state {
	NQ_EGRESS_NONE,	   /* no clsact qdisc */
	NQ_EGRESS_CLSACT,  /* clsact without nearq's program */
	NQ_EGRESS_NEARQ,   /* and with it */
	NQ_EGRESS_BLOCKED, /* an ingress qdisc sits where clsact would go, or a foreign filter where nearq's would */
	NQ_EGRESS_COUNT
};

int nq_egress_state(const char *interface, enum nq_egress_state *ret);
int nq_egress_add_clsact(struct nq_setting_ctx *ctx, const char *interface);
int nq_egress_remove_clsact(struct nq_setting_ctx *ctx, const char *interface); /* -EBUSY while it holds filters */
int nq_egress_attach(struct nq_setting_ctx *ctx, const char *interface);
int nq_egress_detach(struct nq_setting_ctx *ctx, const char *interface);

int nq_txq_get(const char *interface, const struct nq_mac *mac, uint32_t *ret_queue);
int nq_txq_set(struct nq_setting_ctx *ctx, const char *interface, const struct nq_mac *mac, uint32_t queue);
int nq_txq_unset(const char *interface, const struct nq_mac *mac);

/*
 * Removes the pins of interfaces that are gone; with all, of every interface, its programs detached first. What
 * cannot be removed stays.
 */
void nq_steer_sweep(struct nq_setting_ctx *ctx, bool all);

#endif
