// SPDX-License-Identifier: MIT
/*
 * The main job, told step by step: a lessor lends pieces of a real BAR to
 * ordinary processes, and takes them back. Runs as root in the guest; this
 * process is the lessor.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <barlease.h>

#include "actor.h"
#include "host.h"
#include "tell.h"

#define MIB (1ULL << 20)

/* BAR 2 of ivshmem is memory; the host has it in a file. */
#define MEMORY_BAR 2
#define FIRST_SLICE (2 * MIB)
#define SECOND_SLICE (4 * MIB)
#define SLICE_LENGTH (2 * MIB)

/* NVMe registers (NVMe Base 2.0, section 3.1.3): version, configuration. */
#define NVME_VERSION 0x8
#define NVME_CC 0x14
/* Queue entry sizes that drivers set; the enable bit is off. */
#define NVME_CC_SIZES 0x460000

static const char first_file[] = "/README.md";
static const char second_file[] = "/MIT.txt";

static bool is(const char *answer, const char *wanted)
{
	return !strcmp(answer, wanted);
}

static bool is_ok(const char *answer)
{
	return !strncmp(answer, "ok", 2) && (!answer[2] || answer[2] == ' ');
}

static long file_size(const char *path)
{
	struct stat status;

	return stat(path, &status) ? -1 : (long)status.st_size;
}

static struct barlease_device *own(const char *bdf)
{
	struct barlease_device *dev = NULL;
	int ret;

	tell_check(tell_run("barlease", "bind", bdf, NULL),
		   "%s is bound to barlease-vfio-pci", bdf);
	ret = barlease_device_open(bdf, &dev);
	if (!tell_check(!ret, "the lessor opens %s%s%s", bdf, ret ? ": " : "",
			ret ? strerrorname_np(-ret) : ""))
		return NULL;
	tell_check(!barlease_device_set_memory(dev, true),
		   "its memory decode is on");
	return dev;
}

static void check_ordinary(struct actor *actor)
{
	actor_ask(actor, "whoami");
	tell_check(is_ok(actor->answer) && !strstr(actor->answer, "uid=0 ") &&
			   strstr(actor->answer,
				  "capabilities=0000000000000000"),
		   "%s has no rights of its own: %s", actor->name,
		   actor->answer + 3);
}

static void check_closed(struct actor *actor, const char *path)
{
	actor_ask(actor, "open %s", path);
	tell_check(is(actor->answer, "EACCES"), "%s opens %s: %s", actor->name,
		   path, actor->answer);
}

static void check_no_way_out(struct actor *actor, const char *bdf)
{
	char path[128], group[128], target[128] = "";
	ssize_t length;

	tell_check(is(actor_ask(actor, "beyond"), "EINVAL"),
		   "%s maps what is past the end of its lease: %s", actor->name,
		   actor->answer);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group",
		 bdf);
	length = readlink(path, target, sizeof(target) - 1);
	if (tell_check(length > 0 && strrchr(target, '/'),
		       "the function has an IOMMU group")) {
		snprintf(group, sizeof(group), "/dev/vfio/%s",
			 strrchr(target, '/') + 1);
		check_closed(actor, group);
	}
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource%d", bdf,
		 MEMORY_BAR);
	check_closed(actor, path);
	snprintf(path, sizeof(path), "/proc/%d/fd/3", getpid());
	check_closed(actor, path);
}

static void check_load(struct actor *actor, const char *path)
{
	tell_check(is_ok(actor_ask(actor, "load %s", path)),
		   "%s loads %s into its slice: %s bytes", actor->name, path,
		   actor->answer + 3);
	tell_check(is_ok(actor_ask(actor, "same %s", path)),
		   "%s reads it back and finds the same", actor->name);
}

static void check_host_sees(const char *path, unsigned long long offset)
{
	long length = file_size(path);
	const char *answer = host_ask("compare 0x%llx %ld %s", offset, length,
				      file_digest(path));

	tell_check(is(answer, ""),
		   "the host finds %s at 0x%llx of its file%s%s", path, offset,
		   *answer ? ": " : "", answer);
}

