// SPDX-License-Identifier: MIT
/* Sockets, who comes by them, and who has what. */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static mode_t mode_of(const char *path)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	assert_true(S_ISSOCK(status.st_mode));
	return status.st_mode & 07777;
}

static void a_socket_has_the_mode_that_was_asked_for(void **state)
{
	struct shop *shop = *state;
	mode_t mask = umask(077);
	uint64_t id;

	assert_int_equal(mode_of(shop->path), 0600);
	assert_int_equal(barlease_server_unlisten(shop->server, shop->listener),
			 0);
	assert_int_equal(barlease_server_listen(shop->server, shop->path, 0666,
						&id),
			 0);
	assert_int_equal(mode_of(shop->path), 0666);
	umask(mask);
	assert_int_equal(barlease_server_unlisten(shop->server, id), 0);
	assert_int_equal(access(shop->path, F_OK), -1);
}

static void a_path_must_be_free_or_left_behind(void **state)
{
	struct shop *shop = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char path[200];
	uint64_t id;
	int sock;

	assert_int_equal(barlease_server_listen(shop->server, shop->path, 0600,
						&id),
			 -EADDRINUSE);
	lessee_take_nothing(shop, sock = lessee_join(shop));
	close(sock);
	assert_int_equal(barlease_server_listen(shop->server, "", 0600, &id),
			 -EINVAL);
	memset(path, 'x', sizeof(path));
	path[108] = '\0';
	assert_int_equal(barlease_server_listen(shop->server, path, 0600, &id),
			 -ENAMETOOLONG);
	assert_int_equal(barlease_server_listen(shop->server, "/nowhere/sock",
						0600, &id),
			 -ENOENT);
	/* A file that is no socket stays. */
	snprintf(path, sizeof(path), "%s-file", shop->path);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(barlease_server_listen(shop->server, path, 0600, &id),
			 -EADDRINUSE);
	assert_int_equal(unlink(path), 0);
	/* A socket that a server has left behind, without a process. */
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, path);
	assert_int_equal(bind(sock, (struct sockaddr *)&address,
			      sizeof(address)),
			 0);
	close(sock);
	assert_int_equal(barlease_server_listen(shop->server, path, 0600, &id),
			 0);
	close(lessee_join_at(shop, path));
	/* Somebody else has put his own there. */
	assert_int_equal(unlink(path), 0);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(barlease_server_unlisten(shop->server, id), 0);
	assert_int_equal(unlink(path), 0);
}

static void a_socket_whose_file_was_removed_gets_one_again(void **state)
{
	struct shop *shop = *state;
	int before = lessee_join(shop), meanwhile, after;

	shop_offer(shop, "slice", 0, 1, 0);
	lessee_get(shop, before, "slice", NULL);
	assert_int_equal(barlease_server_relisten(shop->server, shop->listener,
						  0644),
			 0);
	assert_int_equal(mode_of(shop->path), 0600);
	/* That nobody has seen so far. */
	meanwhile = lessee_join(shop);
	assert_int_equal(unlink(shop->path), 0);
	assert_int_equal(barlease_server_relisten(shop->server, shop->listener,
						  0644),
			 1);
	assert_int_equal(mode_of(shop->path), 0644);
	after = lessee_join(shop);
	lessee_request(meanwhile, 1, "slice", FOR_EVER);
	lessee_take_queued(shop, meanwhile, 1, 1);
	lessee_request(after, 1, "slice", FOR_EVER);
	lessee_take_queued(shop, after, 1, 2);
	lessee_release(before, 5, 1);
	lessee_take(shop, before, BARLEASE_PACKET_RELEASED, 5);
	lessee_take_grant(shop, meanwhile, 1, NULL);
	assert_int_equal(barlease_server_relisten(shop->server,
						  shop->listener + 1, 0644),
			 -ENOENT);
	close(before);
	close(meanwhile);
	close(after);
	shop_settle(shop);
}

