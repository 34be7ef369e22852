// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "command.h"
#include "lend.h"
#include "message.h"

int lend_check(const struct function *function, struct barlease_slice *slice)
{
	const struct function_bar *bar = &function->bars[slice->bar];
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	const char *obstacle = bar_obstacle(bar);
	uint64_t end;

	if (obstacle) {
		message("BAR %u of %s cannot be lent: %s; see barlease list %s",
			slice->bar, function->bdf, obstacle, function->bdf);
		return STATUS_USAGE;
	}
	if (!slice->range.length)
		slice->range.length = bar->size;
	if (slice->range.offset % page || slice->range.length % page) {
		message("offset 0x%" PRIx64 " and length 0x%" PRIx64
			" must be multiples of the page size, %" PRIu64,
			slice->range.offset, slice->range.length, page);
		return STATUS_USAGE;
	}
	if (__builtin_add_overflow(slice->range.offset, slice->range.length,
				   &end) ||
	    end > bar->size) {
		message("offset 0x%" PRIx64 " and length 0x%" PRIx64
			" go past the end of BAR %u of %s, which has 0x%" PRIx64
			" bytes",
			slice->range.offset, slice->range.length, slice->bar,
			function->bdf, bar->size);
		return STATUS_USAGE;
	}
	return STATUS_OK;
}

/* A lease that cannot be taken back is none. */
static int features_check(const struct function *function,
			  struct barlease_device *dev)
{
	unsigned int wanted = BARLEASE_CAN_EXPORT | BARLEASE_CAN_REVOKE;

	if ((barlease_device_features(dev) & wanted) == wanted)
		return STATUS_OK;
	message("the driver %s cannot lend a piece of %s and take it back; "
		"run: barlease bind %s",
		function->driver, function->bdf, function->bdf);
	return STATUS_FAILED;
}

static void export_explain(struct barlease_device *dev,
			   const struct barlease_slice *slice, int err)
{
	const char *bdf = barlease_device_bdf(dev);
	struct barlease_msix msix;

	if (err == -EPERM && !barlease_device_msix(dev, &msix))
		message("the slice has a page of the MSI-X table of %s (BAR %u "
			"from 0x%" PRIx64
			") or of its pending bits (BAR %u from 0x%" PRIx64
			"): whoever writes there redirects interrupts; to lend "
			"it all the same add --over-msix",
			bdf, msix.table_bar, msix.table.offset, msix.pba_bar,
			msix.pba.offset);
	else
		message("cannot lend BAR %u of %s: %s", slice->bar, bdf,
			error_words(err));
}

int lend_begin(const struct function *function,
	       const struct open_options *options,
	       const struct barlease_slice *slice, bool over_msix,
	       struct loan *loan)
{
	const struct barlease_terms terms = {
		.access = slice->access,
		.over_msix = over_msix,
	};
	int status;
	int err;

	status = open_device(function, options, &loan->dev);
	if (status)
		return status;
	status = features_check(function, loan->dev);
	if (status)
		goto err_close;

	err = barlease_device_set_memory(loan->dev, true);
	if (err) {
		message("cannot switch the memory decode of %s on: %s",
			function->bdf, error_words(err));
		status = STATUS_FAILED;
		goto err_close;
	}
	loan->lease_fd = barlease_lease_export_as(loan->dev, slice->bar,
						  &slice->range, 1, &terms);
	if (loan->lease_fd < 0) {
		export_explain(loan->dev, slice, loan->lease_fd);
		status = STATUS_FAILED;
		goto err_close;
	}
	return STATUS_OK;

err_close:
	barlease_device_close(loan->dev);
	return status;
}

int lend_watch(const struct loan *loan)
{
	int fd = barlease_device_watch(loan->dev);

	/* Without it, all is as with a driver that does not ask. */
	return fd < 0 ? -1 : fd;
}

int lend_end(struct loan *loan)
{
	int err;

	if (!loan->dev)
		return STATUS_OK;
	err = barlease_lease_revoke(loan->dev, loan->lease_fd);
	if (err)
		message("cannot revoke the lease of %s: %s; it ends with the "
			"device",
			barlease_device_bdf(loan->dev), error_words(err));
	close(loan->lease_fd);
	barlease_device_close(loan->dev);
	loan->dev = NULL;
	return err ? STATUS_FAILED : STATUS_OK;
}
