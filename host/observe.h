/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Observing: from a place (the live host, a captured tree, an hwloc XML file, a JSON snapshot) to a host value.
 *
 * A source keeps what makes the next observation cheap (file descriptors, netlink sockets, the last
 * counters) and is used from one thread. Observing never writes anything to the host; the one thing it
 * may add is a BPF counter of frames per vnic and CPU (bpf/served.bpf.c), which goes with the source.
 */
#ifndef NEARQ_HOST_OBSERVE_H
#define NEARQ_HOST_OBSERVE_H

#include <nearq/serial.h>

struct nq_source;

enum nq_source_kind {
	NQ_SOURCE_LIVE,
	NQ_SOURCE_TREE,	    /* directory with sys/, proc/ and perhaps netlink/ of a machine ("nearq capture") */
	NQ_SOURCE_HWLOC,    /* hwloc XML: topology only */
	NQ_SOURCE_SNAPSHOT, /* nearq JSON */
};

struct nq_source_options {
	const char *const
		*exclude; /* interface names never to touch or show, fnmatch patterns, NULL-terminated; may be NULL */
	/*
	 * Interface names to take for physical although no device is behind them, patterns likewise; may be NULL. For a
	 * host that is itself a container: its uplink is a veth, with queues and NAPI threads like any other.
	 */
	const char *const *physical;
	bool measure; /* count frames per vnic and CPU with BPF, where possible */
};

/*
 * from: NULL or "live", a directory, a file with JSON or hwloc XML (told by content, not by name).
 * 0, or -errno with *ret_fault: -ENOENT, -EACCES, -EBADMSG (neither form), … NULL options are all off.
 */
int nq_source_open(const char *from, const struct nq_source_options *options, struct nq_source **ret,
		   struct nq_fault *ret_fault);
struct nq_source *nq_source_close(struct nq_source *source); /* accepts NULL, returns NULL */
enum nq_source_kind nq_source_kind(const struct nq_source *source);

/*
 * One observation. The first of a live source has interval_ns 0; each later one has the rates since the one
 * before. A snapshot gives the same host each time. What is missing on the host becomes a notice, not an error.
 * 0, -EBADMSG with *ret_fault for bad input, -errno when nothing could be observed.
 */
int nq_source_observe(struct nq_source *source, struct nq_host **ret, struct nq_fault *ret_fault);

/*
 * Writes everything that an observation of the live host reads into a new directory, so that
 * nq_source_open(directory) sees the same host. options as for nq_source_open, may be NULL;
 * names that they exclude are not asked about, but directory listings still have them. -EEXIST when the directory is
 * not empty.
 */
int nq_source_capture(const char *directory, const struct nq_source_options *options, struct nq_fault *ret_fault);

#endif
