// SPDX-License-Identifier: MIT
/* The module's parameters do what vfio-pci's of the same names do. */
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aftermath.h"
#include "bind.h"
#include "harness.h"
#include "irq.h"
#include "reload.h"

#define PARAMETER(name) "/sys/module/" MODULE_SYSFS_NAME "/parameters/" name
#define INTX VFIO_PCI_INTX_IRQ_INDEX

static bool has_driver(const char *bdf, const char *driver)
{
	char name[64];

	ASSERT_OK(device_driver(bdf, name, sizeof(name)));
	return !strcmp(name, driver);
}

/* Take it from its driver, and from any that it was meant for. */
static void set_free(const char *bdf)
{
	ASSERT_OK(device_unbind(bdf));
	ASSERT_OK(device_sysfs_write(bdf, "driver_override", "\n"));
}

TEST_LONG(parameter_ids_binds_functions_by_what_they_are, 90)
{
	const char *nic = device_bdf(NIC), *memory = device_bdf(IVSHMEM);
	const char *edu = device_bdf(EDU);

	set_free(nic);
	set_free(memory);
	set_free(edu);
	module_reload("ids=nonsense,8086:10d3,1af4:1110:1af4:1100,1234:11e8:1:1");
	ASSERT(has_driver(nic, DRIVER_NAME));
	ASSERT(has_driver(memory, DRIVER_NAME));
	/* That one has other subsystem ids. */
	ASSERT(has_driver(edu, ""));
	module_restore();
}

#define NEW_ID "/sys/bus/pci/drivers/" DRIVER_NAME "/new_id"
#define REMOVE_ID "/sys/bus/pci/drivers/" DRIVER_NAME "/remove_id"
#define BIND "/sys/bus/pci/drivers/" DRIVER_NAME "/bind"

TEST(dynamic_id_binds_functions_until_it_is_removed)
{
	const char *nic = device_bdf(NIC);

	set_free(nic);
	ASSERT_ERROR(sysfs_write(BIND, nic), ENODEV);
	ASSERT_OK(sysfs_write(NEW_ID, "8086 10d3"));
	ASSERT(has_driver(nic, DRIVER_NAME));
	ASSERT_ERROR(sysfs_write(NEW_ID, "8086 10d3"), EEXIST);

	ASSERT_OK(sysfs_write(REMOVE_ID, "8086 10d3"));
	ASSERT(has_driver(nic, DRIVER_NAME));
	ASSERT_ERROR(sysfs_write(REMOVE_ID, "8086 10d3"), ENODEV);
	set_free(nic);
	ASSERT_ERROR(sysfs_write(BIND, nic), ENODEV);
	ASSERT_OK(device_bind(nic));
}

TEST(dynamic_id_leaves_functions_that_are_meant_for_another_driver)
{
	const char *nic = device_bdf(NIC);

	set_free(nic);
	ASSERT_OK(device_sysfs_write(nic, "driver_override", "vfio-pci"));
	ASSERT_OK(sysfs_write(NEW_ID, "8086 10d3"));
	ASSERT(!has_driver(nic, DRIVER_NAME));
	ASSERT_OK(sysfs_write(REMOVE_ID, "8086 10d3"));
	ASSERT_OK(device_bind(nic));
}

/* INTx Disable in the command register, as the hardware has it. */
static bool intx_is_disabled(const char *bdf)
{
	uint16_t command;
	char path[100];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", bdf);
	fd = (int)ASSERT_SYS(open(path, O_RDONLY | O_CLOEXEC));
	ASSERT_EQ(pread(fd, &command, sizeof(command), PCI_COMMAND),
		  sizeof(command));
	close(fd);
	return command & PCI_COMMAND_INTX_DISABLE;
}

/* Masked by the device itself, or by the interrupt controller; it works. */
static void assert_masked_by_device(bool by_device)
{
	struct barlease_device *dev = device_open(EDU);
	const char *bdf = device_bdf(EDU);
	int event = event_make();

	ASSERT_SYS(irq_wire(dev, INTX, 0, event));
	ASSERT_EQ(intx_is_disabled(bdf), false);
	edu_raise(dev);
	event_expect(event, 1);
	ASSERT_EQ(intx_is_disabled(bdf), by_device);
	edu_acknowledge(dev);
	irq_act(dev, INTX, VFIO_IRQ_SET_ACTION_UNMASK);
	ASSERT_EQ(intx_is_disabled(bdf), false);
	edu_raise(dev);
	event_expect(event, 1);
	edu_acknowledge(dev);
	close(event);
	barlease_device_close(dev);
}

