// SPDX-License-Identifier: MIT
/*
 * The system sleeps and wakes. The kernel freezes every process before it
 * suspends a device, so nobody accesses a lease meanwhile; and it brings the
 * configuration of the function back before anybody runs again.
 */
#include <fcntl.h>
#include <unistd.h>

#include "bind.h"
#include "config.h"
#include "crowd.h"
#include "device.h"
#include "harness.h"
#include "host.h"
#include "nvme.h"
#include "touch.h"

#define SLEEP_FILE "/sys/power/mem_sleep"
#define PORT_ACS_CONTROL 0x14e
#define KEYBOARD "/sys/devices/platform/i8042/serio0/power/wakeup"

/*
 * The firmware of the emulator forgets to set these up again when it wakes from
 * S3: power management (without it the next S3 is none, and the machine cannot
 * be switched off) and the memory window of the configuration space. The kernel
 * has wanted that window by then to give ports their access control back, which
 * keeps the devices below them in groups of their own.
 */
static const struct {
	const char *config;
	off_t offset;
	size_t size;
} chipset[] = {
	{ "/sys/bus/pci/devices/0000:00:1f.0/config", 0x40, 5 },
	{ "/sys/bus/pci/devices/0000:00:00.0/config", 0x60, 8 },
	{ "/sys/bus/pci/devices/0000:00:0a.0/config", PORT_ACS_CONTROL, 2 },
	{ "/sys/bus/pci/devices/0000:00:0b.0/config", PORT_ACS_CONTROL, 2 },
	{ "/sys/bus/pci/devices/0000:00:0c.0/config", PORT_ACS_CONTROL, 2 },
	{ "/sys/bus/pci/devices/0000:00:0d.0/config", PORT_ACS_CONTROL, 2 },
};

#define CHIPSET_PARTS (sizeof(chipset) / sizeof(*chipset))

struct chipset_state {
	uint8_t bytes[CHIPSET_PARTS][8];
};

static void chipset_save(struct chipset_state *state)
{
	size_t i;
	int fd;

	for (i = 0; i < CHIPSET_PARTS; i++) {
		fd = (int)ASSERT_SYS(open(chipset[i].config, O_RDONLY));
		ASSERT_EQ(pread(fd, state->bytes[i], chipset[i].size,
				chipset[i].offset), chipset[i].size);
		close(fd);
	}
}

static void chipset_restore(const struct chipset_state *state)
{
	size_t i;
	int fd;

	for (i = 0; i < CHIPSET_PARTS; i++) {
		fd = (int)ASSERT_SYS(open(chipset[i].config, O_WRONLY));
		ASSERT_EQ(pwrite(fd, state->bytes[i], chipset[i].size,
				 chipset[i].offset), chipset[i].size);
		close(fd);
	}
}

static void choose_sleep(const char *kind)
{
	if (sysfs_write(SLEEP_FILE, kind))
		test_skip("the kernel offers no suspend of the kind %s", kind);
}

/* S3: to RAM, and devices lose their power. */
static void suspend(void)
{
	struct chipset_state state;

	/* What it checks is checked before processors are what they were. */
	if (!access("/sys/kernel/debug/kcsan", F_OK))
		test_skip("a kernel with KCSAN does not wake up from S3");
	choose_sleep("deep");
	/* Left by the other kind; some kernels know no keyboard. */
	sysfs_write(KEYBOARD, "disabled");
	chipset_save(&state);
	host_do("wake");
	ASSERT_OK(sysfs_write("/sys/power/state", "mem"));
	chipset_restore(&state);
}

/* The kernel puts devices to sleep itself, and idles until a key is pressed. */
static void suspend_to_idle(void)
{
	int err;

	choose_sleep("s2idle");
	if (sysfs_write(KEYBOARD, "enabled"))
		test_skip("the kernel has no keyboard to be woken by");
	host_do("press");
	/* Too early a key is a reason not to sleep. */
	do
		err = sysfs_write("/sys/power/state", "mem");
	while (err == -EBUSY);
	ASSERT_OK(err);
}

static const struct crowd_place ram_place = {
	.bar = RAM_BAR,
	.offset = SIZE_2M,
	.length = SIZE_2M,
	.ram = true,
};

