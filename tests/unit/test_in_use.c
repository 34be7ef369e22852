// SPDX-License-Identifier: MIT
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "in_use.h"

#define BDF "0000:00:04.0"
#define REAL "sys/devices/pci0000:00/" BDF
#define UP "../../devices/pci0000:00/" BDF

/*
 * The linker sends the command's open() here, by the name that it has with
 * large files: this file is busy, or fails otherwise.
 */
static const char *busy_file;
static int busy_errno;

static struct function used; /* whose users are looked for */

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);

int __wrap_open64(const char *path, int flags, ...)
{
	if (busy_file && !strcmp(path, busy_file)) {
		errno = busy_errno;
		return -1;
	}
	return __real_open64(path, flags);
}

static struct machine tree_machine(void **state)
{
	const struct tree *tree = *state;

	return (struct machine){
		.sysfs = tree->sysfs,
		.proc = tree->proc,
		.dev = tree->dev,
		.run = tree->run,
	};
}

/* A virtio disk vda with the partition vda1, and one that is not ours, sdb. */
static int disks_setup(void **state)
{
	busy_file = NULL;
	busy_errno = EBUSY;
	used = (struct function){
		.bdf = BDF,
		.class = 0x010000,
		.driver = "virtio-pci",
	};
	if (tree_setup(state))
		return -1;
	tree_file(*state, "proc/self/mountinfo",
		  "21 1 8:1 / / rw - ext4 /dev/sdb1 rw\n");
	tree_file(*state, "proc/swaps",
		  "Filename Type Size Used Priority\n"
		  "/dev/sdb2 partition 100 0 -2\n");
	tree_file(*state, REAL "/virtio1/block/vda/dev", "254:0\n");
	tree_file(*state, REAL "/virtio1/block/vda/vda1/dev", "254:1\n");
	tree_file(*state, "sys/devices/pci0000:00/0000:00:05.0/block/sdb/dev",
		  "8:0\n");
	tree_link(*state, "sys/bus/pci/devices/" BDF,
		  "../../../devices/pci0000:00/" BDF);
	tree_link(*state, "sys/class/block/vda", UP "/virtio1/block/vda");
	tree_link(*state, "sys/class/block/vda1", UP "/virtio1/block/vda/vda1");
	tree_link(*state, "sys/class/block/sdb",
		  "../../devices/pci0000:00/0000:00:05.0/block/sdb");
	tree_file(*state, "dev/vda", "");
	tree_file(*state, "dev/vda1", "");
	return 0;
}

static struct in_use found(void **state)
{
	struct machine machine = tree_machine(state);
	unsigned int before = fd_count();
	struct in_use use = { 0 };

	assert_int_equal(in_use_find(&machine, &used, &use), 0);
	assert_int_equal(fd_count(), before);
	return use;
}

static void assert_user(void **state, const char *user)
{
	struct in_use use = found(state);

	assert_int_equal(use.count, 1);
	assert_string_equal(use.users[0], user);
}

static void an_idle_disk_is_not_in_use(void **state)
{
	assert_int_equal(found(state).count, 0);
}

static void a_mounted_disk_is_in_use(void **state)
{
	tree_file(*state, "proc/self/mountinfo",
		  "36 21 254:0 / /data rw - ext4 /dev/vda rw\n");
	assert_user(state, "vda is mounted on /data");
}

static void a_mounted_partition_is_in_use(void **state)
{
	tree_file(*state, "proc/self/mountinfo",
		  "21 1 8:1 / / rw - ext4 /dev/sdb1 rw\n"
		  "36 21 254:1 / /mnt/a\\040b rw shared:1 - ext4 /dev/vda1 "
		  "rw\n");
	assert_user(state, "vda1 is mounted on /mnt/a b");
}

static void a_cut_escape_in_a_mount_point_is_kept(void **state)
{
	tree_file(*state, "proc/self/mountinfo",
		  "36 21 254:0 / /a\\04 rw - ext4 /dev/vda rw\n");
	assert_user(state, "vda is mounted on /a\\04");
}

