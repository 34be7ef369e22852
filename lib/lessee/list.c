// SPDX-License-Identifier: MIT
#include "lessee/lessee.h"

static int list(struct barlease_lessee *lessee, struct answer *answer)
{
	uint64_t deadline = lessee_deadline(lessee->timeout);
	struct record *record;
	union packet packet;
	int err;

	barlease_packet_begin(&packet, BARLEASE_PACKET_LIST, 0);
	err = lessee_ask(lessee, &packet, deadline, &record);
	if (err)
		return err;
	record->answer = answer;
	err = lessee_wait(lessee, answer, deadline);
	if (!answer->there)
		record->answer = NULL;
	return err ? err : (int)answer->found;
}

int barlease_lessee_list(struct barlease_lessee *lessee,
			 struct barlease_offer *offers, unsigned int count)
{
	struct answer answer = { .offers = offers, .room = count };
	int err = list(lessee, &answer);

	lessee_update_fd(lessee);
	return err;
}
