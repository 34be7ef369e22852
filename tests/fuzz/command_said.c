// SPDX-License-Identifier: MIT
#include "command_said.h"

#include <fcntl.h>
#include <pwd.h>

#include <barlease.h>

#include "command.h"
#include "function.h"
#include "input.h"
#include "request.h"
#include "screen.h"
#include "sockets.h"
#include "take_back.h"
#include "window.h"

bool command_reached;

static FILE *true_out, *true_error;
static char *out, *error;
static size_t out_size, error_size;

void said_begin(void)
{
	free(out);
	free(error);
	out = NULL;
	error = NULL;
	true_out = stdout;
	true_error = stderr;
	stdout = open_memstream(&out, &out_size);
	stderr = open_memstream(&error, &error_size);
	if (!stdout || !stderr)
		abort();
}

void said_end(void)
{
	fclose(stdout);
	fclose(stderr);
	stdout = true_out;
	stderr = true_error;
}

struct said said_get(void)
{
	return (struct said){ out, error, out_size, error_size };
}

/* A promise that is broken meanwhile must be heard. */
#define heard_promise(condition)            \
	do {                                \
		bool holds_ = (condition);  \
		if (!holds_)                \
			said_end();         \
		promise(holds_);            \
	} while (0)

int __wrap_function_argument(const struct machine *machine, const char *bdf,
			     struct function *function);
int __wrap_function_argument(const struct machine *machine, const char *bdf,
			     struct function *function)
{
	char again[BARLEASE_BDF_MAX];

	(void)machine;
	(void)function;
	/* But for what a server has lent, which no function is. */
	heard_promise(!strncmp(bdf, "lent:", 5) ||
		      (!barlease_bdf_parse(bdf, again) && !strcmp(again, bdf)));
	command_reached = true;
	return STATUS_FAILED;
}

int __wrap_window_lease(const struct command *command, int fd,
			struct window *window);
int __wrap_window_lease(const struct command *command, int fd,
			struct window *window)
{
	(void)command;
	(void)window;
	heard_promise(fd == WINDOW_FD_INHERITED || fcntl(fd, F_GETFD) >= 0);
	command_reached = true;
	return STATUS_FAILED;
}

int __wrap_take_back(const struct take_back *how, int argc, char **argv);
int __wrap_take_back(const struct take_back *how, int argc, char **argv)
{
	heard_promise(argc > 0 && argv[0] && !argv[argc]);
	heard_promise(how->revoke == !strcmp(how->done, "revoked"));
	command_reached = true;
	return STATUS_FAILED;
}

int __wrap_request_socket(const char *name, const char *chosen, char *path);
int __wrap_request_socket(const char *name, const char *chosen, char *path)
{
	(void)chosen;
	(void)path;
	heard_promise(*name && strlen(name) < BARLEASE_NAME_SIZE);
	command_reached = true;
	return STATUS_FAILED;
}

/* A machine without functions, and of one socket at most. */
int __wrap_function_list(const struct machine *machine,
			 struct function **functions, size_t *count);
int __wrap_function_list(const struct machine *machine,
			 struct function **functions, size_t *count)
{
	(void)machine;
	*functions = NULL;
	*count = 0;
	return 0;
}

int __real_sockets_find(const struct machine *machine, const char *chosen,
			struct sockets *sockets);
int __wrap_sockets_find(const struct machine *machine, const char *chosen,
			struct sockets *sockets);
int __wrap_sockets_find(const struct machine *machine, const char *chosen,
			struct sockets *sockets)
{
	return __real_sockets_find(machine, chosen ? chosen : "/run/socket",
				   sockets);
}

/* Nobody looks at it. */
bool __wrap_screen_there(void);
bool __wrap_screen_there(void)
{
	return false;
}

/* A machine of one user: looking names up takes too long. */
static struct passwd *alice(bool is)
{
	static char name[6] = "alice", folder[2] = "/";
	static struct passwd entry = {
		.pw_name = name,
		.pw_dir = folder,
		.pw_shell = folder,
		.pw_uid = 1000,
	};

	return is ? &entry : NULL;
}

struct passwd *__wrap_getpwnam(const char *name);
struct passwd *__wrap_getpwnam(const char *name)
{
	return alice(!strcmp(name, "alice"));
}

struct passwd *__wrap_getpwuid(uid_t uid);
struct passwd *__wrap_getpwuid(uid_t uid)
{
	return alice(uid == 1000);
}

int __wrap_getgrouplist(const char *user, gid_t group, gid_t *groups,
			int *count);
int __wrap_getgrouplist(const char *user, gid_t group, gid_t *groups,
			int *count)
{
	(void)user;
	groups[0] = group;
	*count = 1;
	return 1;
}
