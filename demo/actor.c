// SPDX-License-Identifier: MIT
#include "actor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spawn.h"
#include "tell.h"

/* How long a lessee may take to answer, in milliseconds. */
#define PATIENCE 20000

static const char *hear(struct actor *actor)
{
	struct pollfd pollfd = { .fd = fileno(actor->from), .events = POLLIN };

	strcpy(actor->answer, "no answer");
	if (poll(&pollfd, 1, PATIENCE) == 1 &&
	    fgets(actor->answer, sizeof(actor->answer), actor->from))
		actor->answer[strcspn(actor->answer, "\n")] = 0;
	return actor->answer;
}

static bool start_process(struct actor *actor, const char *user,
			  const struct barlease_slice *slice)
{
	char program[] = "/lessee";
	char *argv[] = { program, NULL };
	int streams[2];
	struct spawn_options options = {
		.lease_fd = actor->lease,
		.slice = slice,
		.user = user,
		.argv = argv,
		.streams = streams,
	};
	int to[2], from[2];
	int ret;

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		return false;
	streams[0] = to[0];
	streams[1] = from[1];
	ret = spawn_lessee(&options, &actor->pid);
	close(to[0]);
	close(from[1]);
	actor->to = fdopen(to[1], "w");
	actor->from = fdopen(from[0], "r");
	return tell_check(!ret, "%s is started as user '%s'", actor->name,
			  user);
}

bool actor_start(struct actor *actor, const char *name, const char *user,
		 struct barlease_device *dev, unsigned int bar, uint64_t offset,
		 uint64_t length)
{
	struct barlease_slice slice = {
		.bar = bar,
		.range = { .offset = offset, .length = length },
		.access = BARLEASE_READ_WRITE,
	};
	char text[96];

	*actor = (struct actor){ .name = name };
	strcpy(slice.bdf, barlease_device_bdf(dev));
	barlease_slice_format(&slice, text, sizeof(text));
	actor->lease =
		barlease_lease_export(dev, bar, &slice.range, 1, slice.access);
	if (!tell_check(actor->lease >= 0, "the lessor exports %s for %s", text,
			name))
		return false;
	if (!start_process(actor, user, &slice))
		return false;
	return tell_check(!strncmp(hear(actor), "ok", 2),
			  "%s has mapped its lease", name);
}

const char *actor_ask(struct actor *actor, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(actor->to, format, arguments);
	va_end(arguments);
	fputc('\n', actor->to);
	fflush(actor->to);
	return hear(actor);
}

static int wait_for(struct actor *actor)
{
	int status = -1;

	while (waitpid(actor->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	actor->pid = 0;
	return status;
}

bool actor_kill(struct actor *actor)
{
	int status;

	kill(actor->pid, SIGKILL);
	status = wait_for(actor);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

void actor_end(struct actor *actor)
{
	int status = 0;

	fclose(actor->to);
	if (actor->pid)
		status = wait_for(actor);
	tell_check(!status || (WIFEXITED(status) && !WEXITSTATUS(status)),
		   "%s is done", actor->name);
	fclose(actor->from);
	close(actor->lease);
	actor->lease = -1;
}
