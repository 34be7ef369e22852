// SPDX-License-Identifier: MIT
/*
 * What does it cost to survive a lease that goes away? Loads of 32 bits from
 * ordinary memory, so that nothing hides the difference: plain, guarded, and
 * with a sigsetjmp() for each, as it is done without a table.
 *
 *   access [COUNT]                       nanoseconds and ratios of one run
 *   valgrind --tool=callgrind --toggle-collect=plain access 1000000
 *                                        instructions of one kind
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <barlease/guarded.h>

#define PAGE 4096

static sigjmp_buf back;

static void jump(int number)
{
	(void)number;
	siglongjmp(back, 1);
}

__attribute__((noinline)) static uint32_t plain(const volatile uint32_t *at,
						unsigned long count)
{
	uint32_t sum = 0;

	while (count--)
		sum += barlease_read32(at);
	return sum;
}

__attribute__((noinline)) static uint32_t guarded(const volatile uint32_t *at,
						  unsigned long count)
{
	uint32_t sum = 0, value;

	while (count--) {
		if (barlease_guarded_read32(at, &value))
			return 0;
		sum += value;
	}
	return sum;
}

__attribute__((noinline)) static uint32_t
with_sigsetjmp(const volatile uint32_t *at, unsigned long count)
{
	volatile unsigned long left = count;
	volatile uint32_t sum = 0;

	while (left--) {
		if (sigsetjmp(back, 0))
			return 0;
		sum += barlease_read32(at);
	}
	return sum;
}

static double nanoseconds(uint32_t (*loads)(const volatile uint32_t *at,
					    unsigned long count),
			  const volatile uint32_t *at, unsigned long count)
{
	struct timespec begin, end;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	if (loads(at, count) != (uint32_t)count)
		abort();
	clock_gettime(CLOCK_MONOTONIC, &end);
	return ((double)(end.tv_sec - begin.tv_sec) * 1e9 +
		(double)(end.tv_nsec - begin.tv_nsec)) /
	       (double)count;
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : 100000000;
	int fd = memfd_create("lease", 0);
	double once, times;
	uint32_t *at;

	if (!count || ftruncate(fd, PAGE) || barlease_guard_install())
		return 1;
	at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return 1;
	*at = 1;
	once = nanoseconds(plain, at, count);
	printf("%-16s %7.3f ns\n", "plain", once);
	times = nanoseconds(guarded, at, count);
	printf("%-16s %7.3f ns  %5.2f times plain\n", "guarded", times,
	       times / once);
	signal(SIGBUS, jump);
	times = nanoseconds(with_sigsetjmp, at, count);
	printf("%-16s %7.3f ns  %5.2f times plain\n", "with sigsetjmp()", times,
	       times / once);
	return 0;
}
