// SPDX-License-Identifier: MIT
/*
 * Lessees that are killed at any point of a lease's life, by SIGKILL, a few at a
 * time. No slice may be lost or lent twice: the server lists its leases after each
 * step (host_own.c), or tells of each as it happens (witness.c), and each lessee
 * finds in the bytes of its slice who had it before.
 *
 * BARLEASE_KILLS is how many; without it 300.
 */
#include "support.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"

#define LESSEES 12 /* more than there are slices */

/* Bytes that an allocator may keep after a busy moment, however many there are. */
#define GROWTH (2 << 20)

/* Points of a life; between the last and the first it begins anew. */
enum point {
	BEFORE,
	CONNECTED,
	ASKED,
	GRANTED,
	MAPPED,
	WRITTEN,
	RELEASING,
	RELEASED,
	CLOSED,
	POINTS,
};

/* What lessees and who kills them have in common. */
struct place {
	_Atomic uint32_t reached[POINTS]; /* how often */
	/* Who lives there: a number that nobody else has; 0: nobody, or one
	 * who is about to be killed.
	 */
	_Atomic uint32_t living;
};

struct killing {
	struct place places[LESSEES];
	_Atomic uint32_t twice; /* slices whose holder was alive */
	uint32_t last; /* number that was given */
};

static void reach(struct place *place, enum point point)
{
	place->reached[point]++;
}

static void event_wait(struct barlease_lessee *lessee,
		       enum barlease_event_type type,
		       struct barlease_event *event)
{
	struct pollfd polled = { .fd = barlease_lessee_get_fd(lessee),
				 .events = POLLIN };

	for (;;) {
		int err = barlease_lessee_next_event(lessee, event);

		if (!err && event->type == type)
			return;
		if (err && err != -EAGAIN)
			_exit(1);
		if (err)
			poll(&polled, 1, -1);
	}
}

/*
 * Who had it before has given it back, and taken its number out, or it has
 * died. A new lease begins with what the last one of its slice had.
 */
static void slice_use(struct killing *killing, uint32_t number,
		      volatile uint32_t *word)
{
	uint32_t before = word[0], mine = killing->places[number].living;

	for (uint32_t i = 0; before && i < LESSEES; i++)
		killing->twice += killing->places[i].living == before;
	word[0] = mine;
	reach(&killing->places[number], WRITTEN);
	for (int i = 0; i < 20; i++)
		if (word[0] != mine)
			killing->twice++;
	word[0] = 0;
}

static void live_once(struct killing *killing, uint32_t number,
		      const struct host *host)
{
	struct barlease_wanted wanted = { .wait = BARLEASE_WAIT_FOR_EVER };
	struct place *place = &killing->places[number];
	struct barlease_lessee *lessee;
	struct barlease_event event;
	struct barlease_map map;
	uint32_t serial;
	uint64_t lease;

	reach(place, BEFORE);
	if (barlease_lessee_connect(host->path, &lessee))
		_exit(1);
	reach(place, CONNECTED);
	wanted.name = number % 4 ? "pool" : "one";
	if (barlease_lessee_start(lessee, &wanted, &serial))
		_exit(1);
	reach(place, ASKED);
	event_wait(lessee, BARLEASE_EVENT_GRANTED, &event);
	reach(place, GRANTED);
	lease = event.lease;
	if (barlease_lessee_map(&event.granted, &map))
		_exit(1);
	reach(place, MAPPED);
	slice_use(killing, number, map.address);
	if (barlease_lessee_start_release(lessee, lease))
		_exit(1);
	reach(place, RELEASING);
	event_wait(lessee, BARLEASE_EVENT_RELEASED, &event);
	reach(place, RELEASED);
	barlease_map_end(&map);
	close(event.granted.fd);
	barlease_lessee_close(lessee);
	reach(place, CLOSED);
}

static pid_t lessee_start(struct killing *killing, uint32_t number,
			  const struct host *host)
{
	pid_t pid;

	killing->places[number].living = ++killing->last;
	pid = fork();
	assert_true(pid >= 0);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		live_once(killing, number, host);
}

/* It gets there, and a moment further. */
static void lessee_kill(struct killing *killing, uint32_t number, pid_t pid,
			unsigned int count)
{
	struct place *place = &killing->places[number];
	enum point point = count % POINTS;
	uint32_t reached = place->reached[point];
	int status;

	for (int i = 0; i < 1000000 && place->reached[point] == reached; i++)
		usleep(20);
	assert_int_not_equal(place->reached[point], reached);
	for (volatile unsigned int spin = count * 7919 % 20000; spin; spin--)
		;
	place->living = 0;
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* Nothing else has ended it. */
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* Each slice can be had, at the same time. */
static void all_are_free(struct host *host)
{
	struct barlease_granted granted[HOST_POOL + 1];
	struct barlease_wanted wanted = { .name = "one" };
	struct barlease_lessee *lessee;

	assert_int_equal(barlease_lessee_connect(host->path, &lessee), 0);
	for (unsigned int i = 0; i <= HOST_POOL; i++) {
		assert_int_equal(barlease_lessee_request(lessee, &wanted,
							 &granted[i]),
				 0);
		wanted.name = "pool";
	}
	assert_int_equal(barlease_lessee_request(lessee, &wanted, granted),
			 -EBUSY);
	for (unsigned int i = 0; i <= HOST_POOL; i++)
		close(granted[i].fd);
	barlease_lessee_close(lessee);
}

static struct killing *killing_make(void)
{
	struct killing *new = mmap(NULL, sizeof(*new), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(new != MAP_FAILED);
	return new;
}

static void the_killed_leave_their_slices(void **state)
{
	const char *wanted = getenv("BARLEASE_KILLS");
	unsigned int kills = wanted ? (unsigned int)atoi(wanted) : 300;
	struct killing *killing = killing_make();
	struct host_report before, after;
	pid_t pids[LESSEES];
	struct host host;

	(void)state;
	host_start(&host, 0);
	all_are_free(&host);
	host_wait(&host, 0, &before);
	for (uint32_t i = 0; i < LESSEES; i++)
		pids[i] = lessee_start(killing, i, &host);
	for (unsigned int i = 0; i < kills; i++) {
		uint32_t number = i % LESSEES;

		lessee_kill(killing, number, pids[number], i / LESSEES + i);
		if (i + LESSEES < kills)
			pids[number] = lessee_start(killing, number, &host);
	}
	host_wait(&host, 0, &after);
	all_are_free(&host);
	assert_int_equal(killing->twice, 0);
	assert_true(after.ended > before.ended);
	host_wait(&host, 0, &after);
	assert_int_equal(after.fds, before.fds);
	assert_int_equal(after.blocks, before.blocks);
	assert_true(host_heap_within(&before, &after, GROWTH));
	host_end(&host);
	print_message("# %u kills, %llu leases\n", kills,
		      (unsigned long long)(after.ended - before.ended));
	munmap(killing, sizeof(*killing));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_killed_leave_their_slices),
	};

	host_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
