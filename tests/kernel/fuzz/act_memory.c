// SPDX-License-Identifier: MIT
/* Mappings and what is done with them. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "act.h"

static sigjmp_buf back;
static volatile sig_atomic_t armed;

static void on_signal(int signal)
{
	struct sigaction normal = { .sa_handler = SIG_DFL };

	if (armed)
		siglongjmp(back, signal);
	sigaction(signal, &normal, NULL);
}

static void prepare(void)
{
	struct sigaction action = {
		.sa_handler = on_signal,
		.sa_flags = SA_NODEFER,
	};

	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
}

static char *address(uint64_t page)
{
	return (char *)(ARENA_BASE + page * PAGE);
}

/* One access each, at any address: compilers keep what is volatile whole. */
#define AT(type, place) (*(volatile type *)(uintptr_t)(place))

static uint64_t load(const char *place, uint64_t size)
{
	switch (size) {
	case 1:
		return AT(uint8_t, place);
	case 2:
		return AT(uint16_t, place);
	case 4:
		return AT(uint32_t, place);
	default:
		return AT(uint64_t, place);
	}
}

static void store(char *place, uint64_t size, uint64_t value)
{
	switch (size) {
	case 1:
		AT(uint8_t, place) = (uint8_t)value;
		break;
	case 2:
		AT(uint16_t, place) = (uint16_t)value;
		break;
	case 4:
		AT(uint32_t, place) = (uint32_t)value;
		break;
	default:
		AT(uint64_t, place) = (uint64_t)value;
	}
}

static void access_by_user(const struct op *op, char *place,
			   struct result *result)
{
	int signal;

	prepare();
	signal = sigsetjmp(back, 0);
	if (signal) {
		armed = 0;
		result->signal = signal;
		return;
	}
	armed = 1;
	if (op->arg[A_WRITE])
		store(place, op->arg[A_SIZE], op->arg[A_VALUE]);
	else
		result->data = load(place, op->arg[A_SIZE]);
	armed = 0;
}

/* A pipe between memory of our own and what is mapped: the kernel touches it. */
static void access_by_kernel(const struct op *op, char *place,
			     struct result *result)
{
	uint64_t value = op->arg[A_VALUE], size = op->arg[A_SIZE];
	int ends[2];

	if (pipe(ends)) {
		result_note(result, -1);
		return;
	}
	if (op->arg[A_WRITE]) {
		if (write(ends[1], &value, size) == (ssize_t)size)
			result_note(result, read(ends[0], place, size));
	} else {
		result_note(result, write(ends[1], place, size));
		if (!result->error &&
		    read(ends[0], &result->data, size) != (ssize_t)size)
			result->error = EIO;
	}
	close(ends[0]);
	close(ends[1]);
}

static long count_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

/* Once in vain, so that only what is mapped faults, and no memory of ours. */
static void access_counted(const struct op *op, char *place,
			   struct result *result)
{
	void (*by)(const struct op *op, char *place, struct result *result) =
		op->arg[A_HOW] ? access_by_kernel : access_by_user;
	static char warm[8];
	long before;

	by(op, warm, result);
	memset(result, 0, sizeof(*result));
	before = count_faults();
	by(op, place, result);
	result->faults = count_faults() - before;
}

static void map(struct worker *worker, const struct op *op,
		struct result *result)
{
	uint64_t offset = op->arg[A_OFFSET] * PAGE + op->arg[A_SKEW];
	int fd = worker->slot[op->arg[A_SLOT]];
	void *place;

	if (op->kind == OP_MAP_BAR) {
		fd = worker->device[op->arg[A_DEV]];
		offset += (uint64_t)fuzz_bar(op->arg[A_DEV]) << 40;
	}
	place = mmap(address(op->arg[A_PAGE]), op->arg[A_COUNT] * PAGE,
		     (int)op->arg[A_PROT],
		     (int)op->arg[A_FLAGS] |
			     (op->arg[A_HOW] ? MAP_FIXED : MAP_FIXED_NOREPLACE),
		     fd, (off_t)offset);
	result_note(result, place == MAP_FAILED ? -1 : 0);
}

void act_memory(struct worker *worker, const struct op *op,
		struct result *result)
{
	char *place = address(op->arg[A_PAGE]);
	size_t length = op->arg[A_COUNT] * PAGE;
	void *moved;

	switch (op->kind) {
	case OP_MAP:
	case OP_MAP_BAR:
		map(worker, op, result);
		break;
	case OP_UNMAP:
		result_note(result, munmap(place, length));
		break;
	case OP_PROTECT:
		result_note(result,
			    mprotect(place, length, (int)op->arg[A_PROT]));
		break;
	case OP_MOVE:
		moved = mremap(place, length, op->arg[A_COUNT2] * PAGE,
			       (int)op->arg[A_FLAGS],
			       address(op->arg[A_PAGE2]));
		result_note(result, moved == MAP_FAILED ? -1 : 0);
		break;
	case OP_ADVISE:
		result_note(result,
			    madvise(place, length, (int)op->arg[A_VALUE]));
		break;
	case OP_LOCK:
		result_note(result, op->arg[A_VALUE] ? mlock(place, length)
						     : munlock(place, length));
		break;
	default:
		access_counted(op, place + op->arg[A_OFFSET], result);
	}
}
