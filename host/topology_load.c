/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation. hwloc trusts what it reads: at some damaged XML files and trees it follows a bad pointer or
 * fails an assertion, and other people's captures are read by a daemon and by a library inside a hypervisor. So input
 * that is not the live host is loaded by a child process, which hands the result back as XML of hwloc's own making;
 * when the child dies, the input was bad. The child is also the right place for the environment variables by which
 * alone hwloc can be told to look into another root directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <host/topology.h>

#define CHILD_SECONDS 20u /* a machine of 1,024 nodes takes less than one */

static int load(hwloc_topology_t topology, bool devices)
{
	hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
	if (devices)
		hwloc_topology_set_io_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_ALL);
	return hwloc_topology_load(topology) < 0 ? -EBADMSG : 0;
}

static int write_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, text, length);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			length -= (size_t)n;
		}
	}
	return 0;
}

static int load_and_write(const char *xml, const char *tree, int fd)
{
	hwloc_topology_t topology;
	char *text;
	int length;

	if (!xml) {
		setenv("HWLOC_FSROOT", tree, 1);
		setenv("HWLOC_COMPONENTS", "linux,stop", 1);
	}
	if (hwloc_topology_init(&topology) < 0 || (xml && hwloc_topology_set_xml(topology, xml) < 0) ||
	    load(topology, xml) < 0 || hwloc_topology_export_xmlbuffer(topology, &text, &length, 0) < 0)
		return -EBADMSG;
	return write_all(fd, text, (size_t)length - 1);
}

static void be_child(const char *xml, const char *tree, int fd)
{
	const struct rlimit none = { 0 };
	int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);

	setrlimit(RLIMIT_CORE, &none);
	dup2(quiet, STDERR_FILENO); /* the parent tells of it as a fault */
	alarm(CHILD_SECONDS);
	_exit(load_and_write(xml, tree, fd) < 0);
}

/* Everything up to the end of the file. */
static int read_all(int fd, char **ret, size_t *ret_length)
{
	size_t size = 0;
	NQ_FREE char *text = NULL;
	FILE *stream = open_memstream(&text, &size);
	char chunk[4096];
	ssize_t n;

	if (!stream)
		return -ENOMEM;
	while ((n = read(fd, chunk, sizeof(chunk))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			fwrite(chunk, 1, (size_t)n, stream);
	if (fclose(stream) != 0)
		return -ENOMEM;
	*ret = text;
	*ret_length = size;
	text = NULL;
	return 0;
}

static int load_in_child(const char *xml, const char *tree, char **ret, size_t *ret_length)
{
	int ends[2], status = -1, r;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	child = fork();
	if (child == 0)
		be_child(xml, tree, ends[1]);
	r = child < 0 ? -errno : 0;
	close(ends[1]);
	if (r == 0)
		r = read_all(ends[0], ret, ret_length);
	close(ends[0]);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return r == 0 && status != 0 ? -EBADMSG : r;
}

int nq_topology_load(const char *xml, const char *tree, hwloc_topology_t *ret)
{
	NQ_FREE char *text = NULL;
	hwloc_topology_t topology;
	size_t length = 0;
	int r = xml || tree ? load_in_child(xml, tree, &text, &length) : 0;

	if (r < 0)
		return r;
	if (hwloc_topology_init(&topology) < 0)
		return -ENOMEM;
	if (text && hwloc_topology_set_xmlbuffer(topology, text, (int)length + 1) < 0)
		r = -EBADMSG;
	if (r == 0)
		r = load(topology, text);
	if (r < 0) {
		hwloc_topology_destroy(topology);
		return r;
	}
	*ret = topology;
	return 0;
}
