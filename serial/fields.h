/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From struct to JSON object and back, driven by one table of fields per struct.
 *
 * Theory of operation. A field says its key, its type and where it lies in the struct; a writer and a
 * reader walk the same table, so the two forms cannot drift apart, and a key that is not in the table is
 * an unknown key. A reference is an index in the struct and a name in JSON: the kernel's id of a node or
 * CPU, the name of a pnic or vm, "eth0/3" for a queue, the MAC of a vnic. The reader resolves names by
 * an index of names per array; an array is therefore indexed before another one refers to it.
 *
 * NQ_NONE is null in JSON, but "default" for a queue. A field that is not required keeps the value that
 * the builder of the host gave it when its key is absent.
 */
#ifndef NEARQ_SERIAL_FIELDS_H
#define NEARQ_SERIAL_FIELDS_H

#include <jansson.h>

#include "core/order.h"
#include "serial/names.h"

enum nq_field_type {
	NQ_FIELD_U32,
	NQ_FIELD_U64,
	NQ_FIELD_BOOL,
	NQ_FIELD_TEXT,
	NQ_FIELD_MAC,
	NQ_FIELD_ENUM,
	NQ_FIELD_REFERENCE,
	NQ_FIELD_NODESET,  /* array of node ids, ascending when written */
	NQ_FIELD_PER_NODE, /* object: node id -> number; zeros are not written; a pointer to uint64_t[n_nodes] */
	NQ_FIELD_CLIENTS,  /* likewise of uint32_t; a pointer that is NULL is written like zeros, and not read into */
	NQ_FIELD_LANES,	   /* array of queues; at most NQ_MAX_LANES - 1 indices, their number at `count` */
	NQ_FIELD_RATES,	   /* object: packets, bytes, drops */
	NQ_FIELD_TYPE_COUNT
};

struct nq_field {
	const char *key;
	enum nq_field_type type;
	size_t offset;
	bool required;
	bool none;		      /* U32, REFERENCE: NQ_NONE is allowed */
	const struct nq_names *names; /* ENUM */
	enum nq_array array;	      /* REFERENCE */
	size_t count;		      /* LANES: offset of the number */
};

/* Room for "file: vnics[12].served.3". */
#define NQ_PATH 120

struct nq_reader {
	const char *file; /* name for faults */
	struct nq_fault *fault;
	const struct nq_host *host;
	struct nq_host *texts;	       /* where texts are copied to; NULL when no field is a text */
	json_t *names[NQ_ARRAY_COUNT]; /* name -> index, by array; NULL until nq_reader_index() */
	char path[NQ_PATH];
};

/* What of a file's name goes into a fault: its end, because a path is told apart by that. */
const char *nq_reader_file(const char *name);
void nq_reader_clear(struct nq_reader *reader);
/* Makes the names of that array known. 0, -ENOMEM, or -EBADMSG for a name that is there twice. */
int nq_reader_index(struct nq_reader *reader, enum nq_array array);
/* Adds to the path; returns its former length for nq_path_pop(). */
size_t nq_path_push(struct nq_reader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));
void nq_path_pop(struct nq_reader *reader, size_t length);
/* Fills the fault with the path and `found …; allowed: …`; found may be NULL for a key that is missing. Returns
 * -EBADMSG. */
int nq_reader_fault(struct nq_reader *reader, const json_t *found, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Is the value of the wanted JSON type? 0 or -EBADMSG with fault. */
int nq_reader_expect(struct nq_reader *reader, const json_t *value, json_type type);
/* An object with no other keys than those of the table (and of `more`, which may be NULL). 0 or -EBADMSG. */
int nq_object_check(struct nq_reader *reader, const json_t *object, const struct nq_field *fields,
		    const struct nq_field *more);
/* Tables end with a key of NULL. 0, -EBADMSG, -ENOMEM. */
int nq_object_read(struct nq_reader *reader, const json_t *object, const struct nq_field *fields, void *ret);
int nq_number_read(struct nq_reader *reader, const json_t *value, uint64_t high, uint64_t *ret);
int nq_reference_read(struct nq_reader *reader, const json_t *value, enum nq_array array, bool none, uint32_t *ret);
/* Parses the whole stream into an object with the given version key. 0, -EBADMSG, -errno. */
int nq_document_read(struct nq_reader *reader, FILE *stream, const char *version_key, int version, json_t **ret);

/* Adds the struct's fields to the object. 0 or -ENOMEM. */
int nq_object_write(const struct nq_host *host, json_t *object, const struct nq_field *fields, const void *value);
json_t *nq_reference_write(const struct nq_host *host, enum nq_array array, uint32_t index);
/* Top-level keys one per line, the elements of top-level arrays one per line. 0 or -errno of the stream. */
int nq_document_write(FILE *stream, const json_t *document);

#endif
