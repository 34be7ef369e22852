// SPDX-License-Identifier: MIT
/* "bind --persist": the rule that it leaves, and what udev makes of it. */
#include "binding_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attribute.h"
#include "persistent.h"

#define RULES "etc/udev/rules.d"
#define RULE RULES "/75-barlease-" BDF ".rules"
#define NEW RULES "/.75-barlease-" BDF ".rules.new"
#define OVERRIDE DIR "driver_override"

/* Of the rules: what is in /run need not last. */
static int fsync_error; /* of the next one; 0: it works */
static unsigned int fsyncs;

/* The linker sends them here. */
int __wrap_fsync(int fd);

int __wrap_fsync(int fd)
{
	char name[32], path[PATH_MAX];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	path[readlink(name, path, sizeof(path) - 1)] = '\0';
	if (!strstr(path, RULES))
		return 0;
	fsyncs++;
	errno = fsync_error;
	return fsync_error ? -1 : 0;
}

static int rules_setup(void **state)
{
	if (binding_setup(state))
		return -1;
	fsync_error = 0;
	fsyncs = 0;
	tree_folder(binding_tree, "etc/udev");
	tree_file(binding_tree, "usr/bin/barlease", "");
	return chmod(test_machine.command, 0755);
}

static void rule_get(char *rule, size_t size)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" RULE, binding_tree->root);
	assert_int_equal(attribute_read(path, rule, size), 0);
}

static void assert_former(const char *driver, const char *override)
{
	struct former former;

	assert_int_equal(former_load(&test_machine, BDF, &former), 0);
	assert_string_equal(former.driver, driver);
	assert_string_equal(former.override, override);
}

/* What is gone at a boot: the driver, its override, and what is in /run. */
static void machine_reboot(void)
{
	kernel_fake_driver(NULL);
	tree_file(binding_tree, OVERRIDE, "(null)\n");
	if (tree_has(STATE))
		tree_remove(binding_tree, STATE);
}

/*
 * As udev does for a function that has come: it runs what the last RUN says,
 * split at spaces. The values that it compares are those of sysfs.
 */
static int rule_obey(void)
{
	char rule[4096], expected[512], *command, *words[8];
	size_t count = 0;

	rule_get(rule, sizeof(rule));
	snprintf(expected, sizeof(expected),
		 "\nACTION==\"add\", SUBSYSTEM==\"pci\", KERNEL==\"" BDF
		 "\", ATTR{vendor}==\"0x1af4\", ATTR{device}==\"0x1110\", "
		 "ATTR{class}==\"0x050000\", RUN{builtin}+=\"kmod load "
		 "barlease-vfio-pci\", RUN+=\"%s bind ",
		 test_machine.command);
	assert_contains(rule, expected);
	command = strstr(rule, "RUN+=\"") + strlen("RUN+=\"");
	*strchr(command, '"') = '\0';
	for (char *word = strtok(command, " "); word; word = strtok(NULL, " "))
		words[count++] = word;
	words[count] = NULL;
	assert_string_equal(words[1], "bind");
	return binding_run(&command_bind, (const char *const *)&words[2]);
}

static void a_binding_is_there_after_a_boot_and_can_be_undone(void **state)
{
	(void)state;
	assert_int_equal(RUN(command_bind, "--persist", BDF), STATUS_OK);
	assert_contains(said, "will be bound to barlease-vfio-pci at each boot");
	kernel_fake_assert_driver("barlease-vfio-pci");
	/* The file, and the folder that it is in. */
	assert_int_equal(fsyncs, 2);
	machine_reboot();
	assert_int_equal(rule_obey(), STATUS_OK);
	kernel_fake_assert_driver("barlease-vfio-pci");
	assert_former("nvme", "");
	assert_int_equal(RUN(command_unbind, "--persist", BDF), STATUS_OK);
	kernel_fake_assert_driver("nvme");
	assert_false(tree_has(RULE));
	assert_false(tree_has(STATE));
}

static void a_boot_writes_no_rule(void **state)
{
	char before[4096], after[4096];

	(void)state;
	assert_int_equal(RUN(command_bind, "--persist", BDF), STATUS_OK);
	rule_get(before, sizeof(before));
	machine_reboot();
	/* Another driver has it, as the one of an initramfs may. */
	driver_make("ahci");
	kernel_fake_driver("ahci");
	fsyncs = 0;
	assert_int_equal(rule_obey(), STATUS_OK);
	kernel_fake_assert_driver("barlease-vfio-pci");
	assert_former("ahci", "");
	rule_get(after, sizeof(after));
	assert_string_equal(after, before);
	assert_int_equal(fsyncs, 0);
}