TEST_LONG(parameter_nointxmask_leaves_the_masking_to_the_interrupt_controller, 90)
{
	assert_masked_by_device(true);
	module_reload("nointxmask=1");
	ASSERT_OK(device_bind(device_bdf(EDU)));
	assert_masked_by_device(false);
	module_restore();
	assert_masked_by_device(true);
}

static bool power_is(const char *bdf, const char *expected)
{
	char path[100], state[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/power_state",
		 bdf);
	fd = (int)ASSERT_SYS(open(path, O_RDONLY | O_CLOEXEC));
	ASSERT_SYS(read(fd, state, sizeof(state) - 1));
	close(fd);
	return !strncmp(state, expected, strlen(expected));
}

static void assert_idles_in_d3(const char *bdf)
{
	long long end = now_ms() + patience_ms(5000);

	while (!power_is(bdf, "D3hot"))
		ASSERT_COMPARE(now_ms(), <, end);
	barlease_device_close(device_open(NVME));
	end = now_ms() + patience_ms(5000);
	while (!power_is(bdf, "D3hot"))
		ASSERT_COMPARE(now_ms(), <, end);
}

/* Time enough for the other case. */
static void assert_idles_in_d0(const char *bdf)
{
	barlease_device_close(device_open(NVME));
	sleep_ms(300);
	ASSERT(power_is(bdf, "D0"));
}

TEST_LONG(parameter_disable_idle_d3_keeps_unused_functions_in_d0, 90)
{
	const char *bdf = device_bdf(NVME);

	assert_idles_in_d3(bdf);
	module_reload("disable_idle_d3=1");
	ASSERT_OK(device_bind(bdf));
	assert_idles_in_d0(bdf);
	module_restore();
	assert_idles_in_d3(bdf);
}

TEST_LONG(parameters_can_be_changed_for_functions_bound_later, 90)
{
	const char *bdf = device_bdf(NVME);
	struct stat stock, ours;

	ASSERT_SYS(stat(PARAMETER("disable_idle_d3"), &ours));
	if (!(ours.st_mode & 0222))
		test_skip("the kernel keeps them in its core module");
	ASSERT_OK(module_load("vfio-pci"));
	ASSERT_SYS(stat("/sys/module/vfio_pci/parameters/disable_idle_d3",
			&stock));
	ASSERT_EQ(ours.st_mode, stock.st_mode);

	ASSERT_OK(sysfs_write(PARAMETER("disable_idle_d3"), "Y"));
	assert_idles_in_d3(bdf);
	ASSERT_OK(device_unbind(bdf));
	ASSERT_OK(device_bind(bdf));
	assert_idles_in_d0(bdf);
	ASSERT_OK(sysfs_write(PARAMETER("disable_idle_d3"), "N"));
	ASSERT_OK(device_unbind(bdf));
	ASSERT_OK(device_bind(bdf));
	assert_idles_in_d3(bdf);
}

TEST_LONG(parameters_are_those_of_vfio_pci, 90)
{
	static const char *const names[] = {
		"nointxmask", "disable_vga", "disable_idle_d3", "enable_sriov",
		"disable_denylist", "ids",
	};
	char stock[100], ours[100];
	size_t i;

	ASSERT_OK(module_load("vfio-pci"));
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(stock, sizeof(stock),
			 "/sys/module/vfio_pci/parameters/%s", names[i]);
		snprintf(ours, sizeof(ours), PARAMETER("%s"), names[i]);
		ASSERT_EQ(access(ours, F_OK), access(stock, F_OK));
	}
	ASSERT_EQ(access(PARAMETER("enable_sriov"), W_OK), 0);
}

/* A function on the list, as far as the kernel can tell. */
#define LISTED "8086 0435"
#define EDU_ID "1234 11e8"

static void edu_is(const char *identity)
{
	char text[100];

	if (module_load("barlease-test"))
		test_skip("no module barlease-test");
	snprintf(text, sizeof(text), "%s %s", device_bdf(EDU), identity);
	ASSERT_OK(sysfs_write("/sys/module/barlease_test/parameters/identity",
			      text));
}

TEST_LONG(parameter_disable_denylist_admits_functions_with_dangerous_errata, 90)
{
	const char *bdf = device_bdf(EDU);

	ASSERT_OK(module_load("vfio-pci"));
	ASSERT_OK(device_unbind(bdf));
	edu_is(LISTED);
	ASSERT_ERROR(device_bind_to(bdf, "vfio-pci"), ENODEV);
	ASSERT_ERROR(device_bind(bdf), ENODEV);
	module_reload("disable_denylist=1");
	ASSERT_OK(device_bind(bdf));
	ASSERT_OK(device_unbind(bdf));
	edu_is(EDU_ID);
	module_restore();
}
