// SPDX-License-Identifier: MIT
/* Lessees that end, in each way there is. */
#include "server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define RW (PROT_READ | PROT_WRITE)

/* A process that has connected, and told who has its ends of two pipes. */
struct child {
	pid_t pid;
	int ready; /* says that it has its lease */
	int hold; /* closed: whoever has the other end goes */
};

/* What a child does when it is connected. */
typedef void (*child_act)(int sock);

static void wait_until_closed(int fd)
{
	char byte;

	while (read(fd, &byte, 1) < 0)
		;
}

static int child_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	strcpy(address.sun_path, path);
	if (connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0)
		_exit(1);
	return sock;
}

/* As a lessee that is too simple to check anything. */
static void child_get(int sock)
{
	struct pollfd poller = { .fd = sock, .events = POLLIN };
	struct received received;

	lessee_request(sock, 1, "slice", FOR_EVER);
	do {
		poll(&poller, 1, -1);
		if (barlease_packet_receive(sock, &received))
			_exit(1);
	} while (received.packet.header.type != BARLEASE_PACKET_GRANT);
	if (mmap(NULL, PAGE, RW, MAP_SHARED, received.fd, 0) == MAP_FAILED)
		_exit(1);
}

static struct child child_start(struct shop *shop, child_act act)
{
	struct child child;
	int ready[2], hold[2];

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(hold), 0);
	child.pid = fork();
	assert_true(child.pid >= 0);
	if (!child.pid) {
		/* Nor do these outlive a test that fails. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		int sock = child_connect(shop->path);

		close(hold[1]);
		close(ready[0]);
		act(sock);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		wait_until_closed(hold[0]);
		_exit(0);
	}
	close(ready[1]);
	close(hold[0]);
	child.ready = ready[0];
	child.hold = hold[1];
	return child;
}

/* Serve the child until it has what it wants. */
static void child_serve(struct shop *shop, const struct child *child)
{
	struct pollfd pollers[] = {
		{ .fd = barlease_server_get_fd(shop->server),
		  .events = POLLIN },
		{ .fd = child->ready, .events = POLLIN },
	};

	do {
		assert_true(poll(pollers, 2, 60000) > 0);
		shop_settle(shop);
	} while (!pollers[1].revents);
	assert_true(pollers[1].revents & POLLIN);
}

static void child_kill(struct shop *shop, const struct child *child)
{
	struct pollfd poller = {
		.fd = barlease_server_get_fd(shop->server),
		.events = POLLIN,
	};

	assert_int_equal(kill(child->pid, SIGKILL), 0);
	assert_int_equal(poll(&poller, 1, 60000), 1);
	shop_settle(shop);
	assert_int_equal(waitpid(child->pid, NULL, 0), child->pid);
}

static void child_forget(const struct child *child)
{
	close(child->ready);
	close(child->hold);
}

static void who_is_killed_has_nothing_any_more(void **state)
{
	struct shop *shop = *state;
	struct child child;
	int sock;

	shop_offer(shop, "slice", 0, 1, 0);
	child = child_start(shop, child_get);
	child_serve(shop, &child);
	assert_journal(shop, "came 1\ngrant 1\n");
	child_kill(shop, &child);
	assert_journal(shop, "end 1 2\ngone 1\n");
	sock = lessee_join(shop);
	lessee_get(shop, sock, "slice", NULL);
	close(sock);
	child_forget(&child);
}

static void who_is_killed_while_he_waits_waits_no_longer(void **state)
{
	struct shop *shop = *state;
	struct child child;
	int sock = lessee_join(shop);
	int last = lessee_join(shop);

	shop_offer(shop, "slice", 0, 1, 0);
	lessee_get(shop, sock, "slice", NULL);
	child = child_start(shop, child_get);
	while (strcmp(shop->journal, "came 1\ncame 2\ngrant 1\ncame 3\n")) {
		struct pollfd poller = {
			.fd = barlease_server_get_fd(shop->server),
			.events = POLLIN,
		};

		assert_int_equal(poll(&poller, 1, 60000), 1);
		shop_settle(shop);
	}
	usleep(10000);
	lessee_request(last, 1, "slice", FOR_EVER);
	lessee_take(shop, last, BARLEASE_PACKET_QUEUED, 1);
	child_kill(shop, &child);
	close(sock);
	do {
		struct received received;

		shop_settle(shop);
		assert_int_equal(barlease_packet_receive(last, &received), 0);
		if (received.packet.header.type == BARLEASE_PACKET_GRANT) {
			close(received.fd);
			break;
		}
		assert_int_equal(received.packet.queued.position, 1);
	} while (1);
	close(last);
	child_forget(&child);
}

/* It has mapped the lease, and its own child lives on with all it had. */
static void get_and_fork(int sock)
{
	child_get(sock);
	if (!fork()) {
		alarm(60);
		pause();
	}
}

/* The same, where the child that lives on tries to go on as the lessee. */
static void connect_and_fork(int sock)
{
	pid_t pid = fork();

	if (!pid) {
		alarm(60);
		child_get(sock);
		return;
	}
	/* The one that has connected is this one. */
	pause();
}

static pid_t heir_of(pid_t pid)
{
	char path[64], text[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	return atoi(text);
}

static void assert_taken_from_heir(struct shop *shop, child_act act)
{
	struct child child;
	pid_t heir;
	int sock;

	shop_offer(shop, "slice", 0, 1, 0);
	child = child_start(shop, act);
	child_serve(shop, &child);
	heir = heir_of(child.pid);
	assert_journal(shop, "came 1\ngrant 1\n");
	child_kill(shop, &child);
	/* Somebody still has the connection and the mapping. */
	assert_int_equal(kill(heir, 0), 0);
	assert_journal(shop, "end 1 2\ngone 1\n");
	sock = lessee_join(shop);
	lessee_get(shop, sock, "slice", NULL);
	close(sock);
	kill(heir, SIGKILL);
	child_forget(&child);
}

static void what_a_process_passed_on_ends_with_it(void **state)
{
	assert_taken_from_heir(*state, get_and_fork);
}

static void a_connection_that_is_inherited_ends_with_who_made_it(void **state)
{
	assert_taken_from_heir(*state, connect_and_fork);
}

static void nothing(int sock)
{
	(void)sock;
}

/* It is gone before the server even looks, and its connection is not. */
static void who_was_gone_before_is_turned_away(void **state)
{
	struct shop *shop = *state;
	struct child child = child_start(shop, connect_and_fork);
	struct pollfd poller = {
		.fd = barlease_server_get_fd(shop->server),
		.events = POLLIN,
	};
	pid_t heir;

	assert_int_equal(poll(&poller, 1, 60000), 1);
	usleep(20000);
	heir = heir_of(child.pid);
	assert_int_equal(kill(child.pid, SIGKILL), 0);
	assert_int_equal(waitpid(child.pid, NULL, 0), child.pid);
	shop_settle(shop);
	assert_journal(shop, "");
	kill(heir, SIGKILL);
	child_forget(&child);
	/* Nobody else minds. */
	child = child_start(shop, nothing);
	child_serve(shop, &child);
	shop_settle(shop);
	assert_journal(shop, "came 1\n");
	child_kill(shop, &child);
	child_forget(&child);
}

static void who_shuts_its_end_down_is_gone(void **state)
{
	struct shop *shop = *state;
	int sock = lessee_join(shop);

	shop_offer(shop, "slice", 0, 1, 0);
	lessee_get(shop, sock, "slice", NULL);
	/* What it has said before is still done. */
	lessee_request(sock, 1, "slice", FOR_EVER);
	shutdown(sock, SHUT_WR);
	lessee_take_queued(shop, sock, 1, 1);
	lessee_take_end(shop, sock);
	assert_journal(shop, "came 1\ngrant 1\nend 1 2\ngone 1\n");
	close(sock);
}

static void who_is_gone_is_not_served(void **state)
{
	struct shop *shop = *state;
	int sock = lessee_join(shop);

	shop_offer(shop, "slice", 0, 1, 0);
	lessee_request(sock, 1, "slice", FOR_EVER);
	close(sock);
	shop_settle(shop);
	assert_journal(shop, "came 1\ngone 1\n");
}

#define ROUNDS 300

/* At whatever point of its life. */
static void who_is_killed_at_any_time_leaves_nothing(void **state)
{
	struct shop *shop = *state;
	unsigned int fds = fd_count();
	uint32_t random = 1;

	shop_offer(shop, "slice", 0, 1, 0);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		pid_t pid = fork();
		uint64_t spins;

		assert_true(pid >= 0);
		if (!pid) {
			child_get(child_connect(shop->path));
			pause();
		}
		random = random * 1664525 + 1013904223;
		for (spins = random >> 26; spins; spins--)
			barlease_server_dispatch(shop->server);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		shop_settle(shop);
		shop->journal[0] = '\0';
		assert_int_equal(fd_count(), fds);
	}
	close(lessee_join(shop));
	shop_settle(shop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		shop_test(who_is_killed_has_nothing_any_more),
		shop_test(who_is_killed_while_he_waits_waits_no_longer),
		shop_test(what_a_process_passed_on_ends_with_it),
		shop_test(a_connection_that_is_inherited_ends_with_who_made_it),
		shop_test(who_was_gone_before_is_turned_away),
		shop_test(who_shuts_its_end_down_is_gone),
		shop_test(who_is_gone_is_not_served),
		shop_test(who_is_killed_at_any_time_leaves_nothing),
	};

	return cmocka_run_group_tests_name("server_death", tests, NULL, NULL);
}
