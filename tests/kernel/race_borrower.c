// SPDX-License-Identifier: MIT
/* A borrower of a race: everything that a process can do to a lease. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "harness.h"
#include "race.h"
#include "touch.h"

#define HELD 12			/* leases at a time, per thread */
#define EDU_ID 0x010000edu	/* what the edu device starts with */

struct held {
	struct race_lease lease;
	int fd;			/* -1: nothing here */
	uint32_t *map;		/* NULL: not mapped */
	uint32_t first, pages;	/* what of the lease is mapped */
};

struct borrower {
	struct race *race;
	unsigned int inbox;
	uint32_t seed;
	pid_t child;		/* one at a time; 0: none */
	struct held held[HELD];
};

/* Which page of the BAR a page of the mapping is. */
static uint32_t bar_page(const struct held *held, uint32_t page)
{
	uint32_t i = 0;

	page += held->first;
	while (page >= held->lease.range[i].pages)
		page -= held->lease.range[i++].pages;
	return held->lease.range[i].first + page;
}

static bool is_right(const struct race_place *place, uint32_t page,
		     uint32_t found)
{
	return found == (place->content == RACE_TAGS ? page_tag(page) : EDU_ID);
}

/*
 * One that has been pulled out reads so until the kernel knows, which ends the
 * access for good.
 */
static bool is_pulled_out(const struct race_place *place, uint32_t *word,
			  uint32_t found)
{
	long long end = now_ms() + patience_ms(10000);

	if (!place->vanishes || (found && found != ~0U))
		return false;
	while (touch_read(word, NULL) == TOUCH_OK) {
		if (now_ms() >= end)
			return false;
		usleep(100);
	}
	return true;
}

/*
 * What was read must be what lies there. Emulation sends an access of one
 * processor astray while another one switches a BAR, see emulated.h; but for
 * memory, which it reaches directly, and not again and again.
 */
static void check(struct race *race, const struct held *held, uint32_t page,
		  uint32_t found)
{
	const struct race_place *place = race->place;
	uint32_t *word = page_word(held->map, page);
	unsigned int more;

	page = bar_page(held, page);
	if (place->content == RACE_ANYTHING ||
	    (place->content == RACE_EDU && page))
		return;
	for (more = place->emulated ? 5 : 0;
	     more && !is_right(place, page, found); more--) {
		race_count(race, RACE_STRAYED);
		if (touch_read(word, &found) != TOUCH_OK)
			return;
	}
	if (is_right(place, page, found))
		race_count(race, RACE_CHECKED);
	else if (!is_pulled_out(place, word, found))
		FAIL("%s, lease %u: page %u reads as %#x", place->name,
		     held->lease.id, page, found);
}

/*
 * The check that all this is about: the end is looked at before the access.
 * SIGSEGV cannot be: the mapping is this thread's own. The first word of each
 * page is for reading, the second for writing.
 */
static void touch(struct borrower *borrower, struct held *held)
{
	struct race *race = borrower->race;
	uint32_t page = race_random(&borrower->seed, held->pages);
	bool write = held->lease.writable && race_random(&borrower->seed, 2);
	bool ended = race_has_ended(race, &held->lease);
	uint32_t *word = page_word(held->map, page);
	enum outcome outcome;
	uint32_t found;

	outcome = write ? touch_write(word + 1, held->lease.id) :
			  touch_read(word, &found);
	if (outcome == TOUCH_SIGSEGV)
		FAIL("SIGSEGV at page %u of %u", page, held->pages);
	if (ended && outcome == TOUCH_OK)
		FAIL("lease %u of round %u is ended, and yet a %s goes through",
		     held->lease.id, held->lease.round,
		     write ? "write" : "read");
	if (outcome == TOUCH_OK && !write)
		check(race, held, page, found);
	race_count(race, write ? RACE_WRITES : RACE_READS);
	if (outcome == TOUCH_SIGBUS)
		race_count(race, RACE_SIGBUSES);
	if (ended)
		race_count(race, RACE_REFUSED_AFTER_END);
}

static void unmap(struct held *held)
{
	if (held->map)
		munmap(held->map, held->pages * PAGE);
	held->map = NULL;
}

