// SPDX-License-Identifier: MIT
/* A server that lacks something, at each place where it can. */
#include "server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

/* Calls until one fails; 0: none does. */
static unsigned int countdown;
static bool failed;

static bool fails(int err)
{
	if (!countdown || --countdown)
		return false;
	failed = true;
	errno = err;
	return true;
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
	return fails(ENOMEM) ? NULL : __real_calloc(count, size);
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	return fails(ENOMEM) ? NULL : __real_malloc(size);
}

void *__real_reallocarray(void *memory, size_t count, size_t size);
void *__wrap_reallocarray(void *memory, size_t count, size_t size);
void *__wrap_reallocarray(void *memory, size_t count, size_t size)
{
	return fails(ENOMEM) ? NULL : __real_reallocarray(memory, count, size);
}

char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__wrap_strdup(const char *text)
{
	return fails(ENOMEM) ? NULL : __real_strdup(text);
}

int __real_epoll_create1(int flags);
int __wrap_epoll_create1(int flags);
int __wrap_epoll_create1(int flags)
{
	return fails(EMFILE) ? -1 : __real_epoll_create1(flags);
}

int __real_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
	if (what == EPOLL_CTL_ADD && fails(ENOSPC))
		return -1;
	return __real_epoll_ctl(epoll, what, fd, event);
}

int __real_timerfd_create(int clock, int flags);
int __wrap_timerfd_create(int clock, int flags);
int __wrap_timerfd_create(int clock, int flags)
{
	return fails(EMFILE) ? -1 : __real_timerfd_create(clock, flags);
}

/* What a packet with an fd is answered; 0: what it is. */
static int send_answer;

int __real_barlease_packet_send(int sock, const union packet *packet, int fd);
int __wrap_barlease_packet_send(int sock, const union packet *packet, int fd);
int __wrap_barlease_packet_send(int sock, const union packet *packet, int fd)
{
	if (fd >= 0 && send_answer)
		return send_answer;
	return __real_barlease_packet_send(sock, packet, fd);
}

static void settle(struct barlease_server *server)
{
	while (barlease_server_dispatch(server) > 0)
		;
}

/* A lessee that asks for three things and takes what comes. */
static unsigned int lessee_try(struct barlease_server *server,
			       const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	unsigned int grants = 0;
	struct received received;
	union packet packet;

	assert_true(sock >= 0);
	strcpy(address.sun_path, path);
	assert_int_equal(connect(sock, (struct sockaddr *)&address,
				 sizeof(address)),
			 0);
	settle(server);
	for (uint32_t i = 1; i <= 3; i++) {
		barlease_packet_begin(&packet, BARLEASE_PACKET_REQUEST, i);
		packet.request.wait = FOR_EVER;
		if (i < 3)
			strcpy(packet.request.name, "slice");
		/* It may have been turned away. */
		barlease_packet_send(sock, &packet, -1);
		settle(server);
	}
	while (!barlease_packet_receive(sock, &received)) {
		if (received.fd >= 0) {
			close(received.fd);
			grants++;
		}
	}
	close(sock);
	settle(server);
	return grants;
}

/* Return: whether all of it went as it should. */
static bool day(struct barlease_device *device, const char *path)
{
	const struct barlease_server_terms terms = { 0 };
	const struct barlease_server_offer offer = {
		.name = "slice",
		.bar = SIM_BAR,
		.range = { 0, PAGE },
	};
	struct barlease_server *server;
	uint64_t listener, id;
	bool done = false;

	if (barlease_server_create(&terms, &server))
		return false;
	if (!barlease_server_add_device(server, device) &&
	    !barlease_server_listen(server, path, 0600, &listener) &&
	    !barlease_server_add_offer(server, device, &offer, &id) &&
	    !barlease_server_show_offer(server, id, listener)) {
		done = lessee_try(server, path) == 1;
		/* Whatever happened to that one, the next has it. */
		countdown = 0;
		assert_int_equal(lessee_try(server, path), 1);
	}
	countdown = 0;
	barlease_server_destroy(server);
	assert_int_equal(access(path, F_OK), -1);
	return done;
}

static void what_fails_leaves_nothing_behind(void **state)
{
	struct shop *shop = *state;
	unsigned int fds = fd_count(), bad = 0, i;
	char path[80];

	strcpy(path, shop->path);
	strcat(path, "-2");
	for (i = 1;; i++) {
		countdown = i;
		failed = false;
		bad += !day(shop->device, path);
		assert_int_equal(fd_count(), fds);
		if (!failed)
			break;
	}
	/* It is all there when nothing fails, and something is not before. */
	assert_true(i > 20);
	assert_true(bad > i / 2 && bad < i);
}

static void too_many_fds_on_their_way_are_emfile(void **state)
{
	struct shop *shop = *state;
	int sock = lessee_join(shop);

	shop_offer(shop, "slice", 0, 1, 0);
	send_answer = -ETOOMANYREFS;
	lessee_request(sock, 1, "slice", 0);
	lessee_take_refused(shop, sock, 1, EMFILE);
	assert_journal(shop, "came 1\ngrant 1\nend 1 5\n");
	/* Also one that was kept for it meanwhile. */
	send_answer = -EAGAIN;
	lessee_request(sock, 2, "slice", 0);
	barlease_server_dispatch(shop->server);
	send_answer = -ETOOMANYREFS;
	lessee_take_refused(shop, sock, 2, EMFILE);
	assert_journal(shop, "grant 2\nend 2 5\n");
	/* And one whose lease has ended by then. */
	send_answer = -EAGAIN;
	lessee_request(sock, 3, "slice", 0);
	barlease_server_dispatch(shop->server);
	barlease_server_revoke(shop->server, 3, BARLEASE_END_REVOKED);
	send_answer = -ETOOMANYREFS;
	lessee_take_revoked(shop, sock, 3, BARLEASE_END_REVOKED);
	lessee_take_refused(shop, sock, 3, EMFILE);
	send_answer = 0;
	lessee_get(shop, sock, "slice", NULL);
	close(sock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		shop_test(what_fails_leaves_nothing_behind),
		shop_test(too_many_fds_on_their_way_are_emfile),
	};

	return cmocka_run_group_tests_name("server_failures", tests, NULL,
					   NULL);
}
