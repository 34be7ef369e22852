// SPDX-License-Identifier: MIT
#include "storm.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aftermath.h"
#include "emulated.h"
#include "harness.h"

uint8_t storm_tag(uint32_t device, uint64_t page)
{
	return (uint8_t)(random_mix(device * 8192 + page) | 1);
}

uint64_t storm_word(uint32_t device, uint64_t place)
{
	uint64_t word = 0;
	int i;

	for (i = 7; i >= 0; i--)
		word = word << 8 |
		       storm_tag(device, (place + (uint64_t)i) / PAGE);
	return word;
}

void storm_fail(struct storm *storm, const char *format, ...)
{
	va_list args;

	if (atomic_exchange(&storm->failed, true))
		return;
	va_start(args, format);
	vsnprintf(storm->why, sizeof(storm->why), format, args);
	va_end(args);
	atomic_store(&storm->stop, true);
}

void storm_act(struct storm *storm, struct worker *worker, const struct op *op,
	       struct result *result)
{
	act(worker, op, -1, result);
	atomic_fetch_add(&storm->counts[op->kind], 1);
	if (result->signal)
		atomic_fetch_add(&storm->signals, 1);
}

void storm_send(struct storm *storm, unsigned int to, uint32_t lease, int fd)
{
	struct iovec vec = { &lease, sizeof(lease) };
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
	if (sendmsg(storm->inbox[to][0], &message,
		    MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		atomic_fetch_add(&storm->counts[OP_PASS], 1);
}

int storm_receive(struct storm *storm, unsigned int self, uint32_t *lease)
{
	struct iovec vec = { lease, sizeof(*lease) };
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
	int fd = -1;

	if (recvmsg(storm->inbox[self][1], &message,
		    MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != sizeof(*lease))
		return -1;
	if (message.msg_controllen >= CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

static pid_t start(struct storm *storm, unsigned int number, uint64_t seed)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		abort();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (storm->events)
		emulated_use_one_cpu();
	if (number < STORM_LESSORS)
		storm_lessor(storm, number, seed);
	storm_borrower(storm, number - STORM_LESSORS, seed);
}

/* All of them have said that they are done, within some time. */
static void await(struct storm *storm, const pid_t *pids, unsigned int count)
{
	long long end = now_ms() + patience_ms(30000);
	unsigned int i;
	int status;

	for (i = 0; i < count; i++) {
		while (waitpid(pids[i], &status, WNOHANG) != pids[i]) {
			if (now_ms() > end) {
				storm_fail(storm, "process %u does not end", i);
				kill(pids[i], SIGKILL);
				end += 5000;
			}
			sleep_ms(2);
		}
		if (status)
			storm_fail(storm, "process %u ended by %#x", i,
				   (unsigned int)status);
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static void print_counts(struct storm *storm)
{
	unsigned long long sum = 0;
	int i;

	for (i = 0; i < OP_KINDS; i++) {
		sum += storm->counts[i];
		if (storm->counts[i])
			printf("#   %-13s %8llu\n", op_name((enum op_kind)i),
			       storm->counts[i]);
	}
	printf("# storm: %llu operations, %llu signals\n", sum, storm->signals);
}

bool storm_run(struct fuzz *fuzz, uint64_t seed, long long seconds, bool events)
{
	pid_t pids[STORM_LESSORS + STORM_BORROWERS];
	unsigned int i, count = STORM_LESSORS + STORM_BORROWERS;
	struct aftermath before;
	struct storm *storm;
	long long end, shown;
	bool fine;

	storm = mmap(NULL, sizeof(*storm), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (storm == MAP_FAILED)
		abort();
	storm->shared = fuzz->shared;
	storm->events = events;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (i = 0; i < STORM_BORROWERS; i++)
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
			       storm->inbox[i]))
			abort();

	printf("# storm: seed %#llx%s\n", (unsigned long long)seed,
	       events ? ", with events" : "");
	aftermath_before(&before);
	end = now_ms() + seconds * 1000;
	shown = now_ms();
	for (i = 0; i < count; i++)
		pids[i] = start(storm, i, random_mix(seed + i));
	while (now_ms() < end && !atomic_load(&storm->stop)) {
		sleep_ms(20);
		if (now_ms() - shown < 5000)
			continue;
		shown = now_ms();
		printf("# storm: %u leases so far\n", storm->nr_leases);
		fflush(stdout);
	}
	atomic_store(&storm->stop, true);
	await(storm, pids, count);
	for (i = 0; i < STORM_BORROWERS; i++) {
		close(storm->inbox[i][0]);
		close(storm->inbox[i][1]);
	}
	print_counts(storm);
	fine = !storm->failed;
	snprintf(fuzz->why, sizeof(fuzz->why), "%s", storm->why);
	if (fine && aftermath_check(&before, fuzz->why, sizeof(fuzz->why)))
		fine = false;
	munmap(storm, sizeof(*storm));
	return fine;
}
