// SPDX-License-Identifier: MIT
/* The driver, the module or the function goes while lessees are alive. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aftermath.h"
#include "bind.h"
#include "device.h"
#include "harness.h"
#include "lessee.h"
#include "runner.h"
#include "touch.h"

#define OFFSET (16 * PAGE)
#define LENGTH (4 * PAGE)
#define SOON_MS patience_ms(20000)

/* A lessee with a mapping, one with an fd alone, and ourselves with both. */
struct lessees {
	struct lessee mapped, holder;
	void *address;
};

static void lessees_start(struct lessees *lessees, int fd)
{
	lessees->address = lessee_start_mapped(&lessees->mapped, fd, LENGTH);
	ASSERT_TOUCH(lessee_write(&lessees->mapped, lessees->address, 1),
		     TOUCH_OK);
	lessee_start_unprivileged(&lessees->holder);
	lessee_give(&lessees->holder, fd);
}

static void assert_ended(struct lent *lent, struct lessees *lessees)
{
	ASSERT_GONE(lent->map);
	ASSERT_TOUCH(lessee_read(&lessees->mapped, lessees->address, NULL),
		     TOUCH_SIGBUS);
	ASSERT_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, lent->fd, 0),
		     ENODEV);
}

static void rebind_all(void)
{
	char trouble[200];

	if (devices_bind_all(trouble, sizeof(trouble)))
		FAIL("%s", trouble);
}

/* What a process of its own does, and what it may wait for. */
static pid_t start_process(int (*run)(const char *bdf), const char *bdf)
{
	pid_t pid = (pid_t)ASSERT_SYS(fork());

	if (!pid) {
		/* The device is not to stay open here. */
		ASSERT_SYS(close_range(3, ~0U, 0));
		_exit(run(bdf) ? 1 : 0);
	}
	return pid;
}

static bool is_running(pid_t pid)
{
	return !waitpid(pid, NULL, WNOHANG);
}

static void assert_done_soon(pid_t pid)
{
	long long end = now_ms() + SOON_MS;
	int status = 0;

	while (!ASSERT_SYS(waitpid(pid, &status, WNOHANG))) {
		if (now_ms() > end)
			FAIL("still not done after %lld ms", SOON_MS);
		sleep_ms(5);
	}
	ASSERT_EQ(status, 0);
}

TEST(unbind_does_not_wait_for_lessees)
{
	const char *bdf = device_bdf(IVSHMEM);
	struct lessees lessees;
	struct lent lent;
	long long start;
	char driver[64];

	lend(&lent, OFFSET, LENGTH);
	lessees_start(&lessees, lent.fd);
	barlease_device_close(lent.dev);

	start = now_ms();
	ASSERT_OK(device_unbind(bdf));
	ASSERT_COMPARE(now_ms() - start, <, SOON_MS);
	ASSERT_OK(device_driver(bdf, driver, sizeof(driver)));
	ASSERT_EQ(driver[0], '\0');
	assert_ended(&lent, &lessees);
	ASSERT_OK(device_bind(bdf));
}

TEST(unbind_waits_for_the_device_fd_and_no_longer)
{
	const char *bdf = device_bdf(IVSHMEM);
	struct lessees lessees;
	struct lent lent;
	pid_t unbinder;

	lend(&lent, OFFSET, LENGTH);
	lessees_start(&lessees, lent.fd);
	unbinder = start_process(device_unbind, bdf);
	sleep_ms(300);
	ASSERT(is_running(unbinder));
	/* The lessor is asked to go; until it does, its leases work. */
	ASSERT_WRITES(lent.map, 2);
	barlease_device_close(lent.dev);
	assert_done_soon(unbinder);
	assert_ended(&lent, &lessees);
	ASSERT_OK(device_bind(bdf));
}

TEST(rebind_works_while_an_old_lease_is_held)
{
	const char *bdf = device_bdf(IVSHMEM);
	struct lent old, new;
	struct lessees lessees;

	lend(&old, OFFSET, LENGTH);
	lessees_start(&lessees, old.fd);
	barlease_device_close(old.dev);
	ASSERT_OK(device_unbind(bdf));
	ASSERT_OK(device_bind(bdf));

	lend(&new, OFFSET, LENGTH);
	ASSERT_WRITES(new.map, 3);
	ASSERT_READS(new.map, 3);
	assert_ended(&old, &lessees);

	/* It is of the device as it was before: not of this one. */
	ASSERT_ERRNO(lease_revoke(new.dev, old.fd), ENODEV);

	lessee_end(&lessees.mapped);
	lessee_end(&lessees.holder);
	munmap(old.map, LENGTH);
	close(old.fd);
	ASSERT_READS(new.map, 3);
}

