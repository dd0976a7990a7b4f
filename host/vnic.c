/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vnics of all kinds of VM: their uplink, and what to do about a MAC that two of them have. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <host/view.h>

/* The physical interface below a port: itself, or through vlans and bonds. */
static uint32_t pnic_below(const struct nq_view *view, const struct nq_host *host, const struct nq_link *link,
			   int depth)
{
	const struct nq_link *next = NULL;
	uint32_t pnic;

	if (!link || depth > 4)
		return NQ_NONE;
	pnic = nq_host_pnic_by_name(host, link->name);
	if (pnic != NQ_NONE)
		return pnic;
	if (link->link && link->link_netns < 0 && link->link != link->index && strcmp(link->kind, "veth") != 0)
		return pnic_below(view, host, nq_link_by_index(&view->links, link->link), depth + 1);
	if (link->active)
		return pnic_below(view, host, nq_link_by_index(&view->links, link->active), depth + 1);
	while ((next = nq_link_next_port(&view->links, link->index, next))) {
		pnic = pnic_below(view, host, next, depth + 1);
		if (pnic != NQ_NONE)
			return pnic;
	}
	return NQ_NONE;
}

/* Where the frames of a tap or veth leave the host: below the bridge that it is a port of. */
static uint32_t uplink(const struct nq_view *view, const struct nq_host *host, const struct nq_link *port)
{
	return port->master ? pnic_below(view, host, nq_link_by_index(&view->links, port->master), 0) : NQ_NONE;
}

int nq_add_vnic(struct nq_view *view, struct nq_host *host, uint32_t vm, const struct nq_link *outside,
		const struct nq_mac *mac)
{
	struct nq_vnic *vnic = nq_host_add_vnic(host);

	if (!vnic)
		return -ENOMEM;
	vnic->vm = vm;
	vnic->mac = *mac;
	vnic->pnic = uplink(view, host, outside);
	vnic->name = nq_host_string(host, outside->name);
	return vnic->name ? 0 : -ENOMEM;
}

static uint32_t count_mac(const struct nq_host *host, const struct nq_mac *mac)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < host->n_vnics; i++)
		n += nq_mac_compare(&host->vnics[i].mac, mac) == 0;
	return n;
}

/* Each vnic with a MAC that another one has too: marked by pointing at no vm. */
static int mark_twins(struct nq_host *host)
{
	NQ_FREE bool *twin = calloc(host->n_vnics + 1, sizeof(*twin));
	char mac[NQ_MAC_TEXT];
	int r = 0;

	if (!twin)
		return -ENOMEM;
	for (uint32_t i = 0; i < host->n_vnics; i++)
		twin[i] = count_mac(host, &host->vnics[i].mac) > 1;
	for (uint32_t i = 0; r == 0 && i < host->n_vnics; i++) {
		if (!twin[i])
			continue;
		nq_mac_text(&host->vnics[i].mac, mac);
		r = nq_notice(host, NQ_NOTICE_MAC_TWICE, mac, "also on %s of %s; left out", host->vnics[i].name,
			      host->vms[host->vnics[i].vm].name);
		host->vnics[i].vm = NQ_NONE;
	}
	return r;
}

int nq_settle_vms(struct nq_view *view, struct nq_host *host)
{
	uint32_t kept_vnics = 0, kept_vms = 0;
	NQ_FREE uint32_t *moved = calloc(host->n_vms + 1, sizeof(*moved)); /* vnics of each vm, then its new index */
	int r = moved ? mark_twins(host) : -ENOMEM;

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < host->n_vnics; i++) {
		if (host->vnics[i].vm == NQ_NONE)
			continue;
		moved[host->vnics[i].vm]++;
		host->vnics[kept_vnics++] = host->vnics[i];
	}
	host->n_vnics = kept_vnics;
	for (uint32_t i = 0; i < host->n_vms; i++) {
		if (!moved[i])
			continue;
		moved[i] = kept_vms;
		view->members[kept_vms] = view->members[i];
		host->vms[kept_vms++] = host->vms[i];
	}
	host->n_vms = view->n_members = kept_vms;
	for (uint32_t i = 0; i < host->n_vnics; i++)
		host->vnics[i].vm = moved[host->vnics[i].vm];
	return 0;
}
