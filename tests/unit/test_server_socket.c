// SPDX-License-Identifier: MIT
/* Servers that want the same socket at the same time. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server.h"

/* For the other one to do what it can, in milliseconds. It is not to. */
#define MEANWHILE 200

static struct {
	char folder[32], path[48];
	/* What is done just before this one goes on, once. */
	const char *at;
	pid_t other;
	int said; /* what the other one tells: its errno */
} race;

static int listen_at(struct barlease_server **server)
{
	const struct barlease_server_terms terms = { 0 };
	uint64_t id;

	assert_int_equal(barlease_server_create(&terms, server), 0);
	return barlease_server_listen(*server, race.path, 0600, &id);
}

/* Another server, which lives until it is killed. */
static void other_begin(void)
{
	struct pollfd poller = { .events = POLLIN };
	struct barlease_server *server;
	int fds[2], err;

	race.at = NULL;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	race.other = fork();
	if (!race.other) {
		err = listen_at(&server);
		_exit(write(fds[1], &err, sizeof(err)) == sizeof(err) ?
			      pause() :
			      1);
	}
	assert_true(race.other > 0);
	close(fds[1]);
	race.said = fds[0];
	poller.fd = fds[0];
	poll(&poller, 1, MEANWHILE);
}

static void reached(const char *what)
{
	if (race.at && !strcmp(race.at, what))
		other_begin();
}

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path)
{
	if (!strcmp(path, race.path))
		reached("unlink");
	return __real_unlink(path);
}

int __real_listen(int fd, int backlog);
int __wrap_listen(int fd, int backlog);
int __wrap_listen(int fd, int backlog)
{
	reached("listen");
	return __real_listen(fd, backlog);
}

static int connect_there(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int err;

	assert_true(fd >= 0);
	strcpy(address.sun_path, race.path);
	err = connect(fd, (struct sockaddr *)&address, sizeof(address));
	close(fd);
	return err ? -errno : 0;
}

/* One that was left by a server which is gone. */
static void socket_leave(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	strcpy(address.sun_path, race.path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address,
			      sizeof(address)),
			 0);
	close(fd);
	assert_int_equal(connect_there(), -ECONNREFUSED);
}

static int setup(void **state)
{
	(void)state;
	strcpy(race.folder, "/tmp/barlease-XXXXXX");
	assert_non_null(mkdtemp(race.folder));
	strcpy(race.path, race.folder);
	strcat(race.path, "/s");
	race.at = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	__real_unlink(race.path);
	/* Nothing else is left. */
	return rmdir(race.folder);
}

/* Just one has it, and it is the one that is connected to. */
static void race_at(const char *at)
{
	struct barlease_server *server;
	int err, other;

	race.at = at;
	err = listen_at(&server);
	assert_null(race.at);
	assert_int_equal(read(race.said, &other, sizeof(other)),
			 sizeof(other));
	close(race.said);
	assert_int_equal(err, 0);
	assert_int_equal(other, -EADDRINUSE);
	kill(race.other, SIGKILL);
	assert_int_equal(waitpid(race.other, NULL, 0), race.other);
	assert_int_equal(connect_there(), 0);
	barlease_server_destroy(server);
}

static void of_two_that_find_an_old_socket_one_has_it(void **state)
{
	(void)state;
	socket_leave();
	race_at("unlink");
}

static void a_socket_that_does_not_listen_yet_is_not_taken_for_left(void **state)
{
	(void)state;
	race_at("listen");
}

static void a_lock_that_was_left_is_none(void **state)
{
	struct barlease_server *server;
	char lock[64];
	int fd;

	(void)state;
	strcpy(lock, race.path);
	strcat(lock, ".lock");
	fd = open(lock, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	socket_leave();
	assert_int_equal(listen_at(&server), 0);
	assert_int_equal(connect_there(), 0);
	barlease_server_destroy(server);
}

static void a_lock_is_not_looked_for_elsewhere(void **state)
{
	struct barlease_server *server;
	char lock[64], other[64];
	struct stat status;

	(void)state;
	strcpy(lock, race.path);
	strcat(lock, ".lock");
	strcpy(other, race.folder);
	strcat(other, "/other");
	assert_int_equal(symlink(other, lock), 0);
	assert_int_equal(listen_at(&server), -ELOOP);
	assert_int_equal(lstat(other, &status), -1);
	assert_int_equal(__real_unlink(lock), 0);
	barlease_server_destroy(server);
}

#define socket_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		socket_test(of_two_that_find_an_old_socket_one_has_it),
		socket_test(a_socket_that_does_not_listen_yet_is_not_taken_for_left),
		socket_test(a_lock_that_was_left_is_none),
		socket_test(a_lock_is_not_looked_for_elsewhere),
	};

	return cmocka_run_group_tests_name("server_socket", tests, NULL, NULL);
}