TEST(lease_is_released_after_its_driver)
{
	const char *bdf = device_bdf(IVSHMEM);
	int references = module_references();
	struct lent lent;

	lend(&lent, OFFSET, LENGTH);
	barlease_device_close(lent.dev);
	ASSERT_OK(device_unbind(bdf));
	ASSERT_EQ(module_references(), references + 1);
	munmap(lent.map, LENGTH);
	close(lent.fd);
	ASSERT_EQ(module_references(), references);
	ASSERT_OK(device_bind(bdf));
}

TEST(module_unload_is_refused_while_a_lease_is_held)
{
	struct lent lent;
	long long start;

	lend(&lent, OFFSET, LENGTH);
	barlease_device_close(lent.dev);
	ASSERT_OK(devices_unbind_all());
	ASSERT_EQ(module_references(), 1);

	start = now_ms();
	ASSERT_ERROR(module_unload(), EWOULDBLOCK);
	/* The mapping alone keeps it, too. */
	close(lent.fd);
	ASSERT_ERROR(module_unload(), EWOULDBLOCK);
	ASSERT_GONE(lent.map);
	munmap(lent.map, LENGTH);
	ASSERT_OK(module_unload());
	ASSERT_COMPARE(now_ms() - start, <, SOON_MS);
	ASSERT_EQ(module_references(), -1);
	rebind_all();
}

TEST(module_unload_is_refused_while_a_device_is_open)
{
	device_open(IVSHMEM);
	ASSERT_ERROR(module_unload(), EWOULDBLOCK);
}

TEST(module_unload_with_devices_bound_works)
{
	struct lent lent;

	lend(&lent, OFFSET, LENGTH);
	ASSERT_WRITES(lent.map, 1);
	munmap(lent.map, LENGTH);
	close(lent.fd);
	barlease_device_close(lent.dev);
	ASSERT_OK(module_unload());
	rebind_all();
	lend(&lent, OFFSET, LENGTH);
	ASSERT_READS(lent.map, 1);
}

static int function_remove(const char *bdf)
{
	return device_sysfs_write(bdf, "remove", "1");
}

static void function_rescan(const char *bdf)
{
	ASSERT_OK(sysfs_write("/sys/bus/pci/rescan", "1"));
	ASSERT_OK(device_bind(bdf));
}

TEST(function_removal_does_not_wait_for_lessees)
{
	const char *bdf = device_bdf(IVSHMEM);
	struct lessees lessees;
	struct lent lent, new;
	long long start;

	lend(&lent, OFFSET, LENGTH);
	lessees_start(&lessees, lent.fd);
	barlease_device_close(lent.dev);

	start = now_ms();
	ASSERT_OK(function_remove(bdf));
	ASSERT_COMPARE(now_ms() - start, <, SOON_MS);
	assert_ended(&lent, &lessees);

	function_rescan(bdf);
	assert_ended(&lent, &lessees);
	lend(&new, OFFSET, LENGTH);
	ASSERT_WRITES(new.map, 4);
	ASSERT_READS(new.map, 4);
}

TEST(function_removal_waits_for_the_device_fd_and_no_longer)
{
	const char *bdf = device_bdf(IVSHMEM);
	struct lessees lessees;
	struct lent lent;
	pid_t remover;

	lend(&lent, OFFSET, LENGTH);
	lessees_start(&lessees, lent.fd);
	remover = start_process(function_remove, bdf);
	sleep_ms(300);
	ASSERT(is_running(remover));
	barlease_device_close(lent.dev);
	assert_done_soon(remover);
	assert_ended(&lent, &lessees);
	function_rescan(bdf);
}

TEST(lease_is_released_after_its_function)
{
	const char *bdf = device_bdf(IVSHMEM);
	struct lent lent;

	lend(&lent, OFFSET, LENGTH);
	barlease_device_close(lent.dev);
	ASSERT_OK(function_remove(bdf));
	munmap(lent.map, LENGTH);
	close(lent.fd);
	sleep_ms(50);
	function_rescan(bdf);
}

/* Last, as it looks at what all the others have left. */
TEST(everything_is_given_back_at_the_end)
{
	/* The one more is where the reason of a failure goes. */
	ASSERT_EQ(count_fds(), runner_fds + 1);
	ASSERT_OK(devices_unbind_all());
	ASSERT_EQ(module_references(), 0);
	if (module_dmabufs() >= 0)
		ASSERT_EQ(module_dmabufs(), 0);
	ASSERT_OK(module_unload());
	rebind_all();
	ASSERT_EQ(module_references(), 0);
}
