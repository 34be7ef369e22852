// SPDX-License-Identifier: MIT
/* Can this be offered? */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lease/msix.h"
#include "server/server.h"

static int name_check(const char *name)
{
	if (!name || !*name)
		return -EINVAL;
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < ' ' || *c == '\x7f')
			return -EINVAL;
	return strlen(name) < BARLEASE_NAME_SIZE ? 0 : -ENAMETOOLONG;
}

static int size_check(const struct barlease_server_offer *offer)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t size = offer->slice_size;

	if (!size)
		return 0;
	if (size % page || offer->range.length % size)
		return -EINVAL;
	return offer->range.length / size > BARLEASE_POOL_MAX ? -E2BIG : 0;
}

static int range_check(struct barlease_device *device,
		       const struct barlease_server_offer *offer)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct barlease_region region;
	uint64_t end;

	if (offer->bar >= BARLEASE_BARS ||
	    barlease_region_get(device, offer->bar, &region) ||
	    !region.mappable)
		return -EINVAL;
	if (!offer->range.length || offer->range.length % page ||
	    offer->range.offset % page ||
	    __builtin_add_overflow(offer->range.offset, offer->range.length,
				   &end) ||
	    end > region.size)
		return -EINVAL;
	return size_check(offer);
}

int server_offer_check_terms(const struct barlease_device *device,
			     const struct barlease_server_offer *offer)
{
	if (offer->access != BARLEASE_READ_WRITE &&
	    offer->access != BARLEASE_READ_ONLY)
		return -EINVAL;
	if (offer->attribute == BARLEASE_NON_CACHED)
		return 0;
	if (offer->attribute != BARLEASE_WRITE_COMBINING)
		return -EINVAL;
	return barlease_device_features(device) & BARLEASE_CAN_MEMATTR
		       ? 0
		       : -EOPNOTSUPP;
}

static bool overlap(const struct barlease_range *a,
		    const struct barlease_range *b)
{
	return a->offset < b->offset + b->length &&
	       b->offset < a->offset + a->length;
}

/* Where two offers have the same page, it would be lent twice. */
static int overlap_check(struct barlease_server *server,
			 const struct server_device *device,
			 const struct barlease_server_offer *offer)
{
	struct list *link, *next;
	int err = 0;

	list_for_each(link, next, &server->offers) {
		const struct server_offer *other =
			list_entry(link, struct server_offer, link);

		if (other->device != device || other->terms.bar != offer->bar ||
		    !overlap(&other->terms.range, &offer->range))
			continue;
		if (!other->removed)
			return -EEXIST;
		err = -EBUSY;
	}
	return err;
}

int server_offer_check(struct barlease_server *server,
		       struct server_device *device,
		       const struct barlease_server_offer *offer)
{
	const struct barlease_terms terms = { .over_msix = offer->over_msix };
	int err;

	err = name_check(offer->name);
	if (!err)
		err = range_check(device->device, offer);
	if (!err)
		err = server_offer_check_terms(device->device, offer);
	if (!err)
		err = overlap_check(server, device, offer);
	if (!err)
		err = barlease_msix_check(device->device, offer->bar,
					  &offer->range, 1, &terms);
	return err;
}
