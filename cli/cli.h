/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One grammar for all verbs: `nearq VERB [OPTION…] [ARGUMENT]`. A verb is a row of nq_verbs, an option a row of
 * nq_options_known; parsing, the help texts and the complaints about bad usage are made from these two tables.
 */
#ifndef NEARQ_CLI_CLI_H
#define NEARQ_CLI_CLI_H

#include "cli/writer.h"
#include "daemon/config.h"

/* Exit codes, documented in nearq(1). */
enum nq_exit {
	NQ_EXIT_OK = 0,
	NQ_EXIT_FAILED = 1,	/* part of the work failed or was refused, or the output could not be written */
	NQ_EXIT_USAGE = 2,	/* unknown verb or option, bad option value */
	NQ_EXIT_INPUT = 3,	/* snapshot, tree, plan or configuration that cannot be used */
	NQ_EXIT_PERMISSION = 4, /* not allowed to read or write what the verb needs */
	NQ_EXIT_NOTHING = 5,	/* this host has nothing to manage: one node, or neither NIC nor VM */
	NQ_EXIT_BUSY = 6,	/* another nearq holds the state directory */
};

enum nq_output { NQ_OUTPUT_TABLE, NQ_OUTPUT_JSON, NQ_OUTPUT_KV, NQ_OUTPUT_PICTURE, NQ_OUTPUT_SVG, NQ_OUTPUT_COUNT };

enum nq_color { NQ_COLOR_AUTO, NQ_COLOR_ALWAYS, NQ_COLOR_NEVER, NQ_COLOR_COUNT };

struct nq_options {
	const char *from, *compare, *plan, *save_snapshot, *config, *state;
	const char *policy; /* name of a preset */
	uint64_t format;    /* enum nq_output */
	uint64_t color;	    /* enum nq_color */
	uint64_t interval_ms, tick_ms, for_ms;
	bool once, act, keep, force, print, help;
	const char *argument; /* what follows the options, NULL: nothing */
};

struct nq_cli {
	const struct nq_verb *verb;
	struct nq_options options;
	bool color, unicode;
	unsigned width;
};

struct nq_verb {
	const char *name;
	const char *argument; /* name of what must follow the options; in brackets: may follow; NULL: nothing */
	const char *summary;
	const char *const *options; /* names, NULL-terminated */
	bool pictures;		    /* --format also takes picture and svg */
	enum nq_exit (*run)(struct nq_cli *cli);
};

extern const struct nq_verb nq_verbs[]; /* ends with a row without name */

enum nq_exit nq_verb_topology(struct nq_cli *cli);
enum nq_exit nq_verb_status(struct nq_cli *cli);
enum nq_exit nq_verb_plan(struct nq_cli *cli);
enum nq_exit nq_verb_apply(struct nq_cli *cli);
enum nq_exit nq_verb_run(struct nq_cli *cli);
enum nq_exit nq_verb_restore(struct nq_cli *cli);
enum nq_exit nq_verb_check_config(struct nq_cli *cli);
enum nq_exit nq_verb_capture(struct nq_cli *cli);
enum nq_exit nq_verb_help(struct nq_cli *cli);
enum nq_exit nq_verb_version(struct nq_cli *cli);

/* cli/options.c */
const struct nq_verb *nq_verb_find(const char *name); /* NULL, said on stderr with the nearest verb */
/* argv[0] is the verb. NQ_EXIT_OK, or NQ_EXIT_USAGE, said on stderr. */
enum nq_exit nq_options_parse(struct nq_cli *cli, int argc, char **argv);
void nq_help_verb(FILE *stream, const struct nq_verb *verb);
void nq_help_all(FILE *stream);

/* cli/common.c: what verbs share. Each says on stderr what went wrong and returns the exit code for it. */
enum nq_exit nq_cli_fail(int error, const struct nq_fault *fault);
enum nq_exit nq_cli_complain(enum nq_exit code, const char *format, ...) __attribute__((format(printf, 2, 3)));
enum nq_exit nq_cli_config(const struct nq_cli *cli, struct nq_config **ret);
enum nq_exit nq_cli_writer(const struct nq_cli *cli, bool one_line, struct nq_writer **ret);
enum nq_exit nq_cli_finish(struct nq_writer *writer);
/* What to say about standard output that failed with this -errno; nothing when its reader went away. */
enum nq_exit nq_cli_output_failed(int error);
/* The end of everything that was printed without a writer. */
enum nq_exit nq_cli_flush(FILE *stream);
/* A host from --from; two observations --interval apart when rates are wanted of a live host. */
enum nq_exit nq_cli_observe(const struct nq_cli *cli, const struct nq_config *config, bool rates, struct nq_host **ret);
/* Writes --save-snapshot, if it was given. */
enum nq_exit nq_cli_save(const struct nq_cli *cli, const struct nq_host *host);
/* Why there is nothing for nearq to do on this host, or NULL. */
const char *nq_cli_nothing(const struct nq_host *host);

#define NQ_CLEANUP(type) __attribute__((cleanup(type##_cleanup)))
static inline void nq_config_cleanup(struct nq_config **config)
{
	nq_config_free(*config);
}
static inline void nq_host_cleanup(struct nq_host **host)
{
	nq_host_free(*host);
}
static inline void nq_plan_cleanup(struct nq_plan **plan)
{
	nq_plan_free(*plan);
}
static inline void nq_writer_cleanup(struct nq_writer **writer)
{
	nq_writer_free(*writer);
}

#endif
