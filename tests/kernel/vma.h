/* SPDX-License-Identifier: MIT */
/* What the kernel says about a mapping of this process. */
#ifndef KERNEL_TESTS_VMA_H
#define KERNEL_TESTS_VMA_H

#include <stdbool.h>
#include <stddef.h>

/* Does VmFlags in smaps have this one ("pf", see proc_pid_smaps(5))? */
bool vma_has_flag(const void *address, const char *flag);

/* The line of /proc/self/maps. */
void vma_line(const void *address, char *line, size_t size);

#endif /* KERNEL_TESTS_VMA_H */
