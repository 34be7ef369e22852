/* SPDX-License-Identifier: MIT */
/* What a policy file says: which pieces of which devices are lent to whom. */
#ifndef POLICY_H
#define POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <barlease.h>
#include <barlease/server.h>

#include "policy/mistakes.h"

/* What is longer is a mistake. The parser of lines has its own limit, 199. */
#define POLICY_FILE_MAX (1u << 20)
#define POLICY_LINE_MAX 198
#define POLICY_SECTIONS_MAX 1024
#define POLICY_ALLOW_MAX 256
#define POLICY_SOCKET_SIZE 108
/* What there is room for in the name of a simulated device, behind "sim:". */
#define POLICY_SIM_NAME 15

enum policy_backend {
	POLICY_UNKNOWN, /* a mistake */
	POLICY_VFIO,
	POLICY_SIM,
};

struct policy_device {
	char name[BARLEASE_NAME_SIZE];
	size_t section; /* of the file, from 0 */
	unsigned int line; /* where that begins */
	enum policy_backend backend;
	char bdf[BARLEASE_BDF_MAX]; /* of VFIO */
	uint64_t size; /* of each BAR that is simulated */
};

enum policy_who {
	POLICY_ANYONE,
	POLICY_USER,
	POLICY_GROUP,
	POLICY_CGROUP,
};

struct policy_allow {
	enum policy_who who;
	uint32_t id; /* of a user or a group */
	char *pattern; /* of a cgroup, as fnmatch(3) has it */
};

struct policy_offer {
	size_t section; /* of the file, from 0 */
	unsigned int line; /* where that begins */
	char name[BARLEASE_NAME_SIZE];
	size_t device; /* in the policy */
	struct barlease_server_offer terms; /* its name is the one above */
	struct policy_allow *allow;
	size_t allow_count;
	char socket[POLICY_SOCKET_SIZE];
	mode_t mode;
	gid_t socket_group; /* -1: as it comes */
};

struct policy {
	struct policy_device *devices;
	size_t device_count;
	struct policy_offer *offers;
	size_t offer_count;
	/* At a time; 0: it does not say. */
	uint32_t connections_max, connections_max_per_user;
	uint32_t requests_max; /* of a user, in a second; 0: the same */
	char *text; /* that it was read from */
	size_t length;
};

/**
 * policy_read() - read a policy file
 * @path: of the file
 * @policy: where to put the policy, for policy_free()
 * @mistakes: where to add all that is wrong in the file
 *
 * A pipe, a socket or a device, and a file that changes while it is read, are a
 * mistake of its first line.
 *
 * Return: 0; -EBADMSG when there is a mistake; -EFBIG when it is longer than
 * POLICY_FILE_MAX; -ENOMEM; or -errno of open(2) or read(2).
 */
int policy_read(const char *path, struct policy **policy,
		struct mistakes *mistakes);

/**
 * policy_parse() - the same for what is in memory
 * @text: text, which may have any bytes in it
 * @length: of it
 *
 * Return: 0, -EBADMSG or -ENOMEM.
 */
int policy_parse(const char *text, size_t length, struct policy **policy,
		 struct mistakes *mistakes);

/**
 * policy_parse_kept() - the same for what was in force before
 * @text: text of a struct policy
 * @length: of it
 *
 * Users and groups that are not on this machine any longer are no mistake: that
 * they are gone must not end the leases of others. They are nobody.
 *
 * Return: as policy_parse().
 */
int policy_parse_kept(const char *text, size_t length, struct policy **policy,
		      struct mistakes *mistakes);

void policy_free(struct policy *policy);

#endif /* POLICY_H */
