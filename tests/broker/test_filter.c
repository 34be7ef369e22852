// SPDX-License-Identifier: MIT
/*
 * The filter of system calls on other machines: what is let through there is
 * what is here, by all names that it has. Filters are made for each and are run
 * here, on the numbers that a call would have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <endian.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/net.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "service/filter_rules.h"

#define INSTRUCTIONS_MAX 4096
/* No number of a system call is higher, but for those that are of ARM alone. */
#define NUMBERS_MAX 1024

#define REFUSED (SECCOMP_RET_ERRNO | EPERM)

static const struct machine {
	const char *name;
	uint32_t arch;
	uint32_t first; /* number */
	bool big; /* endian */
	bool socketcall; /* libraries make it */
} machines[] = {
	{ "i386", SCMP_ARCH_X86, 0, false, true },
	{ "ARM", SCMP_ARCH_ARM, 0, false, false },
	{ "ARM64", SCMP_ARCH_AARCH64, 0, false, false },
	{ "MIPS", SCMP_ARCH_MIPS, 4000, true, false },
	{ "MIPS64", SCMP_ARCH_MIPSEL64, 5000, false, false },
	{ "MIPS N32", SCMP_ARCH_MIPSEL64N32, 6000, false, false },
	{ "PowerPC", SCMP_ARCH_PPC, 0, true, false },
	{ "PowerPC64", SCMP_ARCH_PPC64LE, 0, false, false },
	{ "S/390", SCMP_ARCH_S390, 0, true, true },
	{ "S/390x", SCMP_ARCH_S390X, 0, true, true },
	{ "PA-RISC", SCMP_ARCH_PARISC, 0, true, false },
	{ "RISC-V", SCMP_ARCH_RISCV64, 0, false, false },
};

#define MACHINES (sizeof(machines) / sizeof(*machines))

/* What the others are held against. */
static const struct machine x86_64 = { "x86-64", SCMP_ARCH_X86_64, 0, false,
				       false };

/* Other names of what is let through on x86-64. */
static const struct {
	const char *name, *other;
} siblings[] = {
	{ "clock_gettime", "clock_gettime64" },
	{ "clock_nanosleep", "clock_nanosleep_time64" },
	{ "fchown", "fchown32" },
	{ "fcntl", "fcntl64" },
	{ "fstat", "fstat64" },
	{ "ftruncate", "ftruncate64" },
	{ "futex", "futex_time64" },
	{ "getegid", "getegid32" },
	{ "geteuid", "geteuid32" },
	{ "getgid", "getgid32" },
	{ "getuid", "getuid32" },
	{ "lchown", "lchown32" },
	{ "lseek", "_llseek" },
	{ "lstat", "lstat64" },
	{ "mmap", "mmap2" },
	{ "newfstatat", "fstatat64" },
	{ "ppoll", "ppoll_time64" },
	{ "recvfrom", "recv" },
	{ "rt_sigreturn", "sigreturn" },
	{ "sendto", "send" },
	{ "stat", "stat64" },
	{ "timerfd_settime", "timerfd_settime64" },
};

#define SIBLINGS (sizeof(siblings) / sizeof(*siblings))

struct program {
	const struct machine *machine;
	struct sock_filter code[INSTRUCTIONS_MAX];
	size_t length;
};

/* As the kernel of that machine gets it. */
static void program_make(const struct machine *machine,
			 struct program *program)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int fd = memfd_create("filter", MFD_CLOEXEC);
	ssize_t size;

	assert_non_null(filter);
	assert_true(fd >= 0);
	if (machine->arch != seccomp_arch_native()) {
		assert_int_equal(seccomp_arch_remove(filter, SCMP_ARCH_NATIVE),
				 0);
		assert_int_equal(seccomp_arch_add(filter, machine->arch), 0);
	}
	assert_int_equal(filter_rules_add(filter, machine->arch), 0);
	assert_int_equal(seccomp_export_bpf(filter, fd), 0);
	size = pread(fd, program->code, sizeof(program->code), 0);
	assert_true(size > 0 && (size_t)size < sizeof(program->code));
	close(fd);
	seccomp_release(filter);
	program->machine = machine;
	program->length = (size_t)size / sizeof(*program->code);
	for (size_t i = 0; machine->big && i < program->length; i++) {
		program->code[i].code = be16toh(program->code[i].code);
		program->code[i].k = be32toh(program->code[i].k);
	}
}

