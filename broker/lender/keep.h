/* SPDX-License-Identifier: MIT */
/*
 * What a barleased that comes after this one goes on with: the service manager
 * has copies of the server's fds, of those of the devices, and of the policy
 * that is in force.
 */
#ifndef LENDER_KEEP_H
#define LENDER_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <barlease.h>
#include <barlease/server.h>

#include "policy/policy.h"

/* The names of all of them are one string for exec(), of up to 128 KiB. */
#define KEEP_FDS_MAX 4096

/* A part of a device that was handed over. */
struct kept_part {
	char device[BARLEASE_BDF_MAX];
	struct barlease_part part;
};

struct keep {
	uint32_t max; /* fds; 0: nothing is kept */
	uint32_t count;
	uint64_t policy; /* number of the one that is kept, 0: none */
	int policy_fd; /* that was handed over; -1: none */
	struct kept_part *parts; /* that nobody has wanted so far */
	size_t part_count;
};

/* The store of a server, whose context has this first. */
struct barlease_server_store keep_store(const struct keep *keep);

/**
 * keep_take() - have what was handed over
 * @keep: keeps something
 * @name: by which it was kept
 * @fd: on success @keep's, else the caller's
 *
 * Return: 0; -ENOENT when it is none of these; -EEXIST when there is one by this
 * name; -ENOMEM.
 */
int keep_take(struct keep *keep, const char *name, int fd);

/* The text of the policy that was kept, for free(). Return: 0 or -errno. */
int keep_policy_read(const struct keep *keep, char **text, size_t *length);

/* Keep this one instead. Return: 0 or -errno. */
int keep_policy(struct keep *keep, const struct policy *policy);

/* Return: 0 or -errno. */
int keep_device(struct keep *keep, const struct barlease_device *device);
void keep_forget_device(struct keep *keep,
			const struct barlease_device *device);

/*
 * To forget a device is to forget all that have its name: this one, which was
 * kept, is put there again. Return: 0 or -errno.
 */
int keep_device_again(const struct keep *keep,
		      const struct barlease_device *device);

/* The same device as before. Return: 0; -ENOENT; or -errno. */
int keep_resume_device(struct keep *keep, const char *name,
		       struct barlease_device **device);

/* Throw away what nobody has wanted. */
void keep_drop(struct keep *keep);
void keep_end(struct keep *keep);

#endif /* LENDER_KEEP_H */
