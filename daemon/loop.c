/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/loop.h"
#include "host/observe.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>

struct loop {
	const struct nq_loop_options *options;
	const struct nq_loop_events *events;
	void *userdata;
	struct nq_fault *fault;

	sd_event *event;
	struct nq_config *config;
	struct nq_source *source;
	struct nq_applier *applier; /* NULL when not acting */
	struct nq_memory *memory;
	struct nq_verification verification;
	uint64_t ticks;
	unsigned failed; /* actions and settings that did not end as wanted */
	bool blind;	 /* the last observation failed, and that was said */
};

static void say(const struct loop *loop, enum nq_loop_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void say(const struct loop *loop, enum nq_loop_level level, const char *format, ...)
{
	char text[sizeof(struct nq_fault) + 128];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	loop->events->message(level, text, loop->userdata);
}

static int fail(const struct loop *loop, const char *what, int error)
{
	nq_fault_set(loop->fault, "", "%s: %s", what, strerror(-error));
	return error;
}

/* ---- one tick ---- */

/* A host that cannot be seen for one tick is no reason to stop: it is said once, and the next tick looks again. */
static int observe(struct loop *loop, struct nq_host **ret)
{
	int r = nq_source_observe(loop->source, ret, loop->fault);

	if (r == 0) {
		loop->blind = false;
		return 0;
	}
	if (loop->options->once)
		return r;
	if (!loop->blind)
		say(loop, NQ_LOOP_ERROR, "cannot observe: %s%s%s", loop->fault->where,
		    loop->fault->where[0] ? ": " : "", loop->fault->what);
	loop->blind = true;
	return 0;
}

/* The first look at a live host has no rates: a plan on it would take every vm for silent. */
static bool has_rates(const struct loop *loop, const struct nq_host *host)
{
	return nq_source_kind(loop->source) != NQ_SOURCE_LIVE || host->interval_ns > 0;
}

/* Remembers and promises only what was done: an action that failed starts no dwell and predicts nothing. */
static int learn(struct loop *loop, const struct nq_host *host, const struct nq_plan *plan,
		 const struct nq_outcome *outcomes)
{
	bool *done = calloc(plan->n_actions ? plan->n_actions : 1, sizeof(*done));
	int r = done ? 0 : -ENOMEM;

	for (uint32_t i = 0; r == 0 && i < plan->n_actions; i++) {
		done[i] = outcomes[i].kind == NQ_OUTCOME_DONE;
		if (done[i])
			r = nq_memory_learn(loop->memory, &loop->config->policy, host, plan, i);
	}
	if (r == 0)
		r = nq_verify_promise(&loop->verification, host, &loop->config->policy, plan, done);
	free(done);
	return r;
}

static int apply(struct loop *loop, const struct nq_host *host, const struct nq_plan *plan, struct nq_outcome **ret)
{
	struct nq_outcome *outcomes = calloc(plan->n_actions ? plan->n_actions : 1, sizeof(*outcomes));
	int r = outcomes ? 0 : -ENOMEM;

	if (r == 0)
		r = nq_applier_apply(loop->applier, host, plan, outcomes);
	if (r < 0) {
		free(outcomes);
		return fail(loop, "cannot act", r);
	}
	loop->failed += (unsigned)r;
	*ret = outcomes;
	return 0;
}

/* Observe, verify the plan before, plan, apply, tell, learn. 0, 1 when it was a tick that counts, or -errno. */
static int tick(struct loop *loop)
{
	struct nq_host *host = NULL;
	struct nq_plan *plan = NULL;
	struct nq_outcome *outcomes = NULL;
	struct nq_loop_tick seen = { .number = loop->ticks + 1 };
	int r = observe(loop, &host);

	if (r < 0 || !host || !has_rates(loop, host))
		goto out;
	nq_verify_tick(&loop->verification, host);
	seen.verified = &loop->verification;
	r = nq_plan_make(host, &loop->config->policy, loop->memory, &plan);
	if (r < 0) {
		fail(loop, "cannot plan", r);
		goto out;
	}
	/* While a promise is open the counters still move: the next plan waits for what the last one brought. */
	seen.held = loop->applier && loop->verification.verdict == NQ_VERDICT_WAIT;
	if (loop->applier && !seen.held)
		r = apply(loop, host, plan, &outcomes);
	if (r < 0)
		goto out;
	seen.host = host;
	seen.plan = plan;
	seen.outcomes = outcomes;
	loop->ticks++;
	r = loop->events->tick(&seen, loop->userdata);
	/* After telling: a new promise takes the place of the old one's verdict. */
	if (outcomes && learn(loop, host, plan, outcomes) < 0 && r == 0)
		r = fail(loop, "cannot learn", -ENOMEM);
	if (r == 0)
		r = 1;
out:
	free(outcomes);
	nq_plan_free(plan);
	nq_host_free(host);
	return r;
}

/* ---- events ---- */

static uint64_t tick_us(const struct loop *loop)
{
	return (loop->options->tick_ms ? loop->options->tick_ms : loop->config->tick_ms) * 1000;
}

static int on_tick(sd_event_source *timer, uint64_t due_us, void *userdata)
{
	struct loop *loop = userdata;
	uint64_t now_us;
	int r = tick(loop);

	if (r < 0 || (r > 0 && loop->options->once))
		return sd_event_exit(loop->event, r < 0 ? r : 0);
	/* A tick that took too long is left out, not caught up with: two at once would have no interval between them.
	 */
	sd_event_now(loop->event, CLOCK_BOOTTIME, &now_us);
	do
		due_us += tick_us(loop);
	while (due_us < now_us);
	sd_event_source_set_time(timer, due_us);
	return sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct loop *loop = userdata;

	(void)source;
	say(loop, NQ_LOOP_INFO, "stopping: %s", strsignal((int)info->ssi_signo));
	return sd_event_exit(loop->event, 0);
}

static int on_end(sd_event_source *source, uint64_t due_us, void *userdata)
{
	struct loop *loop = userdata;

	(void)source;
	(void)due_us;
	return sd_event_exit(loop->event, 0);
}

static int open_source(const struct loop *loop, const struct nq_config *config, struct nq_source **ret,
		       struct nq_fault *fault)
{
	struct nq_source_options options = { .exclude = (const char *const *)config->exclude, .measure = true };

	return nq_source_open(loop->options->from, &options, ret, fault);
}

/* All of the new configuration or none of it. The journal stays where it is: it belongs to what was already changed. */
static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct loop *loop = userdata;
	struct nq_config *config = NULL;
	struct nq_source *opened = NULL;
	struct nq_fault fault = { 0 };
	int r = nq_config_load(loop->options->config, &config, &fault);

	(void)source;
	(void)info;
	if (r == 0)
		r = open_source(loop, config, &opened, &fault);
	if (r < 0) {
		nq_config_free(config);
		say(loop, NQ_LOOP_ERROR, "configuration not reloaded, the old one stays: %s%s%s", fault.where,
		    fault.where[0] ? ": " : "", fault.what);
		return 0;
	}
	nq_config_free(loop->config);
	nq_source_close(loop->source);
	loop->config = config;
	loop->source = opened;
	say(loop, NQ_LOOP_INFO, "configuration reloaded");
	return 0;
}

