// SPDX-License-Identifier: MIT
/* Lessees of a simulated device: what they cannot do, and what ends for them. */
#include "sim.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <barlease/guarded.h>

#define RW (PROT_READ | PROT_WRITE)

/* A lessee in a process of its own, which says when it has the lease. */
struct lessee {
	pid_t pid;
	int ready;
	int go;
};

static void lessee_start(struct lessee *lessee, int fd, int (*run)(void *))
{
	int ready[2], go[2];
	char c;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	fflush(NULL);
	lessee->pid = fork();
	assert_true(lessee->pid >= 0);
	if (!lessee->pid) {
		struct barlease_map map;

		/* It ends with this process, whatever becomes of the test. */
		close(go[1]);
		close(ready[0]);
		signal(SIGBUS, SIG_DFL);
		if (barlease_lease_map(fd, 0, PAGE, RW, 0, &map) ||
		    barlease_guarded_write32(map.address, 1) ||
		    write(ready[1], "", 1) != 1 || read(go[0], &c, 1) != 1)
			_exit(99);
		_exit(run(map.address));
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[1]);
	close(go[0]);
	lessee->ready = ready[0];
	lessee->go = go[1];
}

static int lessee_end(struct lessee *lessee)
{
	int status;

	assert_int_equal(write(lessee->go, "", 1), 1);
	assert_int_equal(waitpid(lessee->pid, &status, 0), lessee->pid);
	close(lessee->ready);
	close(lessee->go);
	return status;
}

static int plain_read(void *address)
{
	(void)*(volatile uint32_t *)address;
	return 0;
}

static int plain_write(void *address)
{
	*(volatile uint32_t *)address = 1;
	return 0;
}

static void after_a_revocation_access_is_sigbus_in_every_process(void **state)
{
	int fd = sim_lend(*state, 0, 1, BARLEASE_READ_WRITE);
	struct lessee reader, writer;
	struct barlease_map map;
	volatile uint32_t *words = sim_map(fd, RW, &map);
	int status;

	lessee_start(&reader, fd, plain_read);
	lessee_start(&writer, fd, plain_write);
	assert_int_equal(words[0], 1);
	assert_int_equal(barlease_lease_revoke(*state, fd), 0);
	status = lessee_end(&reader);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	status = lessee_end(&writer);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	assert_sigbus(words);
	barlease_map_end(&map);
	close(fd);
}

static int guarded_access(void *address)
{
	unsigned char bytes[8];
	uint32_t value = 7;
	size_t done;

	if (barlease_guard_install())
		return 1;
	if (barlease_guarded_read32(address, &value) != -ENXIO || value != 7)
		return 2;
	if (barlease_guarded_write32(address, 1) != -ENXIO)
		return 3;
	if (barlease_guarded_copy_from(bytes, address, 8, &done) != -ENXIO ||
	    done)
		return 4;
	return 0;
}

static void guarded_accesses_are_enxio_after_a_revocation(void **state)
{
	int fd = sim_lend(*state, 0, 1, BARLEASE_READ_WRITE);
	struct lessee lessee;
	int status;

	lessee_start(&lessee, fd, guarded_access);
	assert_int_equal(barlease_lease_revoke(*state, fd), 0);
	status = lessee_end(&lessee);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(fd);
}

static void what_has_ended_cannot_be_mapped_or_brought_back(void **state)
{
	int fd = sim_lend(*state, 0, 1, BARLEASE_READ_WRITE);
	struct barlease_map map = { 0 };
	struct stat status;
	void *address;

	assert_int_equal(barlease_lease_revoke(*state, fd), 0);
	assert_int_equal(barlease_lease_map(fd, 0, PAGE, PROT_READ, 0, &map),
			 -ENODEV);
	assert_int_equal(ftruncate(fd, PAGE), -1);
	assert_int_equal(pwrite(fd, "", 1, 0), -1);
	assert_int_equal(fallocate(fd, 0, 0, PAGE), -1);
	address = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(address, MAP_FAILED);
	assert_sigbus(address);
	munmap(address, PAGE);
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_blocks, 0);
	close(fd);
}

/* A seal against writing or shrinking would be one against revocation. */
static void a_lessee_cannot_seal_or_grow_its_lease(void **state)
{
	int fd = sim_lend(*state, 0, 1, BARLEASE_READ_WRITE);

	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	assert_int_equal(ftruncate(fd, 2 * PAGE), -1);
	assert_int_equal(errno, EPERM);
	close(fd);
}

/* With flags of its own, and a position. */
static void a_lessee_has_an_open_file_of_its_own(void **state)
{
	int fd = sim_lend(*state, 0, 1, BARLEASE_READ_WRITE);

	assert_int_equal(fcntl(fd, F_SETFL, O_APPEND), 0);
	sim_write(*state, 8, 5);
	assert_int_equal(sim_read(*state, 8), 5);
	assert_int_equal(barlease_lease_revoke(*state, fd), 0);
	assert_int_equal(sim_read(*state, 8), 5);
	close(fd);
}

