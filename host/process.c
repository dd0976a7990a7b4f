/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <host/process.h>

#define STAT_TEXT 1024
#define STATUS_TEXT 8192

/* A process that ended shows as a missing file when it is opened, and as ESRCH when it is read. */
static int gone_or(int error)
{
	return error == -ENOENT ? -ESRCH : error;
}

static bool parse_pid(const char *name, uint32_t *ret)
{
	char *end;
	unsigned long value = strtoul(name, &end, 10);

	if (name[0] < '1' || name[0] > '9' || *end || value >= NQ_NONE)
		return false;
	*ret = (uint32_t)value;
	return true;
}

static int read_netns(struct nq_root *root, const char *who, uint64_t *ret)
{
	char text[64];
	int r = nq_root_link(root, text, sizeof(text), "proc/%s/ns/net", who);

	if (r < 0)
		return r;
	return sscanf(text, "net:[%" SCNu64 "]", ret) == 1 ? 0 : -EBADMSG;
}

static int compare_processes(const void *a, const void *b)
{
	const struct nq_process *x = a, *y = b;

	if (x->netns != y->netns)
		return x->netns < y->netns ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* A process that ends meanwhile is simply not there. */
static void add_process(struct nq_root *root, const char *name, struct nq_processes *processes)
{
	struct nq_process *process = &processes->process[processes->n];
	int r;

	if (!parse_pid(name, &process->pid))
		return;
	r = read_netns(root, name, &process->netns);
	if (r == 0)
		processes->n++;
	else if (r == -EACCES || r == -EPERM)
		processes->n_denied++;
}

int nq_processes_read(struct nq_root *root, struct nq_processes *ret)
{
	__attribute__((cleanup(nq_names_clear))) struct nq_names names = { 0 };
	struct nq_processes processes = { 0 };
	int r = nq_root_list(root, &names, "proc");

	if (r < 0)
		return r;
	processes.process = calloc((size_t)names.n + 1, sizeof(*processes.process));
	if (!processes.process)
		return -ENOMEM;
	for (uint32_t i = 0; i < names.n; i++)
		add_process(root, names.name[i], &processes);
	qsort(processes.process, processes.n, sizeof(*processes.process), compare_processes);
	read_netns(root, "self", &processes.own_netns);
	*ret = processes;
	return 0;
}

void nq_processes_clear(struct nq_processes *processes)
{
	free(processes->process);
	*processes = (struct nq_processes){ 0 };
}

struct nq_members nq_processes_in(const struct nq_processes *processes, uint64_t netns)
{
	struct nq_members members = { 0 };

	for (uint32_t i = 0; i < processes->n; i++) {
		if (processes->process[i].netns != netns)
			continue;
		if (!members.n++)
			members.first = i;
	}
	return members;
}

int nq_process_stat_kept(struct nq_root *root, uint32_t pid, struct nq_process_stat *ret)
{
	char text[STAT_TEXT], *open, *close;
	struct nq_process_stat stat;
	uint64_t user, system;
	int r = nq_root_read_kept(root, text, sizeof(text), "proc/%u/stat", pid);

	if (r < 0)
		return gone_or(r);
	open = strchr(text, '(');
	close = strrchr(text, ')'); /* the name itself may contain parentheses */
	if (!open || !close)
		return -EBADMSG;
	*close = '\0';
	snprintf(stat.comm, sizeof(stat.comm), "%s", open + 1);
	/* proc(5): 4 ppid, 14 utime, 15 stime, 20 num_threads, 22 starttime, 39 processor */
	if (sscanf(close + 1,
		   " %*c %u %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64 " %*d %*d %*d %*d %u %*d %" SCNu64
		   " %*u %*d %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*d %u",
		   &stat.parent, &user, &system, &stat.threads, &stat.start_time, &stat.last_cpu) != 6)
		return -EBADMSG;
	stat.ticks = user + system;
	*ret = stat;
	return 0;
}

int nq_process_cgroup(struct nq_root *root, uint32_t pid, char *ret, size_t size)
{
	char text[STATUS_TEXT], *line, *rest = text;
	int r = nq_root_read(root, text, sizeof(text), "proc/%u/cgroup", pid);

	if (r < 0)
		return gone_or(r);
	ret[0] = '\0';
	while ((line = strsep(&rest, "\n")))
		if (!strncmp(line, "0::", 3) && snprintf(ret, size, "%s", line + 3) >= (int)size)
			return -ENAMETOOLONG;
	return 0;
}

/* Value of "key:<white space>value" in status text, or NULL; ends the line there. */
static char *status_value(char *text, const char *key)
{
	size_t length = strlen(key);
	char *line = text;

	while (strncmp(line, key, length) != 0 || line[length] != ':') {
		line = strchr(line, '\n');
		if (!line)
			return NULL;
		line++;
	}
	line += length + 1;
	line += strspn(line, " \t");
	line[strcspn(line, "\n")] = '\0';
	return line;
}

static int ask_affinity(uint32_t pid, struct nq_cpumask *ret)
{
	struct nq_cpumask mask = { 0 };

	/* both are arrays of words with the lowest CPU in the lowest bit */
	if (sched_getaffinity((pid_t)pid, sizeof(mask), (cpu_set_t *)&mask) < 0)
		return -errno;
	*ret = mask;
	return 0;
}

int nq_process_affinity(struct nq_root *root, uint32_t pid, struct nq_cpumask *ret)
{
	char text[STATUS_TEXT], *list;
	int r;

	if (nq_root_is_live(root) && !nq_root_capture(root)) /* 10 times cheaper than the file */
		return ask_affinity(pid, ret);
	r = nq_root_read(root, text, sizeof(text), "proc/%u/status", pid);
	if (r < 0)
		return gone_or(r);
	list = status_value(text, "Cpus_allowed_list");
	return list ? nq_cpulist_parse(list, ret) : -EBADMSG;
}

int nq_process_runtime_kept(struct nq_root *root, uint32_t pid, uint64_t *ret)
{
	char text[128];
	int r = nq_root_read_kept(root, text, sizeof(text), "proc/%u/schedstat", pid);

	if (r < 0)
		return gone_or(r);
	return sscanf(text, "%" SCNu64, ret) == 1 ? 0 : -EBADMSG;
}

int nq_process_fixed_memory(struct nq_root *root, uint32_t pid, bool *ret)
{
	static const char *const keys[] = { "VmLck", "HugetlbPages" };
	char text[STATUS_TEXT], copy[STATUS_TEXT];
	int r = nq_root_read(root, text, sizeof(text), "proc/%u/status", pid);
	bool fixed = false;

	if (r < 0)
		return gone_or(r);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const char *value = status_value(strcpy(copy, text), keys[i]);

		fixed |= value && strtoull(value, NULL, 10) > 0;
	}
	*ret = fixed;
	return 0;
}