static void drop(struct held *held)
{
	unmap(held);
	close(held->fd);
	held->fd = -1;
}

static int protection(const struct held *held)
{
	return held->lease.writable ? PROT_READ | PROT_WRITE : PROT_READ;
}

static void map(struct borrower *borrower, struct held *held)
{
	struct race *race = borrower->race;
	bool ended = race_has_ended(race, &held->lease);
	struct barlease_map map;
	int err;

	unmap(held);
	held->first = race_random(&borrower->seed, 2) ?
		      race_random(&borrower->seed, held->lease.pages) : 0;
	held->pages = held->lease.pages - held->first;
	err = barlease_lease_map(held->fd, held->first * PAGE,
				 held->pages * PAGE, protection(held),
				 held->lease.range[0].first * PAGE, &map);
	race_count(race, err ? RACE_MMAPS_REFUSED : RACE_MMAPS);
	if (err && err != -ENODEV)
		FAIL("mmap: %s", errno_name(err));
	if (!err && ended)
		FAIL("lease %u of round %u is ended, and yet can be mapped",
		     held->lease.id, held->lease.round);
	if (!err)
		held->map = map.address;
	else
		sleep_ms(1);	/* memory is off; or this lease is over */
}

static void move(struct borrower *borrower, struct held *held)
{
	void *address;

	/* First to anywhere, with the old place kept busy. */
	address = mmap(NULL, held->pages * PAGE, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT(address != MAP_FAILED);
	ASSERT_SYS(mremap(held->map, held->pages * PAGE, held->pages * PAGE,
			  MREMAP_MAYMOVE | MREMAP_FIXED, address));
	held->map = address;
	race_count(borrower->race, RACE_MOVES);
}

/* Unmap a page in the middle and give up what is behind it. */
static void punch(struct borrower *borrower, struct held *held)
{
	uint32_t hole;

	if (held->pages < 3)
		return;
	hole = 1 + race_random(&borrower->seed, held->pages - 2);
	ASSERT_SYS(munmap(page_word(held->map, hole), PAGE));
	touch(borrower, &(struct held){
		.lease = held->lease,
		.map = page_word(held->map, hole + 1),
		.first = held->first + hole + 1,
		.pages = held->pages - hole - 1,
	});
	ASSERT_SYS(munmap(page_word(held->map, hole + 1),
			  (held->pages - hole - 1) * PAGE));
	held->pages = hole;
	race_count(borrower->race, RACE_HOLES);
}

/* Part of it, so that the mapping is split. */
static void protect(struct borrower *borrower, struct held *held)
{
	uint32_t first = race_random(&borrower->seed, held->pages);
	uint32_t pages = 1 + race_random(&borrower->seed, held->pages - first);
	uint32_t *word = page_word(held->map, first);
	struct held part = {
		.lease = held->lease,
		.map = word,
		.first = held->first + first,
		.pages = pages,
	};

	ASSERT_SYS(mprotect(word, pages * PAGE, PROT_NONE));
	ASSERT_TOUCH(touch_read(word, NULL), TOUCH_SIGSEGV);
	ASSERT_SYS(mprotect(word, pages * PAGE, PROT_READ));
	ASSERT_TOUCH(touch_write(word + 1, 0), TOUCH_SIGSEGV);
	part.lease.writable = false;
	touch(borrower, &part);
	race_count(borrower->race, RACE_PROTECTS);
	/* The mm leaves such a mapping in parts, which cannot be moved. */
	map(borrower, held);
}

static void wait_for_child(struct borrower *borrower)
{
	int status = 0;

	if (borrower->child) {
		ASSERT_SYS(waitpid(borrower->child, &status, 0));
		ASSERT_EQ(status, 0);
	}
	borrower->child = 0;
}

/* A child that goes on with the same mappings for a while. */
static void fork_and_touch(struct borrower *borrower)
{
	unsigned int i, round;

	wait_for_child(borrower);
	borrower->child = (pid_t)ASSERT_SYS(fork());
	if (!borrower->child) {
		for (round = 0; round < 10; round++)
			for (i = 0; i < HELD; i++)
				if (borrower->held[i].fd >= 0 &&
				    borrower->held[i].map)
					touch(borrower, &borrower->held[i]);
		_exit(0);
	}
	race_count(borrower->race, RACE_FORKS);
}

static void pass_on(struct borrower *borrower, struct held *held)
{
	unsigned int to = race_random(&borrower->seed,
				      race_borrowers_inboxes(borrower->race));

	if (race_send(borrower->race, to, &held->lease, held->fd))
		race_count(borrower->race, RACE_PASSED_ON);
	if (race_random(&borrower->seed, 2))
		drop(held);
}

/*
 * Those who wait without having to take the processors from those who have
 * something to do: where a nap takes a millisecond itself (the debug kernel,
 * emulated), two dozen of them all but stopped the lessors.
 */
static void wait_for_lease(struct borrower *borrower)
{
	struct pollfd inbox = {
		.fd = borrower->race->inbox[borrower->inbox][1],
		.events = POLLIN,
	};
	unsigned int i;

	for (i = 0; i < HELD; i++)
		if (borrower->held[i].map)
			return;
	poll(&inbox, 1, 100);
}

/* Most of what came too late is not worth the time. */
static void receive(struct borrower *borrower, struct held *held)
{
	held->fd = race_receive(borrower->race, borrower->inbox, &held->lease);
	if (held->fd < 0)
		wait_for_lease(borrower);
	else if (race_has_ended(borrower->race, &held->lease) &&
		 race_random(&borrower->seed, 8))
		drop(held);
	else
		map(borrower, held);
}

static void exchange_fd(struct held *held)
{
	int copy = (int)ASSERT_SYS(dup(held->fd));

	close(held->fd);
	held->fd = copy;
}

static void do_something(struct borrower *borrower)
{
	struct held *held = &borrower->held[race_random(&borrower->seed, HELD)];
	uint32_t what = race_random(&borrower->seed, 100);
	unsigned int times;

	if (held->fd < 0) {
		receive(borrower, held);
		return;
	}
	if (!held->map && race_has_ended(borrower->race, &held->lease))
		drop(held);
	else if (!held->map || what < 4)
		map(borrower, held);
	else if (what < 8)
		move(borrower, held);
	else if (what < 12)
		punch(borrower, held);
	else if (what < 14)
		pass_on(borrower, held);
	else if (what < 16)
		exchange_fd(held);
	else if (what < 17)
		fork_and_touch(borrower);
	else if (what < 20)
		protect(borrower, held);
	else if (what < 27 || (what < 43 &&
			       race_has_ended(borrower->race, &held->lease)))
		drop(held);
	else
		for (times = 0; times < 16; times++)
			touch(borrower, held);
}

static void *borrow_on(void *arg)
{
	struct borrower *borrower = arg;
	unsigned int i;

	while (!atomic_load(&borrower->race->stop))
		do_something(borrower);
	for (i = 0; i < HELD; i++)
		if (borrower->held[i].fd >= 0)
			drop(&borrower->held[i]);
	wait_for_child(borrower);
	return NULL;
}

void race_borrower(struct race *race, unsigned int number)
{
	static struct borrower borrowers[RACE_THREADS];
	pthread_t threads[RACE_THREADS];
	struct rusage usage;
	unsigned int i, j;

	for (i = 0; i < RACE_THREADS; i++) {
		borrowers[i].race = race;
		borrowers[i].inbox = number * RACE_THREADS + i;
		borrowers[i].seed = race->seed * 100 + number * 10 + i;
		for (j = 0; j < HELD; j++)
			borrowers[i].held[j].fd = -1;
		ASSERT_EQ(pthread_create(&threads[i], NULL, borrow_on,
					 &borrowers[i]), 0);
	}
	for (i = 0; i < RACE_THREADS; i++)
		ASSERT_EQ(pthread_join(threads[i], NULL), 0);
	/* Nearly all of them are of leases. */
	ASSERT_SYS(getrusage(RUSAGE_SELF, &usage));
	atomic_fetch_add(&race->counts[RACE_FAULTS],
			 (uint64_t)usage.ru_minflt);
	_exit(0);
}
