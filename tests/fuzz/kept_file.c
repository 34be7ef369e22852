// SPDX-License-Identifier: MIT
/* Files of all kinds, of which one or the other is what it should be. */
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "kept.h"
#include "packets.h"
#include "server/peer.h"
#include "sim/sim.h"

#define LESSEES_MAX 32

/* Numbers of processes. */
#define LIVING 1
#define DYING 2

/* Where lessees are; the daemon has the other ends. */
static int lessees[LESSEES_MAX];
static unsigned int lessee_count;

static int memory(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	promise(fd >= 0);
	return fd;
}

int file_memory(uint64_t size)
{
	int fd = memory("fuzz-bar");

	promise(!ftruncate(fd, (off_t)size));
	return fd;
}

int file_text(const char *text)
{
	int fd = memory("fuzz-text");

	promise(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

/* The bits of @how spoil it. */
int file_lease(uint8_t how, uint64_t size, unsigned int access)
{
	bool other = how & 1;
	int file, fd;

	size = size > SIM_SIZE ? SIM_SIZE : size;
	file = sim_lease_file_create("fuzz-lease", size,
				     access ? BARLEASE_READ_ONLY :
					      BARLEASE_READ_WRITE);
	promise(file >= 0);
	if (how & 2)
		promise(!ftruncate(file, 0));
	fd = sim_lease_file_open(file, !!access != other ?
					       BARLEASE_READ_ONLY :
					       BARLEASE_READ_WRITE);
	close(file);
	return fd;
}

int file_lessee(uint8_t how)
{
	int type = how & 1 ? SOCK_STREAM : SOCK_SEQPACKET;
	int ends[2], on = 1;

	if (lessee_count == LESSEES_MAX)
		return -1;
	promise(!socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
			    ends));
	/* A mark for __wrap_server_peer_get(). */
	if (how & 4)
		promise(!setsockopt(ends[1], SOL_SOCKET, SO_PRIORITY, &on,
				    sizeof(on)));
	if (how & 2)
		close(ends[0]);
	else
		lessees[lessee_count++] = ends[0];
	return ends[1];
}

void files_ask(uint8_t what)
{
	for (unsigned int i = 0; i < lessee_count; i++) {
		uint8_t bytes[] = { what, 0, (uint8_t)(what >> 4), 0, 0 };
		struct input input = { bytes, sizeof(bytes) };
		const struct fuzz_topics topics = {
			.serial = 77,
			.request = i,
			.lease = i,
		};
		struct fuzz_packet made;

		fuzz_packet_make(&input, PACKET_OF_LESSEE, &topics, &made);
		send(lessees[i], made.bytes, made.length,
		     MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

void files_end(void)
{
	while (lessee_count)
		close(lessees[--lessee_count]);
}

static int listening(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
			0);

	promise(fd >= 0);
	strcpy(address.sun_path, path);
	unlink(path);
	promise(!bind(fd, (struct sockaddr *)&address, sizeof(address)));
	promise(!listen(fd, 1));
	/* Its address stays, and nothing of it in the folder. */
	unlink(path);
	return fd;
}

static int end_of_pipe(void)
{
	int ends[2];

	promise(!pipe2(ends, O_CLOEXEC | O_NONBLOCK));
	close(ends[1]);
	return ends[0];
}

static int bytes(struct input *input)
{
	uint8_t data[64];
	size_t size = input_byte(input) % sizeof(data);
	int fd = memory("fuzz-bytes");

	input_take(input, data, size);
	promise(write(fd, data, size) == (ssize_t)size);
	return fd;
}

int file_any(struct input *input, uint8_t which)
{
	switch (which % 12) {
	case 0:
		return listening(kept_socket());
	case 1:
		return file_lessee(which >> 4);
	case 2:
		return file_lease(which >> 4, PAGE, 0);
	case 3:
		return file_memory(SIM_SIZE);
	case 4:
		return file_memory(which >> 4);
	case 5:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	case 6:
		return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	case 7:
		return open("/dev/zero", O_PATH | O_CLOEXEC);
	case 8:
		return end_of_pipe();
	case 9:
		return bytes(input);
	case 10:
		return file_text(policies[(which >> 4) % POLICIES]);
	default:
		return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	}
}

/*
 * All are the same process, which lives on, but for one that is dead, and one that
 * dies while it is looked at.
 */
int __wrap_server_peer_get(int sock, struct peer *peer);
int __wrap_server_peer_get(int sock, struct peer *peer)
{
	socklen_t size = sizeof(int);
	int type, dies;

	if (getsockopt(sock, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
	    getsockopt(sock, SOL_SOCKET, SO_PRIORITY, &dies, &size) < 0)
		return -errno;
	memset(peer, 0, sizeof(*peer));
	peer->process = eventfd(type == SOCK_STREAM, EFD_CLOEXEC);
	if (peer->process < 0)
		return -errno;
	peer->pid = dies ? DYING : LIVING;
	peer->uid = 1000;
	peer->gid = 1000;
	return 0;
}

int __wrap_server_peer_look(const struct peer *peer, struct peer_proc *proc);
int __wrap_server_peer_look(const struct peer *peer, struct peer_proc *proc)
{
	memset(proc, 0, sizeof(*proc));
	return peer->pid == DYING ? -ESRCH : 0;
}
