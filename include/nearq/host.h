/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host model: what nearq knows of one machine at one instant, as a value.
 *
 * A host is observed (host/), simulated (sim/) or read from JSON (serial/), and is never changed by
 * the planner, which works on a copy. It owns all its memory; strings and per-node arrays live as long
 * as the host. Objects refer to each other by index into the host's arrays.
 *
 * Words follow the patent (000_35c30de055bde3dd.txt sections I and II): a *pnic* has *queues*, each
 * served by a thread on some CPU, and therefore on a node; a *vm* is anything with a MAC of its own and
 * has *vnics*, each assigned to a queue.
 */
#ifndef NEARQ_HOST_H
#define NEARQ_HOST_H

#include <stddef.h>

#include <nearq/types.h>

struct nq_node {
	uint32_t id;	    /* the kernel's node id; ids may have gaps */
	uint32_t package;   /* physical package id, NQ_NONE when unknown; several nodes may share one (SNC, NPS) */
	uint64_t mem_total; /* bytes; 0 for a node without memory */
	uint64_t mem_free;  /* bytes, <= mem_total */
	uint32_t busy; /* CPU time spent on it by all but the queues' threads, per mille of one CPU; NQ_NONE: not known, its
			  CPUs tell */
};

struct nq_cpu {
	uint32_t id;   /* the kernel's CPU number */
	uint32_t node; /* index into nodes */
	uint32_t core; /* kernel number of the first hardware thread of the same core; own id without SMT */
	bool online;
	uint32_t busy; /* per mille of the interval not idle: 0-1000 when measured; a forecast may ask for more */
};

/* How a destination MAC can be sent to a queue of this pnic, best first (DESIGN.md, "Apply"). */
enum nq_steering {
	NQ_STEER_NONE,	  /* not at all: only IRQ, RSS, XPS and home can be managed */
	NQ_STEER_XDP,	  /* XDP program and cpumap: soft queues, one per CPU */
	NQ_STEER_MACVLAN, /* macvlan l2-fwd-offload */
	NQ_STEER_FLOWER,  /* tc flower skip_sw */
	NQ_STEER_NTUPLE,  /* ethtool n-tuple filter */
	NQ_STEER_COUNT
};

struct nq_pnic {
	const char *name;   /* interface name */
	const char *driver; /* kernel driver, "" when unknown */
	const char *bus;    /* PCI address (0000:3b:00.0), "" when not on PCI */
	const char *bond;   /* name of the bond or team it belongs to, "" for none */
	uint32_t physfn;    /* index of the SR-IOV physical function's pnic, NQ_NONE when it is none's VF */
	uint32_t node;	    /* home node by PCI, NQ_NONE when the kernel says -1 */
	enum nq_steering steering;
	uint32_t rules_max;    /* steering rules the pnic takes, NQ_NONE when unlimited or unknown */
	uint32_t channels_max; /* queue pairs the driver could give, 0 when unknown */
	uint32_t rss_entries;  /* size of the RSS indirection table, 0 when there is none */
	uint32_t rss_contexts; /* further RSS contexts it can have: vnics that may receive on several queues; 0 unknown */
};

enum nq_queue_kind {
	NQ_QUEUE_HARD, /* a channel of the NIC: RX/TX ring, NAPI, interrupt */
	NQ_QUEUE_SOFT, /* a cpumap thread of one CPU, filled by XDP on the pnic's hard queues */
	NQ_QUEUE_KIND_COUNT
};

/* P "pools": every queue but the default ones starts free; an assigned queue serves the VMs steered to it. */
enum nq_queue_role {
	NQ_ROLE_FREE,
	NQ_ROLE_DEFAULT, /* takes broadcast, multicast and everything not steered elsewhere (main RSS context) */
	NQ_ROLE_ASSIGNED,
	NQ_ROLE_COUNT
};

/* What the hardware does for a queue; the hardware pools of P II ask for it. Bits. */
enum nq_feature {
	NQ_FEATURE_LRO = 1, /* large receive offload, or hardware GRO */
	NQ_FEATURE_RSS = 2, /* can be part of a further RSS context */
	NQ_FEATURE_ALL = 3
};

struct nq_queue {
	uint32_t pnic; /* index into pnics */
	enum nq_queue_kind kind;
	enum nq_queue_role role;
	uint32_t index;	 /* HARD: channel number; SOFT: kernel number of its CPU */
	uint32_t irq;	 /* interrupt number, NQ_NONE when unknown or SOFT */
	uint32_t napi;	 /* NAPI id, NQ_NONE when unknown or SOFT */
	uint32_t thread; /* pid of napi/<if>-<id> or cpumap kthread, NQ_NONE: served by the softirq of the IRQ's CPU */
	uint32_t
		cpu; /* index into cpus of the CPU that serves it, NQ_NONE when unknown; its node is the queue's node */
	bool movable;	      /* its CPU can be changed (not a managed IRQ, not SOFT) */
	uint32_t rss_entries; /* entries of the pnic's RSS table that point here */
	uint32_t busy; /* per mille of a CPU spent by its thread, 0-1000; 0 when the thread has no account of its own */
	uint32_t features;    /* enum nq_feature, 0 when unknown */
	uint32_t coalesce_us; /* its own interrupt coalescing, microseconds; NQ_NONE: unknown, or the NIC has none per queue */
	const char *xps; /* CPUs that transmit through it (XPS), kernel list format "0-3,8"; "" for none */
	struct nq_rates rx, tx;
};

