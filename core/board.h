/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The board: the what-if host on which the stages play. All that the cost model looks at, taken apart so that a move
 * is a few additions, and nothing else; the host itself is never changed.
 *
 * Taking apart. What a snapshot measures is a sum; the board keeps the parts that stay when things move:
 *
 *     packets of a queue    = background + its units'          background: what no known vnic explains
 *     packets of a default queue = background + its share of all that goes through the default queues of its pnic
 *     busy of a CPU         = other + load of its queues / capacity
 *     busy of a node        = background + its vms'
 *
 * A background is never negative: where the parts exceed the measured sum, the parts win. nq_board_write() puts the
 * parts together again; taking the result apart gives the same parts. That is why a plan for a planned host is empty.
 *
 * Units. What is assigned to a queue is a unit: a vnic, or one lane of a vnic that spreads (D5). It receives
 * through rx_queue and sends through tx_queue (lane 0 sends for all when receiving is by soft queue or directions are
 * unpaired; paired lanes share sending too). NQ_NONE stands for the default queues of its pnic.
 *
 * Default queues are taken together: what enters or leaves them changes the pnic's sum at once, and the loads of
 * the single queues and their CPUs when nq_board_refresh() is called. What leaving them saves is always known as of
 * now (nq_board_relief()); what others then wait on their CPUs is overstated until they are refreshed.
 *
 * Sizes. A unit, a vm, a queue are a few dozen bytes each; nothing is per vm and node but the row of a vm on several
 * nodes.
 */
#ifndef NEARQ_CORE_BOARD_H
#define NEARQ_CORE_BOARD_H

#include <nearq/plan.h>

struct nq_board_node {
	uint32_t cpus, cores;	  /* online */
	uint32_t first_cpu;	  /* then along nq_board_cpu.next_on_node, by index */
	uint64_t background;	  /* per mille of one CPU: neither queues' threads nor known vms */
	uint64_t vms;		  /* likewise, of the vms at home there */
	uint64_t mem_in, mem_out; /* bytes that the plan brings and takes away; nq_board_mem_free() */
};

struct nq_board_cpu {
	uint32_t node;
	uint32_t core;			    /* index of the first CPU of the same core */
	uint32_t next_on_node, first_queue; /* NQ_NONE: end; queues in use or not, along nq_board_queue.next_on_cpu */
	uint32_t used;			    /* queues in use among them */
	uint32_t other;			    /* per mille */
	bool online;
	uint64_t load;	   /* packets/s of its queues */
	uint64_t promised; /* packets/s that floors of its queues' units add to that (nq_pool.floor_pps) */
	uint64_t core_ppm; /* of the first CPU of a core: scratch of nq_board_pick_cpu() */
	uint32_t core_used;
};

struct nq_board_queue {
	uint32_t pnic, cpu; /* cpu NQ_NONE: unknown */
	uint32_t next_on_cpu;
	uint32_t first_unit;   /* that receives through it, along nq_unit.next */
	uint32_t users;	       /* units that receive or send through it */
	uint32_t weight;       /* default queue: its part of the pnic's default traffic; else 0 */
	uint32_t next_default; /* default queue: the next one of its pnic */
	uint16_t pool;	       /* of its units; meaningless without */
	bool soft, is_default, movable;
	bool taken;		/* somebody unknown uses it: assigned without units at the start */
	bool exclusive;		/* its only unit wants it alone (Q6) */
	uint32_t loners;	/* units on it that want a queue for themselves */
	bool mixed;		/* units of several pools have been on it since it was free */
	uint64_t background[2]; /* packets/s received, sent */
	uint64_t load;		/* packets/s, both directions: background and units */
	uint64_t promised;	/* packets/s that its units' floors add to that */
	uint64_t through;	/* packets/s, both directions: its part of the default traffic, as last refreshed */
};

struct nq_board_pnic {
	uint32_t node;		/* NQ_NONE: unknown */
	uint32_t first_default; /* along nq_board_queue.next_default */
	uint32_t weight;	/* of all its default queues */
	uint32_t rules, rules_max;
	uint32_t contexts, contexts_max; /* vnics that spread */
	uint32_t assignable;		 /* queues in use or to be had, default queues not counted */
	uint32_t claimed; /* sum over the pools of what is granted or, where that is more, in use (core/quota.h) */
	bool soft, steers;
	bool defaults_stale; /* a default queue moved since the last refresh */
	bool defaults_moved; /* the plan moved a default queue to another node: what was seen to be served where is past
			      */
	uint64_t through[2]; /* packets/s through its default queues by known vnics: received, sent */
};

struct nq_board_vm {
	uint32_t node;		 /* its home, NQ_NONE when on several nodes */
	const uint32_t *deliver; /* [n_nodes] 1/256 ns per packet from a queue there; a shared row, or one of its own */
	uint32_t first_unit, n_units;
	uint32_t home;	    /* index into nq_board.homes of a home that the plan changed, NQ_NONE: as in the host */
	uint64_t memory_ns; /* lost to remote memory where it is now, ns/s */
};

