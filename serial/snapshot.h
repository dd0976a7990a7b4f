/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The fields of a snapshot, for its writer and its reader (docs/snapshot.md says what they mean). */
#ifndef NEARQ_SERIAL_SNAPSHOT_H
#define NEARQ_SERIAL_SNAPSHOT_H

#include "serial/fields.h"

#define NQ_SNAPSHOT_KEY "nearq-snapshot"

extern const struct nq_field nq_host_fields[], nq_notice_fields[];
/* By array, in the order in which they are written and can be read: what is referred to comes first. */
extern const struct nq_field *const nq_array_fields[NQ_ARRAY_COUNT];
extern const char *const nq_array_names[NQ_ARRAY_COUNT];

#endif