static void a_file_of_another_one_is_not_replaced(void **state)
{
	struct shop *shop = *state;

	assert_int_equal(unlink(shop->path), 0);
	close(open(shop->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(barlease_server_relisten(shop->server, shop->listener,
						  0600),
			 -EADDRINUSE);
	assert_int_equal(unlink(shop->path), 0);
	assert_int_equal(barlease_server_relisten(shop->server, shop->listener,
						  0600),
			 1);
	close(lessee_join(shop));
	shop_settle(shop);
}

static void a_socket_that_listens_already_can_be_used(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct shop *shop = *state;
	uint64_t id, offer;
	int pair[2], sock, stream;

	assert_int_equal(barlease_server_listen_fd(shop->server, -1, &id),
			 -EBADF);
	assert_int_equal(barlease_server_listen_fd(shop->server, STDERR_FILENO,
						   &id),
			 -EINVAL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(barlease_server_listen_fd(shop->server, pair[0], &id),
			 -EINVAL);
	close(pair[0]);
	close(pair[1]);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s-own",
		 shop->path);
	stream = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(stream, (struct sockaddr *)&address,
			      sizeof(address)),
			 0);
	assert_int_equal(listen(stream, 1), 0);
	assert_int_equal(barlease_server_listen_fd(shop->server, stream, &id),
			 -EINVAL);
	close(stream);
	unlink(address.sun_path);

	sock = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	assert_int_equal(bind(sock, (struct sockaddr *)&address,
			      sizeof(address)),
			 0);
	assert_int_equal(listen(sock, 10), 0);
	assert_int_equal(barlease_server_listen_fd(shop->server, sock, &id), 0);
	assert_int_equal(fcntl(sock, F_GETFD), FD_CLOEXEC);
	assert_int_equal(barlease_server_relisten(shop->server, id, 0600),
			 -EINVAL);
	offer = shop_offer(shop, "slice", 0, 1, 0);
	assert_int_equal(barlease_server_show_offer(shop->server, offer, id),
			 0);
	sock = lessee_join_at(shop, address.sun_path);
	lessee_get(shop, sock, "slice", NULL);
	close(sock);
	assert_int_equal(barlease_server_unlisten(shop->server, id), 0);
	/* Whose file it is removes it. */
	assert_int_equal(unlink(address.sun_path), 0);
}

struct seen {
	struct shop *shop;
	unsigned int count;
	struct barlease_server_lessee lessee;
	struct barlease_server_lease lease;
	struct barlease_server_request request;
	char cgroup[512];
	char command[32];
	uint64_t stop_at;
};

static int lessee_visit(void *context,
			const struct barlease_server_lessee *lessee)
{
	struct seen *seen = context;

	seen->count++;
	seen->lessee = *lessee;
	snprintf(seen->cgroup, sizeof(seen->cgroup), "%s", lessee->cgroup);
	snprintf(seen->command, sizeof(seen->command), "%s", lessee->command);
	return lessee->id == seen->stop_at ? 42 : 0;
}

static void it_is_known_who_has_come(void **state)
{
	struct seen seen = { .shop = *state };
	struct shop *shop = *state;
	char line[512] = "", name[16];
	FILE *file;
	int first = lessee_join(shop);
	int second = lessee_join(shop);

	shop_offer(shop, "slice", 0, 1, 0);
	lessee_get(shop, second, "slice", NULL);
	lessee_request(second, 1, "slice", FOR_EVER);
	lessee_take_queued(shop, second, 1, 1);
	assert_int_equal(barlease_server_each_lessee(shop->server, lessee_visit,
						     &seen),
			 0);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.lessee.id, 2);
	assert_int_equal(seen.lessee.listener, shop->listener);
	assert_int_equal(seen.lessee.pid, getpid());
	assert_int_equal(seen.lessee.uid, getuid());
	assert_int_equal(seen.lessee.gid, getgid());
	assert_int_equal(seen.lessee.leases, 1);
	assert_int_equal(seen.lessee.waiting, 1);
	assert_int_equal(prctl(PR_GET_NAME, name), 0);
	assert_string_equal(seen.command, name);
	file = fopen("/proc/self/cgroup", "re");
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, "0::", 3))
			break;
	if (file)
		fclose(file);
	line[strcspn(line, "\n")] = '\0';
	if (!strncmp(line, "0::", 3))
		assert_string_equal(seen.cgroup, line + 3);
	/* It goes no further than it is wanted to. */
	seen.count = 0;
	seen.stop_at = 1;
	assert_int_equal(barlease_server_each_lessee(shop->server, lessee_visit,
						     &seen),
			 42);
	assert_int_equal(seen.count, 1);
	close(first);
	close(second);
}

static int lease_visit(void *context,
		       const struct barlease_server_lessee *lessee,
		       const struct barlease_server_lease *lease)
{
	struct seen *seen = context;

	seen->count++;
	seen->lessee = *lessee;
	seen->lease = *lease;
	assert_int_equal(barlease_server_revoke(seen->shop->server, lease->id,
						BARLEASE_END_REVOKED),
			 0);
	return 0;
}