/* What a pool asks for on one pnic, and what it is granted: core/quota.h. */
struct nq_board_claim {
	uint32_t present, asking, alone; /* units; that ask for a queue; for one of their own */
	uint32_t grant;			 /* queues */
	uint64_t demand;		 /* packets/s of those who share */
};

/* A home that the plan gave. */
struct nq_board_home {
	struct nq_nodeset nodes;
	bool placed;
	uint32_t *cpus_on; /* [n_nodes], the board's */
	uint64_t *mem;	   /* [n_nodes], where its memory will be; the board's */
};

struct nq_unit {
	uint32_t vnic, vm, pnic;
	uint32_t rx_queue, tx_queue; /* NQ_NONE: default queues */
	uint32_t next, previous;     /* along the queue it receives through */
	uint16_t pool;
	uint8_t lane;
	bool active;			 /* false: a lane that its vnic does not use now */
	bool paired;			 /* tx_queue = rx_queue whenever it is steered */
	bool fixed;			 /* not to be moved in this plan: no steering, dwell, no credit, policy */
	bool exclusive;			 /* Q6 */
	uint32_t default_rx, default_tx; /* path through the default queues, 1/256 ns per packet, without packet_ns */
	uint64_t rx, tx;		 /* packets/s */
};

/* Why an object moved. */
struct nq_note {
	struct nq_reason reason;
	struct nq_rejected rejected;
	uint64_t cost_before_ns; /* of the first move */
	uint64_t cost_after_ns;	 /* of the last */
	uint64_t once_ns;
};

struct nq_board {
	const struct nq_host *host;
	const struct nq_policy *policy;
	uint32_t n_nodes, n_cpus, n_pnics, n_queues, n_vms, n_units, n_pools;
	struct nq_board_node *nodes;
	struct nq_board_cpu *cpus;
	struct nq_board_pnic *pnics;
	struct nq_board_queue *queues;
	struct nq_board_vm *vms;
	struct nq_unit *units;	       /* of vnic 0, 1, … ; lanes of one vnic follow each other */
	uint32_t *first_unit;	       /* [n_vnics + 1]; a vnic without pnic has none */
	uint32_t *coalesce;	       /* [n_queues] microseconds, changed by the pools stage; NULL until then */
	uint32_t *arrive;	       /* [n_pnics * 2 * n_nodes]: hard, soft; 1/256 ns per packet */
	uint32_t *handoff;	       /* [n_nodes * n_nodes]: from queue's node to vm's node, row = vm's node */
	uint32_t *default_path;	       /* [n_pnics * n_nodes]: through the default queues to a vm on that node */
	uint32_t *quota;	       /* [n_pnics * n_pools]: queues the pool may have; NQ_NONE: no limit */
	uint32_t *count;	       /* [n_pnics * n_pools]: queues it has */
	struct nq_board_claim *claims; /* [n_pnics * n_pools] */
	uint32_t *shortest;	       /* [n_pnics * n_nodes]: of all ways by a steered queue to a vm on that node */
	struct nq_board_home *homes;
	uint32_t n_homes;
	uint32_t *note_of[3]; /* vms, queues, vnics: index + 1 into notes, 0: none */
	struct nq_note *notes;
	uint32_t n_notes;
	uint32_t *next_of_vm;	 /* [n_units]: from nq_board_vm.first_unit along the units of one vm; NQ_NONE: end */
	uint32_t *by_id;	 /* [n_nodes]: nodes in order of their kernel ids, for whatever goes by order */
	uint32_t *weights, *row; /* [n_nodes] scratch */
	uint64_t *sums;		 /* [2 * n_queues] scratch of the building */
	uint32_t *astray; /* core/migrate.c: vms of the host with memory outside their homes; NULL: not looked for */
	uint32_t n_astray;
	bool failed; /* out of memory somewhere: the plan is off */
	struct nq_arena *arena;
};

/* Takes the host apart; it must be valid and outlive the board. 0 or -ENOMEM. */
int nq_board_new(const struct nq_host *host, const struct nq_policy *policy, struct nq_board **ret);
struct nq_board *nq_board_free(struct nq_board *board);
/* Puts the board together into a host that began as a copy of the board's: homes, queues, vnics, loads. 0 or -ENOMEM.
 */
int nq_board_write(struct nq_board *board, struct nq_host *ret);

/* Loads of default queues and of their CPUs, and everybody's path through them. */
void nq_board_refresh(struct nq_board *board);
/* ns/s of the whole board. Refreshes. */
uint64_t nq_board_cost(struct nq_board *board);

/* Moves. */
void nq_board_steer(struct nq_board *board, uint32_t unit, uint32_t rx_queue, uint32_t tx_queue);
void nq_board_queue_cpu(struct nq_board *board, uint32_t queue, uint32_t cpu);
/* Home on these nodes, vCPUs as given or dealt (cpus_on NULL); its memory follows when it can. */
void nq_board_home(struct nq_board *board, uint32_t vm, const struct nq_nodeset *home, const uint32_t *cpus_on);
/* Brings the memory outside the home there. */
void nq_board_gather(struct nq_board *board, uint32_t vm);
/*
 * The vm's ways as if its home were that and its memory lay so (mem is read for several nodes only), until
 * nq_board_recall() with what was returned; nothing may be moved in between.
 */
