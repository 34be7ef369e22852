// SPDX-License-Identifier: MIT
#include "op.h"

#include <inttypes.h>
#include <linux/barlease.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>

static const char *const arg_names[ARGS] = {
	[A_DEV] = "dev",
	[A_SLOT] = "slot",
	[A_PEER] = "peer",
	[A_SLOT2] = "to",
	[A_PAGE] = "page",
	[A_PAGE2] = "to-page",
	[A_COUNT] = "pages",
	[A_COUNT2] = "to-pages",
	[A_PROT] = "prot",
	[A_FLAGS] = "flags",
	[A_OFFSET] = "offset",
	[A_SKEW] = "skew",
	[A_SIZE] = "size",
	[A_WRITE] = "write",
	[A_VALUE] = "value",
	[A_HOW] = "how",
	[A_BAR] = "bar",
	[A_OPEN_FLAGS] = "open-flags",
	[A_NR] = "nr",
	[A_ARGSZ] = "argsz",
	[A_READABLE] = "readable",
	[A_OPERATION] = "operation",
	[A_NO_FDS] = "no-fds",
	[A_RANGES] = "offset0",
	[A_RANGES + 1] = "length0",
	[A_RANGES + 2] = "offset1",
	[A_RANGES + 3] = "length1",
	[A_RANGES + 4] = "offset2",
	[A_RANGES + 5] = "length2",
};

static const char *const kind_names[OP_KINDS] = {
	[OP_OPEN] = "open",
	[OP_OPEN_SET] = "open-set",
	[OP_CLOSE_DEVICE] = "close-device",
	[OP_PASS_DEVICE] = "pass-device",
	[OP_EXPORT] = "export",
	[OP_REVOKE] = "revoke",
	[OP_MEMATTR] = "memattr",
	[OP_INFO] = "info",
	[OP_FEATURE] = "feature",
	[OP_MEMORY] = "memory",
	[OP_POWER] = "power",
	[OP_LOW_POWER] = "low-power",
	[OP_RESET] = "reset",
	[OP_FLR] = "flr",
	[OP_HOT_RESET] = "hot-reset",
	[OP_REGION] = "region",
	[OP_MAP] = "map",
	[OP_MAP_BAR] = "map-bar",
	[OP_UNMAP] = "unmap",
	[OP_PROTECT] = "protect",
	[OP_MOVE] = "move",
	[OP_ADVISE] = "advise",
	[OP_LOCK] = "lock",
	[OP_ACCESS] = "access",
	[OP_FORK] = "fork",
	[OP_EXIT] = "exit",
	[OP_SPAWN] = "spawn",
	[OP_PASS] = "pass",
	[OP_DUP] = "dup",
	[OP_CLOSE] = "close",
	[OP_REOPEN] = "reopen",
	[OP_OTHER] = "other",
	[OP_SEEK] = "seek",
	[OP_RW] = "rw",
	[OP_POLL] = "poll",
	[OP_BUFFER] = "buffer",
	[OP_ATTACH] = "attach",
	[OP_DETACH] = "detach",
	[OP_PEER_MAP] = "peer-map",
	[OP_PEER_UNMAP] = "peer-unmap",
	[OP_PEER_STATE] = "peer-state",
	[OP_DMA] = "dma",
	[OP_ALLOW_PEERS] = "allow-peers",
	[OP_YANK] = "yank",
	[OP_PLUG] = "plug",
	[OP_REBIND] = "rebind",
};

bool op_needs_importer(enum op_kind kind)
{
	return kind >= OP_ATTACH && kind <= OP_ALLOW_PEERS;
}

bool op_needs_host(enum op_kind kind)
{
	return kind == OP_YANK || kind == OP_PLUG;
}

const char *op_name(enum op_kind kind)
{
	return kind_names[kind];
}

/* What is 0 is not written. */
void op_print(const struct op *op, char *text, size_t size)
{
	int length, i;

	length =
		snprintf(text, size, "%u %s", op->worker, kind_names[op->kind]);
	for (i = 0; i < ARGS && (size_t)length < size; i++)
		if (op->arg[i])
			length += snprintf(text + length, size - (size_t)length,
					   op->arg[i] < 10 ? " %s=%" PRIu64
							   : " %s=%#" PRIx64,
					   arg_names[i], op->arg[i]);
}

static int parse_arg(struct op *op, char *word)
{
	char *value = strchr(word, '=');
	int i;

	if (!value)
		return -1;
	*value++ = '\0';
	for (i = 0; i < ARGS; i++) {
		if (strcmp(word, arg_names[i]))
			continue;
		op->arg[i] = strtoull(value, NULL, 0);
		return 0;
	}
	return -1;
}

int op_parse(struct op *op, const char *text)
{
	char line[1024], *word, *rest = NULL;
	int i;

	memset(op, 0, sizeof(*op));
	snprintf(line, sizeof(line), "%s", text);
	word = strtok_r(line, " \n", &rest);
	if (!word)
		return -1;
	op->worker = (uint32_t)strtoul(word, NULL, 0);
	word = strtok_r(NULL, " \n", &rest);
	if (!word || op->worker >= WORKERS)
		return -1;
	for (i = 0; i < OP_KINDS && strcmp(word, kind_names[i]); i++)
		;
	if (i == OP_KINDS)
		return -1;
	op->kind = (enum op_kind)i;
	while ((word = strtok_r(NULL, " \n", &rest)))
		if (parse_arg(op, word))
			return -1;
	return op->arg[A_DEV] >= DEVICES || op->arg[A_SLOT] >= SLOTS ||
			       op->arg[A_SLOT2] >= SLOTS ||
			       op->arg[A_PEER] >= WORKERS
		       ? -1
		       : 0;
}

void op_range(const struct op *op, uint32_t index, uint64_t *offset,
	      uint64_t *length)
{
	const uint64_t *range = &op->arg[A_RANGES + 2 * (index % GIVEN_RANGES)];

	*offset = range[0] + index / GIVEN_RANGES * PAGE;
	*length = range[1];
}

size_t op_feature_size(const struct op *op)
{
	size_t range = sizeof(struct vfio_region_dma_range);

	switch (op->kind) {
	case OP_EXPORT:
		return sizeof(struct vfio_device_feature_dma_buf) +
		       op->arg[A_NR] * range;
	case OP_REVOKE:
		return sizeof(struct barlease_revoke);
	case OP_MEMATTR:
		return sizeof(struct barlease_memattr);
	case OP_INFO:
		return sizeof(struct barlease_lease_info) +
		       op->arg[A_NR] * range;
	default:
		return 0;
	}
}

size_t op_reset_size(const struct op *op)
{
	return sizeof(struct vfio_pci_hot_reset) +
	       op->arg[A_NR] * sizeof(int32_t);
}
