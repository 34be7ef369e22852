// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/reading.h"

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < policy->offer_count; i++) {
		struct policy_offer *offer = &policy->offers[i];

		for (size_t j = 0; j < offer->allow_count; j++)
			free(offer->allow[j].pattern);
		free(offer->allow);
	}
	free(policy->text);
	free(policy->devices);
	free(policy->offers);
	free(policy);
}

static int text_copy(struct policy *policy, const char *text, size_t length)
{
	policy->text = malloc(length + 1);
	if (!policy->text)
		return -ENOMEM;
	memcpy(policy->text, text, length);
	policy->length = length;
	return 0;
}

static int parse(const char *text, size_t length, bool kept,
		 struct policy **policy, struct mistakes *mistakes)
{
	struct reading reading = { .mistakes = mistakes, .kept = kept };
	int err;

	reading.policy = calloc(1, sizeof(*reading.policy));
	if (!reading.policy)
		return -ENOMEM;
	err = text_copy(reading.policy, text, length);
	if (!err)
		err = raw_read(text, length, &reading.raw, mistakes);
	if (!err) {
		sections_take(&reading);
		if (!reading.failed)
			policy_check(&reading);
		/* A file that was cut off must not take everything back. */
		if (!reading.failed && !reading.policy->offer_count &&
		    !mistakes->count)
			mistakes_add(mistakes, 1,
				     "it lends nothing: there is no [Slice NAME] and no [Pool NAME]");
	}
	raw_free(&reading.raw);
	mistakes_sort(mistakes);
	if (reading.failed || mistakes->failed)
		err = -ENOMEM;
	if (!err && mistakes->count)
		err = -EBADMSG;
	if (err) {
		policy_free(reading.policy);
		return err;
	}
	*policy = reading.policy;
	return 0;
}

int policy_parse(const char *text, size_t length, struct policy **policy,
		 struct mistakes *mistakes)
{
	return parse(text, length, false, policy, mistakes);
}

int policy_parse_kept(const char *text, size_t length, struct policy **policy,
		      struct mistakes *mistakes)
{
	return parse(text, length, true, policy, mistakes);
}

static const char no_file[] = "is not a file, but a pipe, a socket or a device";

/* All of it. Return: how much that is, or -errno. */
static ssize_t text_read(int fd, char *text, size_t room)
{
	size_t length = 0;
	ssize_t more;

	do {
		more = read(fd, text + length, room - length);
		if (more < 0 && errno != EINTR)
			return -errno;
		if (more > 0)
			length += (size_t)more;
	} while (more && length < room);
	return (ssize_t)length;
}

static bool is_changed(const struct stat *before, int fd)
{
	struct stat now;

	return fstat(fd, &now) < 0 || now.st_size != before->st_size ||
	       now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != before->st_mtim.tv_nsec;
}

/* Return: how much there is in @text, of POLICY_FILE_MAX + 1; or -errno. */
static ssize_t file_read(int fd, char *text, struct mistakes *mistakes)
{
	struct stat status;
	ssize_t length;

	if (fstat(fd, &status) < 0)
		return -errno;
	/* What comes out of a pipe is all of it only by chance. */
	if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
		mistakes_add(mistakes, 1, "%s", no_file);
		return -EBADMSG;
	}
	length = text_read(fd, text, POLICY_FILE_MAX + 1);
	/* Half of it can look like a policy. */
	if (length >= 0 && is_changed(&status, fd)) {
		mistakes_add(mistakes, 1, "has changed while it was read");
		return -EBADMSG;
	}
	return length;
}

int policy_read(const char *path, struct policy **policy,
		struct mistakes *mistakes)
{
	/* A pipe that nobody writes to must not stop a daemon. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *text;
	ssize_t length;
	int err;

	/* That is how a socket cannot be opened. */
	if (fd < 0 && errno == ENXIO) {
		mistakes_add(mistakes, 1, "%s", no_file);
		return -EBADMSG;
	}
	if (fd < 0)
		return -errno;
	text = malloc(POLICY_FILE_MAX + 1);
	length = text ? file_read(fd, text, mistakes) : -ENOMEM;
	close(fd);
	if (length < 0)
		err = (int)length;
	else if (length > POLICY_FILE_MAX)
		err = -EFBIG;
	else
		err = policy_parse(text, (size_t)length, policy, mistakes);
	free(text);
	return err;
}