struct nq_board_vm nq_board_suppose(struct nq_board *board, uint32_t vm, const struct nq_nodeset *home,
				    const uint64_t *mem);
void nq_board_recall(struct nq_board *board, uint32_t vm, const struct nq_board_vm *former);
/* Makes room for board->coalesce, as it is now; false on lack of memory. */
bool nq_board_settings(struct nq_board *board);
/* Gives the vnic that many lanes, 1 to NQ_MAX_LANES; new ones are on no queue yet (default), lost ones leave theirs. */
void nq_board_lanes(struct nq_board *board, uint32_t vnic, uint32_t lanes);
uint32_t nq_board_n_lanes(const struct nq_board *board, uint32_t vnic);

/* Where things are on the board. */
uint32_t nq_board_queue_node(const struct nq_board *board, uint32_t queue); /* NQ_NONE: unknown */
const struct nq_nodeset *nq_board_home_of(const struct nq_board *board, uint32_t vm);
bool nq_board_placed(const struct nq_board *board, uint32_t vm);
const uint64_t *nq_board_mem_of(const struct nq_board *board, uint32_t vm);
/* vCPUs dealt over a home in order of the nodes: as many as each has cores, what is left over evenly (H4). */
void nq_board_deal(const struct nq_board *board, uint32_t cpus, const struct nq_nodeset *home, uint32_t *ret);
void nq_board_clients(const struct nq_board *board, uint32_t vm, uint32_t *ret); /* [n_nodes] */
bool nq_board_used(const struct nq_board *board, uint32_t queue); /* in use by units, unknowns, or as a default queue */
uint64_t nq_board_mem_free(const struct nq_board *board, uint32_t node);
uint64_t nq_board_outside(const struct nq_board *board, uint32_t vm, uint32_t node); /* bytes not on the node */
/* The vm's part of its CPU time on a node when its vCPUs are dealt so, per mille of one CPU. */
uint64_t nq_board_vm_share(const struct nq_board *board, uint32_t vm, const uint32_t *clients, uint32_t node);

/* Prices, ns/s. */
uint64_t nq_board_cpu_waiting(const struct nq_board *board, uint32_t cpu, uint64_t load); /* its waiting at that load */
/* What is waited less for the CPUs of the default queues when the unit no longer goes through them; as things are now,
 * refreshed or not. */
uint64_t nq_board_relief(const struct nq_board *board, uint32_t unit);
uint64_t nq_board_node_waiting(const struct nq_board *board, uint32_t node, uint64_t busy);
uint64_t nq_board_queue_used(const struct nq_board *board, uint32_t pool); /* of a queue in use by that pool */
uint64_t nq_board_unit_path(const struct nq_board *board, uint32_t unit);  /* as it stands, without packet_ns */
uint64_t nq_board_vm_memory(const struct nq_board *board, uint32_t vm, const uint32_t *clients, const uint64_t *mem);
/* Is part of what comes to the unit through the default queues served away from its vm? */
bool nq_board_default_remote(const struct nq_board *board, uint32_t unit);
/* The unit's shortest way by any steered queue, 1/256 ns per packet. */
uint32_t nq_board_shortest(const struct nq_board *board, uint32_t unit);
uint64_t nq_board_vnic_cost(const struct nq_board *board, uint32_t vnic); /* path of its units, packet_ns included */
/* Utilization of a CPU at that load, millionths. */
uint64_t nq_board_ppm(const struct nq_board *board, uint32_t cpu, uint64_t load);
static inline uint32_t nq_board_arrive(const struct nq_board *board, uint32_t pnic, bool soft, uint32_t node)
{
	return board->arrive[((size_t)pnic * 2 + soft) * board->n_nodes + node];
}

/*
 * The CPU of that node on which one more queue disturbs least: least utilized, where each queue in use counts 5 %, then
 * fewest queues in use on its core (distinct cores before hardware threads of one), then lowest index. NQ_NONE when
 * none is online. *ret_next, if not NULL: the one that comes next.
 */
uint32_t nq_board_pick_cpu(const struct nq_board *board, uint32_t node, uint32_t *ret_next);

/* Notes. A proposal: cost of the object before and after, ns/s; what of the cost before is due to distance; one-off
 * cost, ns. */
struct nq_proposal {
	uint64_t before_ns, after_ns, remote_ns, once_ns;
};
enum nq_note_kind { NQ_NOTE_VM, NQ_NOTE_QUEUE, NQ_NOTE_VNIC };
void nq_board_note(struct nq_board *board, enum nq_note_kind kind, uint32_t object, struct nq_reason reason,
		   struct nq_rejected rejected, const struct nq_proposal *proposal);
const struct nq_note *nq_board_note_of(const struct nq_board *board, enum nq_note_kind kind, uint32_t object);

#endif
