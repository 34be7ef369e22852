/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BARLEASE_WC_H
#define BARLEASE_WC_H

#include <linux/mm_types.h>

bool barlease_have_wc(void);
vm_fault_t barlease_insert_wc(struct vm_fault *vmf, unsigned long start,
			      unsigned long pfn, unsigned long count);

#endif /* BARLEASE_WC_H */
