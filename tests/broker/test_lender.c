// SPDX-License-Identifier: MIT
/*
 * A lender of devices that need VFIO: the linker has it open a simulated device
 * instead, whose BARs differ from what a policy can know.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lender/lender.h"

#define BDF "0000:01:00.0"
#define VFIO_NAME "sim:vfio"
#define SIZE (64 << 10)

/* How often a device is opened, and what comes of it. */
static unsigned int opened;
static int open_answer;
/* How often it is EBUSY before. */
static unsigned int busy;
/* It has no MSI-X: such a simulated device could not be kept. */
static bool plain;

int __wrap_barlease_device_open_by(const char *bdf, enum barlease_way way,
				   const char *vf_token,
				   struct barlease_device **dev,
				   const char **reason);
int __wrap_barlease_device_open_by(const char *bdf, enum barlease_way way,
				   const char *vf_token,
				   struct barlease_device **dev,
				   const char **reason)
{
	struct barlease_sim_terms terms = {
		.name = VFIO_NAME,
		.bar_size = { [2] = SIZE },
		.msix = {
			.vectors = 4,
			.table_bar = 2,
			.table = { .offset = 0x8000 },
			.pba_bar = 2,
			.pba = { .offset = 0x9000 },
		},
	};

	assert_string_equal(bdf, BDF);
	assert_int_equal(way, BARLEASE_ANY_WAY);
	assert_null(vf_token);
	opened++;
	if (plain)
		terms.msix = (struct barlease_msix){ 0 };
	*reason = "because";
	if (busy) {
		busy--;
		return -EBUSY;
	}
	return open_answer ? open_answer
			   : barlease_device_open_sim(&terms, dev);
}

/* What the kernel signals; the test's own to close. 0: there is none. */
static int eventfd_of_kernel;
static int watch_answer;

int __wrap_barlease_device_watch(struct barlease_device *dev);
int __wrap_barlease_device_watch(struct barlease_device *dev)
{
	if (strcmp(barlease_device_bdf(dev), VFIO_NAME) != 0)
		return -EOPNOTSUPP;
	if (watch_answer)
		return watch_answer;
	eventfd_of_kernel = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_true(eventfd_of_kernel >= 0);
	return eventfd_of_kernel;
}

/* As the library does when the device is closed. */
static void eventfd_close(void)
{
	if (eventfd_of_kernel > 0)
		close(eventfd_of_kernel);
	eventfd_of_kernel = 0;
}

/* A service manager that keeps all that it is to. */
int __wrap_manager_store(const char *name, int fd);
int __wrap_manager_store(const char *name, int fd)
{
	assert_non_null(name);
	assert_true(fd >= 0);
	return 0;
}

void __wrap_manager_forget(const char *name);
void __wrap_manager_forget(const char *name)
{
	assert_non_null(name);
}

/* A folder with a policy in it, and what was said. */
struct fixture {
	struct lender lender;
	char folder[64];
	char file[80];
	char said[4096];
	FILE *log;
	int before;
};

static void policy_write(const struct fixture *fixture, const char *device,
			 unsigned int bar, const char *range, const char *more)
{
	FILE *file = fopen(fixture->file, "w");

	assert_non_null(file);
	fprintf(file,
		"[Device %s]\npci = " BDF "\n[Slice one]\ndevice = %s\n"
		"bar = %u\nrange = %s\nallow = anyone\nsocket = %s/one\n%s",
		device, device, bar, range, fixture->folder, more);
	fclose(file);
}

static void policy_write_other(const struct fixture *fixture)
{
	FILE *file = fopen(fixture->file, "w");

	assert_non_null(file);
	fputs("[Device other]\nbackend = sim\nsize = 64K\n"
	      "[Slice two]\ndevice = other\nbar = 0\nrange = 0+4K\n"
	      "allow = anyone\n",
	      file);
	fclose(file);
}

