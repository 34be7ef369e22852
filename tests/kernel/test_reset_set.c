// SPDX-License-Identifier: MIT
/* Functions that are reset together. */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bind.h"
#include "device.h"
#include "harness.h"
#include "lessee.h"
#include "override.h"
#include "pair.h"
#include "touch.h"

/* The edu device: identification, and a register that inverts (QEMU docs). */
#define EDU_ID 0
#define EDU_ID_VALUE 0x010000edu
#define EDU_INVERT 1

static void start_lessee(struct pair *pair, int which, struct lessee *lessee,
			 uint32_t **map)
{
	int fd = pair_export(pair, which, 0, PAGE);

	*map = lessee_start_mapped(lessee, fd, PAGE);
	close(fd);
}

TEST(hot_reset_by_another_function_zaps_and_gives_back)
{
	struct lessee lessee;
	struct pair pair;
	uint32_t *map, *own;
	int fd;

	pair_open(&pair);
	start_lessee(&pair, 0, &lessee, &map);
	fd = pair_export(&pair, 0, 0, PAGE);
	own = lease_map_rw(fd, 0, PAGE);
	ASSERT_READS(&own[EDU_ID], EDU_ID_VALUE);
	ASSERT_EQ(touch_faults(&own[EDU_ID]), 0);

	ASSERT_OK(pair_hot_reset(&pair, 1));
	ASSERT_EQ(touch_faults(&own[EDU_ID]), 1);
	ASSERT_WRITES(&own[EDU_INVERT], 0x0ff00ff0);
	ASSERT_READS(&own[EDU_INVERT], ~0x0ff00ff0u);
	ASSERT_TOUCH(lessee_read(&lessee, &map[EDU_ID], NULL), TOUCH_OK);
	lessee_end(&lessee);
	close(fd);
	pair_close(&pair);
}

/* Each of the two drivers resets the set with the other one in it. */
TEST(hot_reset_with_a_neighbour_at_vfio_pci_zaps_and_gives_back)
{
	struct pair pair;
	uint32_t *map;
	int fd;

	ASSERT_OK(module_load("vfio-pci"));
	ASSERT_OK(device_bind_to(device_bdf(PAIR1), "vfio-pci"));
	pair_open(&pair);
	fd = pair_export(&pair, 0, 0, PAGE);
	map = lease_map_rw(fd, 0, PAGE);
	ASSERT_READS(&map[EDU_ID], EDU_ID_VALUE);

	ASSERT_OK(pair_hot_reset(&pair, 1));
	ASSERT_EQ(touch_faults(&map[EDU_ID]), 1);
	ASSERT_OK(pair_hot_reset(&pair, 0));
	ASSERT_EQ(touch_faults(&map[EDU_ID]), 1);
	ASSERT_READS(&map[EDU_ID], EDU_ID_VALUE);
	close(fd);
	pair_close(&pair);
	ASSERT_OK(device_bind(device_bdf(PAIR1)));
}

/*
 * The memory of a function that is gone lives on with its lease. Whoever
 * resets the set must not come across it.
 */
TEST(hot_reset_forgets_a_removed_function_with_lessees)
{
	const char *bdf = device_bdf(PAIR0);
	struct lessee lessee;
	char trouble[200];
	struct pair pair;
	uint32_t *map;

	pair_open(&pair);
	start_lessee(&pair, 0, &lessee, &map);
	ASSERT_TOUCH(lessee_read(&lessee, &map[EDU_ID], NULL), TOUCH_OK);
	ASSERT_SYS(close(pair.device[0]));
	pair.device[0] = -1;
	ASSERT_OK(device_sysfs_write(bdf, "remove", "1"));
	ASSERT_TOUCH(lessee_read(&lessee, &map[EDU_ID], NULL), TOUCH_SIGBUS);

	ASSERT_OK(pair_hot_reset(&pair, 1));
	pair_close(&pair);	/* resets the set once more */

	ASSERT_OK(sysfs_write("/sys/bus/pci/rescan", "1"));
	if (devices_bind_all(trouble, sizeof(trouble)))
		FAIL("%s", trouble);
	pair_open(&pair);
	ASSERT_OK(pair_hot_reset(&pair, 0));
	pair_close(&pair);
	lessee_end(&lessee);
}

