/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_TESTS_EMULATED_H
#define KERNEL_TESTS_EMULATED_H

/*
 * QEMU before 8.2, when it emulates several CPUs, sends an access of one CPU
 * to a wrong device at the moment when another CPU makes a BAR come or go:
 * a write to the local APIC gets lost, and the guest with it. So there, and
 * only there, this process and those that it starts from now on get one CPU.
 */
void emulated_use_one_cpu(void);

#endif /* KERNEL_TESTS_EMULATED_H */