static int setup(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	opened = 0;
	open_answer = 0;
	busy = 0;
	plain = false;
	watch_answer = 0;
	strcpy(fixture.folder, "/tmp/barlease-lender-XXXXXX");
	assert_non_null(mkdtemp(fixture.folder));
	snprintf(fixture.file, sizeof(fixture.file), "%s/policy",
		 fixture.folder);
	fixture.log = tmpfile();
	assert_non_null(fixture.log);
	fixture.before = dup(STDERR_FILENO);
	dup2(fileno(fixture.log), STDERR_FILENO);
	assert_int_equal(lender_create(fixture.file, 0, &fixture.lender), 0);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	lender_end(&fixture->lender);
	eventfd_close();
	dup2(fixture->before, STDERR_FILENO);
	close(fixture->before);
	fclose(fixture->log);
	unlink(fixture->file);
	/* Nothing else is left there. */
	assert_int_equal(rmdir(fixture->folder), 0);
	return 0;
}

static void assert_said(struct fixture *fixture, const char *words)
{
	ssize_t length = pread(fileno(fixture->log), fixture->said,
			       sizeof(fixture->said) - 1, 0);

	assert_true(length >= 0);
	fixture->said[length] = '\0';
	if (!strstr(fixture->said, words))
		fail_msg("\"%s\" is not in \"%s\"", words, fixture->said);
}

static void assert_not_said(struct fixture *fixture, const char *words)
{
	assert_said(fixture, "");
	if (strstr(fixture->said, words))
		fail_msg("\"%s\" is in \"%s\"", words, fixture->said);
}

static void a_device_is_opened_once_whatever_it_is_called(void **state)
{
	struct fixture *fixture = *state;

	policy_write(fixture, "a", 2, "0+4K", "");
	assert_int_equal(lender_load(&fixture->lender), 0);
	policy_write(fixture, "b", 2, "4K+4K", "");
	assert_int_equal(lender_load(&fixture->lender), 0);
	assert_int_equal(opened, 1);
}

static void a_device_that_cannot_be_opened_is_told_with_the_reason(void **state)
{
	struct fixture *fixture = *state;

	open_answer = -EPERM;
	policy_write(fixture, "a", 2, "0+4K", "");
	assert_int_equal(lender_load(&fixture->lender), -EPERM);
	assert_said(fixture, "event=device-failed at=");
	assert_said(fixture, "/policy:1 device=a pci=" BDF
			     " error=\"Operation not permitted\" reason=because");
}

static void a_device_in_use_is_waited_for_while_the_manager_closes_it(
	void **state)
{
	struct fixture *fixture = *state;
	struct lender *lender = &fixture->lender;

	policy_write(fixture, "a", 2, "0+4K", "");
	busy = 1;
	assert_int_equal(lender_load(lender), -EBUSY);
	assert_int_equal(opened, 1);
	busy = UINT_MAX;
	lender->closing_until = lender_now_ms() + 100;
	assert_int_equal(lender_load(lender), -EBUSY);
	assert_true(lender_now_ms() >= lender->closing_until);
	assert_true(opened > 2);
	busy = 2;
	opened = 0;
	device_closes(lender);
	assert_int_equal(lender_load(lender), 0);
	assert_int_equal(opened, 3);
}

/* There is no manager that could have it open. */
static void a_device_that_was_dropped_is_not_waited_for(void **state)
{
	struct fixture *fixture = *state;
	struct lender *lender = &fixture->lender;

	policy_write(fixture, "a", 2, "0+4K", "");
	assert_int_equal(lender_load(lender), 0);
	policy_write_other(fixture);
	assert_int_equal(lender_load(lender), 0);
	busy = 1;
	policy_write(fixture, "a", 2, "0+4K", "");
	assert_int_equal(lender_load(lender), -EBUSY);
	assert_int_equal(opened, 2);
}

