/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BARLEASE_FAULT_H
#define BARLEASE_FAULT_H

#include <linux/mm_types.h>

vm_fault_t barlease_fault(struct vm_fault *vmf);
vm_fault_t barlease_huge_fault(struct vm_fault *vmf, unsigned int order);
vm_fault_t barlease_fault_around(struct vm_fault *vmf);

#endif /* BARLEASE_FAULT_H */
