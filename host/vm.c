/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What all kinds of VM have in common: main process, cgroup, name, CPUs, home, memory.
 *
 * The cgroup of a VM is the deepest one that holds all its processes, provided that nobody else's process
 * is in it: changing it changes this VM and nothing else, its accounts are the VM's, and its name is a
 * better one than a pid. Otherwise the VM has no cgroup and everything goes by process.
 *
 * The home is where the main process may run, which already is the intersection of its own affinity and
 * all cpusets above it. Memory is read at discovery only: a cgroup's per node figures, or else the page tables of
 * its processes, which is slow.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <host/view.h>

#define WALKED_MAX 16 /* processes of one VM whose page tables are walked */

static const struct nq_process *member(const struct nq_view *view, struct nq_members members, uint32_t i)
{
	return &view->processes.process[members.first + i];
}

static bool is_member(const struct nq_view *view, struct nq_members members, uint32_t pid)
{
	for (uint32_t i = 0; i < members.n; i++)
		if (member(view, members, i)->pid == pid)
			return true;
	return false;
}

/* Cuts a path to the directory that it shares with another one. */
static void common_directory(char *path, const char *other)
{
	while (*path) {
		size_t length = strlen(path);
		char *slash;

		if (!strncmp(path, other, length) && (!other[length] || other[length] == '/'))
			return;
		slash = strrchr(path, '/');
		*(slash ? slash : path) = '\0';
	}
}

/* Is every process in this cgroup one of the VM's? */
static bool owns_cgroup(struct nq_view *view, struct nq_members members, const char *path)
{
	NQ_FREE char *text = NULL;
	char *rest, *word;

	if (nq_root_read_all(view->root, &text, "%s%s/cgroup.procs", view->cgroups, path) < 0)
		return false;
	for (rest = text; (word = strsep(&rest, "\n"));)
		if (*word && !is_member(view, members, (uint32_t)strtoul(word, NULL, 10)))
			return false;
	return true;
}

/* "" when the VM has no cgroup of its own. */
static void find_cgroup(struct nq_view *view, struct nq_members members, char *ret, size_t size)
{
	char path[NQ_SHORT_TEXT];

	ret[0] = '\0';
	for (uint32_t i = 0; i < members.n; i++) {
		if (nq_process_cgroup(view->root, member(view, members, i)->pid, path, sizeof(path)) < 0)
			continue;
		if (!ret[0])
			snprintf(ret, size, "%s", path);
		common_directory(ret, path);
	}
	if (ret[0] && (!strcmp(ret, "/") || !owns_cgroup(view, members, ret)))
		ret[0] = '\0';
}

/* The oldest process, and how many threads all have. -ESRCH: all are gone. */
static int find_main(struct nq_view *view, struct nq_members members, struct nq_process_stat *ret, uint32_t *ret_pid)
{
	struct nq_process_stat oldest = { .start_time = UINT64_MAX }, stat;
	uint32_t threads = 0;

	for (uint32_t i = 0; i < members.n; i++) {
		if (nq_process_stat_kept(view->root, member(view, members, i)->pid, &stat) < 0)
			continue;
		threads += stat.threads;
		if (stat.start_time >= oldest.start_time)
			continue;
		oldest = stat;
		*ret_pid = member(view, members, i)->pid;
	}
	if (!threads)
		return -ESRCH;
	*ret = oldest;
	ret->threads = threads;
	return 0;
}

/* The wanted name, or with a number when another VM has it. */
static const char *unique_name(struct nq_host *host, const char *wanted)
{
	char text[NQ_SHORT_TEXT];

	snprintf(text, sizeof(text), "%s", wanted);
	for (uint32_t i = 2; nq_host_vm_by_name(host, text) != NQ_NONE; i++)
		snprintf(text, sizeof(text), "%.900s-%u", wanted, i);
	return nq_host_string(host, text);
}

static const char *choose_name(struct nq_host *host, const struct nq_vm_finding *finding, const char *cgroup,
			       const char *comm, uint32_t pid)
{
	char text[128];

	if (finding->name)
		return unique_name(host, finding->name);
	if (cgroup[0])
		return unique_name(host, strrchr(cgroup, '/') + 1);
	snprintf(text, sizeof(text), "%s-%u", comm, pid);
	return unique_name(host, text);
}

static uint32_t n_online(const struct nq_host *host)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < host->n_cpus; i++)
		n += host->cpus[i].online;
	return n;
}

static void set_home_everywhere(const struct nq_host *host, struct nq_vm *vm)
{
	for (uint32_t i = 0; i < host->n_cpus; i++)
		if (host->cpus[i].online)
			nq_nodeset_add(&vm->home, host->cpus[i].node);
	vm->placed = false;
}

/* From the CPUs it may use. *ret_allowed: how many of the online ones. The VM is untouched on failure. */
static int read_home(struct nq_view *view, const struct nq_host *host, struct nq_vm *vm, uint32_t *ret_allowed)
{
	struct nq_nodeset home = { 0 };
	struct nq_cpumask mask;
	uint32_t allowed = 0;
	int r = nq_process_affinity(view->root, vm->pid, &mask);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < host->n_cpus; i++) {
		if (!host->cpus[i].online || !nq_cpumask_has(&mask, host->cpus[i].id))
			continue;
		nq_nodeset_add(&home, host->cpus[i].node);
		allowed++;
	}
	if (!allowed)
		return -ESRCH; /* a dead process has no CPUs */
	vm->home = home;
	vm->placed = allowed < n_online(host);
	/* Whoever confined it, by a cpuset or a pin, had a reason that is not seen here: its home is not nearq's to change. */
	vm->pinned = vm->placed;
	*ret_allowed = allowed;
	return 0;
}