static void a_device_number_must_agree_as_a_whole(void **state)
{
	tree_file(*state, "proc/self/mountinfo",
		  "36 21 254:10 / /a rw - ext4 /dev/vdb rw\n"
		  "37 21 1254:0 / /b rw - ext4 /dev/vdc rw\n");
	assert_int_equal(found(state).count, 0);
}

static void each_mount_point_is_named(void **state)
{
	struct in_use use;

	tree_file(*state, "proc/self/mountinfo",
		  "36 21 254:0 / /a rw - ext4 /dev/vda rw\n"
		  "37 21 254:0 / /b rw - ext4 /dev/vda rw\n");
	use = found(state);
	assert_int_equal(use.count, 2);
	assert_string_equal(use.users[1], "vda is mounted on /b");
}

static void more_mounts_than_are_named_do_no_harm(void **state)
{
	static char many[100 * 64];

	many[0] = '\0';
	for (int i = 0; i < 100; i++)
		strcat(many, "36 21 254:0 / /a rw - ext4 /dev/vda rw\n");
	tree_file(*state, "proc/self/mountinfo", many);
	assert_int_equal(found(state).count, IN_USE_USERS);
}

static void swap_is_in_use(void **state)
{
	tree_file(*state, "proc/swaps",
		  "Filename Type Size Used Priority\n"
		  "/dev/vda1 partition 100 0 -2\n");
	assert_user(state, "vda1 is used for swap");
}

static void a_disk_under_device_mapper_is_in_use(void **state)
{
	tree_file(*state, "sys/devices/virtual/block/dm-0/dev", "253:0\n");
	tree_link(*state, "sys/class/block/dm-0",
		  "../../devices/virtual/block/dm-0");
	tree_link(*state, REAL "/virtio1/block/vda/vda1/holders/dm-0",
		  "../../../../../../../virtual/block/dm-0");
	assert_int_equal(found(state).count, 0);
	tree_file(*state, "proc/self/mountinfo",
		  "36 21 253:0 / /home rw - ext4 /dev/mapper/home rw\n");
	assert_user(state, "dm-0 is mounted on /home");
}

static void a_disk_under_raid_under_device_mapper_is_in_use(void **state)
{
	tree_file(*state, "sys/devices/virtual/block/md0/dev", "9:0\n");
	tree_file(*state, "sys/devices/virtual/block/dm-0/dev", "253:0\n");
	tree_link(*state, "sys/class/block/md0",
		  "../../devices/virtual/block/md0");
	tree_link(*state, "sys/class/block/dm-0",
		  "../../devices/virtual/block/dm-0");
	tree_link(*state, REAL "/virtio1/block/vda/holders/md0", "x");
	tree_link(*state, "sys/devices/virtual/block/md0/holders/dm-0", "x");
	tree_file(*state, "proc/swaps", "/dev/dm-0 partition 1 0 -2\n");
	assert_user(state, "dm-0 is used for swap");
}

static void holders_that_hold_each_other_end(void **state)
{
	struct machine machine = tree_machine(state);
	struct in_use use = { 0 };

	tree_link(*state, REAL "/virtio1/block/vda/holders/vda", "x");
	assert_int_equal(in_use_find(&machine, &used, &use), -ELOOP);
}

static void a_disk_that_the_kernel_claims_is_in_use(void **state)
{
	const struct tree *tree = *state;
	static char path[PATH_MAX];
	struct in_use use;

	strcpy(path, tree->dev);
	strcat(path, "/vda");
	busy_file = path;
	use = found(state);
	assert_int_equal(use.count, 1);
	assert_contains(use.users[0], "vda is claimed in the kernel");
}