/* What is at this offset of struct seccomp_data, there. */
static uint32_t data_word(const struct machine *machine,
			  const struct seccomp_data *data, uint32_t offset)
{
	uint64_t argument;
	bool upper;

	switch (offset) {
	case offsetof(struct seccomp_data, nr):
		return (uint32_t)data->nr;
	case offsetof(struct seccomp_data, arch):
		return data->arch;
	}
	assert_in_range(offset, offsetof(struct seccomp_data, args),
			sizeof(*data) - 4);
	offset -= offsetof(struct seccomp_data, args);
	argument = data->args[offset / 8];
	upper = (offset % 8 == 0) == machine->big;
	return (uint32_t)(upper ? argument >> 32 : argument);
}

static bool jumps(const struct sock_filter *step, uint32_t value)
{
	switch (BPF_OP(step->code)) {
	case BPF_JEQ:
		return value == step->k;
	case BPF_JGT:
		return value > step->k;
	case BPF_JGE:
		return value >= step->k;
	}
	fail_msg("code 0x%x", step->code);
	return false;
}

/* Return: what becomes of the call, SECCOMP_RET_... */
static uint32_t run(const struct program *program,
		    const struct seccomp_data *data)
{
	uint32_t value = 0;

	for (size_t at = 0; at < program->length; at++) {
		const struct sock_filter *step = &program->code[at];

		switch (BPF_CLASS(step->code)) {
		case BPF_LD:
			value = data_word(program->machine, data, step->k);
			break;
		case BPF_ALU:
			assert_int_equal(BPF_OP(step->code), BPF_AND);
			value &= step->k;
			break;
		case BPF_JMP:
			if (BPF_OP(step->code) == BPF_JA)
				at += step->k;
			else
				at += jumps(step, value) ? step->jt : step->jf;
			break;
		case BPF_RET:
			return step->k;
		default:
			fail_msg("code 0x%x", step->code);
		}
	}
	fail_msg("it has no end");
	return 0;
}

/* A call with these as the first and the third argument, and zeros. */
static uint32_t called(const struct program *program, int number,
		       uint64_t first, uint64_t third)
{
	const struct seccomp_data data = {
		.nr = number,
		.arch = program->machine->arch,
		.args = { first, 0, third },
	};

	return run(program, &data);
}

/* Its number there, or -1. */
static int number_of(const struct machine *machine, const char *name)
{
	int number = seccomp_syscall_resolve_name_arch(machine->arch, name);

	return number < 0 ? -1 : number;
}

static bool passes(const struct program *program, const char *name)
{
	int number = number_of(program->machine, name);

	return number >= 0 &&
	       called(program, number, 0, 0) == SECCOMP_RET_ALLOW;
}

/* The name of a number that is let through, for free(); or NULL. */
static char *name_of(const struct program *program, uint32_t number)
{
	const struct machine *machine = program->machine;
	char *name = seccomp_syscall_resolve_num_arch(
		machine->arch, (int)(machine->first + number));

	if (name && passes(program, name))
		return name;
	free(name);
	return NULL;
}

struct programs {
	struct program own, of[MACHINES];
};