static void the_lessor_survives_a_lessee_that_cuts_its_lease_off(void **state)
{
	int fd = sim_lend(*state, 0, 2, BARLEASE_READ_WRITE);
	struct barlease_info info;
	unsigned char bytes[2 * PAGE];

	assert_int_equal(pwrite(fd, "abcdefgh", 8, 0), 8);
	assert_int_equal(pwrite(fd, "abcdefgh", 8, PAGE), 8);
	assert_int_equal(ftruncate(fd, 4), 0);
	assert_int_equal(barlease_region_read(*state, SIM_BAR, bytes,
					      sizeof(bytes), 0),
			 0);
	assert_memory_equal(bytes, "abcd\0\0\0\0", 8);
	assert_int_equal(bytes[PAGE], 0);
	memset(bytes, 'x', sizeof(bytes));
	assert_int_equal(barlease_region_write(*state, SIM_BAR, bytes,
					       sizeof(bytes), 0),
			 0);
	assert_int_equal(sim_read(*state, PAGE), 0);
	assert_int_equal(barlease_device_reset(*state), 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	sim_write(*state, 0, 5);
	assert_int_equal(sim_read(*state, 0), 0);
	assert_int_equal(barlease_lease_info(*state, fd, &info, NULL, 0), 0);
	assert_int_equal(info.state, BARLEASE_IS_LIVE);
	assert_int_equal(info.length, 2 * PAGE);
	assert_int_equal(barlease_lease_revoke(*state, fd), 0);
	assert_int_equal(barlease_lease_info(*state, fd, &info, NULL, 0), 0);
	assert_int_equal(info.state, BARLEASE_IS_REVOKED);
	assert_int_equal(sim_read(*state, 0), 0);
	close(fd);
}

static void a_read_only_lease_is_read_only(void **state)
{
	int fd = sim_lend(*state, 0, 1, BARLEASE_READ_ONLY);
	struct barlease_map map, none = { 0 };
	volatile uint32_t *words = sim_map(fd, PROT_READ, &map);

	assert_int_equal(barlease_lease_map(fd, 0, PAGE, RW, 0, &none),
			 -EACCES);
	assert_int_equal(mprotect(map.address, PAGE, RW), -1);
	assert_int_equal(errno, EACCES);
	assert_int_equal(pwrite(fd, "", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(fallocate(fd,
				   FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				   0, PAGE),
			 -1);
	sim_write(*state, 0, 3);
	assert_int_equal(words[0], 3);
	assert_int_equal(barlease_lease_revoke(*state, fd), 0);
	assert_sigbus(words);
	barlease_map_end(&map);
	close(fd);
}

/* How opening an fd's file anew ends for a user who does not own it. */
static int open_as_nobody(int fd, int flags)
{
	char path[64];
	pid_t pid;
	int status;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		if (setresgid(65534, 65534, 65534) ||
		    setresuid(65534, 65534, 65534) || prctl(PR_SET_DUMPABLE, 1))
			_exit(255);
		_exit(open(path, flags) < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void another_user_cannot_open_a_lease_anew(void **state)
{
	int fd, open_to_all;

	if (geteuid()) {
		print_message("needs root, to be another user\n");
		skip();
	}
	fd = sim_lend(*state, 0, 1, BARLEASE_READ_ONLY);
	open_to_all = memfd_create("test", MFD_CLOEXEC);
	assert_int_equal(open_as_nobody(open_to_all, O_RDWR), 0);
	assert_int_equal(open_as_nobody(fd, O_RDWR), EACCES);
	assert_int_equal(open_as_nobody(fd, O_RDONLY), EACCES);
	close(open_to_all);
	close(fd);
}

static void closing_the_device_ends_its_leases(void **state)
{
	const struct barlease_sim_terms terms = {
		.name = "sim:other",
		.bar_size = { [SIM_BAR] = SIM_PAGES * PAGE },
	};
	struct barlease_device *dev;
	struct barlease_map maps[2];
	int fds[2];

	assert_int_equal(barlease_device_open_sim(&terms, &dev), 0);
	fds[0] = sim_lend(dev, 0, 1, BARLEASE_READ_WRITE);
	fds[1] = sim_lend(dev, 0, 2, BARLEASE_READ_ONLY);
	sim_map(fds[0], PROT_READ, &maps[0]);
	sim_map(fds[1], PROT_READ, &maps[1]);
	barlease_device_close(dev);
	for (int i = 0; i < 2; i++) {
		assert_sigbus(maps[i].address);
		/* As of an earlier opening. */
		assert_int_equal(barlease_lease_revoke(*state, fds[i]),
				 -EBADFD);
		barlease_map_end(&maps[i]);
		close(fds[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_test(after_a_revocation_access_is_sigbus_in_every_process),
		sim_test(guarded_accesses_are_enxio_after_a_revocation),
		sim_test(what_has_ended_cannot_be_mapped_or_brought_back),
		sim_test(a_lessee_cannot_seal_or_grow_its_lease),
		sim_test(a_lessee_has_an_open_file_of_its_own),
		sim_test(the_lessor_survives_a_lessee_that_cuts_its_lease_off),
		sim_test(a_read_only_lease_is_read_only),
		sim_test(another_user_cannot_open_a_lease_anew),
		sim_test(closing_the_device_ends_its_leases),
	};

	return cmocka_run_group_tests_name("sim_lessee", tests, NULL, NULL);
}