static void a_disk_that_does_not_tell_is_no_idle_one(void **state)
{
	static const int idle[] = { ENOMEDIUM, ENXIO, ENOENT };
	static const int unknown[] = { EACCES, EIO, EMFILE };
	struct machine machine = tree_machine(state);
	const struct tree *tree = *state;
	static char path[PATH_MAX];
	struct in_use use = { 0 };

	strcpy(path, tree->dev);
	strcat(path, "/vda");
	busy_file = path;
	for (size_t i = 0; i < 3; i++) {
		busy_errno = idle[i];
		assert_int_equal(found(state).count, 0);
		busy_errno = unknown[i];
		assert_int_equal(in_use_find(&machine, &used, &use),
				 -unknown[i]);
	}
}

static void a_multipath_nvme_disk_is_in_use(void **state)
{
	static const char dir[] = "sys/devices/virtual/nvme-subsystem/"
				  "nvme-subsys0";
	char path[PATH_MAX];

	tree_folder(*state, REAL "/nvme/nvme0");
	strcat(strcpy(path, dir), "/nvme0");
	tree_link(*state, path, "../../../pci0000:00/" BDF "/nvme/nvme0");
	strcat(strcpy(path, dir), "/nvme0n1/dev");
	tree_file(*state, path, "259:0\n");
	tree_link(*state, "sys/class/block/nvme0n1",
		  "../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1");
	tree_file(*state, "proc/self/mountinfo",
		  "36 21 259:0 / /fast rw - ext4 /dev/nvme0n1 rw\n");
	assert_user(state, "nvme0n1 is mounted on /fast");
}

static void an_interface_that_is_down_is_not_in_use(void **state)
{
	tree_file(*state, REAL "/virtio1/net/eth7/flags", "0x1002\n");
	tree_link(*state, "sys/class/net/eth7", UP "/virtio1/net/eth7");
	assert_int_equal(found(state).count, 0);
}

static void an_interface_that_is_up_is_in_use(void **state)
{
	tree_file(*state, REAL "/virtio1/net/eth7/flags", "0x1003\n");
	tree_link(*state, "sys/class/net/eth7", UP "/virtio1/net/eth7");
	assert_user(state, "network interface eth7 is up");
}

static void a_network_function_without_an_interface_is_in_use(void **state)
{
	used.class = 0x020000;
	assert_user(state, "its driver virtio-pci has no network interface in "
			   "this network namespace, so it may be up in "
			   "another");
	used.vfio = true;
	assert_int_equal(found(state).count, 0);
	used.vfio = false;
	used.driver[0] = '\0';
	assert_int_equal(found(state).count, 0);
}

static void a_network_function_with_an_interface_down_is_idle(void **state)
{
	used.class = 0x020000;
	an_interface_that_is_down_is_not_in_use(state);
}

static void another_functions_interface_does_not_count(void **state)
{
	/* Its address begins like ours. */
	tree_file(*state, REAL "0/net/eth8/flags", "0x1003\n");
	tree_link(*state, "sys/class/net/eth8", UP "0/net/eth8");
	assert_int_equal(found(state).count, 0);
}

static void without_mountinfo_there_is_no_answer(void **state)
{
	struct machine machine = tree_machine(state);
	struct in_use use = { 0 };

	tree_remove(*state, "proc/self/mountinfo");
	assert_int_equal(in_use_find(&machine, &used, &use), -ENOENT);
}

static struct in_use vfio_found_with(void **state, const char *vfio_file)
{
	struct machine machine = tree_machine(state);
	struct function function = {
		.bdf = BDF,
		.group = "7",
		.vfio = true,
	};
	unsigned int before = fd_count();
	struct in_use use = { 0 };

	strcpy(function.vfio_file, vfio_file);
	assert_int_equal(in_use_find_vfio(&machine, &function, &use), 0);
	assert_int_equal(fd_count(), before);
	return use;
}

static struct in_use vfio_found(void **state)
{
	return vfio_found_with(state, "");
}

static void a_group_that_opens_is_not_in_use(void **state)
{
	tree_file(*state, "dev/vfio/7", "");
	assert_int_equal(vfio_found(state).count, 0);
}

