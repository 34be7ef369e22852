// SPDX-License-Identifier: MIT
/*
 * A lease server at random, held against a model of what it promises.
 *
 * usage: test_server_random [--seed SEED] [--steps STEPS] [--seconds SECONDS]
 */
#include "lending/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct world world;

static uint64_t seed;
static uint64_t steps_max = 2500; /* from one beginning to the end */
static uint64_t seconds_max = 6;

void fail_world(const char *file, int line, const char *condition,
		const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	fail_msg("%s:%d: %s: %s\nstep %llu; again: --seed 0x%llx --seconds 0",
		 file, line, condition, text, (unsigned long long)world.steps,
		 (unsigned long long)seed);
	abort();
}

static uint64_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec;
}

static void run(struct world *sum)
{
	uint64_t steps;

	world_begin(seed);
	while (world.steps < steps_max)
		world_step();
	steps = world.steps;
	world_end();
	sum->steps += steps;
	sum->grants += world.grants;
	sum->waits += world.waits;
	sum->stuck += world.stuck;
	sum->thrown_out += world.thrown_out;
	for (unsigned int i = 0; i < 8; i++)
		sum->ends[i] += world.ends[i];
	for (unsigned int i = 0; i < 200; i++)
		sum->refusals[i] += world.refusals[i];
}

static void whatever_happens_the_server_keeps_its_promises(void **state)
{
	static struct world sum;
	uint64_t until = seconds() + seconds_max;
	unsigned int before = fd_count();

	(void)state;
	for (;;) {
		run(&sum);
		if (seconds() >= until)
			break;
		seed++;
	}
	assert_int_equal(fd_count(), before);
	print_message("# %llu steps to seed 0x%llx: %llu grants, %llu waited, "
		      "%llu stuck, %llu thrown out; ends",
		      (unsigned long long)sum.steps, (unsigned long long)seed,
		      (unsigned long long)sum.grants,
		      (unsigned long long)sum.waits,
		      (unsigned long long)sum.stuck,
		      (unsigned long long)sum.thrown_out);
	for (unsigned int i = 1; i < 8; i++) {
		print_message(" %llu", (unsigned long long)sum.ends[i]);
		/* Each kind has been seen, or this says little. */
		if (seconds_max)
			assert_true(sum.ends[i]);
	}
	print_message("; refused");
	for (unsigned int i = 0; i < 200; i++)
		if (sum.refusals[i])
			print_message(" %s %llu", strerrorname_np((int)i),
				      (unsigned long long)sum.refusals[i]);
	print_message("\n");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_happens_the_server_keeps_its_promises),
	};
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	seed = (uint64_t)now.tv_sec << 20 ^ (uint64_t)now.tv_nsec;
	for (int i = 1; i + 1 < argc; i += 2) {
		uint64_t value = strtoull(argv[i + 1], NULL, 0);

		if (!strcmp(argv[i], "--seed"))
			seed = value;
		else if (!strcmp(argv[i], "--steps"))
			steps_max = value;
		else if (!strcmp(argv[i], "--seconds"))
			seconds_max = value;
	}
	print_message("# --seed 0x%llx --steps %llu\n",
		      (unsigned long long)seed, (unsigned long long)steps_max);
	return cmocka_run_group_tests_name("server_random", tests, NULL, NULL);
}
