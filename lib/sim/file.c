// SPDX-License-Identifier: MIT
/* Files in memory. Others may have them and cut them off at any time. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/sim.h"

/* Since Linux 6.3, and asked for by some systems. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#define CHUNK ((size_t)16 << 10)

int sim_file_create(const char *name, uint64_t size)
{
	const unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd, err;

	fd = memfd_create(name, flags | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, flags);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

int sim_file_read(int fd, void *buf, size_t length, uint64_t offset)
{
	char *to = buf;
	ssize_t n;

	while (length) {
		n = pread(fd, to, length, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		to += n;
		length -= (size_t)n;
		offset += (uint64_t)n;
	}
	while (length--)
		*to++ = 0;
	return 0;
}

int sim_file_write(int fd, const void *buf, size_t length, uint64_t offset)
{
	const char *from = buf;
	ssize_t n;

	while (length) {
		n = pwrite(fd, from, length, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		/* It was cut off, and is sealed against growing. */
		if (n < 0 && errno == EPERM)
			break;
		if (n < 0)
			return -errno;
		from += n;
		length -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

int sim_file_zero(int fd, uint64_t offset, uint64_t length)
{
	const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	while (fallocate(fd, mode, (off_t)offset, (off_t)length) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

/* Find data in a file; -ENXIO when there is none before @end. */
static int data_find(int fd, uint64_t offset, uint64_t end, uint64_t *data,
		     uint64_t *data_end)
{
	off_t begins, ends;

	begins = lseek(fd, (off_t)offset, SEEK_DATA);
	if (begins < 0)
		return -errno;
	if ((uint64_t)begins >= end)
		return -ENXIO;
	ends = lseek(fd, begins, SEEK_HOLE);
	if (ends < 0)
		return -errno;
	/* Whoever takes it out again at that moment does not hold this up. */
	if (ends == begins)
		ends += (off_t)CHUNK;
	*data = (uint64_t)begins;
	*data_end = (uint64_t)ends < end ? (uint64_t)ends : end;
	return 0;
}

/* Copy all bytes, be they zeros. */
static int data_copy(int from, uint64_t from_offset, int to, uint64_t to_offset,
		     uint64_t length)
{
	char chunk[CHUNK];
	int err = 0;

	while (!err && length) {
		size_t part = length < CHUNK ? (size_t)length : CHUNK;

		err = sim_file_read(from, chunk, part, from_offset);
		if (!err)
			err = sim_file_write(to, chunk, part, to_offset);
		from_offset += part;
		to_offset += part;
		length -= part;
	}
	return err;
}

int sim_file_copy(int from, uint64_t from_offset, int to, uint64_t to_offset,
		  uint64_t length)
{
	uint64_t end = from_offset + length;
	uint64_t data = from_offset;
	uint64_t data_end = from_offset;
	int err;

	err = sim_file_zero(to, to_offset, length);
	while (!err && data_end < end) {
		err = data_find(from, data_end, end, &data, &data_end);
		if (!err)
			err = data_copy(from, data, to,
					to_offset + (data - from_offset),
					data_end - data);
	}
	/* No more data. */
	return err == -ENXIO ? 0 : err;
}