static void a_group_that_is_busy_is_in_use_by_its_opener(void **state)
{
	const struct tree *tree = *state;
	static char path[PATH_MAX];
	struct in_use use;

	strcpy(path, tree->dev);
	strcat(path, "/vfio/7");
	busy_file = path;
	use = vfio_found(state);
	assert_int_equal(use.count, 1);
	assert_contains(use.users[0], "a process has");

	tree_link(*state, "proc/123/fd/5", path);
	tree_file(*state, "proc/123/comm", "dpdk\n");
	tree_link(*state, "proc/124/fd/5", "/dev/null");
	use = vfio_found(state);
	assert_int_equal(use.count, 1);
	assert_contains(use.users[0], "process 123 (dpdk)");
}

/* The group opens, but whoever has the device file is waited for. */
static void a_device_file_is_in_use_by_its_openers(void **state)
{
	const struct tree *tree = *state;
	char path[PATH_MAX];
	struct in_use use;

	tree_file(*state, "dev/vfio/7", "");
	tree_file(*state, "dev/vfio/devices/vfio3", "");
	strcpy(path, tree->dev);
	strcat(path, "/vfio/devices/vfio3");
	assert_int_equal(vfio_found_with(state, "vfio3").count, 0);
	tree_link(*state, "proc/123/fd/5", path);
	tree_file(*state, "proc/123/comm", "dpdk\n");
	tree_link(*state, "proc/124/fd/5", path);
	assert_int_equal(vfio_found_with(state, "vfio4").count, 0);
	use = vfio_found_with(state, "vfio3");
	assert_int_equal(use.count, 2);
	assert_contains(use.users[0], "/vfio/devices/vfio3 open");

	/* Where the kernel has no groups, too. */
	tree_remove(*state, "dev/vfio/7");
	assert_int_equal(vfio_found_with(state, "vfio3").count, 2);
}

static void a_device_that_is_in_use_by_nobody_known_has_two_files(void **state)
{
	const struct tree *tree = *state;
	static char path[PATH_MAX];
	struct in_use use;

	strcpy(path, tree->dev);
	strcat(path, "/vfio/7");
	busy_file = path;
	use = vfio_found_with(state, "vfio3");
	assert_int_equal(use.count, 1);
	assert_contains(use.users[0], "/vfio/7 or ");
	assert_contains(use.users[0], "/vfio/devices/vfio3 open");
}

#define in_use_test(function) \
	cmocka_unit_test_setup_teardown(function, disks_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_use_test(an_idle_disk_is_not_in_use),
		in_use_test(a_mounted_disk_is_in_use),
		in_use_test(a_mounted_partition_is_in_use),
		in_use_test(a_cut_escape_in_a_mount_point_is_kept),
		in_use_test(a_device_number_must_agree_as_a_whole),
		in_use_test(each_mount_point_is_named),
		in_use_test(more_mounts_than_are_named_do_no_harm),
		in_use_test(swap_is_in_use),
		in_use_test(a_disk_under_device_mapper_is_in_use),
		in_use_test(a_disk_under_raid_under_device_mapper_is_in_use),
		in_use_test(holders_that_hold_each_other_end),
		in_use_test(a_disk_that_the_kernel_claims_is_in_use),
		in_use_test(a_disk_that_does_not_tell_is_no_idle_one),
		in_use_test(a_multipath_nvme_disk_is_in_use),
		in_use_test(an_interface_that_is_down_is_not_in_use),
		in_use_test(an_interface_that_is_up_is_in_use),
		in_use_test(a_network_function_without_an_interface_is_in_use),
		in_use_test(a_network_function_with_an_interface_down_is_idle),
		in_use_test(another_functions_interface_does_not_count),
		in_use_test(without_mountinfo_there_is_no_answer),
		in_use_test(a_group_that_opens_is_not_in_use),
		in_use_test(a_group_that_is_busy_is_in_use_by_its_opener),
		in_use_test(a_device_file_is_in_use_by_its_openers),
		in_use_test(
			a_device_that_is_in_use_by_nobody_known_has_two_files),
	};

	return cmocka_run_group_tests_name("in use", tests, NULL, NULL);
}
