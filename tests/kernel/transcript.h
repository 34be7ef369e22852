/* SPDX-License-Identifier: MIT */
/* What a driver answered, line by line, for comparing it with another one. */
#ifndef KERNEL_TESTS_TRANSCRIPT_H
#define KERNEL_TESTS_TRANSCRIPT_H

#include <stddef.h>
#include <stdint.h>

struct transcript {
	char *text;
	size_t length;
};

__attribute__((format(printf, 2, 3))) void
transcript_add(struct transcript *transcript, const char *format, ...);

/* The outcome of a system call: its value, or the name of errno. */
void transcript_call(struct transcript *transcript, const char *what,
		     long value);

/* @length bytes, in lines of 16 that say where they are. */
void transcript_bytes(struct transcript *transcript, const char *what,
		      uint64_t offset, const void *bytes, size_t length);

/* Fails the test at the first line that differs. Frees both. */
void transcripts_compare(const char *who, struct transcript *stock,
			 struct transcript *ours);

#endif /* KERNEL_TESTS_TRANSCRIPT_H */
