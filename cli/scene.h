/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a picture of a host shows, before it is known how it is drawn: in the manner of the patent's figures 5 to 10
 * (seeds/000_35c30de055bde3dd.txt), boxes for nodes, and in them the pnics, the queues served there and the VMs at home
 * there, with links VM - queue - pnic that carry traffic.
 *
 * Two simplifications keep four nodes with eight queues and sixteen VMs readable. The default queues of a pnic on one
 * node share all they get, so they are one *port*; an assigned queue is a port of its own; a free queue is only
 * counted. And what belongs to no single node (a vm that floats, a pnic on node -1) is in one more box, "elsewhere".
 */
#ifndef NEARQ_CLI_SCENE_H
#define NEARQ_CLI_SCENE_H

#include <nearq/serial.h>

struct nq_port {
	uint32_t box; /* where it is drawn: node index, or n_nodes for elsewhere */
	uint32_t pnic;
	uint32_t queue; /* its queue; the first of them for default queues */
	uint32_t n_queues;
	enum nq_queue_role role;
	uint64_t pps; /* towards VMs, over its links */
	bool remote;  /* not on the pnic's node */
};

struct nq_link {
	uint32_t vnic, port; /* indices into host->vnics and ports */
	uint64_t pps;
	bool remote; /* the port's node is not in the vm's home */
};

struct nq_scene {
	const struct nq_host *host; /* borrowed */
	uint32_t n_boxes;	    /* n_nodes, one more when something is elsewhere */
	uint32_t *vm_box;	    /* [n_vms] */
	uint32_t *pnic_box;	    /* [n_pnics] */
	uint32_t *free_queues;	    /* [n_boxes], of hard queues */
	struct nq_port *ports;
	struct nq_link *links;
	uint32_t n_ports, n_links;
	uint64_t most_pps; /* of a link */
};

int nq_scene_new(const struct nq_host *host, struct nq_scene **ret); /* 0 or -ENOMEM */
struct nq_scene *nq_scene_free(struct nq_scene *scene);

/* "eth0/cpu5"; default queues are "default", with the NIC's name in front when there are several. */
#define NQ_PORT_TEXT 80
void nq_port_text(const struct nq_scene *scene, const struct nq_port *port, char ret[NQ_PORT_TEXT]);

#endif