static void a_binding_of_today_can_be_made_to_last(void **state)
{
	(void)state;
	assert_int_equal(RUN(command_bind, BDF), STATUS_OK);
	assert_false(tree_has(RULE));
	assert_int_equal(RUN(command_bind, "--persist", BDF), STATUS_OK);
	assert_contains(said, "is bound to barlease-vfio-pci already");
	assert_true(tree_has(RULE));
	machine_reboot();
	assert_int_equal(rule_obey(), STATUS_OK);
	assert_former("nvme", "");
	/* And once more, which changes nothing. */
	fsyncs = 0;
	assert_int_equal(RUN(command_bind, "--persist", BDF), STATUS_OK);
	assert_int_equal(fsyncs, 0);
}

static void what_was_before_is_not_guessed(void **state)
{
	(void)state;
	assert_int_equal(RUN(command_bind, BDF), STATUS_OK);
	tree_remove(binding_tree, STATE);
	assert_int_equal(RUN(command_bind, "--persist", BDF), STATUS_OK);
	machine_reboot();
	assert_int_equal(rule_obey(), STATUS_OK);
	assert_false(tree_has(STATE));
}

static void another_driver_is_in_the_rule_when_it_was_asked_for(void **state)
{
	char rule[4096];

	(void)state;
	driver_make("vfio-pci");
	assert_int_equal(RUN(command_bind, "--persist", BDF), STATUS_OK);
	assert_int_equal(RUN(command_bind, "--persist", "--driver", "vfio-pci",
			     BDF),
			 STATUS_OK);
	rule_get(rule, sizeof(rule));
	assert_contains(rule, "# driver=vfio-pci\n# former driver=nvme\n");
	assert_contains(rule, "--driver vfio-pci " BDF "\"");
}

static void unbinding_for_now_tells_of_the_next_boot(void **state)
{
	(void)state;
	RUN(command_bind, "--persist", BDF);
	assert_int_equal(RUN(command_unbind, BDF), STATUS_OK);
	assert_contains(said, "again at the next boot");
	assert_true(tree_has(RULE));
	kernel_fake_assert_driver("nvme");
	/* Then the rule is all there is to undo. */
	assert_int_equal(RUN(command_unbind, "--persist", BDF), STATUS_OK);
	assert_false(tree_has(RULE));
	kernel_fake_assert_driver("nvme");
	/* And then there is nothing, which is what was wanted. */
	assert_int_equal(RUN(command_unbind, "--persist", BDF), STATUS_OK);
	assert_contains(said, BDF " is not bound at a boot");
	assert_int_equal(RUN(command_unbind, BDF), STATUS_FAILED);
}

static void the_rule_of_a_function_that_is_gone_can_be_removed(void **state)
{
	(void)state;
	RUN(command_bind, "--persist", BDF);
	rename(test_machine.sysfs, test_machine.dev);
	assert_int_equal(RUN(command_unbind, "--persist", BDF), STATUS_OK);
	assert_false(tree_has(RULE));
	assert_int_equal(RUN(command_unbind, "--persist", BDF), STATUS_USAGE);
	rename(test_machine.dev, test_machine.sysfs);
}

static void a_file_of_somebody_else_is_left_alone(void **state)
{
	static const char *const files[] = {
		"",
		"ACTION==\"add\", RUN+=\"/bin/true\"\n",
		"# Written by \"barlease bind --persist\"; \"barlease unbind "
		"--persist\" removes it.\n# driver=../x\nACTION\n",
		"# Changed by \"barlease bind --persist\"; \"barlease unbind "
		"--persist\" removes it.\n# driver=vfio-pci\nACTION\n",
		"# Written by \"barlease bind --persist\"; \"barlease unbind "
		"--persist\" removes it.\n# driver=\nACTION\n",
		"# Written by \"barlease bind --persist\"; \"barlease unbind "
		"--persist\" removes it.\n# driver=vfio-pci\n# former "
		"driver=nvme\nACTION\n",
	};

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		tree_file(binding_tree, RULE, files[i]);
		assert_int_equal(RUN(command_bind, "--persist", BDF),
				 STATUS_FAILED);
		assert_contains(said, "barlease has not written it");
		assert_contains(said, "nothing was changed");
		kernel_fake_assert_driver("nvme");
		assert_int_equal(RUN(command_unbind, "--persist", BDF),
				 STATUS_FAILED);
		assert_contains(said, "barlease has not written");
		tree_assert_content(binding_tree, RULE, files[i]);
	}
}