static void check_host_sees_only_that(void)
{
	char wanted[128];
	const char *answer = host_ask("changed");

	snprintf(wanted, sizeof(wanted), "0x%llx+0x%lx 0x%llx+0x%lx",
		 FIRST_SLICE, file_size(first_file), SECOND_SLICE,
		 file_size(second_file));
	tell_check(is(answer, wanted),
		   "every other byte is untouched; changed were %s", answer);
}

static void lend_and_use(struct barlease_device *dev, struct actor *first,
			 struct actor *second)
{
	const char *bdf = barlease_device_bdf(dev);

	tell_step(
		"Two ordinary processes use what they were lent, and no more");
	check_ordinary(first);
	check_ordinary(second);
	check_load(first, first_file);
	check_load(second, second_file);
	check_no_way_out(first, bdf);
	check_no_way_out(second, bdf);

	tell_step("The host looks into the file behind the BAR");
	check_host_sees(first_file, FIRST_SLICE);
	check_host_sees(second_file, SECOND_SLICE);
	check_host_sees_only_that();
}

static void take_back(struct barlease_device *dev, struct actor *first,
		      struct actor *second)
{
	struct barlease_map own_map = { 0 };
	char readme[16] = "", seen[16] = "";
	int fd = open(first_file, O_RDONLY | O_CLOEXEC);

	tell_step("The lessor takes the first lease back");
	tell_check(fd >= 0 && read(fd, readme, sizeof(readme)) > 0 &&
			   !barlease_region_map(dev, MEMORY_BAR, FIRST_SLICE,
						SLICE_LENGTH, PROT_READ,
						&own_map),
		   "the lessor maps the same piece of the BAR itself");
	if (fd >= 0)
		close(fd);

	tell_check(is_ok(actor_ask(first, "read 0")), "before: %s reads %s",
		   first->name, first->answer + 3);
	tell_check(!barlease_lease_revoke(dev, first->lease),
		   "the lessor revokes the lease of %s", first->name);
	tell_check(is(actor_ask(first, "read 0"), "SIGBUS"),
		   "after: %s reads and gets %s", first->name, first->answer);
	tell_check(is(actor_ask(first, "write 0 1"), "SIGBUS"),
		   "%s writes and gets %s", first->name, first->answer);
	tell_check(is(actor_ask(first, "mmap"), "ENODEV"),
		   "%s maps its fd again and gets %s", first->name,
		   first->answer);
	tell_check(is_ok(actor_ask(second, "same %s", second_file)),
		   "%s goes on undisturbed", second->name);
	if (own_map.address)
		memcpy(seen, own_map.address, sizeof(seen));
	tell_check(own_map.address && !memcmp(seen, readme, sizeof(seen)),
		   "the lessor's own mapping goes on: \"%.10s\"", seen);
	barlease_map_end(&own_map);
	actor_end(first);
}

static void lend_again(struct barlease_device *dev)
{
	struct actor third, fourth;

	tell_step("The slice is lent to a third process, which is killed, and "
		  "lent again");
	if (!actor_start(&third, "Carol", "lessee", dev, MEMORY_BAR,
			 FIRST_SLICE, SLICE_LENGTH))
		return;
	tell_check(is_ok(actor_ask(&third, "same %s", first_file)),
		   "%s finds what the last lessee left (lending does not wipe)",
		   third.name);
	tell_check(actor_kill(&third), "%s is killed with SIGKILL", third.name);
	tell_check(!barlease_lease_revoke(dev, third.lease),
		   "its lease is revoked");
	actor_end(&third);

	if (!actor_start(&fourth, "Dave", "other", dev, MEMORY_BAR, FIRST_SLICE,
			 SLICE_LENGTH))
		return;
	check_load(&fourth, second_file);
	actor_end(&fourth);
}

/* Reads a register; says whether that took a page fault, in the answer too. */
static bool reads(struct actor *actor, unsigned int offset, unsigned int value,
		  int faults)
{
	char wanted[64];

	snprintf(wanted, sizeof(wanted), "ok 0x%x, page faults: %d", value,
		 faults);
	return is(actor_ask(actor, "read 0x%x", offset), wanted);
}

