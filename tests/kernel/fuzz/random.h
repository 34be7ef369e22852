/* SPDX-License-Identifier: MIT */
/* A generator of numbers that a seed determines. */
#ifndef FUZZ_RANDOM_H
#define FUZZ_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

/* splitmix64, by Sebastiano Vigna, who gave it to the public domain. */
static inline uint64_t random_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static inline uint64_t random_next(struct random *random)
{
	uint64_t value = random_mix(random->state);

	random->state += 0x9e3779b97f4a7c15u;
	return value;
}

static inline uint64_t random_below(struct random *random, uint64_t end)
{
	return random_next(random) % end;
}

static inline bool random_chance(struct random *random, unsigned int percent)
{
	return random_below(random, 100) < percent;
}

#endif /* FUZZ_RANDOM_H */
