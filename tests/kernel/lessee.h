/* SPDX-License-Identifier: MIT */
/*
 * Another process that does what it is told, one order at a time.
 *
 * It is a fork of the test: it has the mappings and fds that the test has at
 * that moment, at the same addresses and numbers. Orders fail the test when
 * the process is gone.
 */
#ifndef KERNEL_TESTS_LESSEE_H
#define KERNEL_TESTS_LESSEE_H

#include <stdint.h>
#include <sys/types.h>

#include "touch.h"

#define LESSEE_UID 1000		/* "lessee" in the guest */

struct lessee {
	pid_t pid;
	int channel;
};

void lessee_start(struct lessee *lessee);

/* All of the test's fds closed, no capability, user LESSEE_UID. */
void lessee_start_unprivileged(struct lessee *lessee);

/* Passes @fd by SCM_RIGHTS. Return its number there. */
int lessee_give(struct lessee *lessee, int fd);

/* The way back: a new fd here. */
int lessee_take(struct lessee *lessee, int fd);

/* mmap(MAP_SHARED) there: 0 and the address, or -errno. */
int lessee_mmap(struct lessee *lessee, int fd, uint64_t offset, size_t length,
		int prot, void **address);
int lessee_munmap(struct lessee *lessee, void *address, size_t length);
int lessee_close(struct lessee *lessee, int fd);

/* open() there: a number or -errno. At most 100 characters. */
int lessee_open(struct lessee *lessee, const char *path, int flags);

enum outcome lessee_read(struct lessee *lessee, const void *address,
			 uint32_t *value);
enum outcome lessee_write(struct lessee *lessee, void *address,
			  uint32_t value);

/* Let it exit, and wait for that. */
void lessee_end(struct lessee *lessee);
void lessee_kill(struct lessee *lessee);

/* A new lessee that has got @fd and mapped @length bytes of it. */
void *lessee_start_mapped(struct lessee *lessee, int fd, size_t length);

#endif /* KERNEL_TESTS_LESSEE_H */
