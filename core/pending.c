/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stages that are being written. */
#include "core/stages.h"

#define PENDING(name)                                                                                                  \
	int name(struct nq_draft *draft)                                                                               \
	{                                                                                                              \
		(void)draft;                                                                                           \
		return 0;                                                                                              \
	}

PENDING(nq_stage_split)
