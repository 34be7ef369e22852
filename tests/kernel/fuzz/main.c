// SPDX-License-Identifier: MIT
/*
 * kernel-fuzz: random operations of several processes on the driver's
 * interface, checked step by step against a model of what it promises.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "aftermath.h"
#include "harness.h"
#include "random.h"
#include "run.h"
#include "storm.h"

static const char usage[] =
	"usage: kernel-fuzz [--seed S] [--steps N] [--seconds T] [--shrink T]\n"
	"       kernel-fuzz --storm T [--seed S]\n"
	"       kernel-fuzz --replay FILE\n"
	"\n"
	"  --seed S      what the operations follow from; a new one without "
	"it\n"
	"  --steps N     operations of a sequence (400); each sequence starts\n"
	"                from a fresh state\n"
	"  --seconds T   further sequences for so long; one without it. "
	"Without\n"
	"                a seed there is a short one of seed 1 before them\n"
	"  --shrink T    how long to shorten a sequence that fails (120 s)\n"
	"  --storm T     all at once for so long, half of it without resets "
	"and\n"
	"                the like but on all processors; nothing is expected "
	"but\n"
	"                that what has ended is over. Afterwards the "
	"sequences,\n"
	"                if --seconds is given\n"
	"  --replay FILE a sequence as it was printed, each operation shown\n"
	"\n"
	"Exit status: 0 all was right, 1 something was not, 2 wrong usage.\n";

/* A sequence that is the same each time, before those that are not. */
#define FIXED_SEED 1
#define FIXED_STEPS 100

struct options {
	uint64_t seed;
	bool seed_given;
	size_t steps;
	long long seconds, shrink, storm;
	const char *replay;
};

static int options_read(int argc, char **argv, struct options *options)
{
	int i;

	for (i = 1; i + 1 < argc; i += 2) {
		const char *value = argv[i + 1];

		if (!strcmp(argv[i], "--seed")) {
			options->seed = strtoull(value, NULL, 0);
			options->seed_given = true;
		} else if (!strcmp(argv[i], "--steps")) {
			options->steps = strtoul(value, NULL, 0);
		} else if (!strcmp(argv[i], "--seconds")) {
			options->seconds = atoll(value);
		} else if (!strcmp(argv[i], "--shrink")) {
			options->shrink = atoll(value);
		} else if (!strcmp(argv[i], "--storm")) {
			options->storm = atoll(value);
		} else if (!strcmp(argv[i], "--replay")) {
			options->replay = value;
		} else {
			return -1;
		}
	}
	return i == argc ? 0 : -1;
}

static void print_counts(const struct fuzz *fuzz)
{
	int i;

	for (i = 0; i < OP_KINDS; i++)
		printf("#   %-13s %8llu, %llu refused\n",
		       op_name((enum op_kind)i), fuzz->counts[i],
		       fuzz->refused[i]);
	printf("# fuzz: %llu operations, %llu signals\n", fuzz->done,
	       fuzz->signals);
}

/* What failed, and how little of it still fails. */
static void tell(struct fuzz *fuzz, const struct options *options,
		 uint64_t seed, struct sequence *sequence)
{
	size_t tail = sequence->count > 20 ? sequence->count - 20 : 0;

	printf("# failed: %s\n# seed %#llx, step %zu; the last ones:\n",
	       fuzz->why, (unsigned long long)seed, sequence->count);
	sequence_print(sequence, tail);
	fflush(stdout);
	shrink(fuzz, sequence, now_ms() + patience_ms(options->shrink * 1000));
	/* Once more, as the reason may have become another. */
	if (run_given(fuzz, sequence, false))
		printf("# it does not fail any more\n");
	printf("# shortened to %zu, for --replay: %s\n", sequence->count,
	       fuzz->why);
	sequence_print(sequence, 0);
}

/* A kind of operation that has not happened yet, or NULL. */
static const char *find_missing(const struct fuzz *fuzz)
{
	for (int i = 0; i < OP_KINDS; i++)
		if (!fuzz->counts[i] &&
		    model_knows(&fuzz->model, (enum op_kind)i))
			return op_name((enum op_kind)i);
	if (fuzz->counts[OP_ACCESS] == fuzz->refused[OP_ACCESS])
		return "access that succeeds";
	return fuzz->signals ? NULL : "access that ends in a signal";
}

