// SPDX-License-Identifier: MIT
/* What the service manager has handed over when we were started. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lender/lender.h"
#include "log.h"
#include "service/manager.h"

static bool is_socket(int fd)
{
	int listens = 0;
	socklen_t size = sizeof(listens);

	return !getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) &&
	       listens;
}

static void unknown_log(const struct manager_fd *fd)
{
	struct log_line line;

	log_begin(&line, LOG_WARNING, "handed-over");
	log_text(&line, "name", fd->name);
	log_text(&line, "error", "not a socket that listens: closed");
	log_end(&line);
}

static int kept_take(struct lender *lender, const struct manager_fd *fd)
{
	int err = keep_take(&lender->keep, fd->name, fd->fd);

	if (err != -ENOENT)
		return err;
	err = barlease_server_take(lender->server, fd->name, fd->fd);
	if (!err)
		lender->keep.count++;
	return err;
}

static int take(struct lender *lender, const struct manager_fd *fd)
{
	int err = lender->keep.max ? kept_take(lender, fd) : -ENOENT;

	if (err != -ENOENT)
		return err;
	/* What nobody knows stays in no store; a socket unit has its own. */
	manager_forget(fd->name);
	if (is_socket(fd->fd))
		return handed_add(&lender->handed, fd->fd);
	unknown_log(fd);
	close(fd->fd);
	return 0;
}

int lender_take_handed(struct lender *lender)
{
	struct manager_fd *fds;
	int count = manager_take(&fds);
	int err = count < 0 ? count : 0;

	for (int i = 0; i < count; i++) {
		int taken = take(lender, &fds[i]);

		if (!taken)
			continue;
		close(fds[i].fd);
		/* Which of the two it is, nobody knows. */
		if (taken == -EEXIST)
			lender->handed_error = taken;
		else
			err = taken;
	}
	manager_free(fds, count > 0 ? (size_t)count : 0);
	return err;
}
