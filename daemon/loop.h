/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The loop: observe, plan, apply, verify, tick after tick, on sd-event.
 *
 * It starts by putting back what a crashed run left behind (acting only), and it stops on SIGTERM, SIGINT, after
 * `for_ms`, or after one tick; an acting loop that stops puts its settings back unless `keep`. SIGHUP reads the
 * configuration again; a bad one is reported and the old one stays. What happens is told through nq_loop_events: the
 * loop itself prints nothing.
 */
#ifndef NEARQ_DAEMON_LOOP_H
#define NEARQ_DAEMON_LOOP_H

#include "daemon/config.h"
#include "daemon/verify.h"
#include "host/apply.h"

struct nq_loop_options {
	const char *from;   /* as for nq_source_open(); must be NULL when acting */
	const char *config; /* path, NULL: the default one */
	const char *state;  /* directory of the journal, NULL: from the configuration */
	uint64_t tick_ms;   /* 0: from the configuration */
	uint64_t for_ms;    /* 0: until a signal */
	bool once, act, keep;
};

struct nq_loop_tick {
	uint64_t number; /* from 1 */
	const struct nq_host *host;
	const struct nq_plan *plan;
	const struct nq_outcome *outcomes;	/* one per action; NULL when they were not carried out */
	bool held;				/* acting, but not now: the plan before is still being verified */
	const struct nq_verification *verified; /* of the plan before; verdict NONE when there was nothing to verify */
};

enum nq_loop_level {
	NQ_LOOP_INFO,
	NQ_LOOP_ERROR,
};

struct nq_loop_events {
	/* A non-zero return stops the loop, which then fails with it (after putting back what it owes). */
	int (*tick)(const struct nq_loop_tick *tick, void *userdata);
	void (*message)(enum nq_loop_level level, const char *text, void *userdata);
	nq_restored_fn restored;
};

/*
 * 0; the number of actions and restored settings that failed; or -errno with *ret_fault. Signals that the loop handles
 * are blocked in the calling thread while it runs.
 */
int nq_loop_run(const struct nq_loop_options *options, const struct nq_loop_events *events, void *userdata,
		struct nq_fault *ret_fault);

#endif
