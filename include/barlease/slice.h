/* SPDX-License-Identifier: MIT */
/* What is lent, in words, and how a child process learns of it. */
#ifndef BARLEASE_SLICE_H
#define BARLEASE_SLICE_H

#include <stddef.h>
#include <stdint.h>

#include <barlease/device.h>
#include <barlease/lease.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One range of one BAR of one function. */
struct barlease_slice {
	/* Or "lent:NAME" with the beginning of its offer's name, where a server
	 * has lent it: its lessees are not told which function it is.
	 */
	char bdf[BARLEASE_BDF_MAX];
	unsigned int bar;
	struct barlease_range range; /* length 0 when parsed: all of the BAR */
	enum barlease_access access;
};

/**
 * barlease_slice_parse() - read "BDF:BAR[OFFSET+LENGTH][,ro|,rw]"
 * @text: for example "0000:00:04.0:2[0x200000+2M],ro"; numbers are decimal or
 *	0x hexadecimal with an optional K, M, G or T (powers of 1024); without
 *	"[OFFSET+LENGTH]" the slice is the whole BAR, and its length reads 0
 * @slice: where to put it
 * @reason: where to put a pointer to a constant sentence that says what is
 *	wrong, or NULL
 *
 * Return: 0, -EINVAL for a text that is no slice, or -ERANGE for a number
 * that does not fit.
 */
int barlease_slice_parse(const char *text, struct barlease_slice *slice,
			 const char **reason);

/**
 * barlease_slice_format() - write a slice as barlease_slice_parse() reads it
 * @slice: slice
 * @buf: where to put the text
 * @size: size of @buf; 96 bytes hold any slice
 *
 * Return: the length without the terminating 0, or -ENOSPC.
 */
int barlease_slice_format(const struct barlease_slice *slice, char *buf,
			  size_t size);

/*
 * A process that is started with a lease finds it as systemd's services find
 * their sockets (sd_listen_fds(3)): fds from 3 on, LISTEN_FDS, LISTEN_PID and
 * LISTEN_FDNAMES; and for each of them the slice in BARLEASE_<n>, n counting
 * from 0, as "FD SLICE", for example "3 0000:00:04.0:2[0x200000+0x200000],rw".
 */

/**
 * barlease_lease_inherit() - the lease that this process was started with
 * @index: which one, counting from 0
 * @slice: where to put what it is, or NULL
 *
 * Reads BARLEASE_<index> only: a shell between the lessor and this process
 * does no harm.
 *
 * Return: the fd, which is the process's own and is left as it is; -ENOENT
 * when there is no such variable, -EINVAL when it cannot be read, -EBADF when
 * its fd is not open.
 */
int barlease_lease_inherit(unsigned int index, struct barlease_slice *slice);

#ifdef __cplusplus
}
#endif

#endif /* BARLEASE_SLICE_H */
