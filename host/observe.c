/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation. An observation has two parts. Discovery finds out what there is: nodes, CPUs, interfaces,
 * queues, VMs, the MACs; it walks directories and all processes, and its result is kept as the base. The refresh
 * reads what moves: serving CPUs, homes, steering, free memory, counters; it works on a copy of the base, and reads
 * through files and sockets that stay open.
 *
 * Discovery is repeated when the kernel announced a change of links or namespaces, when a VM of the base turns
 * out to be gone or was moved, and every DISCOVER_TICKS observations for what the kernel does not announce (a process
 * that opens a tap, a MAC that a bridge learns, memory that moves, CPUs that come and go). Counters are kept by what
 * they count, not by place in the host, so rates go on across a discovery.
 *
 * A captured tree goes through the same readers, once; an hwloc XML file and a snapshot are read when they are opened.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <host/source.h>

#define DISCOVER_TICKS 15 /* 30 s at the default tick */
#define ATTEMPTS 3	  /* at a discovery in whose middle VMs vanish */

static void free_hostp(struct nq_host **host)
{
	nq_host_free(*host);
}

/* Mount point of cgroup version 2, from lines like "cgroup2 /sys/fs/cgroup cgroup2 rw,… 0 0"; the rest is nobody's
 * business. */
static void search_mounts(char *ret, size_t size)
{
	FILE *stream = fopen("/proc/self/mounts", "re");
	char line[NQ_ROOT_PATH], place[200], type[64];

	while (stream && fgets(line, sizeof(line), stream))
		if (sscanf(line, "%*s /%199s %63s", place, type) == 2 && !strcmp(type, "cgroup2"))
			snprintf(ret, size, "%s", place);
	if (stream)
		fclose(stream);
}

static void find_cgroups(struct nq_view *view)
{
	NQ_FREE void *text = NULL;
	size_t size;

	snprintf(view->cgroups, sizeof(view->cgroups), "sys/fs/cgroup");
	if (nq_root_is_live(view->root)) {
		search_mounts(view->cgroups, sizeof(view->cgroups));
		nq_root_note(view->root, "cgroups", view->cgroups, strlen(view->cgroups));
	} else if (nq_root_recall(view->root, "cgroups", &text, &size) == 0) {
		snprintf(view->cgroups, sizeof(view->cgroups), "%s", (const char *)text);
	}
}

/* A short answer that is not a file: computed on the live host, recalled from a tree. */
static bool fact(struct nq_view *view, const char *name, bool live)
{
	NQ_FREE void *text = NULL;
	size_t size;

	if (!nq_root_is_live(view->root))
		return nq_root_recall(view->root, name, &text, &size) == 0 && size > 0 && *(char *)text == 'y';
	nq_root_note(view->root, name, live ? "y\n" : "n\n", 2);
	return live;
}