/* Lines like "anon N0=4096 N1=8192" of cgroup version 2; what else is in the file is part of these or the kernel's. */
static void add_numa_stat(const struct nq_host *host, char *text, uint64_t *mem)
{
	char *line, *word;

	while ((line = strsep(&text, "\n"))) {
		if (strncmp(line, "anon ", 5) != 0 && strncmp(line, "file ", 5) != 0)
			continue;
		while ((word = strsep(&line, " "))) {
			uint32_t id, node;
			uint64_t bytes;

			if (sscanf(word, "N%" SCNu32 "=%" SCNu64, &id, &bytes) != 2)
				continue;
			node = nq_host_node_by_id(host, id);
			if (node != NQ_NONE)
				mem[node] += bytes;
		}
	}
}

static int walk_memory(struct nq_view *view, const struct nq_host *host, struct nq_members members, uint64_t *mem)
{
	NQ_FREE uint64_t *by_id = calloc(NQ_MAX_NODES, sizeof(*by_id));

	if (!by_id)
		return -ENOMEM;
	for (uint32_t i = 0; i < members.n && i < WALKED_MAX; i++)
		nq_process_memory(view->root, member(view, members, i)->pid, by_id, NQ_MAX_NODES);
	for (uint32_t i = 0; i < host->n_nodes; i++)
		mem[i] += by_id[host->nodes[i].id];
	return 0;
}

static int read_memory(struct nq_view *view, const struct nq_host *host, struct nq_members members, struct nq_vm *vm)
{
	char text[8192];
	int r = 0;

	if (vm->cgroup[0] &&
	    nq_root_read(view->root, text, sizeof(text), "%s%s/memory.numa_stat", view->cgroups, vm->cgroup) > 0)
		add_numa_stat(host, text, vm->mem);
	else
		r = walk_memory(view, host, members, vm->mem);
	/* the two figures are of different instants, and shared pages are counted once for each process */
	for (uint32_t i = 0; i < host->n_nodes; i++)
		if (vm->mem[i] > host->nodes[i].mem_total)
			vm->mem[i] = host->nodes[i].mem_total;
	return r;
}

static int remember_members(struct nq_view *view, struct nq_members members)
{
	struct nq_members *grown = reallocarray(view->members, view->n_members + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	view->members = grown;
	grown[view->n_members++] = members;
	return 0;
}

/* Limit of the cgroup's CPU time in CPUs, rounded up; NQ_NONE without one. */
static uint32_t cpu_limit(struct nq_view *view, const char *cgroup)
{
	uint64_t quota, period;
	char text[64];

	if (!cgroup[0] || nq_root_read(view->root, text, sizeof(text), "%s%s/cpu.max", view->cgroups, cgroup) <= 0 ||
	    sscanf(text, "%" SCNu64 " %" SCNu64, &quota, &period) != 2 || !period)
		return NQ_NONE;
	return (uint32_t)((quota + period - 1) / period);
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static int fill_from_processes(struct nq_view *view, struct nq_host *host, const struct nq_vm_finding *finding,
			       struct nq_vm *vm)
{
	char cgroup[NQ_SHORT_TEXT];
	struct nq_process_stat stat;
	uint32_t allowed, limit;
	int r = find_main(view, finding->members, &stat, &vm->pid);

	if (r == 0)
		r = read_home(view, host, vm, &allowed);
	if (r < 0)
		return r;
	find_cgroup(view, finding->members, cgroup, sizeof(cgroup));
	vm->cgroup = nq_host_string(host, cgroup);
	vm->name = choose_name(host, finding, cgroup, stat.comm, vm->pid);
	if (!vm->cgroup || !vm->name)
		return -ENOMEM;
	limit = cpu_limit(view, cgroup);
	vm->cpus = least(stat.threads, least(allowed, limit ? limit : 1));
	nq_process_fixed_memory(view->root, vm->pid, &vm->mem_fixed);
	return 0;
}

/* What /proc and cgroups tell; all else stays as the builder of the host has it. */
static void take_found(struct nq_vm *to, const struct nq_vm *found)
{
	to->name = found->name;
	to->kind = found->kind;
	to->cgroup = found->cgroup;
	to->pid = found->pid;
	to->cpus = found->cpus;
	to->home = found->home;
	to->placed = found->placed;
	to->pinned = found->pinned;
	to->mem_fixed = found->mem_fixed;
}

int nq_add_vm(struct nq_view *view, struct nq_host *host, const struct nq_vm_finding *finding, uint32_t *ret)
{
	struct nq_vm vm = { .kind = finding->kind, .name = finding->name, .cgroup = "", .pid = NQ_NONE, .cpus = 1 };
	struct nq_vm *added;
	int r = 0;

	if (finding->members.n)
		r = fill_from_processes(view, host, finding, &vm);
	else
		set_home_everywhere(host, &vm);
	if (r < 0)
		return r;
	if (!finding->members.n)
		vm.name = unique_name(host, finding->name);
	added = nq_host_add_vm(host);
	if (!added || !vm.name)
		return -ENOMEM;
	take_found(added, &vm);
	r = remember_members(view, finding->members);
	if (r == 0)
		r = read_memory(view, host, finding->members, added);
	*ret = host->n_vms - 1;
	return r;
}

int nq_refresh_vms(struct nq_view *view, struct nq_host *host)
{
	int result = 0;

	for (uint32_t i = 0; i < host->n_vms; i++) {
		uint32_t allowed;
		int r = host->vms[i].pid == NQ_NONE ? 0 : read_home(view, host, &host->vms[i], &allowed);

		if (r == -ESRCH) /* what cannot be read otherwise stays as it was found */
			result = r;
	}
	return result;
}
