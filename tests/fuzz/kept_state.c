// SPDX-License-Identifier: MIT
/* A state file: right by itself, with fields of the input's choice, spoilt. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kept.h"
#include "server/keep.h"
#include "store.h"

#define RECORDS_MAX 12
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

struct state {
	struct keep_header header;
	struct keep_record records[RECORDS_MAX];
};

/* Most are small, so that some are the same. */
static uint64_t number(struct input *input)
{
	uint8_t small = input_byte(input);

	return small < 0xf0 ? small & 15 : input_number(input);
}

static void name_take(struct input *input, char *name)
{
	static const char *const names[] = { "queues", "one", "", "other" };

	strcpy(name, names[input_byte(input) % 4]);
}

static void lessee_take(struct input *input, struct keep_record *record)
{
	uint8_t how = input_byte(input);
	char name[32];

	record->of_lessee.behind = how == 0xff;
	strcpy(record->of_lessee.path, how & 1 ? "/elsewhere" : kept_socket());
	strcpy(record->of_lessee.command, "fuzz");
	strcpy(record->of_lessee.cgroup, how & 2 ? "/fuzz" : "");
	if (how & 4)
		return;
	snprintf(name, sizeof(name), "lessee-%llu",
		 (unsigned long long)record->id);
	store_add(name, file_lessee(how >> 5), false);
}

static void lease_take(struct input *input, struct keep_record *record)
{
	struct keep_lease *lease = &record->of_lease;
	uint8_t how = input_byte(input);
	char name[32];

	lease->index = (uint32_t)number(input);
	name_take(input, lease->name);
	lease->bar = lease->name[0] == 'q' ? 2 : 0;
	lease->offset = lease->bar ? lease->index * PAGE : 0;
	lease->length = PAGE * (lease->bar ? 1 : 2);
	lease->access = how & 1;
	lease->attribute = how >> 1 & 1;
	lease->told = how >> 2 & 1;
	lease->recalled = how >> 3 & 1;
	lease->serial = (uint32_t)number(input);
	lease->due = how & 8 ? number(input) : UINT64_MAX;
	lease->since = number(input);
	lease->due_why = input_byte(input) % 8;
	strcpy(lease->device, how == 0xff ? "sim:other" : "sim:accel");
	snprintf(name, sizeof(name), "lease-%llu",
		 (unsigned long long)record->id);
	if ((how & 0x70) != 0x70)
		store_add(name,
			  file_lease(how >> 4 & 3, lease->length,
				     lease->access),
			  false);
}

static void waiter_take(struct input *input, struct keep_record *record)
{
	struct keep_waiter *waiter = &record->of_waiter;
	uint8_t how = input_byte(input);

	waiter->access = how & 1;
	waiter->attribute = how >> 1 & 1;
	waiter->minimum = number(input);
	waiter->wait = number(input);
	waiter->due = how & 4 ? number(input) : UINT64_MAX;
	waiter->serial = (uint32_t)number(input);
	name_take(input, waiter->name);
}

static void record_take(struct input *input, struct keep_record *record)
{
	uint8_t type = input_byte(input);

	if (type == 0xff) {
		input_take(input, record, sizeof(*record));
		return;
	}
	record->type = type % 5;
	record->id = number(input);
	if (record->type >= KEEP_LEASE)
		record->lessee = number(input);
	if (record->type == KEEP_LESSEE)
		lessee_take(input, record);
	else if (record->type == KEEP_LEASE)
		lease_take(input, record);
	else if (record->type == KEEP_WAITER)
		waiter_take(input, record);
}

static void spoil(struct input *input, struct state *state, size_t size)
{
	uint8_t count = input_byte(input) % 4;

	while (count--) {
		size_t at = input_word(input) % (size - 8);
		uint64_t value = input_number(input);

		memcpy((char *)state + at, &value, sizeof(value));
	}
}

static int file_make(const struct state *state, size_t size, uint8_t how)
{
	int fd = memfd_create("fuzz-state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char path[32];
	int other;

	promise(fd >= 0 && write(fd, state, size) == (ssize_t)size);
	if (how & 1)
		promise(!ftruncate(fd, (off_t)size - 1));
	if (!(how & 2))
		promise(!fcntl(fd, F_ADD_SEALS, SEALS));
	if (!(how & 4))
		return fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	other = open(path, O_RDONLY | O_CLOEXEC);
	close(fd);
	return other;
}

int state_make(struct input *input)
{
	static struct state state;
	uint8_t records = 1 + input_byte(input) % RECORDS_MAX;
	uint8_t how = input_byte(input);
	size_t size = sizeof(state.header) + records * sizeof(*state.records);

	memset(&state, 0, sizeof(state));
	memcpy(state.header.magic, "BRLSKEPT", 8);
	state.header.version = KEEP_VERSION;
	state.header.record_size = sizeof(struct keep_record);
	state.header.records = records;
	state.header.last_listener = number(input);
	state.header.last_lessee = number(input);
	state.header.last_lease = number(input);
	for (unsigned int i = 0; i < records; i++)
		record_take(input, &state.records[i]);
	if (how & 8)
		spoil(input, &state, size);
	/* What only few files are, most inputs must not be. */
	return file_make(&state, size, how >= 0xf8 ? how : 0);
}