static void a_device_that_was_dropped_is_waited_for_where_it_was_kept(
	void **state)
{
	struct fixture *fixture = *state;
	struct lender *lender = &fixture->lender;

	plain = true;
	lender->keep.max = 16;
	policy_write(fixture, "a", 2, "0+4K", "");
	assert_int_equal(lender_load(lender), 0);
	policy_write_other(fixture);
	assert_int_equal(lender_load(lender), 0);
	busy = 2;
	policy_write(fixture, "a", 2, "0+4K", "");
	assert_int_equal(lender_load(lender), 0);
	assert_int_equal(opened, 1 + 3);
}

static void nothing_but_a_device_in_use_is_waited_for(void **state)
{
	struct fixture *fixture = *state;

	policy_write(fixture, "a", 2, "0+4K", "");
	open_answer = -ENODEV;
	device_closes(&fixture->lender);
	assert_int_equal(lender_load(&fixture->lender), -ENODEV);
	assert_int_equal(opened, 1);
}

/* The device stays open, and what was lent of it before is. */
static void rejected(struct fixture *fixture, const char *words)
{
	const struct setup *before = fixture->lender.setup;

	assert_int_not_equal(lender_load(&fixture->lender), 0);
	assert_said(fixture, words);
	assert_ptr_equal(fixture->lender.setup, before);
	assert_int_equal(opened, 1);
}

static void a_range_that_the_device_does_not_have_is_rejected(void **state)
{
	struct fixture *fixture = *state;

	policy_write(fixture, "a", 2, "0+4K", "");
	assert_int_equal(lender_load(&fixture->lender), 0);
	policy_write(fixture, "a", 2, "0+128K", "");
	rejected(fixture,
		 "/policy:3 offer=one bar=2 range=0x0+0x20000 "
		 "error=\"the device has no such range that can be lent\"");
	policy_write(fixture, "a", 1, "0+4K", "");
	rejected(fixture, "offer=one bar=1 range=0x0+0x1000 error=");
}

static void a_range_with_msix_is_rejected_unless_the_policy_insists(void **state)
{
	struct fixture *fixture = *state;

	policy_write(fixture, "a", 2, "0+4K", "");
	assert_int_equal(lender_load(&fixture->lender), 0);
	policy_write(fixture, "a", 2, "0x8000+4K", "");
	rejected(fixture, "over-msix = yes");
	policy_write(fixture, "a", 2, "0x8000+4K", "over-msix = yes\n");
	assert_int_equal(lender_load(&fixture->lender), 0);
}

static int offer_count(void *context,
		       const struct barlease_server_offer_state *offer)
{
	(void)offer;
	++*(unsigned int *)context;
	return 0;
}

static unsigned int offers(struct fixture *fixture)
{
	unsigned int count = 0;

	barlease_server_each_offer(fixture->lender.server, offer_count, &count);
	return count;
}

static void a_device_that_is_wanted_back_is_given_up(void **state)
{
	struct fixture *fixture = *state;
	struct lender *lender = &fixture->lender;

	policy_write(fixture, "a", 2, "0+4K",
		     "[Device other]\nbackend = sim\nsize = 64K\n"
		     "[Slice two]\ndevice = other\nbar = 0\nrange = 0+4K\n"
		     "allow = anyone\n");
	assert_int_equal(lender_load(lender), 0);
	assert_int_equal(offers(fixture), 2);
	lender_lose(lender);
	assert_int_equal(offers(fixture), 2);

	eventfd_write(eventfd_of_kernel, 1);
	lender_lose(lender);
	assert_said(fixture, "event=device-lost device=" VFIO_NAME " reason=");
	assert_null(lender->setup->devices[0]);
	assert_int_equal(lender->setup->offers[0], 0);
	assert_non_null(lender->setup->devices[1]);
	assert_int_equal(offers(fixture), 1);
	/* What has come free is not of a device that is gone. */
	lender_dispatch(lender);
	assert_int_equal(offers(fixture), 1);
	assert_not_said(fixture, "offer-failed");
	eventfd_close();

	/* It is asked for again by each policy that is read. */
	open_answer = -ENODEV;
	assert_int_equal(lender_load(lender), -ENODEV);
	assert_int_equal(offers(fixture), 1);
	open_answer = 0;
	assert_int_equal(lender_load(lender), 0);
	assert_int_equal(opened, 3);
	assert_int_equal(offers(fixture), 2);
}