/* One mapping: "7f… default file=… N0=12 N2=3 kernelpagesize_kB=4" */
static void add_mapping(char *line, uint64_t *node, uint32_t n)
{
	const char *size = strstr(line, "kernelpagesize_kB=");
	uint64_t page = (size ? strtoull(size + strlen("kernelpagesize_kB="), NULL, 10) : 4) << 10;
	char *word;

	while ((word = strsep(&line, " "))) {
		uint32_t id;
		uint64_t pages;

		if (sscanf(word, "N%" SCNu32 "=%" SCNu64, &id, &pages) == 2 && id < n)
			node[id] += pages * page;
	}
}

int nq_process_memory(struct nq_root *root, uint32_t pid, uint64_t *node, uint32_t n)
{
	NQ_FREE char *text = NULL;
	char *rest, *line;
	int r = nq_root_read_all(root, &text, "proc/%u/numa_maps", pid);

	if (r < 0)
		return gone_or(r);
	for (rest = text; (line = strsep(&rest, "\n"));)
		add_mapping(line, node, n);
	return 0;
}

int nq_process_find(struct nq_root *root, const char *prefix,
		    int (*found)(uint32_t pid, const char *name, void *userdata), void *userdata)
{
	__attribute__((cleanup(nq_names_clear))) struct nq_names names = { 0 };
	int r = nq_root_list(root, &names, "proc");

	for (uint32_t i = 0; r >= 0 && i < names.n; i++) {
		char comm[64];
		uint32_t pid;

		if (!parse_pid(names.name[i], &pid) || nq_root_read(root, comm, sizeof(comm), "proc/%u/comm", pid) < 0)
			continue;
		if (!strncmp(comm, prefix, strlen(prefix)))
			r = found(pid, comm, userdata);
	}
	return r < 0 ? r : 0;
}
