// SPDX-License-Identifier: MIT
/* Importers that take their time, and who waits for them. */
#include <linux/dma-buf.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bind.h"
#include "device.h"
#include "harness.h"
#include "importer.h"
#include "lessee.h"
#include "pair.h"
#include "touch.h"

#define OFFSET (4 * PAGE)

/* Something that blocks, in a thread of its own. */
struct blocked {
	pthread_t thread;
	struct barlease_device *dev;
	int fd;
	struct pair *pair;
	int result;
	atomic_bool done;
};

static void *run_revoke(void *context)
{
	struct blocked *blocked = context;

	blocked->result = lease_revoke(blocked->dev, blocked->fd) ? -errno : 0;
	atomic_store(&blocked->done, true);
	return NULL;
}

static void *run_hot_reset(void *context)
{
	struct blocked *blocked = context;

	blocked->result = pair_hot_reset(blocked->pair, 1);
	atomic_store(&blocked->done, true);
	return NULL;
}

static void *run_close(void *context)
{
	struct blocked *blocked = context;

	barlease_device_close(blocked->dev);
	atomic_store(&blocked->done, true);
	return NULL;
}

static void begin(struct blocked *blocked, void *(*run)(void *))
{
	ASSERT_EQ(pthread_create(&blocked->thread, NULL, run, blocked), 0);
}

static void end(struct blocked *blocked)
{
	ASSERT_EQ(pthread_join(blocked->thread, NULL), 0);
	ASSERT_OK(blocked->result);
}

static void wait_notified(int importer)
{
	long long end = now_ms() + patience_ms(10000);

	while (!importer_notified(importer)) {
		ASSERT_COMPARE(now_ms(), <, end);
		sleep_ms(1);
	}
}

TEST(revoke_waits_until_the_peer_has_unmapped)
{
	struct blocked revoke = { .dev = device_open(IVSHMEM) };
	int importer;

	revoke.fd = lease_export(revoke.dev, RAM_BAR, OFFSET, PAGE);
	importer = importer_start(revoke.fd, IMPORTER_NEVER);
	begin(&revoke, run_revoke);
	wait_notified(importer);
	sleep_ms(200);
	ASSERT(!atomic_load(&revoke.done));
	ASSERT_OK(importer_unmap(importer));
	end(&revoke);
}

/* EBADFD means that nobody has it any more: the second one waits, too. */
TEST(revoke_of_a_lease_that_is_being_revoked_waits_along)
{
	struct blocked revoke = { .dev = device_open(IVSHMEM) };
	struct blocked again = revoke;
	int importer;

	revoke.fd = lease_export(revoke.dev, RAM_BAR, OFFSET, PAGE);
	again.fd = revoke.fd;
	importer = importer_start(revoke.fd, IMPORTER_NEVER);
	begin(&revoke, run_revoke);
	wait_notified(importer);
	begin(&again, run_revoke);
	sleep_ms(200);
	ASSERT(!atomic_load(&again.done));
	ASSERT_OK(importer_unmap(importer));
	ASSERT_EQ(pthread_join(again.thread, NULL), 0);
	ASSERT_ERROR(again.result, EBADFD);
	end(&revoke);
}

/* While a peer is waited for nobody else is: lessees fault, the lessor works. */
TEST(revoke_that_waits_for_a_peer_stops_nobody_else)
{
	struct blocked revoke = { .dev = device_open(IVSHMEM) };
	int importer, other;
	uint32_t *map;

	other = lease_export(revoke.dev, RAM_BAR, SIZE_2M, PAGE);
	map = lease_map_rw(other, 0, PAGE);
	revoke.fd = lease_export(revoke.dev, RAM_BAR, OFFSET, PAGE);
	importer = importer_start(revoke.fd, IMPORTER_NEVER);
	begin(&revoke, run_revoke);
	wait_notified(importer);

	ASSERT_WRITES(map, 0x600d);
	ASSERT_OK(barlease_device_set_memory(revoke.dev, true));
	ASSERT_SYS(lease_revoke(revoke.dev, other));
	other = lease_export(revoke.dev, RAM_BAR, SIZE_2M, PAGE);
	ASSERT_READS((uint32_t *)lease_map_rw(other, 0, PAGE), 0x600d);

	ASSERT(!atomic_load(&revoke.done));
	ASSERT_OK(importer_unmap(importer));
	end(&revoke);
}

TEST(revoke_that_waits_for_a_peer_can_be_killed)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, OFFSET, PAGE);
	int importer = importer_start(fd, IMPORTER_NEVER);
	int status;
	pid_t pid;

	pid = (pid_t)ASSERT_SYS(fork());
	if (!pid) {
		lease_revoke(dev, fd);
		_exit(0);
	}
	wait_notified(importer);
	ASSERT_SYS(kill(pid, SIGKILL));
	ASSERT_SYS(waitpid(pid, &status, 0));
	ASSERT(WIFSIGNALED(status));
	/* It is revoked all the same. */
	ASSERT_OK(importer_unmap(importer));
	ASSERT_ERROR(importer_map(importer, NULL), ENODEV);
	ASSERT_ERRNO(lease_revoke(dev, fd), EBADFD);
}

