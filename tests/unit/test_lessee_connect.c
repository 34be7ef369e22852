// SPDX-License-Identifier: MIT
/* Lessees that connect to a path, whoever listens there. */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lessee/lessee.h"

uint64_t __real_lessee_deadline(uint64_t from_now);
uint64_t __wrap_lessee_deadline(uint64_t from_now);

/* What would take long takes less here. */
static uint64_t longest = UINT64_MAX;

uint64_t __wrap_lessee_deadline(uint64_t from_now)
{
	return __real_lessee_deadline(from_now < longest ? from_now : longest);
}

static int listen_at(const struct tree *tree, int type, int backlog, char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, type, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket",
		 tree->root);
	assert_int_equal(bind(sock, (struct sockaddr *)&address,
			      sizeof(address)),
			 0);
	assert_int_equal(listen(sock, backlog), 0);
	strcpy(path, address.sun_path);
	return sock;
}

static void a_lessee_connects_to_a_path(void **state)
{
	unsigned int before = fd_count();
	struct barlease_lessee *lessee;
	struct received received;
	char path[108];
	int sock, other;

	sock = listen_at(*state, SOCK_SEQPACKET, 1, path);
	assert_int_equal(barlease_lessee_connect(path, &lessee), 0);
	other = accept(sock, NULL, NULL);
	assert_true(other >= 0);
	assert_int_equal(barlease_packet_receive(other, &received), -EAGAIN);
	barlease_lessee_close(lessee);
	assert_int_equal(barlease_packet_receive(other, &received),
			 -ECONNRESET);
	close(other);
	close(sock);
	assert_int_equal(fd_count(), before);
}

static void a_socket_of_another_type_is_refused(void **state)
{
	unsigned int before = fd_count();
	struct barlease_lessee *lessee;
	char path[108];
	int sock;

	sock = listen_at(*state, SOCK_STREAM, 1, path);
	assert_int_equal(barlease_lessee_connect(path, &lessee), -EPROTOTYPE);
	close(sock);
	assert_int_equal(fd_count(), before);
}

static void a_server_that_lets_nobody_in_is_not_waited_for_ever(void **state)
{
	struct barlease_lessee *lessees[8];
	unsigned int before = fd_count();
	char path[108];
	int sock, err;
	size_t i;

	sock = listen_at(*state, SOCK_SEQPACKET, 0, path);
	longest = 20;
	for (i = 0; i < 8; i++) {
		err = barlease_lessee_connect(path, &lessees[i]);
		if (err)
			break;
	}
	longest = UINT64_MAX;
	assert_int_equal(err, -ETIMEDOUT);
	assert_true(i > 0);
	while (i--)
		barlease_lessee_close(lessees[i]);
	close(sock);
	assert_int_equal(fd_count(), before);
}

int main(void)
{
#define IN_TREE(test) \
	cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)
	const struct CMUnitTest tests[] = {
		IN_TREE(a_lessee_connects_to_a_path),
		IN_TREE(a_socket_of_another_type_is_refused),
		IN_TREE(a_server_that_lets_nobody_in_is_not_waited_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
