// SPDX-License-Identifier: MIT
/* Sockets of a policy, of which those whose path stays the same stay. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lender/lender.h"
#include "log.h"

const struct lender_socket *socket_find(const struct setup *setup,
					const char *path)
{
	for (size_t i = 0; setup && i < setup->socket_count; i++)
		if (!strcmp(setup->sockets[i].path, path))
			return &setup->sockets[i];
	return NULL;
}

/* /run is empty after each boot. */
void folder_make(const char *path)
{
	char folder[POLICY_SOCKET_SIZE];
	char *end;

	strcpy(folder, path);
	end = strrchr(folder, '/');
	if (!end)
		return;
	*end = '\0';
	/* If that does not do, it is told of the socket. */
	if (*folder && !mkdir(folder, 0755))
		/* Others come by here, whatever umask(2) says. */
		chmod(folder, 0755);
}

static int file_set(const struct lender_socket *socket)
{
	if (socket->handed)
		return 0;
	/* For as long as it takes, to fewer rather than to others. */
	if (chmod(socket->path, socket->mode & 0700) < 0 ||
	    (socket->group != (gid_t)-1 &&
	     lchown(socket->path, (uid_t)-1, socket->group) < 0) ||
	    chmod(socket->path, socket->mode) < 0)
		return -errno;
	return 0;
}

/* Return: 0; -ENOENT where nobody listens there for us; or -errno. */
static int handed_use(struct lender *lender, struct lender_socket *socket)
{
	int fd = handed_find(&lender->handed, socket->path);
	int err;

	if (fd < 0)
		return fd;
	err = barlease_server_listen_fd(lender->server, fd, &socket->id);
	if (err)
		close(fd);
	socket->handed = !err;
	return err;
}

static int socket_open(struct lender *lender, struct lender_socket *socket)
{
	int err = handed_use(lender, socket);

	if (err != -ENOENT)
		return err;
	folder_make(socket->path);
	err = barlease_server_listen(lender->server, socket->path,
				     socket->mode & 0700, &socket->id);
	if (err)
		return err;
	err = file_set(socket);
	if (err) {
		barlease_server_unlisten(lender->server, socket->id);
		socket->id = 0;
	}
	return err;
}

static void failure_log(const struct lender *lender,
			const struct policy_offer *offer, int err)
{
	struct log_line line;

	log_begin(&line, LOG_ERR, "socket-failed");
	log_format(&line, "at", "%s:%u", lender->file, offer->line);
	log_text(&line, "socket", offer->socket);
	log_text(&line, "error", strerror(-err));
	log_end(&line);
}

int sockets_open(struct lender *lender, struct setup *setup)
{
	for (size_t i = 0; i < setup->policy->offer_count; i++) {
		const struct policy_offer *offer = &setup->policy->offers[i];
		const struct lender_socket *old;
		struct lender_socket *new;
		int err;

		if (socket_find(setup, offer->socket))
			continue;
		new = &setup->sockets[setup->socket_count];
		strcpy(new->path, offer->socket);
		new->mode = offer->mode;
		new->group = offer->socket_group;
		old = socket_find(lender->setup, offer->socket);
		new->kept = old;
		new->handed = old && old->handed;
		new->id = old ? old->id : 0;
		err = old ? 0 : socket_open(lender, new);
		if (err) {
			failure_log(lender, offer, err);
			sockets_drop(lender, setup);
			return err;
		}
		setup->socket_count++;
	}
	return 0;
}

void sockets_drop(struct lender *lender, struct setup *setup)
{
	for (size_t i = 0; i < setup->socket_count; i++)
		if (!setup->sockets[i].kept)
			barlease_server_unlisten(lender->server,
						 setup->sockets[i].id);
	setup->socket_count = 0;
}

void sockets_close(struct lender *lender, const struct setup *old,
		   const struct setup *new)
{
	for (size_t i = 0; i < old->socket_count; i++)
		if (!socket_find(new, old->sockets[i].path))
			barlease_server_unlisten(lender->server,
						 old->sockets[i].id);
}

/* The file of one that is kept may be gone, or is for others now. */
static int file_renew(struct lender *lender, const struct lender_socket *old,
		      const struct lender_socket *new)
{
	int renewed;

	if (new->handed)
		return 0;
	folder_make(new->path);
	renewed = barlease_server_relisten(lender->server, new->id,
					   new->mode & 0700);
	if (renewed < 0)
		return renewed;
	if (!renewed && old->mode == new->mode && old->group == new->group)
		return 0;
	return file_set(new);
}

void sockets_renew(struct lender *lender, const struct setup *old)
{
	for (size_t i = 0; i < old->socket_count; i++) {
		const struct lender_socket *kept =
			socket_find(lender->setup, old->sockets[i].path);
		struct log_line line;
		int err;

		err = kept ? file_renew(lender, &old->sockets[i], kept) : 0;
		if (!err)
			continue;
		log_begin(&line, LOG_ERR, "socket-failed");
		log_text(&line, "socket", kept->path);
		log_text(&line, "error", strerror(-err));
		log_end(&line);
	}
}