static void suspend_keeps_all(void (*sleep)(void))
{
	struct barlease_device *dev = device_open(IVSHMEM);
	struct crowd crowd;
	uint32_t page;

	crowd_gather(&crowd, barlease_device_fd(dev), &ram_place);
	for (page = 1; page < SIZE_2M / PAGE; page++)
		ASSERT_WRITES(page_word(crowd.own[CROWD_RW], page), ~page);
	sleep();
	for (page = 1; page < SIZE_2M / PAGE; page++)
		ASSERT_READS(page_word(crowd.own[CROWD_RO], page), ~page);
	crowd_assert_works(&crowd);
	sleep();
	crowd_assert_works(&crowd);
}

CROWD_TEST(suspend_keeps_leases_and_what_is_in_them)
{
	suspend_keeps_all(suspend);
}

CROWD_TEST(suspend_to_idle_keeps_leases_and_what_is_in_them)
{
	suspend_keeps_all(suspend_to_idle);
}

static void suspend_while_all_work(void (*sleep)(void))
{
	struct barlease_device *dev = device_open(IVSHMEM);
	struct crowd crowd;
	int i;

	crowd_gather(&crowd, barlease_device_fd(dev), &ram_place);
	crowd_work_start(&crowd);
	for (i = 0; i < 3; i++) {
		sleep();
		crowd_work_assert_works(&crowd);
	}
	crowd_work_stop(&crowd);
	crowd_assert_works(&crowd);
}

CROWD_TEST(suspend_while_lessees_work_lets_them_go_on)
{
	suspend_while_all_work(suspend);
}

CROWD_TEST(suspend_to_idle_while_lessees_work_lets_them_go_on)
{
	suspend_while_all_work(suspend_to_idle);
}

/* The registers show that the device had lost its power. */
CROWD_TEST(suspend_of_a_device_that_forgets_leaves_its_leases_working)
{
	struct barlease_device *dev = device_open(NVME);
	struct crowd crowd;
	int i;

	crowd_gather(&crowd, barlease_device_fd(dev), &NVME_PLACE);
	for (i = 0; i < 2; i++) {
		nvme_enable(crowd.own[CROWD_RW]);
		suspend();
		ASSERT_READS(nvme_register(crowd.own[CROWD_RO], NVME_CSTS), 0);
		crowd_assert_works(&crowd);
	}
}

CROWD_TEST(suspend_does_not_give_back_what_was_away)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	struct barlease_device *nvme = device_open(NVME);
	struct crowd ram, registers;

	crowd_gather(&ram, barlease_device_fd(dev), &ram_place);
	crowd_gather(&registers, barlease_device_fd(nvme), &NVME_PLACE);
	ASSERT_OK(barlease_device_set_memory(dev, false));
	ASSERT_SYS(device_feature(nvme, VFIO_DEVICE_FEATURE_SET |
				  VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY, NULL,
				  0));
	suspend();
	crowd_assert_away(&ram);
	crowd_assert_away(&registers);
	ASSERT_OK(barlease_device_set_memory(dev, true));
	crowd_assert_works(&ram);
	ASSERT_SYS(device_feature(nvme, VFIO_DEVICE_FEATURE_SET |
				  VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, NULL,
				  0));
	crowd_assert_works(&registers);
}

CROWD_TEST(suspend_does_not_bring_back_a_revoked_lease)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	struct crowd crowd;
	int i;

	crowd_gather(&crowd, barlease_device_fd(dev), &ram_place);
	for (i = 0; i < CROWD_LEASES; i++)
		ASSERT_SYS(lease_revoke(dev, crowd.fd[i]));
	suspend();
	crowd_assert_away(&crowd);
}

/* The kernel wakes every function into D0, whatever its owner had put it to. */
CROWD_TEST(suspend_ends_d3hot)
{
	struct barlease_device *dev = device_open(NVME);
	struct crowd crowd;

	crowd_gather(&crowd, barlease_device_fd(dev), &NVME_PLACE);
	config_write16(dev, config_capability(dev, PCI_CAP_ID_PM) + PCI_PM_CTRL,
		       3);
	crowd_assert_away(&crowd);
	suspend();
	ASSERT_EQ(config_read16(dev, config_capability(dev, PCI_CAP_ID_PM) +
				     PCI_PM_CTRL) & PCI_PM_CTRL_STATE_MASK, 0);
	crowd_assert_works(&crowd);
}
