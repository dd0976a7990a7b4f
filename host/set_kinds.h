/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kinds of settings, one file each; host/setting.c lists them in order. */
#ifndef NEARQ_HOST_SET_KINDS_H
#define NEARQ_HOST_SET_KINDS_H

#include "host/setting.h"

extern const struct nq_setting_kind nq_set_irq;
extern const struct nq_setting_kind nq_set_thread;
extern const struct nq_setting_kind nq_set_threaded;
extern const struct nq_setting_kind nq_set_xps;
extern const struct nq_setting_kind nq_set_rss;
extern const struct nq_setting_kind nq_set_cpuset;
extern const struct nq_setting_kind nq_set_xdp;
extern const struct nq_setting_kind nq_set_steer;
extern const struct nq_setting_kind nq_set_egress;
extern const struct nq_setting_kind nq_set_txq;

#endif