static void use_over_reset(struct barlease_device *nvme, struct actor *actor)
{
	tell_check(is_ok(actor_ask(actor, "read 0x%x", NVME_VERSION)),
		   "%s reads the NVMe version register: %s", actor->name,
		   actor->answer + 3);
	actor_ask(actor, "write 0x%x 0x%x", NVME_CC, NVME_CC_SIZES);
	tell_check(reads(actor, NVME_CC, NVME_CC_SIZES, 0),
		   "%s writes a register and reads %s", actor->name,
		   actor->answer + 3);

	tell_check(!barlease_device_reset(nvme),
		   "the lessor resets the device");
	tell_check(reads(actor, NVME_CC, 0, 1),
		   "the lease went away and is back by itself: %s reads %s",
		   actor->name, actor->answer + 3);

	tell_check(!barlease_device_set_memory(nvme, false) &&
			   is(actor_ask(actor, "read 0x%x", NVME_VERSION),
			      "SIGBUS"),
		   "with the memory decode off %s gets %s", actor->name,
		   actor->answer);
	tell_check(!barlease_device_set_memory(nvme, true) &&
			   is_ok(actor_ask(actor, "read 0x%x", NVME_VERSION)),
		   "with it on again %s reads %s", actor->name,
		   actor->answer + 3);
	actor_end(actor);
}

static void reset_while_lent(const char *bdf)
{
	struct barlease_device *nvme;
	struct actor actor;

	tell_step("A device is reset while it is lent");
	nvme = own(bdf);
	if (!nvme)
		return;
	if (actor_start(&actor, "Erin", "lessee", nvme, 0, 0, 4096))
		use_over_reset(nvme, &actor);
	barlease_device_close(nvme);
}

static void clean_up(const char *ivshmem, const char *nvme)
{
	tell_step("Everything is put back and the module unloaded");
	tell_check(tell_run("barlease", "unbind", ivshmem, NULL),
		   "%s is given back", ivshmem);
	tell_check(tell_run("barlease", "unbind", nvme, NULL),
		   "%s is given back", nvme);
	tell_check(tell_run("rmmod", "barlease_vfio_pci", NULL),
		   "the module is unloaded");
}

static void check_listed(const char *bdf)
{
	tell_check(tell_run("barlease", "list", bdf, NULL), "%s is one of them",
		   bdf);
}

static void tell_story(const char *ivshmem, const char *nvme)
{
	struct barlease_device *memory;
	struct actor first, second;

	tell_step("These are the functions of this machine");
	tell_check(tell_run("barlease", "list", NULL),
		   "barlease list shows them");
	check_listed(ivshmem);
	check_listed(nvme);

	tell_step(
		"The lessor takes a function and lends two pieces of its BAR");
	tell_check(is(host_ask("snapshot"), ""),
		   "the host remembers the file behind the BAR");
	memory = own(ivshmem);
	if (!memory)
		return;
	if (actor_start(&first, "Alice", "lessee", memory, MEMORY_BAR,
			FIRST_SLICE, SLICE_LENGTH) &&
	    actor_start(&second, "Bob", "other", memory, MEMORY_BAR,
			SECOND_SLICE, SLICE_LENGTH)) {
		lend_and_use(memory, &first, &second);
		take_back(memory, &first, &second);
		lend_again(memory);
		tell_check(is_ok(actor_ask(&second, "same %s", second_file)),
			   "%s never noticed any of it", second.name);
		actor_end(&second);
	}

	reset_while_lent(nvme);
	barlease_device_close(memory);
	clean_up(ivshmem, nvme);
}

int main(void)
{
	const char *ivshmem = getenv("BARLEASE_IVSHMEM");
	const char *nvme = getenv("BARLEASE_NVME");

	if (!ivshmem || !nvme) {
		fputs("story: run me in the guest, with scripts/demo\n",
		      stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	tell_story(ivshmem, nvme);
	return tell_end();
}
