// SPDX-License-Identifier: MIT
/*
 * Any text as a policy. It is one, or it has mistakes that say where; and what
 * passes for a policy can be lent.
 *
 * What is behind the last 0 is a cgroup, and who is in it may have what the
 * patterns say, by a rule that is written down here a second time.
 */
#include <errno.h>
#include <fnmatch.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "input.h"
#include "lender/lender.h"
#include "policy/policy.h"

#define PAGE 4096
#define CGROUP_MAX 255

/* A machine of one user and one group: looking names up takes too long. */
struct passwd *__wrap_getpwnam(const char *name);
struct passwd *__wrap_getpwnam(const char *name)
{
	static struct passwd alice = { .pw_uid = 1000 };

	return strcmp(name, "alice") ? NULL : &alice;
}

struct group *__wrap_getgrnam(const char *name);
struct group *__wrap_getgrnam(const char *name)
{
	static struct group accel = { .gr_gid = 1001 };

	return strcmp(name, "accel") ? NULL : &accel;
}

static void mistakes_look(const struct mistakes *mistakes, const uint8_t *data,
			  size_t size)
{
	unsigned int lines = 1, last = 1;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	for (size_t i = 0; i < mistakes->count; i++) {
		const struct mistake *mistake = &mistakes->list[i];

		promise(mistake->line >= last && mistake->line <= lines);
		last = mistake->line;
		promise(*mistake->text);
		/* A tab is the worst that it repeats. */
		for (const char *c = mistake->text; *c; c++)
			promise((unsigned char)*c >= ' ' || *c == '\t');
		/* Some terminals obey these, too. */
		for (const char *c = mistake->text; *c; c++)
			promise((unsigned char)*c != 0xc2 ||
				(unsigned char)c[1] < 0x80 ||
				(unsigned char)c[1] >= 0xa0);
	}
}

static void device_look(const struct policy_device *device)
{
	char bdf[BARLEASE_BDF_MAX];

	promise(device->name[0] && !strpbrk(device->name, " \t/[]"));
	if (device->backend == POLICY_SIM)
		promise(device->size && device->size % PAGE == 0);
	else
		promise(device->backend == POLICY_VFIO &&
			!barlease_bdf_parse(device->bdf, bdf));
}

static void offer_look(const struct policy *policy, size_t index)
{
	const struct policy_offer *offer = &policy->offers[index];
	const struct barlease_server_offer *terms = &offer->terms;
	uint64_t end = terms->range.offset + terms->range.length;

	promise(offer->name[0] && !strpbrk(offer->name, " \t/[]"));
	promise(terms->name == offer->name);
	promise(offer->device < policy->device_count);
	promise(terms->bar < BARLEASE_BARS);
	promise(terms->range.length && end > terms->range.offset);
	promise(terms->range.offset % PAGE == 0 && end % PAGE == 0);
	promise(terms->slice_size % PAGE == 0);
	if (terms->slice_size) {
		promise(terms->range.length % terms->slice_size == 0);
		promise(terms->range.length / terms->slice_size <=
			BARLEASE_POOL_MAX);
	}
	promise(offer->allow_count);
	promise(offer->socket[0] == '/' && !(offer->mode & ~0777));
	promise(!strstr(offer->socket, "//") && !strstr(offer->socket, "/../"));
	for (size_t i = 0; i < index; i++) {
		const struct policy_offer *other = &policy->offers[i];

		promise(strcmp(other->name, offer->name));
		promise(other->device != offer->device ||
			other->terms.bar != terms->bar ||
			other->terms.range.offset >= end ||
			other->terms.range.offset +
					other->terms.range.length <=
				terms->range.offset);
	}
}

/* Take what is before the next slash off the front of a path, and the slash. */
static const char *folder_take(const char **path, char *name, size_t size)
{
	size_t length = strcspn(*path, "/");

	promise(length < size);
	memcpy(name, *path, length);
	name[length] = '\0';
	*path += length;
	return **path ? ++*path : NULL;
}

/* Folder by folder, as many as the pattern has: a name in it has no slash. */
static bool matches(const char *pattern, const char *path)
{
	char wanted[POLICY_LINE_MAX + 1], name[CGROUP_MAX + 1];
	const char *more, *wanted_more;

	do {
		wanted_more = folder_take(&pattern, wanted, sizeof(wanted));
		more = folder_take(&path, name, sizeof(name));
		if (fnmatch(wanted, name, FNM_NOESCAPE) != 0)
			return false;
	} while (wanted_more && more);
	return !wanted_more && !more;
}

/* A [ that is closed behind a slash only may be one, or match nothing. */
static void may_look(bool may, bool expected, bool brackets)
{
	promise(may == expected || (!may && brackets));
}

static void allow_look(const struct policy *policy, const char *cgroup)
{
	for (size_t i = 0; i < policy->offer_count; i++) {
		const struct policy_offer *offer = &policy->offers[i];
		struct barlease_server_lessee lessee = {
			.uid = 77,
			.gid = 77,
			.cgroup = cgroup,
		};
		bool may = false, brackets = false;

		for (size_t j = 0; j < offer->allow_count; j++) {
			const struct policy_allow *allow = &offer->allow[j];

			may = may || allow->who == POLICY_ANYONE ||
			      (allow->who == POLICY_CGROUP && *cgroup &&
			       matches(allow->pattern, cgroup)) ||
			      ((allow->who == POLICY_USER ||
				allow->who == POLICY_GROUP) &&
			       allow->id == 77);
			brackets = brackets ||
				   (allow->who == POLICY_CGROUP &&
				    strchr(allow->pattern, '['));
		}
		may_look(lender_may(offer, &lessee), may, brackets);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *last = memrchr(data, '\0', size);
	char cgroup[CGROUP_MAX + 1] = "";
	struct mistakes mistakes = { 0 };
	struct policy *policy;
	int err;

	if (last) {
		struct input input = { last + 1, data + size - last - 1 };

		size = (size_t)(last - data);
		input_take(&input, cgroup, sizeof(cgroup) - 1);
	}
	err = policy_parse((const char *)data, size, &policy, &mistakes);
	promise(err == 0 || err == -EBADMSG);
	promise(!err == !mistakes.count);
	mistakes_look(&mistakes, data, size);
	mistakes_free(&mistakes);
	if (err)
		return 0;
	promise(policy->offer_count);
	for (size_t i = 0; i < policy->device_count; i++)
		device_look(&policy->devices[i]);
	for (size_t i = 0; i < policy->offer_count; i++)
		offer_look(policy, i);
	allow_look(policy, cgroup);
	policy_free(policy);
	return 0;
}
