/* SPDX-License-Identifier: MIT */
/* What a machine needs for lending, what of it is there, and what to do. */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "function.h"
#include "machine.h"

enum verdict {
	VERDICT_OK,
	VERDICT_NOTE, /* to be known; it may be meant so */
	VERDICT_WRONG,
};

struct finding {
	const char *check; /* what was looked at, in a word */
	enum verdict verdict;
	char *seen; /* NULL: there was no memory for it */
	const char *remedy; /* NULL: none is needed */
};

#define FINDINGS_MAX 64

struct diagnosis {
	const struct machine *machine;
	const char *bdf; /* the function it is about; NULL: all */
	const char *control; /* sockets that were chosen, or NULL */
	const char *socket;
	struct finding findings[FINDINGS_MAX];
	size_t count;
};

/* One more finding; what there is no room for is left out. */
void found(struct diagnosis *diagnosis, const char *check,
	   enum verdict verdict, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
void findings_free(struct diagnosis *diagnosis);

/* kernel.c: the IOMMU, and whether the kernel loads modules */
void iommu_check(struct diagnosis *diagnosis);
void lockdown_check(struct diagnosis *diagnosis);

/* module.c */
void module_check(struct diagnosis *diagnosis);

/* device.c: functions with a VFIO driver, or the one it is about */
void functions_check(struct diagnosis *diagnosis,
		     const struct function *functions, size_t count);

/* persistent.c: rules that bind functions at each boot */
void persistent_check(struct diagnosis *diagnosis,
		      const struct function *functions, size_t count);

/* daemon.c */
void daemon_check(struct diagnosis *diagnosis);

#endif /* CLI_DOCTOR_H */
