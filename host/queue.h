/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of queue reading share; queue.c. */
#ifndef NEARQ_HOST_QUEUE_H
#define NEARQ_HOST_QUEUE_H

#include <host/view.h>

/* queue_kernel.c: NAPI ids, interrupts and threads as netdev-genl tells them; nothing on kernels that do not. */
int nq_queues_by_netdev(struct nq_view *view, struct nq_host *host, uint32_t pnic, uint32_t first);
/* queue_irq.c: interrupts by name, for the queues that have none yet. */
int nq_queues_by_irq_name(struct nq_view *view, struct nq_host *host, uint32_t pnic, uint32_t first);

#endif
