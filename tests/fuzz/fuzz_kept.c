// SPDX-License-Identifier: MIT
/*
 * Anything as what a service manager has kept of a barleased before: names, fds
 * and a state file. Either it goes on, and what it goes on with can be; or it
 * says that it cannot, and begins anew with nothing of it. A third one can go on
 * with what the second has left. Nothing is left in the store when it ends.
 */
#include <unistd.h>

#include "fds.h"
#include "journal.h"
#include "kept.h"
#include "lender/lender.h"
#include "server/keep.h"
#include "store.h"

#define KEEP 64
#define SLICES 5

static unsigned int failures;

/* All that is logged; nobody listens. */
bool __wrap_journal_send(const struct log_line *line, const char *text);
bool __wrap_journal_send(const struct log_line *line, const char *text)
{
	promise(*text && text[strlen(text) - 1] == '\n');
	promise(line->count && !strcmp(line->fields[0].key, "event"));
	failures += !strcmp(line->fields[0].value, "resume-failed");
	return true;
}

int __real_barlease_server_create(const struct barlease_server_terms *terms,
				  struct barlease_server **server);
int __wrap_barlease_server_create(const struct barlease_server_terms *terms,
				  struct barlease_server **server);
int __wrap_barlease_server_create(const struct barlease_server_terms *terms,
				  struct barlease_server **server)
{
	struct barlease_server_terms few = *terms;

	/* A state file with room for the usual 65536 takes too long to read. */
	few.waiting_max = 32;
	return __real_barlease_server_create(&few, server);
}

struct sums {
	unsigned int leases, lasting, lessees, waiting;
	uint64_t ids[KEEP];
	unsigned int holders[SLICES];
};

static int lease_see(void *context, const struct barlease_server_lessee *lessee,
		     const struct barlease_server_lease *lease)
{
	struct sums *sums = context;
	uint64_t page = lease->range.offset / PAGE;
	unsigned int slice = lease->bar ? 1 + (unsigned int)page : 0;

	promise(lessee && lease->id && sums->leases < KEEP);
	for (unsigned int i = 0; i < sums->leases; i++)
		promise(sums->ids[i] != lease->id);
	sums->ids[sums->leases++] = lease->id;
	sums->lasting += !lease->recalled;
	promise(lease->bar == 0 || lease->bar == 2);
	promise(slice < SLICES);
	sums->holders[slice]++;
	return 0;
}

static int lessee_see(void *context,
		      const struct barlease_server_lessee *lessee)
{
	struct sums *sums = context;

	promise(lessee->id);
	promise(lessee->waiting <= BARLEASE_REQUESTS_MAX);
	sums->lessees++;
	sums->waiting += lessee->waiting;
	return 0;
}

static struct sums sums_of(const struct lender *lender)
{
	struct sums sums = { 0 };

	barlease_server_each_lease(lender->server, lease_see, &sums);
	barlease_server_each_lessee(lender->server, lessee_see, &sums);
	return sums;
}

/* What is there can be; and the store has that, and nothing else. */
static void look(const struct lender *lender)
{
	struct sums sums = sums_of(lender);
	bool shared = lender->setup->policy->offers[0].terms.sharers > 1;

	for (unsigned int i = shared; i < SLICES; i++)
		promise(sums.holders[i] <= 1);
	promise(!store_doubts());
	promise(store_count() == lender->keep.count);
	promise(!lender->keep.part_count);
}

/* Return: whether it lends now. */
static bool begin(struct lender *lender, const char *file)
{
	int err;

	failures = 0;
	promise(!lender_create(file, KEEP, lender));
	promise(!lender_take_handed(lender));
	err = lender_begin(lender);
	if (err)
		return false;
	look(lender);
	if (failures)
		promise(!sums_of(lender).lessees && !sums_of(lender).leases);
	return true;
}

static void go_on(struct lender *lender, uint8_t what)
{
	for (unsigned int i = 0; i < 3; i++) {
		promise(!lender_dispatch(lender));
		look(lender);
		kept_lessees_ask(what);
	}
	promise(!lender_dispatch(lender));
	look(lender);
}

/* After that many lessees or leases there may be no other server. */
static bool used_up(void)
{
	struct keep_header header = { .version = 0 };

	for (size_t i = 0; i < store.count; i++)
		if (!strcmp(store.list[i].name, "state-1"))
			promise(pread(store.list[i].fd, &header, sizeof(header),
				      0) == sizeof(header));
	return header.last_listener > KEEP_NUMBER_MAX ||
	       header.last_lessee > KEEP_NUMBER_MAX ||
	       header.last_lease > KEEP_NUMBER_MAX;
}

/* It dies, and another one goes on. */
static void again(struct lender *first, const char *file)
{
	struct sums before = sums_of(first), after;
	bool last = used_up();
	struct lender second;

	store.failing = 0;
	/* The dead one listens, as this is one process. */
	unlink(kept_socket());
	promise(begin(&second, file));
	promise(last || !failures);
	after = sums_of(&second);
	/* What is being recalled may be of an offer that is gone. */
	promise(failures || (after.leases >= before.lasting &&
			     after.leases <= before.leases));
	lender_end(&second);
	promise(!store_count());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	unsigned int fds;
	struct lender lender;
	char file[32];
	uint8_t how;
	int text;

	kept_prepare();
	fds = fuzz_fd_count();
	store = (struct store){ .count = 0 };
	how = input_byte(&input);
	text = file_text(policies[how % POLICIES]);
	snprintf(file, sizeof(file), "/proc/self/fd/%d", text);
	kept_make(&input);
	if (begin(&lender, file)) {
		go_on(&lender, how);
		if (how & 0x80) {
			again(&lender, file);
			store.asleep = true;
		}
	}
	lender_end(&lender);
	promise(!store_count());
	kept_end();
	close(text);
	promise(fuzz_fd_count() == fds);
	return 0;
}