static bool can_steer(void)
{
	return geteuid() == 0 && nq_steer_available() == 0;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t read_time(struct nq_view *view)
{
	NQ_FREE void *text = NULL;
	uint64_t now = now_ns();
	char live[32];
	size_t size;

	if (!nq_root_is_live(view->root))
		return nq_root_recall(view->root, "time", &text, &size) < 0 ? 0 : strtoull(text, NULL, 10);
	nq_root_note(view->root, "time", live, (size_t)snprintf(live, sizeof(live), "%llu\n", (unsigned long long)now));
	return now;
}

static int read_name(struct nq_view *view, struct nq_host *host)
{
	char name[256];

	if (nq_root_read(view->root, name, sizeof(name), "proc/sys/kernel/hostname") < 0)
		name[0] = '\0';
	host->name = nq_host_string(host, name);
	return host->name ? 0 : -ENOMEM;
}

/* The topology as hwloc exported it when the tree was captured; NULL for other trees. */
static char *exported_topology(const struct nq_source *source)
{
	char *path = NULL;

	if (source->kind != NQ_SOURCE_TREE || asprintf(&path, "%s/netlink/hwloc.xml", source->from) < 0)
		return NULL;
	if (access(path, R_OK) == 0)
		return path;
	free(path);
	return NULL;
}

static int read_tables(struct nq_source *source, struct nq_host *host)
{
	struct nq_view *view = &source->view;
	int r = nq_processes_read(view->root, &view->processes);

	if (r == -ENOMEM)
		return r;
	r = nq_links_read(view->wire, -1, &view->links);
	if (r == -ENOMEM)
		return r;
	find_cgroups(view);
	view->steering = fact(view, "steering", can_steer());
	if (view->processes.n_denied)
		return nq_notice(host, NQ_NOTICE_NO_PERMISSION, "processes",
				 "the network namespaces of %u may not be read; containers among them are not seen",
				 view->processes.n_denied);
	return 0;
}

static int notice_measuring(const struct nq_source *source, struct nq_host *host)
{
	if (!source->measure_error)
		return 0;
	return nq_notice(host, source->measure_error == -EPERM ? NQ_NOTICE_NO_PERMISSION : NQ_NOTICE_NOT_SUPPORTED,
			 "bpf", "frames cannot be counted where they enter a VM (%s); who serves them is estimated",
			 strerror(-source->measure_error));
}

static int watch_vnics(struct nq_view *view, const struct nq_host *host)
{
	NQ_FREE uint32_t *ifindex = calloc(host->n_vnics + 1, sizeof(*ifindex));
	uint32_t n = 0;

	if (!ifindex)
		return -ENOMEM;
	for (uint32_t i = 0; view->counter && i < host->n_vnics; i++) {
		const struct nq_link *link = nq_link_by_name(&view->links, host->vnics[i].name);

		if (link)
			ifindex[n++] = link->index;
	}
	return view->counter ? nq_served_watch(view->counter, ifindex, n) : 0;
}

static int discover_into(struct nq_source *source, struct nq_host *host, struct nq_fault *ret_fault)
{
	struct nq_view *view = &source->view;
	NQ_FREE char *xml = exported_topology(source);
	int r;

	nq_view_clear(view);
	r = nq_read_topology(view, xml, host, ret_fault);
	if (r == 0)
		r = read_name(view, host);
	if (r == 0)
		r = read_tables(source, host);
	if (r == 0)
		r = nq_read_pnics(view, host);
	if (r == 0)
		r = nq_read_queues(view, host);
	if (r == 0)
		r = nq_read_containers(view, host);
	if (r == 0)
		r = nq_read_tuns(view, host);
	if (r == 0)
		r = nq_settle_vms(view, host);
	if (r == 0)
		r = watch_vnics(view, host);
	return r == 0 ? notice_measuring(source, host) : r;
}

static int discover(struct nq_source *source, struct nq_fault *ret_fault)
{
	__attribute__((cleanup(free_hostp))) struct nq_host *host = NULL;
	int r = nq_host_new(&host);

	if (r == 0)
		r = discover_into(source, host, ret_fault);
	if (r < 0)
		return r;
	nq_host_free(source->base);
	source->base = host;
	source->age = 0;
	host = NULL;
	return 0;
}

/* final: VMs that end just now may stay as they were, since discovering them anew did not help. */
static int refresh(struct nq_source *source, struct nq_host *host, bool final)
{
	struct nq_view *view = &source->view;
	int r = nq_refresh_vms(view, host);

	if (r == -ESRCH && !final)
		return r;
	r = nq_refresh_nodes(view, host);
	if (r == 0)
		r = nq_refresh_queues(view, host);
	return r == 0 ? nq_refresh_steering(view, host) : r;
}

static int count(struct nq_source *source, struct nq_host *host)
{
	struct nq_counters now = { 0 };
	int r = nq_read_counters(&source->view, host, &now);

	if (r < 0) {
		nq_counters_clear(&now);
		return r;
	}
	now.time_ns = host->time_ns = read_time(&source->view);
	nq_counters_sort(&now);
	nq_apply_rates(&source->view, &source->before, &now, host);
	nq_estimate_served(host);
	nq_counters_clear(&source->before);
	source->before = now;
	return 0;
}

/* Somebody moved a VM since the discovery: its memory will follow, and memory is read at discovery. */
static bool homes_moved(const struct nq_host *base, const struct nq_host *host)
{
	for (uint32_t i = 0; i < host->n_vms; i++)
		if (!nq_nodeset_equal(&base->vms[i].home, &host->vms[i].home))
			return true;
	return false;
}

/* -ESRCH: something in the base is gone; discover again. */
static int observe_base(struct nq_source *source, bool final, struct nq_host **ret)
{
	__attribute__((cleanup(free_hostp))) struct nq_host *host = NULL;
	int r = nq_host_copy(source->base, &host);

	if (r == 0)
		r = refresh(source, host, final);
	if (r == 0)
		r = count(source, host);
	if (r < 0)
		return r;
	if (homes_moved(source->base, host))
		source->age = DISCOVER_TICKS;
	*ret = host;
	host = NULL;
	return 0;
}

static bool is_stale(struct nq_source *source)
{
	if (!source->base)
		return true;
	if (source->kind != NQ_SOURCE_LIVE)
		return false;
	return nq_wire_changed(source->view.wire) || ++source->age >= DISCOVER_TICKS;
}

int nq_source_observe(struct nq_source *source, struct nq_host **ret, struct nq_fault *ret_fault)
{
	struct nq_fault fault = { .where = "live host" };
	bool stale;
	int r = -ESRCH;

	if (!source->view.root)
		return nq_host_copy(source->base, ret);
	stale = is_stale(source);
	for (int i = 0; i < ATTEMPTS && r == -ESRCH; i++) {
		if (stale)
			r = discover(source, &fault);
		if (!stale || r == 0)
			r = observe_base(source, i == ATTEMPTS - 1, ret);
		stale = true;
	}
	if (r < 0 && !fault.what[0])
		nq_fault_set(&fault, source->from ? source->from : "live host", "%s", strerror(-r));
	if (r < 0)
		*ret_fault = fault;
	return r;
}