static void names_that_would_be_more_than_a_name_are_refused(void **state)
{
	static const char *const drivers[] = {
		"a\", RUN+=\"/bin/sh", "a b", "a\nb", "../x", "$kernel", "%k",
		"",
	};
	static const char *const addresses[] = {
		"0000:00:04.0\"", "../../passwd", "0000:00:04.0\n", "*",
		"0000:00:04.0/..",
	};

	(void)state;
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(RUN(command_bind, "--persist", "--driver",
				     drivers[i], BDF),
				 STATUS_USAGE);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(RUN(command_bind, "--persist", addresses[i]),
				 STATUS_USAGE);
		assert_int_equal(RUN(command_unbind, "--persist",
				     addresses[i]),
				 STATUS_USAGE);
	}
	assert_false(tree_has(RULES));
	kernel_fake_assert_driver("nvme");
}

static void what_could_not_be_run_at_a_boot_is_not_promised(void **state)
{
	static const char *const commands[] = { "/nowhere/barlease",
						"/a b/barlease", "barlease",
						"/%k/barlease" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		test_machine.command = commands[i];
		assert_int_equal(RUN(command_bind, "--persist", BDF),
				 STATUS_FAILED);
		assert_contains(said, i ? "no rule of udev can name it"
				       : "it is not installed");
		assert_contains(said, "nothing was changed");
	}
	test_machine = kernel_fake_machine();
	tree_remove(binding_tree, "etc/udev");
	assert_int_equal(RUN(command_bind, "--persist", BDF), STATUS_FAILED);
	assert_contains(said, "there is no /etc/udev");
	kernel_fake_assert_driver("nvme");
	assert_false(tree_has("etc/udev"));
}

static void a_rule_that_cannot_be_written_leaves_none(void **state)
{
	(void)state;
	fsync_error = EIO;
	assert_int_equal(RUN(command_bind, "--persist", BDF), STATUS_FAILED);
	assert_contains(said, "will not be bound to barlease-vfio-pci after "
			      "the next boot: cannot write");
	assert_contains(said, "Input/output error");
	assert_false(tree_has(RULE));
	assert_false(tree_has(NEW));
	/* That it is bound now is as it was asked for. */
	kernel_fake_assert_driver("barlease-vfio-pci");
	fsync_error = 0;
	/* What a killed one has left is in nobody's way. */
	tree_file(binding_tree, NEW, "half of a ru");
	assert_int_equal(RUN(command_bind, "--persist", BDF), STATUS_OK);
	assert_true(tree_has(RULE));
	assert_false(tree_has(NEW));
}

static void a_binding_that_failed_does_not_last(void **state)
{
	(void)state;
	kernel_fake.refused_driver = "barlease-vfio-pci";
	assert_int_equal(RUN(command_bind, "--persist", BDF), STATUS_FAILED);
	kernel_fake_assert_driver("nvme");
	assert_false(tree_has(RULE));
}

static void names_of_rules_are_whole_addresses(void **state)
{
	char bdf[BARLEASE_BDF_MAX];

	(void)state;
	assert_true(persistent_bdf("75-barlease-" BDF ".rules", bdf));
	assert_string_equal(bdf, BDF);
	assert_false(persistent_bdf("75-barlease-" BDF ".rules~", bdf));
	assert_false(persistent_bdf("75-barlease-.rules", bdf));
	assert_false(persistent_bdf("75-barlease.rules", bdf));
	assert_false(persistent_bdf("75-barlease-04.0.rules", bdf));
	assert_false(persistent_bdf("75-barlease-00:04.0.rules", bdf));
	assert_false(persistent_bdf(".75-barlease-" BDF ".rules", bdf));
	assert_false(persistent_bdf("75-barlease-" BDF BDF ".rules", bdf));
}

#define rule_test(function) \
	cmocka_unit_test_setup_teardown(function, rules_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		rule_test(a_binding_is_there_after_a_boot_and_can_be_undone),
		rule_test(a_boot_writes_no_rule),
		rule_test(a_binding_of_today_can_be_made_to_last),
		rule_test(what_was_before_is_not_guessed),
		rule_test(another_driver_is_in_the_rule_when_it_was_asked_for),
		rule_test(unbinding_for_now_tells_of_the_next_boot),
		rule_test(the_rule_of_a_function_that_is_gone_can_be_removed),
		rule_test(a_file_of_somebody_else_is_left_alone),
		rule_test(names_that_would_be_more_than_a_name_are_refused),
		rule_test(what_could_not_be_run_at_a_boot_is_not_promised),
		rule_test(a_rule_that_cannot_be_written_leaves_none),
		rule_test(a_binding_that_failed_does_not_last),
		cmocka_unit_test(names_of_rules_are_whole_addresses),
	};

	return cmocka_run_group_tests_name("persistent", tests, NULL, NULL);
}
