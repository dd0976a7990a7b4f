/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The same host with every array in another order. */
#ifndef NEARQ_TESTS_CORE_SHUFFLE_H
#define NEARQ_TESTS_CORE_SHUFFLE_H

#include "random_host.h"

struct nq_host *shuffled(const struct nq_host *host, struct random *random);

#endif
