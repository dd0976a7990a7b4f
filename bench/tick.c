/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CPU time of one observing tick (observe, then plan) for 10 to 1,000 vnics, as JSON lines, with the ratio to the
 * smallest.
 *
 * The vnics are real: veth pairs of a network namespace of this process's own, each leading into the namespace of a
 * child that only waits. Nothing outside is touched, and all of it goes with the processes. Needs root.
 */
#include "bench/measure.h"
#include "host/observe.h"

#include <errno.h>
#include <inttypes.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	MOST = 1000,
	RUNS = 9,
};

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench/tick: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* A container: a process with a network namespace of its own. Returns when that exists. */
static pid_t start_container(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	must(pipe(ready) == 0, "pipe");
	pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) != 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	must(read(ready[0], &byte, 1) == 1, "a namespace for a container");
	close(ready[0]);
	return pid;
}

static void put_peer(struct nlmsghdr *message, pid_t pid)
{
	struct nlattr *peer = mnl_attr_nest_start(message, VETH_INFO_PEER);

	mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(message, IFLA_IFNAME, "eth0");
	mnl_attr_put_u32(message, IFLA_NET_NS_PID, (uint32_t)pid);
	mnl_attr_nest_end(message, peer);
}

static void add_veth(struct mnl_socket *socket, unsigned index, pid_t pid)
{
	char buffer[1024], name[IFNAMSIZ];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nlattr *linkinfo, *data;
	ssize_t n;

	message->nlmsg_type = RTM_NEWLINK;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK;
	mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
	snprintf(name, sizeof(name), "veth%u", index);
	mnl_attr_put_strz(message, IFLA_IFNAME, name);
	linkinfo = mnl_attr_nest_start(message, IFLA_LINKINFO);
	mnl_attr_put_strz(message, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
	put_peer(message, pid);
	mnl_attr_nest_end(message, data);
	mnl_attr_nest_end(message, linkinfo);
	must(mnl_socket_sendto(socket, message, message->nlmsg_len) > 0, name);
	n = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
	must(n > 0 && mnl_cb_run(buffer, (size_t)n, 0, 0, NULL, NULL) >= 0, name);
}

/* sysfs shows the interfaces of the namespace in which it was mounted. */
static void enter_namespace(void)
{
	must(unshare(CLONE_NEWNET | CLONE_NEWNS) == 0, "a network namespace (root?)");
	must(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mounts of its own");
	must(mount("sysfs", "/sys", "sysfs", 0, NULL) == 0, "/sys");
}

struct result {
	uint64_t observe_ns, plan_ns; /* medians */
	uint32_t vnics;
};

static struct nq_host *observe(struct nq_source *source)
{
	struct nq_fault fault = { 0 };
	struct nq_host *host = NULL;

	if (nq_source_observe(source, &host, &fault) < 0) {
		fprintf(stderr, "bench/tick: %s: %s\n", fault.where, fault.what);
		exit(1);
	}
	return host;
}

static struct result measure(bool counting)
{
	struct nq_source_options options = { .measure = counting };
	struct nq_fault fault = { 0 };
	struct nq_policy policy;
	struct nq_source *source;
	uint64_t observed[RUNS], planned[RUNS];
	struct result result = { 0 };

	nq_policy_init(&policy);
	must(nq_source_open(NULL, &options, &source, &fault) == 0, fault.what);
	nq_host_free(observe(source));
	for (unsigned run = 0; run < RUNS; run++) {
		uint64_t begin = bench_cpu_ns(), middle;
		struct nq_host *host = observe(source);
		struct nq_plan *plan = NULL;

		middle = bench_cpu_ns();
		must(nq_plan_make(host, &policy, NULL, &plan) == 0, "plan");
		planned[run] = bench_cpu_ns() - middle;
		observed[run] = middle - begin;
		result.vnics = host->n_vnics;
		nq_plan_free(plan);
		nq_host_free(host);
	}
	nq_source_close(source);
	result.observe_ns = bench_median(observed, RUNS);
	result.plan_ns = bench_median(planned, RUNS);
	return result;
}

int main(int argc, char **argv)
{
	static const unsigned sizes[] = { 10, 30, 100, 300, MOST };
	struct mnl_socket *socket;
	uint64_t smallest[2] = { 0 };
	unsigned made = 0;

	(void)argc;
	enter_namespace();
	socket = mnl_socket_open(NETLINK_ROUTE);
	must(socket && mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0, "netlink");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (; made < sizes[i]; made++)
			add_veth(socket, made, start_container());
		for (int counting = 0; counting <= 1; counting++) {
			struct result result = measure(counting);
			uint64_t total = result.observe_ns + result.plan_ns;

			smallest[counting] = smallest[counting] ? smallest[counting] : total;
			printf("{\"bench\":\"tick\",\"command\":\"%s\",\"vnics\":%u,\"counting_with_bpf\":%s,\"runs\":%"
			       "d,"
			       "\"observe_cpu_ns\":%" PRIu64 ",\"plan_cpu_ns\":%" PRIu64 ",\"ratio\":%.2f}\n",
			       argv[0], result.vnics, counting ? "true" : "false", RUNS, result.observe_ns,
			       result.plan_ns, (double)total / (double)smallest[counting]);
			fflush(stdout);
		}
	}
	mnl_socket_close(socket);
	return ferror(stdout) ? 1 : 0;
}
