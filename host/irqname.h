/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which queue an interrupt belongs to, by the name that the driver gave it. A last resort: newer kernels say
 * it themselves (netdev-genl), but in 6.12 not for i40e, ixgbe, iavf, igb, vmxnet3 and many others.
 */
#ifndef NEARQ_HOST_IRQNAME_H
#define NEARQ_HOST_IRQNAME_H

#include <host/pattern.h>

/* True with *ret_queue when this is the name of the interrupt of a receive queue of the owner. */
bool nq_irq_queue(const struct nq_pattern_fields *owner, const char *name, uint32_t *ret_queue);

/*
 * Could it be the owner's only interrupt (r8169, e1000, drivers with plain MSI)? Drivers with one for each queue give
 * the same name to the one for link changes.
 */
bool nq_irq_only(const struct nq_pattern_fields *owner, const char *name);

#endif