/* Whoever holds a slice names himself to those who are refused. */
static void the_name_of_a_process_commands_no_terminal(void **state)
{
	static const char hostile[] = "\033]0;x\a\n\xc2\x9b\x7fy\n";
	struct seen seen = { .shop = *state };
	struct shop *shop = *state;
	struct received received;
	char name[16];
	int holder, other;

	if (valgrind_runs_this())
		skip();
	shop_offer(shop, "slice", 0, 1, 0);
	assert_int_equal(prctl(PR_GET_NAME, name), 0);
	assert_int_equal(prctl(PR_SET_NAME, hostile), 0);
	holder = lessee_join(shop);
	assert_int_equal(prctl(PR_SET_NAME, name), 0);
	other = lessee_join(shop);
	seen.stop_at = 1;
	barlease_server_each_lessee(shop->server, lessee_visit, &seen);
	assert_string_equal(seen.command, "?]0;x?????y?");
	lessee_get(shop, holder, "slice", NULL);
	lessee_request(other, 1, "slice", 0);
	received = lessee_take(shop, other, BARLEASE_PACKET_REFUSED, 1);
	assert_non_null(strstr(received.packet.refused.sentence,
			       "(?]0;x?????y?)"));
	close(holder);
	close(other);
}

static void it_is_known_who_has_what(void **state)
{
	const struct barlease_server_offer offer = {
		.name = "pool",
		.bar = SIM_BAR,
		.range = { 4 * PAGE, 4 * PAGE },
		.slice_size = 2 * PAGE,
		.time_limit = 1000,
	};
	struct seen seen = { .shop = *state };
	struct shop *shop = *state;
	uint64_t id = shop_offer_as(shop, &offer);
	int sock = lessee_join(shop);

	lessee_get(shop, sock, "pool", NULL);
	lessee_get(shop, sock, "pool", NULL);
	shop_pass(shop, 400);
	assert_int_equal(barlease_server_each_lease(shop->server, lease_visit,
						    &seen),
			 0);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.lessee.id, 1);
	assert_int_equal(seen.lease.id, 2);
	assert_int_equal(seen.lease.offer, id);
	assert_ptr_equal(seen.lease.device, shop->device);
	assert_int_equal(seen.lease.index, 1);
	assert_int_equal(seen.lease.bar, SIM_BAR);
	assert_int_equal(seen.lease.range.offset, 6 * PAGE);
	assert_int_equal(seen.lease.range.length, 2 * PAGE);
	assert_int_equal(seen.lease.age, 400);
	assert_int_equal(seen.lease.time_left, 600);
	assert_false(seen.lease.recalled);
	/* What the visits wanted has been done. */
	assert_journal(shop, "came 1\ngrant 1\ngrant 2\nend 1 5\nend 2 5\n");
	lessee_take_revoked(shop, sock, 1, BARLEASE_END_REVOKED);
	close(sock);
}

static int request_visit(void *context,
			 const struct barlease_server_lessee *lessee,
			 const struct barlease_server_request *request)
{
	struct seen *seen = context;

	(void)lessee;
	seen->count++;
	seen->request = *request;
	assert_int_equal(barlease_server_dispatch(seen->shop->server),
			 -EDEADLK);
	return 0;
}

static void it_is_known_who_waits(void **state)
{
	struct seen seen = { .shop = *state };
	struct shop *shop = *state;
	int sock = lessee_join(shop);

	shop_offer(shop, "slice", 0, 1, 0);
	lessee_get(shop, sock, "slice", NULL);
	lessee_request(sock, 1, "", 70);
	lessee_request(sock, 2, "slice", FOR_EVER);
	lessee_request(sock, 3, "slice", FOR_EVER);
	shop_settle(shop);
	assert_int_equal(barlease_server_each_request(shop->server,
						      request_visit, &seen),
			 0);
	assert_int_equal(seen.count, 3);
	/* Those for anything come last. */
	assert_int_equal(seen.request.offer, 0);
	assert_string_equal(seen.request.name, "");
	assert_int_equal(seen.request.wait, 70);
	assert_int_equal(seen.request.position, 1);
	close(sock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		shop_test(a_socket_has_the_mode_that_was_asked_for),
		shop_test(a_path_must_be_free_or_left_behind),
		shop_test(a_socket_whose_file_was_removed_gets_one_again),
		shop_test(a_file_of_another_one_is_not_replaced),
		shop_test(a_socket_that_listens_already_can_be_used),
		shop_test(it_is_known_who_has_come),
		shop_test(the_name_of_a_process_commands_no_terminal),
		shop_test(it_is_known_who_has_what),
		shop_test(it_is_known_who_waits),
	};

	return cmocka_run_group_tests_name("server_listing", tests, NULL, NULL);
}
