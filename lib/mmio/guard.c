// SPDX-License-Identifier: MIT
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <ucontext.h>

#include "mmio/table.h"

/*
 * What a process does about a signal is one thing for all of it, and so is
 * this. A handler that another thread still runs from before may read what it
 * found: so the next one is put elsewhere.
 */
static pthread_mutex_t install_lock = PTHREAD_MUTEX_INITIALIZER;
static bool installed;
static struct former {
	struct sigaction action;
	atomic_bool spent; /* SA_RESETHAND: it was called once */
} formers[2];
static struct former *_Atomic former = &formers[0];

#ifdef __x86_64__
static uintptr_t context_address(const ucontext_t *context)
{
	return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
}

static void context_go_to(ucontext_t *context, uintptr_t address)
{
	context->uc_mcontext.gregs[REG_RIP] = (greg_t)address;
}
#else
static uintptr_t context_address(const ucontext_t *context)
{
	return (uintptr_t)context->uc_mcontext.pc;
}

static void context_go_to(ucontext_t *context, uintptr_t address)
{
	context->uc_mcontext.pc = address;
}
#endif

/* Whether an access of the thread itself was not answered. */
static bool is_unanswered(const siginfo_t *info)
{
	/* The second is arm64's for a device that does not answer. */
	return info->si_code == BUS_ADRERR || info->si_code == BUS_OBJERR;
}

/* End the process as if there were no handler. */
static void end_by(int signal, const siginfo_t *info)
{
	struct sigaction normal = { .sa_handler = SIG_DFL };

	sigaction(signal, &normal, NULL);
	/*
	 * A fault comes again when this returns. What was sent, or tells of
	 * memory that nobody has accessed, does not; it is held back until
	 * then.
	 */
	if (info->si_code <= 0 || info->si_code == BUS_MCEERR_AO)
		raise(signal);
}

/* The mask that the kernel would have given to the former handler. */
static void mask_as_former(const struct sigaction *action, int signal,
			   const ucontext_t *context)
{
	sigset_t mask;

	sigorset(&mask, &context->uc_sigmask, &action->sa_mask);
	if (!(action->sa_flags & SA_NODEFER))
		sigaddset(&mask, signal);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

/* What the kernel would do if the former handler were set. */
static void call_former(int signal, siginfo_t *info, void *context)
{
	struct former *before = atomic_load(&former);
	const struct sigaction *action = &before->action;
	bool has_info = action->sa_flags & SA_SIGINFO;

	if (!has_info && action->sa_handler == SIG_IGN && info->si_code <= 0)
		return;
	/* A fault cannot be ignored: it would come for ever. */
	if ((!has_info && (action->sa_handler == SIG_DFL ||
			   action->sa_handler == SIG_IGN)) ||
	    ((action->sa_flags & (int)SA_RESETHAND) &&
	     atomic_exchange(&before->spent, true))) {
		end_by(signal, info);
		return;
	}

	mask_as_former(action, signal, context);
	if (has_info)
		action->sa_sigaction(signal, info, context);
	else
		action->sa_handler(signal);
}

static void on_bus_error(int signal, siginfo_t *info, void *context)
{
	int error = errno;
	uintptr_t recovery = 0;

	if (is_unanswered(info))
		recovery = barlease_guard_recovery(context_address(context));
	if (recovery)
		context_go_to(context, recovery);
	else
		call_former(signal, info, context);
	errno = error;
}

static bool is_ours(const struct sigaction *action)
{
	return (action->sa_flags & SA_SIGINFO) &&
	       action->sa_sigaction == on_bus_error;
}

/* A handler keeps its own terms: its stack, and whether it is interrupted. */
static int flags_with(const struct sigaction *before)
{
	if (!(before->sa_flags & SA_SIGINFO) &&
	    (before->sa_handler == SIG_DFL || before->sa_handler == SIG_IGN))
		return SA_SIGINFO | SA_ONSTACK;
	return SA_SIGINFO |
	       (before->sa_flags & (SA_ONSTACK | SA_NODEFER | SA_RESTART));
}

static int install(void)
{
	struct former *last = atomic_load(&former);
	struct former *next = last == &formers[0] ? &formers[1] : &formers[0];
	struct sigaction action = { .sa_sigaction = on_bus_error };
	struct sigaction now;

	if (sigaction(SIGBUS, NULL, &now) < 0)
		return -errno;
	if (is_ours(&now))
		return 0;
	if (installed)
		return -EBUSY;
	next->action = now;
	atomic_store(&next->spent, false);
	action.sa_flags = flags_with(&now);
	/* Nobody may jump out of it while it looks through the tables. */
	sigfillset(&action.sa_mask);
	atomic_store(&former, next);
	if (sigaction(SIGBUS, &action, NULL) < 0) {
		int err = -errno;

		atomic_store(&former, last);
		return err;
	}
	installed = true;
	return 0;
}

int barlease_guard_install(void)
{
	int err;

	pthread_mutex_lock(&install_lock);
	err = install();
	pthread_mutex_unlock(&install_lock);
	return err;
}

static int uninstall(void)
{
	struct sigaction now;

	if (!installed)
		return -ENOENT;
	if (sigaction(SIGBUS, NULL, &now) < 0)
		return -errno;
	if (!is_ours(&now))
		return -EBUSY;
	if (sigaction(SIGBUS, &atomic_load(&former)->action, NULL) < 0)
		return -errno;
	installed = false;
	return 0;
}

int barlease_guard_uninstall(void)
{
	int err;

	pthread_mutex_lock(&install_lock);
	err = uninstall();
	pthread_mutex_unlock(&install_lock);
	return err;
}