/* Enough for whom it runs for a time; rare kinds may take some more of it. */
static bool is_enough(const struct fuzz *fuzz, const struct options *options,
		      long long start)
{
	long long ran = now_ms() - start, wanted = options->seconds * 1000;

	return ran >= wanted && (!wanted || options->seed_given ||
				 !find_missing(fuzz) || ran >= 10 * wanted);
}

static int run_seeds(struct fuzz *fuzz, const struct options *options)
{
	long long start = now_ms(), shown = start;
	struct sequence sequence = { 0 };
	uint64_t seed = options->seed;
	unsigned int count = 0;
	bool fine = true;

	if (options->seconds && !options->seed_given) {
		fine = run_random(fuzz, FIXED_SEED, FIXED_STEPS, &sequence);
		if (!fine)
			seed = FIXED_SEED;
	}
	printf("# seed %#llx, %zu steps each\n", (unsigned long long)seed,
	       options->steps);
	while (fine) {
		fine = run_random(fuzz, seed, options->steps, &sequence);
		count++;
		if (now_ms() - shown > 5000) {
			shown = now_ms();
			printf("# %lld s: %u sequences, %llu operations\n",
			       (shown - start) / 1000, count, fuzz->done);
			fflush(stdout);
		}
		if (!fine || is_enough(fuzz, options, start))
			break;
		seed = random_mix(seed);
	}

	printf("# fuzz: %u sequences in %lld s\n", count,
	       (now_ms() - start) / 1000);
	print_counts(fuzz);
	if (fine && options->seconds && !options->seed_given &&
	    find_missing(fuzz)) {
		printf("not ok sequences: no %s in all the time\n",
		       find_missing(fuzz));
		fine = false;
	} else if (fine) {
		puts("ok sequences");
	} else {
		char why[sizeof(fuzz->why)];

		memcpy(why, fuzz->why, sizeof(why));
		tell(fuzz, options, seed, &sequence);
		printf("not ok sequences: seed %#llx: %s\n",
		       (unsigned long long)seed, why);
	}
	free(sequence.ops);
	return fine ? 0 : 1;
}

/* Lines of a printed sequence, with or without the "#" before them. */
static int replay(struct fuzz *fuzz, const char *path)
{
	struct sequence sequence = { 0 };
	FILE *file = fopen(path, "r");
	char line[1024];
	struct op op;
	bool fine;

	if (!file) {
		perror(path);
		return 1;
	}
	while (fgets(line, sizeof(line), file)) {
		const char *text = line + strspn(line, "# \t\r\n");

		if (!*text)
			continue;
		if (op_parse(&op, text)) {
			fprintf(stderr, "not an operation: %s", line);
			fclose(file);
			return 2;
		}
		sequence_add(&sequence, &op);
	}
	fclose(file);
	fine = run_given(fuzz, &sequence, true);
	free(sequence.ops);
	puts(fine ? "ok replay" : "not ok replay");
	if (!fine)
		printf("# %s\n", fuzz->why);
	return fine ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct options options = { .steps = 400, .shrink = 120 };
	static struct fuzz fuzz;

	if (getrandom(&options.seed, sizeof(options.seed), 0) < 0 ||
	    options_read(argc, argv, &options)) {
		fputs(usage, stderr);
		return 2;
	}
	if (aftermath_start() || fuzz_init(&fuzz)) {
		printf("not ok sequences: %s\n", fuzz.why);
		return 1;
	}
	if (options.replay)
		return replay(&fuzz, options.replay);
	if (options.storm &&
	    (!storm_run(&fuzz, options.seed, (options.storm + 1) / 2, true) ||
	     !storm_run(&fuzz, options.seed, options.storm / 2, false))) {
		printf("not ok storm: seed %#llx: %s\n",
		       (unsigned long long)options.seed, fuzz.why);
		return 1;
	}
	if (options.storm)
		puts("ok storm");
	if (options.storm && !options.seconds)
		return 0;
	return run_seeds(&fuzz, &options);
}
