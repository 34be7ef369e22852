// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <unistd.h>

#include "barlease/guarded.h"
#include "barlease/mmio.h"
#include "message.h"
#include "options.h"
#include "window.h"

static int lease_inherit(const struct command *command, struct window *window)
{
	struct barlease_slice slice;

	window->fd = barlease_lease_inherit(0, &slice);
	if (window->fd == -ENOENT)
		return usage_error(
			command, "there is no lease: run it under barlease "
				 "run, or give its file descriptor with --fd");
	if (window->fd < 0) {
		message("BARLEASE_0 in the environment describes no lease: %s",
			error_words(window->fd));
		return STATUS_FAILED;
	}
	window->bar_offset = slice.range.offset;
	return STATUS_OK;
}

int window_lease(const struct command *command, int fd, struct window *window)
{
	int status;
	int err;

	window->fd = fd;
	window->bar_offset = 0;
	if (fd == WINDOW_FD_INHERITED) {
		status = lease_inherit(command, window);
		if (status)
			return status;
	}
	err = barlease_lease_size(window->fd, &window->size);
	if (err) {
		message("file descriptor %d is no lease: it has no size (%s)",
			window->fd, error_words(err));
		return STATUS_FAILED;
	}
	return STATUS_OK;
}

int window_rest(const struct window *window, uint64_t offset, uint64_t *length)
{
	if (offset >= window->size) {
		message("offset 0x%" PRIx64 " is past the end of the lease, "
			"which has %" PRIu64 " bytes",
			offset, window->size);
		return STATUS_USAGE;
	}
	*length = window->size - offset;
	return STATUS_OK;
}

static void map_explain(const struct window *window, int err)
{
	switch (err) {
	case -ENODEV:
		message("the lease cannot be mapped: it is revoked, or the "
			"device is away (memory decode off)");
		break;
	case -EACCES:
		message("the lease is read-only, or its file descriptor %d "
			"allows no reading",
			window->fd);
		break;
	default:
		message("cannot map the lease at file descriptor %d: %s",
			window->fd, error_words(err));
	}
}

int window_map(struct window *window, uint64_t offset, uint64_t length,
	       int prot)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t begin, end;
	int err;

	if (__builtin_add_overflow(offset, length, &end) ||
	    end > window->size) {
		message("%" PRIu64 " bytes at offset 0x%" PRIx64
			" go past the end of the lease, which has %" PRIu64
			" bytes",
			length, offset, window->size);
		return STATUS_USAGE;
	}

	err = barlease_guard_install();
	if (err) {
		message("cannot catch SIGBUS: %s", error_words(err));
		return STATUS_FAILED;
	}
	begin = offset & ~(page - 1);
	end = (end + page - 1) & ~(page - 1);
	err = barlease_lease_map(window->fd, begin, end - begin, prot,
				 window->bar_offset, &window->map);
	if (err) {
		barlease_guard_uninstall();
		map_explain(window, err);
		return STATUS_FAILED;
	}
	window->begin = begin;
	window->base = (unsigned char *)window->map.address + (offset - begin);
	return STATUS_OK;
}

void window_end(struct window *window)
{
	/* Of a write-combining lease: the device has all of it from here on. */
	barlease_wc_flush();
	barlease_guard_uninstall();
	barlease_map_end(&window->map);
}

static int access_result(const struct window *window, size_t offset, int err)
{
	if (!err)
		return STATUS_OK;
	message("the lease is gone: revoked, or the device is away (SIGBUS at "
		"offset 0x%" PRIx64 ")",
		(uint64_t)(window->base -
			   (volatile unsigned char *)window->map.address) +
			window->begin + offset);
	return STATUS_FAILED;
}

#define READ(width_)                                                       \
	do {                                                               \
		uint##width_##_t found;                                    \
		err = barlease_guarded_read##width_(window->base + offset, \
						    &found);               \
		if (!err)                                                  \
			*value = found;                                    \
	} while (0)

int window_read(const struct window *window, size_t offset, unsigned int width,
		uint64_t *value)
{
	int err;

	switch (width) {
	case 8:
		READ(8);
		break;
	case 16:
		READ(16);
		break;
	case 32:
		READ(32);
		break;
	default:
		READ(64);
	}
	return access_result(window, offset, err);
}

int window_write(const struct window *window, size_t offset, unsigned int width,
		 uint64_t value)
{
	volatile unsigned char *address = window->base + offset;
	int err;

	switch (width) {
	case 8:
		err = barlease_guarded_write8(address, (uint8_t)value);
		break;
	case 16:
		err = barlease_guarded_write16(address, (uint16_t)value);
		break;
	case 32:
		err = barlease_guarded_write32(address, (uint32_t)value);
		break;
	default:
		err = barlease_guarded_write64(address, value);
	}
	return access_result(window, offset, err);
}

int window_copy_from(const struct window *window, size_t offset, void *buf,
		     size_t length)
{
	size_t done;
	int err = barlease_guarded_copy_from(buf, window->base + offset, length,
					     &done);

	return access_result(window, offset + done, err);
}

int window_copy_to(const struct window *window, size_t offset, const void *buf,
		   size_t length)
{
	size_t done;
	int err = barlease_guarded_copy_to(window->base + offset, buf, length,
					   &done);

	return access_result(window, offset + done, err);
}
