// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guard.h"
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

	begin = offset & ~(page - 1);
	end = (end + page - 1) & ~(page - 1);
	err = barlease_lease_map(window->fd, begin, end - begin, prot,
				 window->bar_offset, &window->map);
	if (err) {
		map_explain(window, err);
		return STATUS_FAILED;
	}
	window->begin = begin;
	window->base = (unsigned char *)window->map.address + (offset - begin);
	return STATUS_OK;
}

void window_end(struct window *window)
{
	barlease_map_end(&window->map);
}

int window_call(const struct window *window, void (*access)(void *arg),
		void *arg)
{
	size_t fault;
	int err;

	err = guard_call(window->map.address, window->map.length, access, arg,
			 &fault);
	if (err == -EFAULT) {
		message("the lease is gone: revoked, or the device is away "
			"(SIGBUS at offset 0x%" PRIx64 ")",
			window->begin + fault);
		return STATUS_FAILED;
	}
	if (err) {
		message("cannot catch SIGBUS: %s", error_words(err));
		return STATUS_FAILED;
	}
	return STATUS_OK;
}
