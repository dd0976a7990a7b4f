/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * S2: frames are counted on the CPU that brings them into the interface, and only in the observer's own namespace. Runs
 * in network namespaces of its own, whose loopback interfaces all have number 1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <host/view.h>

#define LOOPBACK 1u
#define FRAMES 100u

static int enter_new_namespace(void)
{
	struct ifreq up = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd, r;

	if (unshare(CLONE_NEWNET) < 0)
		return -errno;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	r = ioctl(fd, SIOCSIFFLAGS, &up) < 0 ? -errno : 0;
	close(fd);
	return r;
}

static void send_from(int cpu)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(9),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	assert_int_equal(sched_setaffinity(0, sizeof(set), &set), 0);
	for (uint32_t i = 0; i < FRAMES; i++)
		sendto(fd, "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&to,
		       sizeof(to)); /* refused, since nobody listens; sent before */
	close(fd);
}

static uint64_t count(struct nq_served_counter *counter, uint32_t cpu)
{
	struct nq_counters counters = { 0 };
	uint64_t value = 0;

	assert_int_equal(nq_served_read(counter, &counters), 0);
	for (uint32_t i = 0; i < counters.n; i++)
		if (counters.counter[i].key == nq_counter_key(NQ_COUNTER_SERVED, LOOPBACK, cpu))
			value = counters.counter[i].value[0];
	nq_counters_clear(&counters);
	return value;
}

static void frames_by_cpu(void **state)
{
	const uint32_t loopback = LOOPBACK;
	int last = (int)sysconf(_SC_NPROCESSORS_ONLN) - 1;
	struct nq_served_counter *counter;
	uint64_t before;

	(void)state;
	if (enter_new_namespace() < 0)
		skip();
	if (nq_served_open(&counter) < 0)
		skip(); /* no BPF in this build or kernel */
	send_from(0);
	assert_true(count(counter, NQ_COUNTER_ALL) == 0); /* not watched */
	assert_int_equal(nq_served_watch(counter, &loopback, 1), 0);
	send_from(last);
	before = count(counter, (uint32_t)last);
	assert_true(before >= FRAMES); /* and answers of the kernel */
	assert_true(last == 0 || count(counter, 0) == 0);
	assert_int_equal(nq_served_watch(counter, &loopback, 1), 0); /* goes on counting */
	assert_true(count(counter, (uint32_t)last) == before);

	assert_int_equal(enter_new_namespace(), 0); /* the counter stays with the first one */
	send_from(last);
	assert_true(count(counter, (uint32_t)last) == before);

	assert_int_equal(nq_served_watch(counter, NULL, 0), 0);
	assert_true(count(counter, NQ_COUNTER_ALL) == 0);
	assert_null(nq_served_close(counter));
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(frames_by_cpu) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
