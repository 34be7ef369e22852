/* SPDX-License-Identifier: MIT */
#ifndef CLI_MACHINE_H
#define CLI_MACHINE_H

/* Where a machine shows and keeps itself. Tests make trees of their own. */
struct machine {
	const char *sysfs;
	const char *proc;
	const char *dev;
	const char *run; /* what shall be forgotten at the next boot */
	const char *modules; /* of each kernel */
	const char *etc; /* what shall be known at the next boot */
	const char *command; /* this one, where it is installed */
};

extern const struct machine this_machine;

#endif /* CLI_MACHINE_H */
