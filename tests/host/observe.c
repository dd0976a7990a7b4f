/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The readers as a program, for tests: prints each observation as a snapshot.
 *
 *	observe [--measure] [--physical PATTERN] [--exclude PATTERN] [--ticks N] [FROM]
 *	observe [--physical PATTERN] [--exclude PATTERN] --capture DIRECTORY
 *
 * Each observation waits for a line on standard input, but the first; so a test decides what happens between two.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <host/observe.h>

static int complain(int error, const struct nq_fault *fault)
{
	fprintf(stderr, "%s: %s (%s)\n", fault->where, fault->what, strerror(-error));
	return 1;
}

static int observe(struct nq_source *source, struct nq_fault *fault)
{
	struct nq_violation violation;
	struct nq_host *host;
	int r = nq_source_observe(source, &host, fault);

	if (r < 0)
		return r;
	r = nq_host_check(host, &violation);
	if (r < 0)
		nq_explain_violation(host, &violation, fault);
	else
		r = nq_snapshot_write(stdout, host);
	fflush(stdout);
	nq_host_free(host);
	return r;
}

static int run(const char *from, const struct nq_source_options *options, unsigned long ticks)
{
	struct nq_fault fault = { 0 };
	struct nq_source *source;
	char line[16];
	int r = nq_source_open(from, options, &source, &fault);

	if (r < 0)
		return complain(r, &fault);
	for (unsigned long i = 0; r == 0 && i < ticks; i++)
		if (i == 0 || fgets(line, sizeof(line), stdin))
			r = observe(source, &fault);
	nq_source_close(source);
	return r < 0 ? complain(r, &fault) : 0;
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "measure", no_argument, NULL, 'm' },	     { "physical", required_argument, NULL, 'p' },
		{ "exclude", required_argument, NULL, 'x' }, { "ticks", required_argument, NULL, 't' },
		{ "capture", required_argument, NULL, 'c' }, { 0 },
	};
	const char *physical[] = { NULL, NULL }, *exclude[] = { NULL, NULL };
	struct nq_source_options options = { .physical = physical, .exclude = exclude };
	struct nq_fault fault = { 0 };
	unsigned long ticks = 1;
	const char *capture = NULL;
	int c, r;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (c == 'm')
			options.measure = true;
		else if (c == 'p')
			physical[0] = optarg;
		else if (c == 'x')
			exclude[0] = optarg;
		else if (c == 't')
			ticks = strtoul(optarg, NULL, 10);
		else if (c == 'c')
			capture = optarg;
		else
			return 2;
	}
	if (capture)
		return (r = nq_source_capture(capture, &options, &fault)) < 0 ? complain(r, &fault) : 0;
	return run(optind < argc ? argv[optind] : NULL, &options, ticks);
}
