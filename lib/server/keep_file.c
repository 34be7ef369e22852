// SPDX-License-Identifier: MIT
#include "server/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Since Linux 6.3, and asked for by some systems. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

/* It is mapped: nobody must be able to cut it off. */
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* More is no file of ours. */
#define RECORDS_MAX (1u << 24)

static const char magic[8] = "BRLSKEPT";

static uint64_t size_of(uint64_t records)
{
	return sizeof(struct keep_header) +
	       records * sizeof(struct keep_record);
}

static int map(struct keep_file *file, int fd, uint64_t records)
{
	void *memory;

	file->free = calloc(records, sizeof(*file->free));
	if (!file->free)
		return -ENOMEM;
	memory = mmap(NULL, size_of(records), PROT_READ | PROT_WRITE,
		      MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED) {
		free(file->free);
		return -errno;
	}
	file->fd = fd;
	file->header = memory;
	file->records = (void *)((char *)memory + sizeof(*file->header));
	return 0;
}

static void frees_find(struct keep_file *file, uint64_t records)
{
	for (uint64_t i = records; i-- > 0;)
		if (file->records[i].type == KEEP_NOTHING)
			file->free[file->free_count++] = i;
}

static int memory_make(uint64_t size)
{
	int fd = memfd_create("barlease-state", MFD_CLOEXEC |
							MFD_ALLOW_SEALING |
							MFD_NOEXEC_SEAL);
	int err;

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("barlease-state",
				  MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) < 0 ||
	    fcntl(fd, F_ADD_SEALS, SEALS) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

int keep_file_make(struct keep_file *file, uint64_t records)
{
	int fd = memory_make(size_of(records));
	int err;

	*file = (struct keep_file){ .fd = -1 };
	if (fd < 0)
		return fd;
	err = map(file, fd, records);
	if (err) {
		close(fd);
		return err;
	}
	memcpy(file->header->magic, magic, sizeof(magic));
	file->header->version = KEEP_VERSION;
	file->header->record_size = sizeof(struct keep_record);
	file->header->records = records;
	/* All are: it need not be looked at, which would have it be there. */
	for (uint64_t i = records; i-- > 0;)
		file->free[file->free_count++] = i;
	return 0;
}

static int header_check(int fd, uint64_t *records)
{
	struct keep_header header;
	struct stat status;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & SEALS) != SEALS ||
	    (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDWR ||
	    fstat(fd, &status) < 0 ||
	    pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    memcmp(header.magic, magic, sizeof(magic)) != 0)
		return -EPROTO;
	if (header.version != KEEP_VERSION ||
	    header.record_size != sizeof(struct keep_record))
		return -EPROTONOSUPPORT;
	if (header.last_listener > KEEP_NUMBER_MAX ||
	    header.last_lessee > KEEP_NUMBER_MAX ||
	    header.last_lease > KEEP_NUMBER_MAX)
		return -EPROTO;
	if (!header.records || header.records > RECORDS_MAX ||
	    (uint64_t)status.st_size != size_of(header.records))
		return -EPROTO;
	*records = header.records;
	return 0;
}

static bool is_text(const char *text, size_t size)
{
	return memchr(text, '\0', size);
}

static bool is_kind(uint32_t access, uint32_t attribute)
{
	return access <= BARLEASE_READ_ONLY &&
	       attribute <= BARLEASE_WRITE_COMBINING;
}

static bool record_check(const struct keep_record *record)
{
	const struct keep_lessee *lessee = &record->of_lessee;
	const struct keep_waiter *waiter = &record->of_waiter;
	const struct keep_lease *lease = &record->of_lease;

	switch (record->type) {
	case KEEP_NOTHING:
		return true;
	case KEEP_LESSEE:
		return record->id &&
		       is_text(lessee->path, sizeof(lessee->path)) &&
		       is_text(lessee->command, sizeof(lessee->command)) &&
		       is_text(lessee->cgroup, sizeof(lessee->cgroup));
	case KEEP_LEASE:
		return record->id && record->lessee && lease->length &&
		       lease->bar < BARLEASE_BARS &&
		       is_kind(lease->access, lease->attribute) &&
		       lease->due_why <= BARLEASE_END_SERVER &&
		       is_text(lease->device, sizeof(lease->device)) &&
		       is_text(lease->name, sizeof(lease->name));
	case KEEP_WAITER:
		return record->lessee && waiter->serial &&
		       is_kind(waiter->access, waiter->attribute) &&
		       is_text(waiter->name, sizeof(waiter->name));
	default:
		return false;
	}
}

int keep_file_open(struct keep_file *file, int fd)
{
	uint64_t records;
	int err;

	*file = (struct keep_file){ .fd = -1 };
	err = header_check(fd, &records);
	if (!err)
		err = map(file, fd, records);
	if (err)
		return err;
	for (uint64_t i = 0; i < records; i++) {
		if (!record_check(&file->records[i])) {
			file->fd = -1;
			keep_file_end(file);
			return -EPROTO;
		}
	}
	frees_find(file, records);
	return 0;
}

void keep_file_end(struct keep_file *file)
{
	if (!file->header)
		return;
	munmap(file->header, size_of(file->header->records));
	free(file->free);
	if (file->fd >= 0)
		close(file->fd);
	*file = (struct keep_file){ .fd = -1 };
}

struct keep_record *keep_record_get(struct keep_file *file)
{
	struct keep_record *record;

	if (!file->free_count)
		return NULL;
	record = &file->records[file->free[--file->free_count]];
	memset(record, 0, sizeof(*record));
	return record;
}

void keep_record_set(struct keep_record *record, enum keep_type type)
{
	__atomic_store_n(&record->type, type, __ATOMIC_RELEASE);
}

void keep_record_put(struct keep_file *file, struct keep_record *record)
{
	keep_record_set(record, KEEP_NOTHING);
	file->free[file->free_count++] = (uint64_t)(record - file->records);
}
