/* SPDX-License-Identifier: MIT */
/* What the host sees in the file behind the device's memory. */
#ifndef DEMO_HOST_H
#define DEMO_HOST_H

/* Asks the host, see tests/vm/rig/hostcall.py; its answer without newline. */
const char *host_ask(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* SHA-256 of a file of the guest, in hex. */
const char *file_digest(const char *path);

#endif /* DEMO_HOST_H */
