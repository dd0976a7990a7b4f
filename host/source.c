/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <host/capture.h>
#include <host/source.h>

static void free_patterns(char **patterns)
{
	for (char **p = patterns; p && *p; p++)
		free(*p);
	free(patterns);
}

static int copy_patterns(const char *const *patterns, char ***ret)
{
	size_t n = 0;
	char **copy;

	while (patterns && patterns[n])
		n++;
	copy = calloc(n + 1, sizeof(*copy));
	for (size_t i = 0; copy && i < n; i++) {
		copy[i] = strdup(patterns[i]);
		if (!copy[i]) {
			free_patterns(copy);
			return -ENOMEM;
		}
	}
	*ret = copy;
	return copy ? 0 : -ENOMEM;
}

static int take_options(struct nq_source *source, const struct nq_source_options *options)
{
	static const struct nq_source_options none;
	int r;

	if (!options)
		options = &none;
	r = copy_patterns(options->exclude, &source->exclude);
	if (r == 0)
		r = copy_patterns(options->physical, &source->physical);
	if (r < 0)
		return r;
	source->options = *options;
	source->options.exclude = (const char *const *)source->exclude;
	source->options.physical = (const char *const *)source->physical;
	source->view.options = &source->options;
	return 0;
}

void nq_view_clear(struct nq_view *view)
{
	nq_forget_steering(view);
	nq_links_clear(&view->links);
	nq_processes_clear(&view->processes);
	free(view->members);
	view->members = NULL;
	view->n_members = 0;
}

struct nq_source *nq_source_close(struct nq_source *source)
{
	if (!source)
		return NULL;
	nq_view_clear(&source->view);
	nq_served_close(source->view.counter);
	nq_gstats_free(source->view.gstats);
	nq_wire_close(source->view.wire);
	nq_root_close(source->view.root);
	nq_host_free(source->base);
	nq_counters_clear(&source->before);
	free_patterns(source->exclude);
	free_patterns(source->physical);
	free(source->from);
	free(source);
	return NULL;
}

static void close_sourcep(struct nq_source **source)
{
	nq_source_close(*source);
}

static void free_hostp(struct nq_host **host)
{
	nq_host_free(*host);
}

enum nq_source_kind nq_source_kind(const struct nq_source *source)
{
	return source->kind;
}

static int open_view(struct nq_source *source, struct nq_fault *ret_fault)
{
	struct nq_view *view = &source->view;
	int r = nq_root_open(source->kind == NQ_SOURCE_TREE ? source->from : NULL, &view->root);

	if (r == 0)
		r = nq_wire_open(view->root, &view->wire);
	if (r < 0) {
		nq_fault_set(ret_fault, source->from ? source->from : "live host", "%s", strerror(-r));
		return r;
	}
	view->tree = source->kind == NQ_SOURCE_TREE ? source->from : NULL;
	if (source->kind == NQ_SOURCE_LIVE && source->options.measure)
		source->measure_error = nq_served_open(&view->counter);
	return 0;
}

static int open_tree(struct nq_source *source, struct nq_fault *ret_fault)
{
	int r;

	source->kind = NQ_SOURCE_TREE;
	r = open_view(source, ret_fault);
	if (r == 0 && !nq_root_exists(source->view.root, "sys") && !nq_root_exists(source->view.root, "proc")) {
		nq_fault_set(ret_fault, source->from,
			     "found a directory without sys and proc; allowed: a captured host");
		return -EBADMSG;
	}
	return r;
}

static int open_xml(struct nq_source *source, struct nq_fault *ret_fault)
{
	struct nq_fault fault = { 0 };
	int r = nq_host_new(&source->base);

	source->kind = NQ_SOURCE_HWLOC;
	if (r == 0)
		r = nq_read_topology(&source->view, source->from, source->base, &fault);
	if (r == 0 && !(source->base->name = nq_host_string(source->base, "")))
		r = -ENOMEM;
	if (r < 0)
		*ret_fault = fault;
	return r;
}

static int open_text(struct nq_source *source, struct nq_fault *ret_fault)
{
	FILE *stream = fopen(source->from, "re");
	int r, c = EOF;

	if (stream)
		while ((c = getc(stream)) == ' ' || c == '\t' || c == '\n' || c == '\r')
			;
	if (!stream || c == EOF) {
		r = stream && !ferror(stream) ? -EBADMSG : -errno;
		nq_fault_set(ret_fault, source->from, "%s",
			     stream ? "found nothing; allowed: a snapshot in JSON, or hwloc XML" : strerror(errno));
	} else if (c == '<') {
		r = open_xml(source, ret_fault);
	} else {
		rewind(stream);
		source->kind = NQ_SOURCE_SNAPSHOT;
		r = nq_snapshot_read(stream, source->from, &source->base, ret_fault);
	}
	if (stream)
		fclose(stream);
	return r;
}

static int open_path(struct nq_source *source, struct nq_fault *ret_fault)
{
	struct stat st;

	if (stat(source->from, &st) < 0) {
		int r = -errno;

		nq_fault_set(ret_fault, source->from, "%s", strerror(-r));
		return r;
	}
	return S_ISDIR(st.st_mode) ? open_tree(source, ret_fault) : open_text(source, ret_fault);
}

int nq_source_open(const char *from, const struct nq_source_options *options, struct nq_source **ret,
		   struct nq_fault *ret_fault)
{
	__attribute__((cleanup(close_sourcep))) struct nq_source *source = calloc(1, sizeof(*source));
	struct nq_fault fault = { 0 };
	int r = source ? take_options(source, options) : -ENOMEM;

	if (r < 0)
		return r;
	if (!from || !strcmp(from, "live")) {
		source->kind = NQ_SOURCE_LIVE;
		r = open_view(source, &fault);
	} else {
		source->from = strdup(from);
		r = source->from ? open_path(source, &fault) : -ENOMEM;
	}
	if (r < 0) {
		*ret_fault = fault;
		return r;
	}
	*ret = source;
	source = NULL;
	return 0;
}

static int capture_into(struct nq_source *source, struct nq_capture *capture, struct nq_fault *ret_fault)
{
	__attribute__((cleanup(free_hostp))) struct nq_host *host = NULL;
	int r;

	nq_root_tee(source->view.root, capture);
	r = nq_source_observe(source, &host, ret_fault);
	nq_root_tee(source->view.root, NULL);
	return r;
}

int nq_source_capture(const char *directory, const struct nq_source_options *options, struct nq_fault *ret_fault)
{
	__attribute__((cleanup(close_sourcep))) struct nq_source *source = NULL;
	struct nq_capture *capture;
	int copied, r;

	r = nq_source_open(NULL, options, &source, ret_fault);
	if (r < 0)
		return r;
	r = nq_capture_open(directory, &capture);
	if (r < 0) {
		nq_fault_set(ret_fault, directory, "%s", r == -EEXIST ? "exists and is not empty" : strerror(-r));
		return r;
	}
	r = capture_into(source, capture, ret_fault);
	nq_capture_close(capture, &copied);
	if (r == 0 && copied < 0)
		nq_fault_set(ret_fault, directory, "cannot be written: %s", strerror(-copied));
	return r < 0 ? r : copied;
}
