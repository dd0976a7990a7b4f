/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making a failing case small: objects are removed and numbers set to nothing, one at a time, for as long as the same
 * property still fails; what is left is what matters.
 */
#ifndef NEARQ_TESTS_CORE_SHRINK_H
#define NEARQ_TESTS_CORE_SHRINK_H

#include "properties.h"

/* Replaces the trial, for which the property does not hold, by the smallest one that was found. Deterministic. */
void shrink(struct trial *trial, const struct property *property);
/*
 * Writes the snapshot to <directory>/nearq-<name>.json and the policy's differences from the defaults to
 * <directory>/nearq-<name>.conf; the directory is $TMPDIR or /tmp. ret: the path of the snapshot.
 */
void shrink_write(const struct trial *trial, const char *name, char *ret, size_t size);

#endif
