/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why an object moved. */
#include <stdlib.h>

#include "core/board.h"

void nq_board_note(struct nq_board *board, enum nq_note_kind kind, uint32_t object, struct nq_reason reason,
		   struct nq_rejected rejected, const struct nq_proposal *proposal)
{
	uint32_t *at = &board->note_of[kind][object];
	struct nq_note *note;

	if (*at == 0 && (board->n_notes & (board->n_notes - 1)) == 0) {
		size_t room = board->n_notes ? 2 * (size_t)board->n_notes : 1;
		struct nq_note *larger = realloc(board->notes, room * sizeof(*larger));

		board->failed = board->failed || !larger;
		if (!larger)
			return;
		board->notes = larger;
	}
	if (*at == 0) {
		*at = ++board->n_notes;
		board->notes[*at - 1] = (struct nq_note){ .cost_before_ns = proposal->before_ns };
	}
	note = &board->notes[*at - 1];
	note->reason = reason;
	note->rejected = rejected;
	note->cost_after_ns = proposal->after_ns;
	note->once_ns = proposal->once_ns;
}

const struct nq_note *nq_board_note_of(const struct nq_board *board, enum nq_note_kind kind, uint32_t object)
{
	uint32_t at = board->note_of[kind][object];

	return at ? &board->notes[at - 1] : NULL;
}
