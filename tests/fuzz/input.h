/* SPDX-License-Identifier: MIT */
/* The bytes that a fuzzer makes up, taken one after the other. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct input {
	const uint8_t *bytes;
	size_t left;
};

/* What the fuzzer calls, again and again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The fuzzer can open a file for what it has found. */
void input_keep(void);

/* A promise that does not hold is a finding like any other. */
#define promise(condition)                                                  \
	do {                                                                \
		if (!(condition)) {                                         \
			input_keep();                                       \
			fprintf(stderr, "%s:%d: broken promise: %s\n",      \
				__FILE__, __LINE__, #condition);            \
			abort();                                            \
		}                                                           \
	} while (0)

/* When there are no more bytes, the rest is zeros. */
static inline void input_take(struct input *input, void *to, size_t size)
{
	size_t there = size < input->left ? size : input->left;

	memset(to, 0, size);
	if (there)
		memcpy(to, input->bytes, there);
	input->bytes += there;
	input->left -= there;
}

static inline uint8_t input_byte(struct input *input)
{
	uint8_t value;

	input_take(input, &value, sizeof(value));
	return value;
}

static inline uint16_t input_word(struct input *input)
{
	uint16_t value;

	input_take(input, &value, sizeof(value));
	return value;
}

static inline uint64_t input_number(struct input *input)
{
	uint64_t value;

	input_take(input, &value, sizeof(value));
	return value;
}

#endif /* FUZZ_INPUT_H */