/* The kill leaves the device as it was; the reset has not begun. */
TEST(reset_that_waits_for_a_peer_can_be_killed)
{
	struct barlease_device *dev = device_open(NVME);
	int fd = lease_export(dev, 0, 0, PAGE);
	int importer = importer_start(fd, IMPORTER_NEVER);
	int status;
	pid_t pid;

	pid = (pid_t)ASSERT_SYS(fork());
	if (!pid) {
		ioctl(barlease_device_fd(dev), VFIO_DEVICE_RESET);
		_exit(0);
	}
	wait_notified(importer);
	ASSERT_SYS(kill(pid, SIGKILL));
	ASSERT_SYS(waitpid(pid, &status, 0));
	ASSERT(WIFSIGNALED(status));
	ASSERT(importer_mapped(importer));
	ASSERT_OK(importer_unmap(importer));
	ASSERT_OK(importer_map(importer, NULL));
	ASSERT_OK(importer_unmap(importer));
	ASSERT_SYS(ioctl(barlease_device_fd(dev), VFIO_DEVICE_RESET));
}

/*
 * The waiting is done before the locks of the set are taken, so that the other
 * functions go on, with their lessees and their own resets.
 */
TEST(hot_reset_that_waits_for_a_peer_holds_no_lock_of_the_set)
{
	struct blocked reset = {};
	struct pair pair;
	int fd, other, importer;
	uint32_t *map;

	pair_open(&pair);
	fd = pair_export(&pair, 0, 0, PAGE);
	other = pair_export(&pair, 1, 0, PAGE);
	importer = importer_start(fd, IMPORTER_NEVER);
	reset.pair = &pair;
	begin(&reset, run_hot_reset);
	wait_notified(importer);

	map = lease_map_rw(other, 0, PAGE);
	ASSERT_READS(map, 0x010000ed);
	ASSERT_EQ(pair_count_set(&pair, 1), 2);

	sleep_ms(200);
	ASSERT(!atomic_load(&reset.done));
	ASSERT_OK(importer_unmap(importer));
	end(&reset);
	pair_close(&pair);
}

/* A reset that comes from elsewhere cannot wait for ever. */
TEST(reset_by_sysfs_does_not_wait_for_ever_for_a_peer)
{
	struct barlease_device *dev = device_open(NVME);
	int fd = lease_export(dev, 0, 0, PAGE);
	int importer = importer_start(fd, IMPORTER_NEVER);

	ASSERT_OK(device_sysfs_write(device_bdf(NVME), "reset", "1"));
	ASSERT(importer_notified(importer) > 0);
	ASSERT(importer_mapped(importer));
	ASSERT_OK(importer_unmap(importer));
}

TEST(close_waits_until_the_peer_has_unmapped)
{
	struct blocked closing = { .dev = device_open(IVSHMEM) };
	int fd = lease_export(closing.dev, RAM_BAR, OFFSET, PAGE);
	int importer = importer_start(fd, IMPORTER_NEVER);

	begin(&closing, run_close);
	wait_notified(importer);
	sleep_ms(200);
	ASSERT(!atomic_load(&closing.done));
	ASSERT_OK(importer_unmap(importer));
	end(&closing);
	ASSERT_ERROR(importer_map(importer, NULL), ENODEV);
}

/* Who has dropped privileges since the device was opened still owns it. */
TEST(hot_reset_by_a_daemon_without_privileges_waits_for_its_peers)
{
	struct blocked reset = {};
	struct pair pair;
	int fd, importer;

	pair_open(&pair);
	fd = pair_export(&pair, 0, 0, PAGE);
	importer = importer_start(fd, IMPORTER_NEVER);
	ASSERT_SYS(setresuid(LESSEE_UID, LESSEE_UID, 0));
	reset.pair = &pair;
	begin(&reset, run_hot_reset);
	wait_notified(importer);
	sleep_ms(2000);		/* longer than one that comes from elsewhere */
	ASSERT(!atomic_load(&reset.done));
	ASSERT_OK(importer_unmap(importer));
	end(&reset);
	pair_close(&pair);
}

/* A callback that waits for something, as those of some drivers do. */
TEST(reset_by_sysfs_does_not_wait_for_ever_for_a_stuck_callback)
{
	struct barlease_device *dev = device_open(NVME);
	int fd = lease_export(dev, 0, 0, PAGE);
	int importer = importer_start(fd, IMPORTER_STUCK);

	ASSERT_OK(device_sysfs_write(device_bdf(NVME), "reset", "1"));
	ASSERT(importer_mapped(importer));
	importer_unstick(importer);
}