enum nq_vm_kind {
	NQ_VM_CONTAINER, /* network namespace behind a veth or macvlan (V3) */
	NQ_VM_PROCESS,	 /* process with a tun or macvtap fd (V2) */
	NQ_VM_DOMAIN,	 /* libvirt domain (V1) */
	NQ_VM_HOST,	 /* the host's own interface (V4) */
	NQ_VM_KIND_COUNT
};

struct nq_vm {
	const char *name; /* unique on the host */
	enum nq_vm_kind kind;
	const char *cgroup;	/* cgroup v2 path below the mount point, "" when unknown */
	uint32_t pid;		/* main process, NQ_NONE when there is none */
	uint32_t cpus;		/* CPUs it may use at once (vCPUs or runnable threads), >= 1 */
	uint32_t busy;		/* per mille of one CPU, 0 - 1000 * CPUs of the host */
	struct nq_nodeset home; /* nodes its vCPUs may run on; never empty */
	bool placed;	/* somebody confined it to less than the whole host; false: it floats and has no home yet */
	bool pinned;	/* the operator's own explicit pin: nearq must not move it */
	bool mem_fixed; /* its memory cannot migrate (huge, locked or DMA-pinned pages) */
	uint64_t *mem;	/* bytes resident per node, [n_nodes] */
	const char *pool;     /* name of its requirement: a pool of the policy ("llr", "hlt", …); "" for the general one */
	uint32_t shares;      /* its weight when CPUs are short, 1 - NQ_MAX_SHARES (V8; vSphere's shares, cgroup cpu.weight) */
	uint32_t reservation; /* CPU time it is owed in any case, per mille of one CPU; 0: none */
	uint32_t limit;	      /* CPU time it never exceeds, per mille of one CPU; NQ_NONE: none */
	uint32_t *cpus_on;    /* vCPUs on each node, [n_nodes]: its NUMA clients; all 0: not known, nq_vm_clients() deals them */
};

/* Where nq_vnic.served comes from. */
enum nq_served {
	NQ_SERVED_UNKNOWN,
	NQ_SERVED_ESTIMATED, /* from the packets of the default queues, in proportion */
	NQ_SERVED_MEASURED,  /* counted per CPU where the frames entered the vnic, or by the steering program */
	NQ_SERVED_COUNT
};

struct nq_vnic {
	uint32_t vm;   /* index into vms */
	uint32_t pnic; /* index into pnics of its uplink, NQ_NONE when it has none */
	struct nq_mac mac;
	const char *name;    /* host side interface (tap, veth), "" when there is none */
	uint32_t rx_queue;   /* index into queues, NQ_NONE: the pnic's default queues */
	uint32_t n_spread;   /* further queues, with an RSS context of its own: its packets spread evenly over all (D5) */
	uint32_t spread[NQ_MAX_LANES - 1]; /* index into queues; distinct, none is rx_queue or a default queue */
	uint32_t virtqueues; /* queue pairs of the virtual device, >= 1: over how many queues it may spread */
	uint32_t tx_queue;   /* likewise for transmission */
	uint32_t worker;     /* pid of its TX thread (vhost), NQ_NONE when it has none */
	uint32_t worker_cpu; /* index into cpus where the worker last ran, NQ_NONE when unknown */
	struct nq_rates rx;  /* towards the vm */
	struct nq_rates tx;  /* from the vm */
	enum nq_served served_by;
	uint64_t *served; /* packets/s towards the vm by the node that served them, [n_nodes] */
};

/* Something about the host that the user should know; the rest of the host is still valid. */
enum nq_notice_kind {
	NQ_NOTICE_NO_NUMA,	  /* one node only: nothing to place */
	NQ_NOTICE_NODE_UNKNOWN,	  /* a pnic on node -1 */
	NQ_NOTICE_NO_MULTIQUEUE,  /* no pnic with several queues */
	NQ_NOTICE_MAC_TWICE,	  /* a MAC on two vnics; both are left out */
	NQ_NOTICE_NO_MAC,	  /* a VM without MAC; left out */
	NQ_NOTICE_NAMESPACE_GONE, /* a vnic whose namespace or process is gone; left out */
	NQ_NOTICE_VANISHED,	  /* an object disappeared while it was read; left out */
	NQ_NOTICE_NO_PERMISSION,  /* something could not be read for lack of permission */
	NQ_NOTICE_NOT_SUPPORTED,  /* the kernel or driver lacks an interface; detail says which and what is lost */
	NQ_NOTICE_KIND_COUNT
};

struct nq_notice {
	enum nq_notice_kind kind;
	const char *subject; /* name of the object */
	const char *detail;  /* one sentence, may be "" */
};