/* From the first moment on: whoever asks for an end while the leftovers of a crash are put back gets one in order. */
static int hold_signals(const struct loop *loop)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	return sigprocmask(SIG_BLOCK, &set, NULL) == 0 ? 0 : fail(loop, "cannot start", -errno);
}

static int add_signals(struct loop *loop)
{
	int r = sd_event_add_signal(loop->event, NULL, SIGTERM, on_stop, loop);

	if (r >= 0)
		r = sd_event_add_signal(loop->event, NULL, SIGINT, on_stop, loop);
	if (r >= 0)
		r = sd_event_add_signal(loop->event, NULL, SIGHUP, on_reload, loop);
	return r;
}

static int add_timers(struct loop *loop)
{
	uint64_t now_us;
	int r = sd_event_now(loop->event, CLOCK_BOOTTIME, &now_us);

	if (r >= 0)
		r = sd_event_add_time(loop->event, NULL, CLOCK_BOOTTIME, now_us, 1000, on_tick, loop);
	if (r >= 0 && loop->options->for_ms)
		r = sd_event_add_time(loop->event, NULL, CLOCK_BOOTTIME, now_us + loop->options->for_ms * 1000, 1000,
				      on_end, loop);
	return r;
}

static int run_events(struct loop *loop)
{
	int r = sd_event_new(&loop->event);

	if (r >= 0)
		r = add_signals(loop);
	if (r >= 0)
		r = add_timers(loop);
	if (r < 0)
		return fail(loop, "cannot start", r);
	return sd_event_loop(loop->event);
}

/* ---- from start to stop ---- */

static int restore(struct loop *loop)
{
	int r = nq_applier_restore(loop->applier, false, loop->events->restored, loop->userdata);

	if (r < 0)
		return fail(loop, "cannot restore", r);
	loop->failed += (unsigned)r;
	return 0;
}

/* Values in the journal at the start are those of a run that was killed: put back before the host is looked at. */
static int open_applier(struct loop *loop)
{
	const char *state = loop->options->state ? loop->options->state : loop->config->state;
	int held, r = nq_applier_open(state, &loop->applier, loop->fault);

	if (r < 0)
		return r;
	held = nq_applier_held(loop->applier);
	if (held < 0)
		return fail(loop, state, held);
	if (held == 0)
		return 0;
	say(loop, NQ_LOOP_INFO, "an earlier nearq left %d settings changed; putting them back first", held);
	return restore(loop);
}

static int start(struct loop *loop)
{
	int r = hold_signals(loop);

	if (r == 0)
		r = nq_config_load(loop->options->config, &loop->config, loop->fault);
	if (r == 0 && loop->options->act)
		r = open_applier(loop);
	if (r == 0)
		r = open_source(loop, loop->config, &loop->source, loop->fault);
	if (r < 0)
		return r;
	r = nq_memory_new(&loop->memory);
	return r < 0 ? fail(loop, "cannot start", r) : 0;
}

/* The first failure counts; what is owed is paid all the same. */
static int stop(struct loop *loop, int failure)
{
	int r = loop->applier && !loop->options->keep ? restore(loop) : 0;

	return failure < 0 ? failure : r < 0 ? r : (int)loop->failed;
}

int nq_loop_run(const struct nq_loop_options *options, const struct nq_loop_events *events, void *userdata,
		struct nq_fault *ret_fault)
{
	struct nq_fault fault = { 0 };
	struct loop loop = { .options = options, .events = events, .userdata = userdata, .fault = &fault };
	int r = start(&loop);

	if (r == 0)
		r = stop(&loop, run_events(&loop));
	if (r < 0)
		*ret_fault = fault;
	nq_verify_clear(&loop.verification);
	nq_memory_free(loop.memory);
	nq_source_close(loop.source);
	nq_applier_close(loop.applier);
	nq_config_free(loop.config);
	sd_event_unref(loop.event);
	return r;
}