TEST(revoke_that_waits_for_a_stuck_callback_can_be_killed)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, OFFSET, PAGE);
	int importer = importer_start(fd, IMPORTER_STUCK);
	int other = lease_export(dev, RAM_BAR, SIZE_2M, PAGE);
	int healthy = importer_start(other, IMPORTER_AT_ONCE);
	int status;
	pid_t pid;

	pid = (pid_t)ASSERT_SYS(fork());
	if (!pid) {
		lease_revoke(dev, fd);
		_exit(0);
	}
	wait_notified(importer);
	/* It is stuck alone. */
	ASSERT_SYS(lease_revoke(dev, other));
	ASSERT(!importer_mapped(healthy));
	ASSERT_SYS(kill(pid, SIGKILL));
	ASSERT_SYS(waitpid(pid, &status, 0));
	ASSERT(WIFSIGNALED(status));
	importer_unstick(importer);
	ASSERT_ERRNO(lease_revoke(dev, fd), EBADFD);
	ASSERT(!importer_mapped(importer));
}

/* Attach, map, unmap, detach as fast as they go, under everything else. */
struct storm {
	int fd;
	atomic_bool stop;
	atomic_ulong maps;
};

static void *run_storm(void *context)
{
	struct storm *storm = context;

	while (!atomic_load(&storm->stop)) {
		int importer = (int)ASSERT_SYS(open(IMPORTER, O_RDWR));
		int i;

		if (!importer_attach(importer, storm->fd, 0,
				     IMPORTER_AT_ONCE))
			for (i = 0; i < 5; i++) {
				storm->maps += !importer_map(importer, NULL);
				importer_unmap(importer);
			}
		close(importer);
	}
	return NULL;
}

TEST_LONG(peers_come_and_go_while_the_device_does_everything, 60)
{
	struct barlease_device *dev = device_open(NVME);
	struct storm storms[2] = {};
	pthread_t threads[2];
	long long stop;
	size_t i;

	importer_needs_peers();
	for (i = 0; i < 2; i++) {
		storms[i].fd = lease_export(dev, 0, i * PAGE, PAGE);
		ASSERT_EQ(pthread_create(&threads[i], NULL, run_storm,
					 &storms[i]), 0);
	}
	/* Longer, if one of the storms has been held up all that time. */
	stop = now_ms() + 4000;
	while (now_ms() < stop || !atomic_load(&storms[0].maps) ||
	       !atomic_load(&storms[1].maps)) {
		int fd = lease_export(dev, 0, 0, PAGE);

		ASSERT_OK(barlease_device_set_memory(dev, false));
		ASSERT_OK(barlease_device_set_memory(dev, true));
		ASSERT_SYS(ioctl(barlease_device_fd(dev), VFIO_DEVICE_RESET));
		ASSERT_SYS(lease_revoke(dev, fd));
		close(fd);
	}
	ASSERT_SYS(lease_revoke(dev, storms[0].fd));
	barlease_device_close(dev);
	for (i = 0; i < 2; i++) {
		atomic_store(&storms[i].stop, true);
		ASSERT_EQ(pthread_join(threads[i], NULL), 0);
	}
	test_note("%lu and %lu mappings", atomic_load(&storms[0].maps),
		  atomic_load(&storms[1].maps));
}

/* drivers/dma-buf/sync_debug.h and sw_sync.c: fences made by hand. */
#define SW_SYNC "/sys/kernel/debug/sync/sw_sync"
struct sw_sync_fence {
	uint32_t value;
	char name[32];
	int32_t fence;
};
#define SW_SYNC_CREATE_FENCE _IOWR('W', 0, struct sw_sync_fence)

/* Has @fd wait for a fence that never signals, as any holder of it can. */
static int hang_fence_on(int fd)
{
	struct sw_sync_fence fence = { .value = 1, .name = "never" };
	struct dma_buf_import_sync_file import = { .flags = DMA_BUF_SYNC_RW };
	int timeline = open(SW_SYNC, O_RDWR | O_CLOEXEC);

	if (timeline < 0)
		test_skip("the kernel lacks CONFIG_SW_SYNC");
	ASSERT_SYS(ioctl(timeline, SW_SYNC_CREATE_FENCE, &fence));
	import.fd = fence.fence;
	ASSERT_SYS(ioctl(fd, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import));
	return timeline;
}

TEST(revoke_does_not_wait_for_a_fence_of_a_lessee)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	int fd = lease_export(dev, RAM_BAR, OFFSET, PAGE);
	int importer = importer_start(fd, IMPORTER_AT_ONCE);
	int timeline = hang_fence_on(fd);

	ASSERT_OK(barlease_device_set_memory(dev, false));
	ASSERT_OK(barlease_device_set_memory(dev, true));
	ASSERT_SYS(lease_revoke(dev, fd));
	ASSERT(!importer_mapped(importer));
	ASSERT_SYS(close(timeline));	/* signals it */
}