static int setup(void **state)
{
	struct programs *programs = malloc(sizeof(*programs));

	if (!programs)
		return -1;
	program_make(&x86_64, &programs->own);
	for (size_t i = 0; i < MACHINES; i++)
		program_make(&machines[i], &programs->of[i]);
	*state = programs;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void must_pass(const struct program *program, const char *name)
{
	const struct machine *machine = program->machine;

	/* Its one argument is in memory, where anything may be. */
	if (machine->arch == SCMP_ARCH_X86 && !strcmp(name, "mmap"))
		return;
	if (number_of(machine, name) >= 0 && !passes(program, name))
		fail_msg("%s: %s is not let through", machine->name, name);
}

static void all_names_must_pass(const struct program *program, const char *name)
{
	/* What the table of siblings has not. */
	static const char *const widths[] = { "", "32", "64", "_time64" };
	char other[64];

	for (size_t i = 0; i < sizeof(widths) / sizeof(*widths); i++) {
		snprintf(other, sizeof(other), "%s%s", name, widths[i]);
		must_pass(program, other);
	}
	for (size_t i = 0; i < SIBLINGS; i++)
		if (!strcmp(siblings[i].name, name))
			must_pass(program, siblings[i].other);
}

static void what_is_let_through_is_by_all_its_names(void **state)
{
	const struct programs *programs = *state;
	unsigned int count = 0;

	for (uint32_t number = 0; number < NUMBERS_MAX; number++) {
		char *name = name_of(&programs->own, number);

		for (size_t i = 0; name && i < MACHINES; i++)
			all_names_must_pass(&programs->of[i], name);
		if (name)
			count++;
		free(name);
	}
	assert_true(count > 90);
}

static void nothing_else_is_let_through(void **state)
{
	const struct programs *programs = *state;
	const struct program *program;
	const char *known;
	char *name;

	for (size_t i = 0; i < MACHINES * NUMBERS_MAX; i++) {
		program = &programs->of[i / NUMBERS_MAX];
		name = name_of(program, i % NUMBERS_MAX);
		known = name;
		for (size_t j = 0; name && j < SIBLINGS; j++)
			if (!strcmp(siblings[j].other, name))
				known = siblings[j].name;
		if (name && !passes(&programs->own, known))
			fail_msg("%s: %s is let through",
				 program->machine->name, name);
		free(name);
	}
}

static void maps_are_of_data_or_of_code(const struct program *program,
					const char *name)
{
	int number = number_of(program->machine, name);

	if (number < 0)
		return;
	assert_int_equal(called(program, number, 0,
				PROT_READ | PROT_WRITE | PROT_EXEC),
			 REFUSED);
	assert_int_equal(called(program, number, 0, PROT_READ | PROT_WRITE),
			 SECCOMP_RET_ALLOW);
}

static void memory_is_not_to_be_written_and_executed(void **state)
{
	const struct programs *programs = *state;

	for (size_t i = 0; i < MACHINES; i++) {
		const struct program *program = &programs->of[i];
		uint32_t arch = program->machine->arch;

		maps_are_of_data_or_of_code(program, "mprotect");
		/* There it has one argument, in memory, whatever is third. */
		if (arch == SCMP_ARCH_S390 || arch == SCMP_ARCH_S390X) {
			assert_int_equal(called(program,
						number_of(program->machine,
							  "mmap"),
						0, ~0ull),
					 SECCOMP_RET_ALLOW);
			continue;
		}
		maps_are_of_data_or_of_code(program, "mmap2");
		if (arch != SCMP_ARCH_X86)
			maps_are_of_data_or_of_code(program, "mmap");
		else
			assert_false(passes(program, "mmap"));
	}
}

static void a_program_is_executed_nowhere(void **state)
{
	const struct programs *programs = *state;

	for (size_t i = 0; i < MACHINES; i++) {
		const struct program *program = &programs->of[i];
		int number = number_of(program->machine, "execve");

		assert_int_equal(called(program, number, 0, 0),
				 SECCOMP_RET_KILL_PROCESS);
	}
}

/* Where one call is all of sockets, the first argument tells which. */
static void sockets_are_had_by_one_call_for_all(void **state)
{
	static const unsigned int let[] = { SYS_SOCKET,  SYS_BIND,
					    SYS_CONNECT, SYS_LISTEN,
					    SYS_ACCEPT4, SYS_RECVMSG,
					    SYS_SENDMSG };
	const struct programs *programs = *state;
	unsigned int count = 0;

	for (size_t i = 0; i < MACHINES; i++) {
		const struct program *program = &programs->of[i];
		int number = number_of(program->machine, "socketcall");

		/* Others have it for the programs of long ago. */
		if (number < 0 || !program->machine->socketcall)
			continue;
		for (size_t j = 0; j < sizeof(let) / sizeof(*let); j++)
			assert_int_equal(called(program, number, let[j], 0),
					 SECCOMP_RET_ALLOW);
		assert_int_equal(called(program, number, SYS_SOCKETPAIR, 0),
				 REFUSED);
		count++;
	}
	assert_int_equal(count, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_let_through_is_by_all_its_names),
		cmocka_unit_test(nothing_else_is_let_through),
		cmocka_unit_test(memory_is_not_to_be_written_and_executed),
		cmocka_unit_test(a_program_is_executed_nowhere),
		cmocka_unit_test(sockets_are_had_by_one_call_for_all),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
