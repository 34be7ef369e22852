/* SPDX-License-Identifier: MIT */
/* A policy that is being read. */
#ifndef POLICY_READING_H
#define POLICY_READING_H

#include "policy/policy.h"
#include "policy/raw.h"

struct reading {
	struct raw_file raw;
	struct policy *policy;
	struct mistakes *mistakes;
	/* What is being read. */
	size_t section;
	struct policy_device *device;
	struct policy_offer *offer;
	bool kept; /* it was right once: who is gone since then is nobody */
	bool failed; /* there was no memory for something */
};

/* Which sections a key is for. */
enum section_type {
	SECTION_DEVICE = 1 << 0,
	SECTION_SLICE = 1 << 1,
	SECTION_POOL = 1 << 2,
	SECTION_SERVER = 1 << 3, /* has no name, and is there once */
};

#define SECTION_OFFER (SECTION_SLICE | SECTION_POOL)

struct key {
	const char *name;
	unsigned int sections; /* that may have it */
	unsigned int required; /* that must */
	bool repeats; /* may be there more than once */
	void (*take)(struct reading *reading, const struct raw_entry *entry);
};

/* What keys there are; the last has no name. key_*.c */
extern const struct key device_keys[];
extern const struct key offer_keys[];
extern const struct key server_keys[];

/* "KEY = VALUE: ..." at its line */
void reading_wrong(struct reading *reading, const struct raw_entry *entry,
		   const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same at the line of the section, "[TYPE NAME]: ...". */
void reading_wrong_section(struct reading *reading, size_t section,
			   const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* section.c: read all sections */
void sections_take(struct reading *reading);

/* key_allow.c */
void take_allow(struct reading *reading, const struct raw_entry *entry);

/* check.c: does it fit together? Only for what is right so far. */
void policy_check(struct reading *reading);

/* check_socket.c */
void sockets_check(struct reading *reading);

#endif /* POLICY_READING_H */
