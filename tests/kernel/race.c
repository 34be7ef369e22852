// SPDX-License-Identifier: MIT
/* What a race is made of; see race.h. */
#include "race.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

bool race_send(struct race *race, unsigned int inbox,
	       const struct race_lease *lease, int fd)
{
	struct iovec vec = {
		.iov_base = (void *)lease,
		.iov_len = sizeof(*lease),
	};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr message = {
		.msg_iov = &vec,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(race->inbox[inbox][0], &message,
		       MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(*lease);
}

int race_receive(struct race *race, unsigned int inbox,
		 struct race_lease *lease)
{
	struct iovec vec = { .iov_base = lease, .iov_len = sizeof(*lease) };
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr message = {
		.msg_iov = &vec,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(race->inbox[inbox][1], &message,
		    MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != sizeof(*lease))
		return -1;
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

/* xorshift32 */
uint32_t race_random(uint32_t *state, uint32_t below)
{
	uint32_t x = *state ? *state : 1;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	*state = x;
	return x % below;
}

struct race *race_create(const struct race_place *place)
{
	static uint32_t seed = 4711;
	struct race *race = (void *)ASSERT_SYS(
		mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	unsigned int i;

	race->place = place;
	race->seed = seed++;
	for (i = 0; i < RACE_INBOXES; i++)
		ASSERT_SYS(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC,
				      0, race->inbox[i]));
	return race;
}

static void assert_exit_0(pid_t pid)
{
	int status;

	ASSERT_SYS(waitpid(pid, &status, 0));
	ASSERT_EQ(status, 0);
}

/*
 * Half as long as it took to open and to close it the last time, or longer, so
 * that the race is about leases, too: the debug kernel takes half a minute to
 * unmap a BAR of 8 GiB.
 */
static void live(struct race *race, long long last, long long end)
{
	long long least = now_ms() + 200 + race_random(&race->seed, 600);

	while (now_ms() < least || (last > 0 && now_ms() < end)) {
		sleep_ms(100);
		last -= 200;
	}
}

/*
 * One life of the lessor: it closes the device itself, or is killed. Return how
 * long everything but lending took; @last: the same of the one before, ms.
 */
static long long run_lessor(struct race *race, uint32_t round, long long last,
			    long long end)
{
	long long start = now_ms();
	long long open, closing;
	bool killed = round % 3 == 2;
	int status;
	pid_t pid;

	atomic_store(&race->close_device, false);
	atomic_store(&race->is_open, false);
	pid = (pid_t)ASSERT_SYS(fork());
	if (!pid)
		race_lessor(race, round);
	/* Where the device is away just now there is nothing to race with. */
	while (!atomic_load(&race->is_open) && now_ms() < end) {
		if (ASSERT_SYS(waitpid(pid, &status, WNOHANG)) == pid) {
			ASSERT_EQ(status, 0);
			return last;
		}
		sleep_ms(10);
	}
	open = now_ms();
	live(race, last, end);
	closing = now_ms();
	if (killed) {
		ASSERT_SYS(kill(pid, SIGKILL));
		ASSERT_SYS(waitpid(pid, NULL, 0));
		atomic_store(&race->round_ended[round], true);
	} else {
		atomic_store(&race->close_device, true);
		assert_exit_0(pid);
	}
	race_count(race, killed ? RACE_KILLS : RACE_CLOSES);
	return open - start + now_ms() - closing;
}

void race_run(struct race *race, long long ms,
	      bool (*enough)(struct race *race))
{
	const struct race_place *place = race->place;
	pid_t others[RACE_BORROWERS + 1];
	long long end = now_ms() + ms;
	unsigned int count = place->borrowers + place->importer;
	long long last = 0;
	uint32_t round;
	unsigned int i;

	for (i = 0; i < count; i++) {
		others[i] = (pid_t)ASSERT_SYS(fork());
		if (others[i])
			continue;
		if (i < place->borrowers)
			race_borrower(race, i);
		race_importer(race);
	}

	for (round = 0; (now_ms() < end || !enough(race)) &&
			round < RACE_ROUNDS; round++) {
		last = run_lessor(race, round, last, end);
		for (i = 0; i < count; i++)
			ASSERT_EQ(waitpid(others[i], NULL, WNOHANG), 0);
	}

	atomic_store(&race->stop, true);
	for (i = 0; i < count; i++)
		assert_exit_0(others[i]);
}

uint64_t race_sum(struct race *const *races, unsigned int count,
		  enum race_count what)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < count; i++)
		sum += atomic_load(&races[i]->counts[what]);
	return sum;
}

void race_print(struct race *const *races, unsigned int count)
{
	static const char *const names[RACE_COUNTS] = {
		"exports", "revokes", "closes", "kills", "memory off/on",
		"mmaps", "mmaps refused", "reads", "writes", "SIGBUS",
		"refused after the end", "reads checked", "faults", "moves",
		"holes", "protects", "forks", "passed on", "resets",
		"hot resets", "power", "imports", "imports ended", "unplugs",
		"unbinds", "looks", "strayed",
	};
	char line[1000];
	size_t length = 0;
	unsigned int i;

	for (i = 0; i < RACE_COUNTS; i++)
		length += (size_t)snprintf(
			line + length, sizeof(line) - length, "%s%llu %s",
			i ? ", " : "",
			(unsigned long long)race_sum(races, count, i),
			names[i]);
	test_note("race: %s", line);
}
