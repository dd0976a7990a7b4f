/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include <nearq/types.h>

int nq_mac_compare(const struct nq_mac *a, const struct nq_mac *b)
{
	return memcmp(a->byte, b->byte, sizeof(a->byte));
}

bool nq_mac_is_zero(const struct nq_mac *mac)
{
	return nq_mac_compare(mac, &(struct nq_mac){ 0 }) == 0;
}

bool nq_mac_is_multicast(const struct nq_mac *mac)
{
	return mac->byte[0] & 1;
}
