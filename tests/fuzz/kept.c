// SPDX-License-Identifier: MIT
#include "kept.h"

#include <sys/stat.h>
#include <unistd.h>

#include "server/keep.h"
#include "store.h"

const char *policies[POLICIES];

static char folder[64], path[80];
static char texts[POLICIES][512];

static void folder_leave(void)
{
	unlink(path);
	rmdir(folder);
}

void kept_prepare(void)
{
	static const char head[] =
		"[Device accel]\nbackend = sim\nsize = 64K\n"
		"[Slice one]\ndevice = accel\nbar = 0\nrange = 0+8K\n"
		"allow = anyone\n";
	static const char tail[] =
		"[Pool queues]\ndevice = accel\nbar = 2\nrange = 0+16K\n"
		"slice = 4K\nallow = anyone\ntime-limit = 1d\n";

	if (policies[0])
		return;
	snprintf(folder, sizeof(folder), "/tmp/barlease-fuzz-%d", getpid());
	snprintf(path, sizeof(path), "%s/s", folder);
	promise(!mkdir(folder, 0700));
	atexit(folder_leave);
	snprintf(texts[0], sizeof(texts[0]), "%ssocket = %s\n%ssocket = %s\n",
		 head, path, tail, path);
	snprintf(texts[1], sizeof(texts[1]),
		 "%ssocket = %s\nexclusive = no\naccess = ro\n", head, path);
	snprintf(texts[2], sizeof(texts[2]), "%sbar = 7\n", head);
	for (unsigned int i = 0; i < POLICIES; i++)
		policies[i] = texts[i];
}

const char *kept_socket(void)
{
	return path;
}

static void bars_make(uint8_t how)
{
	char name[32];

	for (unsigned int i = 0; i < 6; i++) {
		/* One that lacks is another device, and so is a longer one. */
		if (how == i + 1u)
			continue;
		snprintf(name, sizeof(name), "device/sim%%%s/bar%u",
			 how == 13 ? "other" : "accel", i);
		store_add(name, file_memory(how == i + 7u ? SIM_SIZE * 2 :
							    SIM_SIZE),
			  false);
	}
}

static void policy_make(uint8_t how)
{
	static const char *const names[] = {
		"policy-1", "policy-7", "policy-18446744073709551615",
		"policy-0",
	};

	if (how % 5 == 4)
		return;
	store_add(names[how / 5 % 4],
		  file_text(policies[how % 5 % POLICIES]), false);
}

/* A name that means something, or any bytes that a name can have. */
static void name_take(struct input *input, char *name)
{
	static const char *const words[] = {
		"lease", "lessee", "listener", "state", "policy",
		"device/sim%accel/bar", "device/", "device//", "connection",
	};
	uint8_t how = input_byte(input);
	size_t size;

	if (how < 0xc0) {
		snprintf(name, STORE_NAME_SIZE, how & 8 ? "%s%u" : "%s-%u",
			 words[how % 9], (how >> 4) % 4u);
		return;
	}
	size = how == 0xff ? STORE_NAME_SIZE - 1 : how & 0x1f;
	input_take(input, name, size);
	name[size] = '\0';
	for (char *c = name; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == ':')
			*c = '_';
}

void kept_make(struct input *input)
{
	char name[STORE_NAME_SIZE];
	uint8_t how = input_byte(input);
	uint8_t more;

	policy_make(input_byte(input));
	if (!(how & 1))
		bars_make(input_byte(input) % 64);
	if (!(how & 2))
		store_add("state-1", state_make(input), false);
	more = input_byte(input) % 8;
	while (more--) {
		name_take(input, name);
		/* The input is read in this order. */
		store_add(name, file_any(input, input_byte(input)), false);
	}
	if (how & 4)
		store_add("barleased.socket", file_any(input, 0), true);
	if (how & 8)
		store.failing = 1 + input_byte(input) % 16u;
}

void kept_lessees_ask(uint8_t what)
{
	files_ask(what);
}

void kept_end(void)
{
	files_end();
	store_end();
}