/* Maps, touches and unmaps until it is killed. */
static pid_t start_faulting(int fd)
{
	pid_t pid = (pid_t)ASSERT_SYS(fork());

	while (!pid) {
		uint32_t *map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);

		if (map == MAP_FAILED)
			continue;
		touch_read(map, NULL);
		munmap(map, PAGE);
	}
	return pid;
}

TEST(hot_reset_is_not_kept_away_by_faulting_lessees)
{
	struct pair pair;
	pid_t lessees[3];
	int fd, i;

	pair_open(&pair);
	fd = pair_export(&pair, 0, 0, PAGE);
	for (i = 0; i < 3; i++)
		lessees[i] = start_faulting(fd);
	for (i = 0; i < 20; i++)
		ASSERT_OK(pair_hot_reset(&pair, 1));
	for (i = 0; i < 3; i++) {
		ASSERT_SYS(kill(lessees[i], SIGKILL));
		ASSERT_SYS(waitpid(lessees[i], NULL, 0));
	}
	close(fd);
	pair_close(&pair);
}

/* In memory that the lessor and its lessee share. */
struct attempt {
	atomic_bool asks;	/* the lessor asks for a reset */
	atomic_bool over;	/* it has its answer */
	atomic_bool let_in;	/* an access came through in between */
	atomic_bool looked;
};

/* proc_pid_syscall(5); what runs just now tells nothing. */
static bool sleeps_in_ioctl(pid_t pid)
{
	char path[40], text[100] = "";
	int fd, number = -1;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	fd = (int)ASSERT_SYS(open(path, O_RDONLY | O_CLOEXEC));
	ASSERT_SYS(read(fd, text, sizeof(text) - 1));
	close(fd);
	return sscanf(text, "%d ", &number) == 1 && number == SYS_ioctl;
}

/*
 * It is looked at the lessor some time after the access, as both go on at the
 * same moment otherwise.
 */
static _Noreturn void touch_meanwhile(struct attempt *attempt, int fd)
{
	uint32_t *map = lease_map_rw(fd, 0, PAGE);
	bool asks;

	while (!atomic_load(&attempt->asks))
		sleep_ms(1);
	do {
		asks = sleeps_in_ioctl(getppid());
	} while (!asks && !atomic_load(&attempt->over));
	ASSERT_TOUCH(touch_read(map, NULL), TOUCH_OK);
	sleep_ms(200);
	if (asks && !atomic_load(&attempt->over))
		atomic_store(&attempt->let_in, true);
	atomic_store(&attempt->looked, true);
	_exit(0);
}

/* A hot reset by the first of them that stays EBUSY, which takes half a second. */
static bool is_let_in(struct pair *pair, int which, struct attempt *attempt)
{
	int fd = pair_export(pair, which, 0, PAGE);
	int override, ret, status;
	pid_t pid;

	memset(attempt, 0, sizeof(*attempt));
	pid = (pid_t)ASSERT_SYS(fork());
	if (!pid)
		touch_meanwhile(attempt, fd);
	override = override_begin_ours("vfio_pci_core_ioctl", -EBUSY,
				       OVERRIDE_ALWAYS);
	atomic_store(&attempt->asks, true);
	ret = pair_hot_reset(pair, 0);
	atomic_store(&attempt->over, true);
	ASSERT(override_end(override));
	ASSERT_ERROR(ret, EBUSY);
	ASSERT_SYS(waitpid(pid, &status, 0));
	ASSERT_EQ(status, 0);
	ASSERT(atomic_load(&attempt->looked));
	close(fd);
	return atomic_load(&attempt->let_in);
}

TEST(hot_reset_keeps_away_no_lessee_of_another_owner)
{
	struct attempt *attempt = (void *)ASSERT_SYS(
		mmap(NULL, sizeof(*attempt), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	struct pair pair;
	int own = 0, i;

	pair_open_by_two_users(&pair, LESSEE_UID);
	/* A busy machine may let it in too late, but not each time. */
	for (i = 0; i < 10 && !is_let_in(&pair, 1, attempt); i++)
		;
	ASSERT_COMPARE(i, <, 10);
	/* Those of its own are, where the same goes. */
	for (i = 0; i < 3; i++)
		own += is_let_in(&pair, 0, attempt);
	ASSERT_COMPARE(own, <, 3);
	pair_close(&pair);
}
