// SPDX-License-Identifier: MIT
#include <errno.h>

#include "lessee/lessee.h"

static int begin(struct barlease_lessee *lessee, uint64_t lease,
		 struct record **found)
{
	struct record *record = record_of_lease(lessee, lease);

	if (lessee->error)
		return lessee->error;
	/* Nobody can know the number before it was told. */
	if (!record || !record->known || record->granted.fd >= 0)
		return -ENOENT;
	*found = record;
	return 0;
}

static int release(struct barlease_lessee *lessee, uint64_t lease)
{
	uint64_t deadline = lessee_deadline(lessee->timeout);
	struct answer answer = { 0 };
	struct record *record;
	int err;

	err = begin(lessee, lease, &record);
	if (err)
		return err;
	record->told = false;
	record->answer = &answer;
	if (!record->serial)
		lessee_release_soon(lessee, record);
	err = lessee_wait(lessee, &answer, deadline);
	/* No server refuses it for that: the caller takes it for its own wait. */
	if (!answer.there || err == -ETIMEDOUT) {
		record->answer = NULL;
		record->known = false;
		record_untell(lessee, record, ~0u);
		record_settle(lessee, record);
	}
	return err;
}

int barlease_lessee_release(struct barlease_lessee *lessee, uint64_t lease)
{
	int err = release(lessee, lease);

	lessee_update_fd(lessee);
	return err;
}

static int start(struct barlease_lessee *lessee, uint64_t lease)
{
	struct record *record;
	int err;

	err = begin(lessee, lease, &record);
	if (err)
		return err;
	if (record->serial)
		return -EALREADY;
	record->told = true;
	lessee_release_soon(lessee, record);
	return 0;
}

int barlease_lessee_start_release(struct barlease_lessee *lessee,
				  uint64_t lease)
{
	int err = start(lessee, lease);

	lessee_update_fd(lessee);
	return err;
}
