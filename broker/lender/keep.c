// SPDX-License-Identifier: MIT
#include "lender/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/manager.h"

#define POLICY_WORD "policy-"
#define DEVICE_WORD "device/"

#define POLICY_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

#define NAME_SIZE 64

static int put(struct keep *keep, const char *name, int fd)
{
	int err;

	if (keep->count >= keep->max)
		return -ENFILE;
	err = manager_store(name, fd);
	if (!err)
		keep->count++;
	return err;
}

static void forget(struct keep *keep, const char *name)
{
	manager_forget(name);
	keep->count--;
}

/*
 * Lessees must not take the place that the next policy needs until the one before
 * is forgotten: it may be the one that ends their leases.
 */
static int server_put(void *context, const char *name, int fd)
{
	struct keep *keep = context;

	return keep->count + 1 < keep->max ? put(keep, name, fd) : -ENFILE;
}

static void server_remove(void *context, const char *name)
{
	forget(context, name);
}

struct barlease_server_store keep_store(const struct keep *keep)
{
	if (!keep->max)
		return (struct barlease_server_store){ 0 };
	return (struct barlease_server_store){
		.put = server_put,
		.remove = server_remove,
		.max = keep->max,
	};
}

static void policy_name(char *name, uint64_t number)
{
	snprintf(name, NAME_SIZE, POLICY_WORD "%llu",
		 (unsigned long long)number);
}

/* A name of the store has no colon, and one of a policy no %. */
static void part_name(char *name, const char *device, const char *part)
{
	snprintf(name, NAME_SIZE, DEVICE_WORD "%.19s/%.23s", device, part);
	for (char *c = name; *c; c++)
		if (*c == ':')
			*c = '%';
}

/* Where it died with two of them, the newer one was not in force so far. */
static int policy_take(struct keep *keep, const char *name, int fd)
{
	char again[NAME_SIZE];
	uint64_t number = strtoull(name + strlen(POLICY_WORD), NULL, 10);

	policy_name(again, number);
	/* After the last number there is none for the next. */
	if (!number || number == UINT64_MAX || strcmp(again, name) != 0)
		return -ENOENT;
	if (keep->policy == number)
		return -EEXIST;
	if (keep->policy && keep->policy < number) {
		forget(keep, name);
		close(fd);
		return 0;
	}
	if (keep->policy) {
		policy_name(again, keep->policy);
		forget(keep, again);
		close(keep->policy_fd);
	}
	keep->policy = number;
	keep->policy_fd = fd;
	return 0;
}

