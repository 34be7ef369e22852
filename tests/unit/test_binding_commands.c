// SPDX-License-Identifier: MIT
/* "bind" and "unbind" as a whole, as root, with a kernel that the test plays. */
#include "binding_run.h"

static void bind_and_unbind_are_inverse(void **state)
{
	(void)state;
	assert_int_equal(RUN(command_bind, BDF), STATUS_OK);
	kernel_fake_assert_driver("barlease-vfio-pci");
	assert_true(tree_has(STATE));
	assert_int_equal(RUN(command_unbind, BDF), STATUS_OK);
	kernel_fake_assert_driver("nvme");
	assert_false(tree_has(STATE));
}

static void a_driver_that_is_not_vfios_is_undone_and_named(void **state)
{
	(void)state;
	driver_make("e1000e");
	assert_int_equal(RUN(command_bind, "--driver", "e1000e", BDF),
			 STATUS_FAILED);
	assert_contains(said, "e1000e is not a VFIO driver");
	assert_contains(said, "was put back to nvme");
	kernel_fake_assert_driver("nvme");
	assert_false(tree_has(STATE));
}

static void the_driver_it_has_must_be_vfios_too(void **state)
{
	(void)state;
	assert_int_equal(RUN(command_bind, "--driver", "nvme", BDF),
			 STATUS_FAILED);
	assert_contains(said, "not a VFIO driver");
}

static void without_the_module_it_says_how_to_install_it(void **state)
{
	(void)state;
	tree_remove(binding_tree, "sys/bus/pci/drivers/barlease-vfio-pci");
	assert_int_equal(RUN(command_bind, BDF), STATUS_FAILED);
	assert_contains(said, "sudo make -C kmod modules_install && "
			      "sudo depmod");
	assert_contains(said, "bind again");
	assert_int_equal(kernel_fake.writes, 0);
}

static void a_failed_bind_that_stays_undone_can_be_undone(void **state)
{
	(void)state;
	kernel_fake.refused_driver = "barlease-vfio-pci";
	kernel_fake.failing_file = "/nvme/bind";
	assert_int_equal(RUN(command_bind, BDF), STATUS_FAILED);
	assert_contains(said, "could not be put back to nvme");
	assert_contains(said, "barlease unbind " BDF);
	kernel_fake_assert_driver("");
	kernel_fake.failing_file = NULL;
	assert_int_equal(RUN(command_unbind, BDF), STATUS_OK);
	kernel_fake_assert_driver("nvme");
}

static void a_failed_unbind_can_be_done_again(void **state)
{
	(void)state;
	assert_int_equal(RUN(command_bind, BDF), STATUS_OK);
	kernel_fake.failing_file = "/nvme/bind";
	assert_int_equal(RUN(command_unbind, BDF), STATUS_FAILED);
	assert_contains(said, "try again: barlease unbind " BDF);
	kernel_fake_assert_driver("");
	kernel_fake.failing_file = NULL;
	assert_int_equal(RUN(command_unbind, BDF), STATUS_OK);
	kernel_fake_assert_driver("nvme");
	assert_false(tree_has(STATE));
}

static void the_former_driver_is_loaded_before_unbinding(void **state)
{
	(void)state;
	assert_int_equal(RUN(command_bind, BDF), STATUS_OK);
	tree_remove(binding_tree, "sys/bus/pci/drivers/nvme");
	assert_int_equal(RUN(command_unbind, BDF), STATUS_FAILED);
	assert_contains(said, "nothing was changed");
	assert_contains(said, "nvme");
	kernel_fake_assert_driver("barlease-vfio-pci");
	loadable_driver = "nvme";
	assert_int_equal(RUN(command_unbind, BDF), STATUS_OK);
	kernel_fake_assert_driver("nvme");
}

static void what_nobody_bound_is_not_undone(void **state)
{
	(void)state;
	assert_int_equal(RUN(command_unbind, BDF), STATUS_FAILED);
	assert_contains(said, "nothing to undo");
	kernel_fake_driver(NULL);
	assert_int_equal(RUN(command_unbind, BDF), STATUS_FAILED);
	assert_contains(said, "nothing to undo");
	assert_int_equal(kernel_fake.writes, 0);
}

#define commands_test(function) \
	cmocka_unit_test_setup_teardown(function, binding_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		commands_test(bind_and_unbind_are_inverse),
		commands_test(a_driver_that_is_not_vfios_is_undone_and_named),
		commands_test(the_driver_it_has_must_be_vfios_too),
		commands_test(without_the_module_it_says_how_to_install_it),
		commands_test(a_failed_bind_that_stays_undone_can_be_undone),
		commands_test(a_failed_unbind_can_be_done_again),
		commands_test(the_former_driver_is_loaded_before_unbinding),
		commands_test(what_nobody_bound_is_not_undone),
	};

	return cmocka_run_group_tests_name("binding commands", tests, NULL,
					   NULL);
}