struct nq_host {
	const char *name;     /* host name */
	uint64_t time_ns;     /* CLOCK_BOOTTIME at the end of the observation */
	uint64_t interval_ns; /* the rates' interval; 0: no rates yet, all rates and loads are 0 */

	struct nq_node *nodes;
	struct nq_cpu *cpus;
	struct nq_pnic *pnics;
	struct nq_queue *queues;
	struct nq_vm *vms;
	struct nq_vnic *vnics;
	struct nq_notice *notices;
	bool can_migrate; /* pages of running vms can be moved between nodes by request (nearq asks for none otherwise) */
	uint32_t n_nodes, n_cpus, n_pnics, n_queues, n_vms, n_vnics, n_notices;

	uint32_t *distance; /* SLIT, [n_nodes * n_nodes], row = from; 10 on the diagonal, >= 10 elsewhere */

	struct nq_arena *arena; /* private: owns strings and per-node arrays */
};

/*
 * Building. Every function returns 0 or -ENOMEM, and the adders a zeroed object whose ids and indices
 * are NQ_NONE and whose strings are "" (NULL on lack of memory). An added object's pointer is valid
 * until the next one of its kind is added. Nodes come first: nq_host_set_nodes fixes n_nodes and fills
 * the distances with 10 and 20; VMs and vnics get their per-node arrays from it.
 */
int nq_host_new(struct nq_host **ret);
struct nq_host *nq_host_free(struct nq_host *host); /* accepts NULL, returns NULL */
int nq_host_copy(const struct nq_host *host, struct nq_host **ret);
int nq_host_set_nodes(struct nq_host *host, uint32_t n_nodes); /* 1 - NQ_MAX_NODES, else -EINVAL; once */
struct nq_cpu *nq_host_add_cpu(struct nq_host *host);
struct nq_pnic *nq_host_add_pnic(struct nq_host *host);
struct nq_queue *nq_host_add_queue(struct nq_host *host);
struct nq_vm *nq_host_add_vm(struct nq_host *host);
struct nq_vnic *nq_host_add_vnic(struct nq_host *host);
int nq_host_add_notice(struct nq_host *host, enum nq_notice_kind kind, const char *subject, const char *detail);
/* Copies the string into the host; NULL on lack of memory. */
const char *nq_host_string(struct nq_host *host, const char *text);

/* Looking up; NQ_NONE when absent or unknown. */
uint32_t nq_host_node_by_id(const struct nq_host *host, uint32_t id);
uint32_t nq_host_cpu_by_id(const struct nq_host *host, uint32_t id);
uint32_t nq_host_pnic_by_name(const struct nq_host *host, const char *name);
uint32_t nq_host_vm_by_name(const struct nq_host *host, const char *name);
uint32_t nq_host_vnic_by_mac(const struct nq_host *host, const struct nq_mac *mac);
uint32_t nq_host_queue_node(const struct nq_host *host, uint32_t queue);
uint32_t nq_host_distance(const struct nq_host *host, uint32_t from, uint32_t to);

/*
 * A vm's vCPUs on each node, ret[n_nodes]: as observed (cpus_on), else dealt over its home in order of the nodes, each
 * getting as many as it has cores, hardware threads not counted, and what is left over evenly (H4;
 * 003_e02e5b8df2f7f331.txt, "Wide-VMs").
 */
void nq_vm_clients(const struct nq_host *host, uint32_t vm, uint32_t *ret);

/* packets/s towards the vnic that were served on a node outside the vm's home; SERVED_UNKNOWN counts as 0. */
uint64_t nq_vnic_remote(const struct nq_host *host, uint32_t vnic);

/*
 * Checks every promise that the comments above make: references, ranges, uniqueness (node id, CPU id,
 * pnic name, queue kind + index within its pnic, vm name, MAC), sums (rss_entries of queues = pnic's;
 * mem_free <= mem_total; cpus_on all 0 or within the home and = cpus; a vm's resident memory <= the node's mem_total; served packets <= rx packets,
 * to rounding by one per node). The planner refuses a host that fails it.
 */
enum nq_violation_kind {
	NQ_VALID,
	NQ_VIOLATION_REFERENCE, /* an index that points at nothing */
	NQ_VIOLATION_RANGE,	/* a value outside [low, high] */
	NQ_VIOLATION_TWICE,	/* the same key as the object of index `other` */
	NQ_VIOLATION_SUM,	/* parts that do not add up: found against high */
	NQ_VIOLATION_EMPTY,	/* a set, name or list that must not be empty */
};

struct nq_violation {
	enum nq_violation_kind kind;
	const char *array; /* "nodes", "cpus", … as in the JSON form; "" for the host itself */
	uint32_t index;	   /* of the object in that array */
	const char *field; /* as in the JSON form */
	uint64_t found, low, high;
	uint32_t other;
};

/* 0, -EINVAL with *ret filled, or -ENOMEM. */
int nq_host_check(const struct nq_host *host, struct nq_violation *ret);

#endif
