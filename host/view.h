/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the readers share while they look at one host: where they read from, the tables that several of them
 * need, and the host value that they fill. Private to host/.
 *
 * Readers run in the order of this file. Each returns 0 or -errno for faults that make the observation
 * worthless (no memory); what is missing on the host is a notice in the host value.
 */
#ifndef NEARQ_HOST_VIEW_H
#define NEARQ_HOST_VIEW_H

#include <host/link.h>
#include <host/netlink.h>
#include <host/observe.h>
#include <host/process.h>
#include <host/rates.h>
#include <host/rootfs.h>
#include <host/steer.h>

struct nq_gstats;
struct nq_served_counter;

/* Texts of the kernel's small files: CPU lists, affinities, names. */
#define NQ_SHORT_TEXT 1024

struct nq_view {
	struct nq_root *root;
	struct nq_wire *wire;
	const struct nq_source_options *options;
	const char *tree; /* path of a captured tree, NULL for the live host */
	struct nq_links links;
	struct nq_processes processes;
	struct nq_gstats *gstats;	   /* names of driver counters, per interface */
	struct nq_served_counter *counter; /* NULL: frames are not counted */
	struct nq_steer_table **steered;   /* [n_pnics] of the host being read, NULL where nearq steers nothing */
	uint32_t n_steered;
	struct nq_members *members; /* [n_vms] of the host being read: processes of each VM */
	uint32_t n_members;
	char cgroups[256]; /* where the cgroup hierarchy (version 2) is mounted, without leading slash */
	bool steering;	   /* XDP steering can work here */
};

/* topology.c: nodes, CPUs, distances; -EBADMSG with fault when hwloc does not accept the input. xml: file, or NULL. */
int nq_read_topology(struct nq_view *view, const char *xml, struct nq_host *host, struct nq_fault *ret_fault);
int nq_refresh_nodes(struct nq_view *view, struct nq_host *host); /* free memory */

/* pnic.c: physical interfaces and what they can do */
int nq_read_pnics(struct nq_view *view, struct nq_host *host);
bool nq_excluded(const struct nq_view *view, const char *interface);

/* queue.c: queues of all pnics */
int nq_read_queues(struct nq_view *view, struct nq_host *host);
int nq_refresh_queues(struct nq_view *view, struct nq_host *host); /* serving CPU and role */

/* vm_container.c, vm_tun.c: VMs and their vnics, without rates */
int nq_read_containers(struct nq_view *view, struct nq_host *host);
int nq_read_tuns(struct nq_view *view, struct nq_host *host);

/* vm.c. What a VM's reader knows of it, and what follows from that. */
struct nq_vm_finding {
	enum nq_vm_kind kind;
	const char *name;	   /* NULL: of its cgroup, else of its main process */
	struct nq_members members; /* its processes; n 0: none */
};
/* Adds the VM. 0 with its index, -ESRCH when all its processes are gone meanwhile, -errno. */
int nq_add_vm(struct nq_view *view, struct nq_host *host, const struct nq_vm_finding *finding, uint32_t *ret);
/* vnic.c */
int nq_add_vnic(struct nq_view *view, struct nq_host *host, uint32_t vm, const struct nq_link *outside,
		const struct nq_mac *mac);
/* Leaves out what cannot be told apart: a MAC on two vnics; and VMs that have no vnic left. */
int nq_settle_vms(struct nq_view *view, struct nq_host *host);
/* vm.c */
/* Homes. -ESRCH: the process of one of them is gone, and it is left as it was; the others are refreshed. */
int nq_refresh_vms(struct nq_view *view, struct nq_host *host);

/* steered.c: what nearq steers now, in queues and vnics */
int nq_refresh_steering(struct nq_view *view, struct nq_host *host);
void nq_forget_steering(struct nq_view *view);

/* stats.c: counters of this instant for everything in the host; load.c: what they say against an earlier instant */
int nq_read_counters(struct nq_view *view, const struct nq_host *host, struct nq_counters *ret);
/* Fills all rates and loads, and interval_ns, of the host in which `now` was read. */
void nq_apply_rates(struct nq_view *view, const struct nq_counters *before, const struct nq_counters *now,
		    struct nq_host *host);

/* gstats.c: counters per queue of one interface into the set, by the driver's own names */
int nq_read_driver_counters(struct nq_view *view, const char *interface, uint32_t ifindex, struct nq_counters *ret);
void nq_gstats_free(struct nq_gstats *gstats); /* accepts NULL */

/*
 * served.c: frames per vnic and CPU where they enter the vnic, counted by BPF. -EOPNOTSUPP, -EPERM, …: not possible
 * here. _watch: from now on count for these interfaces and no others.
 */
int nq_served_open(struct nq_served_counter **ret);
struct nq_served_counter *nq_served_close(struct nq_served_counter *counter); /* accepts NULL, returns NULL */
int nq_served_watch(struct nq_served_counter *counter, const uint32_t *ifindex, uint32_t n);
int nq_served_read(struct nq_served_counter *counter, struct nq_counters *ret);

/* estimate.c: who served the frames of the vnics that nobody measured */
void nq_estimate_served(struct nq_host *host);

/* A notice whose detail is a printf format. */
int nq_notice(struct nq_host *host, enum nq_notice_kind kind, const char *subject, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
