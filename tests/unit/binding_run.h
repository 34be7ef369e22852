/* SPDX-License-Identifier: MIT */
/* "bind" and "unbind" as a whole, as root, with a kernel that the test plays. */
#ifndef UNIT_BINDING_RUN_H
#define UNIT_BINDING_RUN_H

#include "kernel_fake.h"
#include "command.h"

#define BDF KERNEL_FAKE_BDF
#define DIR KERNEL_FAKE_DIR
#define STATE "run/barlease/" BDF
#define RUN(command, ...) \
	binding_run(&(command), (const char *const[]){ __VA_ARGS__, NULL })

/* The commands' machine is that of the test: this is linked first. */
extern struct machine test_machine __asm__("this_machine");

extern struct tree *binding_tree;
extern const char *loadable_driver; /* modprobe finds it */
extern char said[4096]; /* on stderr by the last command */

void driver_make(const char *name);

/* The function has nvme, and barlease-vfio-pci is there. */
int binding_setup(void **state);

/* Run a command here, and keep what it says. */
int binding_run(const struct command *command, const char *const *arguments);

/* Whether there is a file of this name below the root. */
bool tree_has(const char *name);

#endif /* UNIT_BINDING_RUN_H */