static void a_device_that_cannot_be_watched_is_not_lent_from(void **state)
{
	struct fixture *fixture = *state;

	watch_answer = -EMFILE;
	policy_write(fixture, "a", 2, "0+4K", "");
	assert_int_equal(lender_load(&fixture->lender), -EMFILE);
	assert_said(fixture, "error=\"Too many open files\" "
			     "reason=\"it cannot be watched\"");
	watch_answer = -EOPNOTSUPP;
	assert_int_equal(lender_load(&fixture->lender), 0);
}

/* A barleased before has lost it; what else it has lent goes on. */
static void a_device_may_be_missing_when_another_is_resumed(void **state)
{
	struct fixture *fixture = *state;
	struct lender *lender = &fixture->lender;

	open_answer = -ENODEV;
	policy_write(fixture, "a", 2, "0+4K",
		     "[Device other]\nbackend = sim\nsize = 64K\n"
		     "[Slice two]\ndevice = other\nbar = 0\nrange = 0+4K\n"
		     "allow = anyone\n");
	lender->resuming = true;
	assert_int_equal(lender_load(lender), 0);
	assert_said(fixture, "event=device-failed at=");
	assert_not_said(fixture, "offer-failed");
	assert_int_equal(offers(fixture), 1);
	lender->resuming = false;
	assert_int_equal(lender_load(lender), -ENODEV);
	open_answer = 0;
	assert_int_equal(lender_load(lender), 0);
	assert_int_equal(offers(fixture), 2);
}

/* With no policy in force yet, and an error that has no name. */
static void a_refusal_is_told_whatever_its_error_is(void **state)
{
	struct fixture *fixture = *state;
	const struct barlease_server_lessee lessee = {
		.pid = 7,
		.cgroup = "/",
		.command = "",
	};
	const struct barlease_server_request request = { .name = "one" };

	lender_calls.refuse(&fixture->lender, &lessee, &request, 524, "why");
	assert_said(fixture, "event=deny offer=one error=524 reason=why pid=7");
}

/* As it is when what a barleased before has left is no good, and nothing new is. */
static void what_could_not_be_made_has_no_fd_to_close(void **state)
{
	struct fixture *fixture = *state;
	struct rlimit limit, one_more;
	struct lender lender;
	int next, err;

	next = dup(fixture->before);
	assert_true(next >= 0);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	one_more = limit;
	one_more.rlim_cur = (rlim_t)next + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &one_more), 0);
	err = lender_create(fixture->file, 0, &lender);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(err, -EMFILE);
	/* Somebody else's by now. */
	assert_int_equal(dup(fixture->before), next);
	lender_end(&lender);
	assert_int_equal(close(next), 0);
}

#define lender_test(function) \
	cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		lender_test(a_device_is_opened_once_whatever_it_is_called),
		lender_test(
			a_device_that_cannot_be_opened_is_told_with_the_reason),
		lender_test(
			a_device_in_use_is_waited_for_while_the_manager_closes_it),
		lender_test(a_device_that_was_dropped_is_not_waited_for),
		lender_test(
			a_device_that_was_dropped_is_waited_for_where_it_was_kept),
		lender_test(nothing_but_a_device_in_use_is_waited_for),
		lender_test(a_range_that_the_device_does_not_have_is_rejected),
		lender_test(
			a_range_with_msix_is_rejected_unless_the_policy_insists),
		lender_test(a_device_that_is_wanted_back_is_given_up),
		lender_test(a_device_that_cannot_be_watched_is_not_lent_from),
		lender_test(a_device_may_be_missing_when_another_is_resumed),
		lender_test(a_refusal_is_told_whatever_its_error_is),
		lender_test(what_could_not_be_made_has_no_fd_to_close),
	};

	return cmocka_run_group_tests_name("broker_lender", tests, NULL, NULL);
}
