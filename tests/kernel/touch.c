// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <ucontext.h>

#include "touch.h"

static _Thread_local sigjmp_buf back;
static _Thread_local volatile sig_atomic_t armed;

static void on_signal(int signal, siginfo_t *info, void *context)
{
	const ucontext_t *registers = context;

	if (armed)
		siglongjmp(back, signal);
	FAIL("SIG%s of its own at %p, by the instruction at %#llx",
	     sigabbrev_np(signal), info->si_addr,
	     (unsigned long long)registers->uc_mcontext.gregs[REG_RIP]);
}

static void prepare(void)
{
	static volatile bool prepared;
	struct sigaction action = {
		.sa_sigaction = on_signal,
		.sa_flags = SA_NODEFER | SA_SIGINFO,
	};

	if (prepared)
		return;
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	prepared = true;
}

const char *outcome_name(enum outcome outcome)
{
	static const char *const names[] = {
		[TOUCH_OK] = "OK",
		[TOUCH_SIGBUS] = "SIGBUS",
		[TOUCH_SIGSEGV] = "SIGSEGV",
	};

	return names[outcome];
}

/* The signal mask is not saved: with SA_NODEFER nothing changes it. */
enum outcome touch_read(const volatile void *address, uint32_t *value)
{
	uint32_t found;
	int signal;

	prepare();
	signal = sigsetjmp(back, 0);
	if (signal) {
		armed = 0;
		return signal == SIGBUS ? TOUCH_SIGBUS : TOUCH_SIGSEGV;
	}
	armed = 1;
	found = *(const volatile uint32_t *)address;
	armed = 0;
	if (value)
		*value = found;
	return TOUCH_OK;
}

enum outcome touch_write(volatile void *address, uint32_t value)
{
	int signal;

	prepare();
	signal = sigsetjmp(back, 0);
	if (signal) {
		armed = 0;
		return signal == SIGBUS ? TOUCH_SIGBUS : TOUCH_SIGSEGV;
	}
	armed = 1;
	*(volatile uint32_t *)address = value;
	armed = 0;
	return TOUCH_OK;
}

static long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_minflt;
}

long touch_faults(const volatile void *address)
{
	static uint32_t warm;
	long before, after;

	/* Everything else that is touched in between is there after this. */
	ASSERT_TOUCH(touch_read(&warm, NULL), TOUCH_OK);
	faults();
	before = faults();
	ASSERT_TOUCH(touch_read(address, NULL), TOUCH_OK);
	after = faults();
	return after - before;
}
