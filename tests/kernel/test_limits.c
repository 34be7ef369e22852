// SPDX-License-Identifier: MIT
/* A lessee whose memory group is short must not hold up its lessor. */
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bind.h"
#include "device.h"
#include "harness.h"

#define GROUPS_AT "/run/barlease-cgroup"
#define GROUP GROUPS_AT "/lessee"

/* As many page tables as mappings, made in one system call. */
#define MAPPINGS 1024
#define SPAN (MAPPINGS * SIZE_2M)

/*
 * The kernel makes a group that is over memory.high sleep for up to 2 s at a
 * time; without that a revocation takes milliseconds, here too. A pause of the
 * machine looks the same, but does not come again and again.
 */
#define LONG_MS 1000
#define ROUNDS 100
#define TRIES 3

static void group_make(void)
{
	mkdir(GROUPS_AT, 0755);
	if (mount("none", GROUPS_AT, "cgroup2", 0, NULL) && errno != EBUSY)
		test_skip("no cgroup2: %s", errno_name(errno));
	if (sysfs_write(GROUPS_AT "/cgroup.subtree_control", "+memory"))
		test_skip("no memory controller");
	if (mkdir(GROUP, 0755) && errno != EEXIST)
		FAIL("%s: %s", GROUP, errno_name(errno));
}

/* One page of the lease, over and over, each time below a page table more. */
static void map_and_touch(int fd, char *base, const int *pipe_fds)
{
	static struct iovec pieces[MAPPINGS];
	static char sink[MAPPINGS];
	int i;

	for (i = 0; i < MAPPINGS; i++) {
		char *at = base + i * SIZE_2M;

		ASSERT(mmap(at, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd,
			    0) == at);
		pieces[i].iov_base = at;
		pieces[i].iov_len = 1;
	}
	/* The sleep comes on the way back to user space otherwise. */
	if (writev(pipe_fds[1], pieces, MAPPINGS) > 0)
		ASSERT_SYS(read(pipe_fds[0], sink, MAPPINGS));
	ASSERT_SYS(munmap(base, SPAN));
}

static _Noreturn void be_short_of_memory(int fd)
{
	int pipe_fds[2];
	char *base;

	ASSERT_OK(sysfs_write(GROUP "/cgroup.procs", "0"));
	ASSERT_SYS(pipe2(pipe_fds, O_CLOEXEC));
	for (;;) {
		base = mmap(NULL, SPAN, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			    0);
		ASSERT(base != MAP_FAILED);
		map_and_touch(fd, base, pipe_fds);
	}
}

/* How long the longest of many takes; one that is long ends it. */
static long long revoke_many(struct barlease_device *dev)
{
	long long start, took, worst = 0;
	int i, fd;

	for (i = 0; i < ROUNDS && worst < LONG_MS; i++) {
		fd = lease_export(dev, RAM_BAR, PAGE, PAGE);
		sleep_ms(50);
		start = now_ms();
		ASSERT_SYS(lease_revoke(dev, fd));
		took = now_ms() - start;
		if (took > worst)
			worst = took;
		close(fd);
	}
	return worst;
}

TEST_LONG(revoke_does_not_wait_for_a_lessee_that_is_short_of_memory, 60)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, 0, PAGE);
	long long worst = LONG_MS;
	pid_t pid;
	int i;

	group_make();
	pid = (pid_t)ASSERT_SYS(fork());
	if (!pid)
		be_short_of_memory(fd);
	sleep_ms(500);
	ASSERT_OK(sysfs_write(GROUP "/memory.high", "1M"));
	for (i = 0; i < TRIES && worst >= LONG_MS; i++) {
		worst = revoke_many(dev);
		test_note("revoke took %lld ms at most", worst);
	}
	ASSERT_OK(sysfs_write(GROUP "/memory.high", "max"));
	ASSERT_SYS(kill(pid, SIGKILL));
	ASSERT_SYS(waitpid(pid, NULL, 0));
	ASSERT_COMPARE(worst, <, LONG_MS);
}
