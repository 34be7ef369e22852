// SPDX-License-Identifier: MIT
/* Everything at the same time; see race.h. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "emulated.h"
#include "harness.h"
#include "race.h"

#define RACE_MS 10000	/* of each of the two */

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

static struct race *race_create(void)
{
	struct race *race = (void *)ASSERT_SYS(
		mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	unsigned int i;

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

/* One life of the lessor: it closes the device itself, or is killed. */
static void run_lessor(struct race *race, uint32_t round)
{
	static uint32_t seed = 4711;
	bool killed = round % 3 == 2;
	pid_t pid;

	atomic_store(&race->close_device, false);
	pid = (pid_t)ASSERT_SYS(fork());
	if (!pid)
		race_lessor(race, round);
	sleep_ms(200 + race_random(&seed, 600));
	if (!killed) {
		atomic_store(&race->close_device, true);
		assert_exit_0(pid);
		race_count(race, RACE_CLOSES);
		return;
	}
	ASSERT_SYS(kill(pid, SIGKILL));
	ASSERT_SYS(waitpid(pid, NULL, 0));
	atomic_store(&race->round_ended[round], true);
	race_count(race, RACE_KILLS);
}

static void print_counts(struct race *race)
{
	static const char *const names[RACE_COUNTS] = {
		"exports", "revokes", "closes", "kills", "memory off/on",
		"mmaps", "mmaps refused", "reads", "writes", "SIGBUS",
		"refused after the end", "moves", "holes", "forks",
		"passed on",
	};
	unsigned int i;

	for (i = 0; i < RACE_COUNTS; i++)
		test_note("race: %llu %s",
			  (unsigned long long)atomic_load(&race->counts[i]),
			  names[i]);
}

/* Whether nothing that is to be raced with stood still. */
static bool all_happened(const struct race *race)
{
	unsigned int i;

	for (i = 0; i < RACE_COUNTS; i++)
		if ((i != RACE_TOGGLES || race->toggle_memory) &&
		    !atomic_load(&race->counts[i]))
			return false;
	return true;
}

static void run_race(struct race *race)
{
	pid_t borrowers[RACE_BORROWERS];
	long long end;
	uint32_t round;
	unsigned int i;

	for (i = 0; i < RACE_BORROWERS; i++) {
		borrowers[i] = (pid_t)ASSERT_SYS(fork());
		if (!borrowers[i])
			race_borrower(race, i);
	}

	end = now_ms() + RACE_MS;
	for (round = 0; (now_ms() < end || !all_happened(race)) &&
			round < RACE_ROUNDS; round++)
		run_lessor(race, round);

	atomic_store(&race->stop, true);
	for (i = 0; i < RACE_BORROWERS; i++)
		assert_exit_0(borrowers[i]);
	print_counts(race);

	ASSERT(all_happened(race));
}

TEST_LONG(race_on_all_cpus_lets_no_access_through_after_the_end, 60)
{
	device_bdf(IVSHMEM);
	run_race(race_create());
}

TEST_LONG(race_with_memory_off_lets_no_access_through_after_the_end, 60)
{
	struct race *race;

	device_bdf(IVSHMEM);
	emulated_use_one_cpu();
	race = race_create();
	race->toggle_memory = true;
	run_race(race);
}
