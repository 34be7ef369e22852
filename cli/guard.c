// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>

#include "guard.h"

/* A signal handler has no argument of ours: these are the one guarded call. */
static sigjmp_buf guard_return;
static uintptr_t guard_begin;
static uintptr_t guard_end;
static volatile uintptr_t guard_fault;

static void bus_handler(int signal, siginfo_t *info, void *context)
{
	uintptr_t address = (uintptr_t)info->si_addr;

	(void)context;
	/* si_code is positive when the kernel says so and not kill(). */
	if (info->si_code > 0 && address >= guard_begin &&
	    address < guard_end) {
		guard_fault = address;
		siglongjmp(guard_return, 1);
	}
	/* Not ours: let it happen again, and end the process. */
	sigaction(signal, &(const struct sigaction){ .sa_handler = SIG_DFL },
		  NULL);
	if (info->si_code <= 0)
		raise(signal);
}

int guard_call(const volatile void *base, size_t length,
	       void (*access)(void *arg), void *arg, size_t *fault)
{
	struct sigaction former;
	struct sigaction action = {
		.sa_sigaction = bus_handler,
		.sa_flags = SA_SIGINFO,
	};

	sigemptyset(&action.sa_mask);
	guard_begin = (uintptr_t)base;
	guard_end = guard_begin + length;
	if (sigaction(SIGBUS, &action, &former) < 0)
		return -errno;

	if (sigsetjmp(guard_return, 1)) {
		sigaction(SIGBUS, &former, NULL);
		*fault = guard_fault - guard_begin;
		return -EFAULT;
	}
	access(arg);
	sigaction(SIGBUS, &former, NULL);
	return 0;
}
