/* SPDX-License-Identifier: MIT */
/* Spawning a lessee that tells what it finds itself to be. */
#ifndef UNIT_LESSEE_H
#define UNIT_LESSEE_H

#include "support.h"
#include "spawn.h"

extern const struct barlease_slice lessee_slice;

struct fixture {
	void *tree;
	int lease;
	char probe[PATH_MAX];
	char report[65536];
};

int spawn_setup(void **state);
int spawn_teardown(void **state);

#define spawn_test(function) \
	cmocka_unit_test_setup_teardown(function, spawn_setup, spawn_teardown)

/*
 * Run the probe with this fd as its lease, as this user (NULL: as we are). It
 * must end with the status that @status_text says. Returns what it tells.
 */
const char *probe_run(struct fixture *fixture, int lease, const char *user,
		      const char *status_text);

/* The same with the fixture's lease and status 0. */
const char *probe(void **state, const char *user);

/* What it tells has this line, has this nowhere, begins with fds 0 to 3. */
void assert_line(const char *report, const char *line);
void assert_no_line_with(const char *report, const char *part);
void assert_four_fds(const char *report);

#endif /* UNIT_LESSEE_H */
