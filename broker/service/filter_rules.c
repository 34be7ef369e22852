// SPDX-License-Identifier: MIT
/*
 * The system calls that are left. Reloading a policy is the widest of it: it may
 * open devices, make sockets and look names up. No other program, no other
 * process, no network, no new code.
 *
 * A call of one machine has other names on others: by the width of numbers and
 * of time, and as it was there at first. All of them are named, as each machine
 * takes what it has.
 */
#include "service/filter_rules.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

static const char *const allowed[] = {
	/* files */
	"access", "chmod", "close", "dup", "faccessat", "faccessat2",
	"fallocate", "fchmod", "fchmodat", "fchown", "fchownat", "fcntl",
	"fstat", "ftruncate", "getdents64", "lchown", "lseek", "lstat",
	"memfd_create", "mkdir", "mkdirat", "newfstatat", "open", "openat",
	"pread64", "pwrite64", "read", "readlink", "readlinkat", "readv",
	"rename", "renameat", "renameat2", "stat", "statx", "unlink",
	"unlinkat", "write", "writev",
	/* waiting */
	"clock_gettime", "clock_nanosleep", "epoll_create1", "epoll_ctl",
	"epoll_pwait", "epoll_wait", "eventfd2", "futex", "gettimeofday",
	"nanosleep", "poll", "ppoll", "signalfd4", "time", "timerfd_create",
	"timerfd_settime",
	/* sockets; libseccomp knows which of them are one call, socketcall() */
	"accept", "accept4", "bind", "connect", "getpeername", "getsockname",
	"getsockopt", "listen", "recv", "recvfrom", "recvmsg", "send",
	"sendmsg", "sendto", "setsockopt", "shutdown",
	/* what machines of 32 bits have beside the same without the number */
	"_llseek", "clock_gettime64", "clock_nanosleep_time64", "fchown32",
	"fcntl64", "fstat64", "fstatat64", "ftruncate64", "futex_time64",
	"getegid32", "geteuid32", "getgid32", "getuid32", "lchown32",
	"lstat64", "ppoll_time64", "stat64", "timerfd_settime64",
	/* itself */
	"brk", "exit", "exit_group", "getegid", "geteuid", "getgid", "getpid",
	"getrandom", "gettid", "getuid", "madvise", "mremap", "munmap",
	"pidfd_open", "restart_syscall", "rseq", "rt_sigaction",
	"rt_sigprocmask", "rt_sigreturn", "sched_getaffinity", "sched_yield",
	"set_robust_list", "sigaltstack", "sigreturn", "sysinfo", "uname",
#ifdef __SANITIZE_ADDRESS__
	/* What looks for leaks, at the end. */
	"clone", "clone3", "getdents", "getppid", "kill", "membarrier", "mincore", "pipe",
	"pipe2", "prctl", "ptrace", "wait4",
#endif
};

/* Nothing that has gone wrong needs these. */
static const char *const fatal[] = { "execve", "execveat" };

static int allow(scmp_filter_ctx filter, const char *name, unsigned int count,
		 const struct scmp_arg_cmp *conditions)
{
	int number = seccomp_syscall_resolve_name(name);
	int err;

	/* Older libraries do not know some, other machines do not have some. */
	if (number == __NR_SCMP_ERROR)
		return 0;
	err = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, count,
				     conditions);
	return err == -EDOM ? 0 : err;
}

/* If this argument is that. */
static int allow_if(scmp_filter_ctx filter, const char *name, unsigned int arg,
		    scmp_datum_t value)
{
	const struct scmp_arg_cmp condition = {
		.arg = arg,
		.op = SCMP_CMP_EQ,
		.datum_a = value,
	};

	return allow(filter, name, 1, &condition);
}

/* If these bits of it are. */
static int allow_bits(scmp_filter_ctx filter, const char *name,
		      unsigned int arg, scmp_datum_t bits, scmp_datum_t value)
{
	const struct scmp_arg_cmp condition = {
		.arg = arg,
		.op = SCMP_CMP_MASKED_EQ,
		.datum_a = bits,
		.datum_b = value,
	};

	return allow(filter, name, 1, &condition);
}

/* Memory is written or executed, not both. */
static int allow_memory(scmp_filter_ctx filter, const char *name)
{
	int err = allow_bits(filter, name, 2, PROT_EXEC, 0);

	return err ? err :
		     allow_bits(filter, name, 2, PROT_WRITE | PROT_EXEC,
				PROT_EXEC);
}

/*
 * By the type of the request: of VFIO and iommufd, and of DMABUFs. Of what there
 * is for pidfds, PIDFD_GET_INFO, whatever the size of its argument.
 */
static int allow_ioctls(scmp_filter_ctx filter)
{
	static const char types[] = { ';', 'b' };
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(types); i++)
		err = allow_bits(filter, "ioctl", 1, 0xff00,
				 (scmp_datum_t)types[i] << 8);
	return err ? err : allow_bits(filter, "ioctl", 1, 0xffff, 0xff0b);
}

/*
 * The first mmap() of some machines has its arguments in memory, where no filter
 * can look. It is left out where there is another one.
 */
static int allow_maps(scmp_filter_ctx filter, uint32_t arch)
{
	int err;

	if (arch == SCMP_ARCH_S390 || arch == SCMP_ARCH_S390X) {
		err = allow(filter, "mmap", 0, NULL);
		return err ? err : allow(filter, "mmap2", 0, NULL);
	}
	err = allow_memory(filter, "mmap2");
	return err || arch == SCMP_ARCH_X86 ? err :
					      allow_memory(filter, "mmap");
}

/* What socketcall() is for is in memory, too: there, any family passes. */
static int allow_some(scmp_filter_ctx filter, uint32_t arch)
{
	int err = allow_if(filter, "socket", 0, AF_UNIX);

	/* getrlimit(), and abort(). */
	if (!err)
		err = allow_if(filter, "prlimit64", 2, 0);
	if (!err)
		err = allow_if(filter, "tgkill", 0, (scmp_datum_t)getpid());
	if (!err)
		err = allow_ioctls(filter);
	if (!err)
		err = allow_maps(filter, arch);
	return err ? err : allow_memory(filter, "mprotect");
}

int filter_rules_add(scmp_filter_ctx filter, uint32_t arch)
{
	int err = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH,
				   SCMP_ACT_KILL_PROCESS);

	for (size_t i = 0; !err && i < sizeof(allowed) / sizeof(*allowed); i++)
		err = allow(filter, allowed[i], 0, NULL);
	for (size_t i = 0; !err && i < sizeof(fatal) / sizeof(*fatal); i++)
		err = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS,
				       seccomp_syscall_resolve_name(fatal[i]),
				       0);
	return err ? err : allow_some(filter, arch);
}