static int part_take(struct keep *keep, const char *name, int fd)
{
	const char *device = name + strlen(DEVICE_WORD);
	const char *end = strrchr(device, '/');
	struct kept_part *more;
	struct kept_part new = { .part.fd = fd };

	if (!end || (size_t)(end - device) >= sizeof(new.device) ||
	    strlen(end + 1) >= sizeof(new.part.name))
		return -ENOENT;
	memcpy(new.device, device, (size_t)(end - device));
	strcpy(new.part.name, end + 1);
	for (char *c = new.device; *c; c++)
		if (*c == '%')
			*c = ':';
	more = reallocarray(keep->parts, keep->part_count + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	keep->parts = more;
	more[keep->part_count++] = new;
	return 0;
}

int keep_take(struct keep *keep, const char *name, int fd)
{
	int err = -ENOENT;

	/* Whatever becomes of it, it is there. */
	keep->count++;
	if (!strncmp(name, POLICY_WORD, strlen(POLICY_WORD)))
		err = policy_take(keep, name, fd);
	else if (!strncmp(name, DEVICE_WORD, strlen(DEVICE_WORD)))
		err = part_take(keep, name, fd);
	if (err)
		keep->count--;
	return err;
}

int keep_policy_read(const struct keep *keep, char **text, size_t *length)
{
	struct stat status;
	ssize_t read;

	if (fstat(keep->policy_fd, &status) < 0)
		return -errno;
	if (status.st_size < 0 || status.st_size > POLICY_FILE_MAX)
		return -EFBIG;
	*text = malloc((size_t)status.st_size + 1);
	if (!*text)
		return -ENOMEM;
	read = pread(keep->policy_fd, *text, (size_t)status.st_size, 0);
	if (read < 0) {
		free(*text);
		return -errno;
	}
	*length = (size_t)read;
	return 0;
}

static int text_file(const struct policy *policy)
{
	int fd = memfd_create("barlease-policy",
			      MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int err = 0;

	if (fd < 0)
		return -errno;
	errno = EIO;
	if (write(fd, policy->text, policy->length) !=
		    (ssize_t)policy->length ||
	    fcntl(fd, F_ADD_SEALS, POLICY_SEALS) < 0)
		err = -errno;
	if (err)
		close(fd);
	return err ? err : fd;
}

int keep_policy(struct keep *keep, const struct policy *policy)
{
	char name[NAME_SIZE], before[NAME_SIZE];
	int fd, err;

	if (!keep->max)
		return 0;
	fd = text_file(policy);
	if (fd < 0)
		return fd;
	policy_name(name, keep->policy + 1);
	err = put(keep, name, fd);
	close(fd);
	if (err)
		return err;
	if (keep->policy) {
		policy_name(before, keep->policy);
		forget(keep, before);
	}
	keep->policy++;
	return 0;
}

int keep_device(struct keep *keep, const struct barlease_device *device)
{
	struct barlease_part parts[BARLEASE_PARTS_MAX];
	char name[NAME_SIZE];
	int count, err;

	if (!keep->max)
		return 0;
	count = barlease_device_parts(device, parts);
	if (count < 0)
		return count;
	for (int i = 0; i < count; i++) {
		part_name(name, barlease_device_bdf(device), parts[i].name);
		err = put(keep, name, parts[i].fd);
		if (!err)
			continue;
		while (i--) {
			part_name(name, barlease_device_bdf(device),
				  parts[i].name);
			forget(keep, name);
		}
		return err;
	}
	return 0;
}

void keep_forget_device(struct keep *keep,
			const struct barlease_device *device)
{
	struct barlease_part parts[BARLEASE_PARTS_MAX];
	char name[NAME_SIZE];
	int count;

	if (!keep->max)
		return;
	count = barlease_device_parts(device, parts);
	for (int i = 0; i < count; i++) {
		part_name(name, barlease_device_bdf(device), parts[i].name);
		forget(keep, name);
	}
}

int keep_device_again(const struct keep *keep,
		      const struct barlease_device *device)
{
	struct barlease_part parts[BARLEASE_PARTS_MAX];
	char name[NAME_SIZE];
	int count, err = 0;

	if (!keep->max)
		return 0;
	count = barlease_device_parts(device, parts);
	for (int i = 0; !err && i < count; i++) {
		part_name(name, barlease_device_bdf(device), parts[i].name);
		err = manager_store(name, parts[i].fd);
	}
	return count < 0 ? count : err;
}

int keep_resume_device(struct keep *keep, const char *name,
		       struct barlease_device **device)
{
	struct barlease_part parts[BARLEASE_PARTS_MAX];
	unsigned int count = 0;
	size_t left = 0;
	int err;

	for (size_t i = 0; i < keep->part_count; i++) {
		if (strcmp(keep->parts[i].device, name) != 0)
			continue;
		if (count == BARLEASE_PARTS_MAX)
			return -EPROTO;
		parts[count++] = keep->parts[i].part;
	}
	if (!count)
		return -ENOENT;
	err = barlease_device_resume(name, parts, count, device);
	if (err)
		return err;
	for (size_t i = 0; i < keep->part_count; i++)
		if (strcmp(keep->parts[i].device, name) != 0)
			keep->parts[left++] = keep->parts[i];
	keep->part_count = left;
	return 0;
}

void keep_drop(struct keep *keep)
{
	char name[NAME_SIZE];

	for (size_t i = 0; i < keep->part_count; i++) {
		const struct kept_part *part = &keep->parts[i];

		part_name(name, part->device, part->part.name);
		forget(keep, name);
		close(part->part.fd);
	}
	keep->part_count = 0;
}

void keep_end(struct keep *keep)
{
	char name[NAME_SIZE];

	keep_drop(keep);
	free(keep->parts);
	keep->parts = NULL;
	if (keep->policy) {
		policy_name(name, keep->policy);
		forget(keep, name);
	}
	keep->policy = 0;
	if (keep->policy_fd >= 0)
		close(keep->policy_fd);
	keep->policy_fd = -1;
}
