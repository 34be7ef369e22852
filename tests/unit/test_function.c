// SPDX-License-Identifier: MIT
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "function.h"
#include "function_table.h"

#define DIR "sys/bus/pci/devices/0000:00:04.0/"
#define UNUSED "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
#define EMPTY UNUSED UNUSED UNUSED UNUSED UNUSED UNUSED UNUSED

static void function_make(void **state, const char *class, const char *bars)
{
	tree_file(*state, DIR "vendor", "0x1af4\n");
	tree_file(*state, DIR "device", "0x1110\n");
	tree_file(*state, DIR "class", class);
	tree_file(*state, DIR "resource", bars);
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

static struct function function_of(void **state)
{
	struct machine machine = tree_machine(state);
	struct function function;

	assert_int_equal(function_read(&machine, "0000:00:04.0", &function), 0);
	return function;
}

/* BAR 0 of a function in group 7 that is bound to this driver. */
static void assert_answer(void **state, const char *bar, const char *driver,
			  const char *expected)
{
	struct function function;
	char lines[512];
	char answer[96];
	bool yes;

	snprintf(lines, sizeof(lines), "%s%s", bar, EMPTY);
	function_make(state, "0x050000\n", lines);
	function = function_of(state);
	strcpy(function.group, "7");
	strcpy(function.driver, driver);
	function.vfio = strstr(driver, "vfio");
	yes = lend_answer(&function, 0, answer, sizeof(answer));
	assert_string_equal(answer, expected);
	assert_int_equal(yes, !strcmp(expected, "yes"));
}

#define BAR_2M "0x00000000fe000000 0x00000000fe1fffff 0x0000000000040200\n"

static void ids_and_class_are_read(void **state)
{
	struct function function;

	function_make(state, "0x050000\n", EMPTY);
	function = function_of(state);
	assert_int_equal(function.vendor, 0x1af4);
	assert_int_equal(function.device, 0x1110);
	assert_int_equal(function.class, 0x050000);
	assert_string_equal(function.driver, "");
	assert_string_equal(function.group, "");
	assert_false(function.vfio);
}

static void driver_and_group_are_the_names_of_links(void **state)
{
	struct function function;

	function_make(state, "0x050000\n", EMPTY);
	tree_link(*state, DIR "driver", "../../drivers/barlease-vfio-pci");
	tree_link(*state, DIR "iommu_group", "../../../kernel/iommu_groups/7");
	tree_folder(*state, DIR "vfio-dev/vfio0");
	function = function_of(state);
	assert_string_equal(function.driver, "barlease-vfio-pci");
	assert_string_equal(function.group, "7");
	assert_true(function.vfio);
	assert_string_equal(function.vfio_file, "");

	tree_file(*state, DIR "vfio-dev/vfio0/dev", "511:0\n");
	assert_string_equal(function_of(state).vfio_file, "vfio0");
}

static void bars_have_size_and_kind(void **state)
{
	struct function function;

	function_make(state, "0x050000\n",
		      "0x00000000fea00000 0x00000000fea000ff "
		      "0x0000000000040200\n" UNUSED
		      "0x000000c000000000 0x000000c0003fffff "
		      "0x000000000014220c\n" UNUSED
		      "0x000000000000c000 0x000000000000c03f "
		      "0x0000000000040101\n" UNUSED UNUSED);
	function = function_of(state);
	assert_int_equal(function.bars[0].kind, BAR_MEM32);
	assert_int_equal(function.bars[0].size, 256);
	assert_false(function.bars[0].prefetchable);
	assert_int_equal(function.bars[1].kind, BAR_NONE);
	assert_int_equal(function.bars[2].kind, BAR_MEM64);
	assert_int_equal(function.bars[2].size, 4 << 20);
	assert_true(function.bars[2].prefetchable);
	assert_true(function.bars[2].assigned);
	assert_int_equal(function.bars[4].kind, BAR_IO);
	assert_int_equal(function.bars[4].size, 64);
}

static void resources_after_the_bars_are_none(void **state)
{
	struct function function;

	/* The seventh is the ROM. */
	function_make(state, "0x050000\n",
		      UNUSED UNUSED UNUSED UNUSED UNUSED UNUSED BAR_2M);
	function = function_of(state);
	for (unsigned int i = 0; i < BARLEASE_BARS; i++)
		assert_int_equal(function.bars[i].kind, BAR_NONE);
}

static void a_resource_file_that_makes_no_sense_has_no_bars(void **state)
{
	struct function function;

	function_make(state, "0x050000\n", "nonsense\n\n0x1 0x2\n");
	function = function_of(state);
	for (unsigned int i = 0; i < BARLEASE_BARS; i++)
		assert_int_equal(function.bars[i].kind, BAR_NONE);
}

static void a_resource_that_ends_before_it_begins_has_no_size(void **state)
{
	struct function function;

	function_make(state, "0x050000\n",
		      "0x00000000fe200000 0x00000000fe000000 "
		      "0x0000000000000200\n"
		      "0x0000000000000000 0xffffffffffffffff "
		      "0x0000000000000200\n");
	function = function_of(state);
	assert_int_equal(function.bars[0].size, 0);
	assert_int_equal(function.bars[1].size, 0);
}

static void a_function_that_is_not_there_is_enodev(void **state)
{
	struct machine machine = tree_machine(state);
	struct function function;

	assert_int_equal(function_read(&machine, "0000:00:05.0", &function),
			 -ENODEV);
}

static void a_class_that_is_no_number_is_einval(void **state)
{
	struct machine machine = tree_machine(state);
	struct function function;

	function_make(state, "0x05zz\n", EMPTY);
	assert_int_equal(function_read(&machine, "0000:00:04.0", &function),
			 -EINVAL);
}

static void functions_are_listed_in_order(void **state)
{
	static const char *const names[] = { "10000:00:00.0", "0000:01:00.0",
					     "0000:00:04.0" };
	struct machine machine = tree_machine(state);
	struct function *functions;
	char path[128];
	size_t count;

	function_make(state, "0x050000\n", EMPTY);
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "sys/bus/pci/devices/%s",
			 names[i]);
		tree_link(*state, path, "0000:00:04.0");
	}
	tree_link(*state, "sys/bus/pci/devices/nonsense", "0000:00:04.0");
	assert_int_equal(function_list(&machine, &functions, &count), 0);
	assert_int_equal(count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(functions[i].bdf, names[2 - i]);
	free(functions);
}

static void a_bar_of_our_driver_can_be_lent(void **state)
{
	assert_answer(state, BAR_2M, "barlease-vfio-pci", "yes");
}

static void a_bar_of_another_driver_is_to_be_bound_first(void **state)
{
	assert_answer(state, BAR_2M, "nvme",
		      "bind it first: barlease bind 0000:00:04.0");
	assert_answer(state, BAR_2M, "",
		      "bind it first: barlease bind 0000:00:04.0");
}

static void a_bar_of_another_vfio_driver_depends_on_it(void **state)
{
	assert_answer(state, BAR_2M, "vfio-pci", "only if vfio-pci can");
}

static void io_ports_cannot_be_lent(void **state)
{
	assert_answer(state,
		      "0x000000000000c000 0x000000000000cfff "
		      "0x0000000000000101\n",
		      "barlease-vfio-pci", "I/O ports");
}

static void less_than_a_page_cannot_be_lent(void **state)
{
	assert_answer(state,
		      "0x00000000fe000000 0x00000000fe0007ff "
		      "0x0000000000000200\n",
		      "barlease-vfio-pci", "smaller than a page");
}

static void what_has_no_address_cannot_be_lent(void **state)
{
	assert_answer(state,
		      "0x0000000000000000 0x00000000001fffff "
		      "0x0000000000000200\n",
		      "barlease-vfio-pci", "not assigned");
	assert_answer(state,
		      "0x00000000fe000000 0x00000000fe1fffff "
		      "0x0000000020000200\n",
		      "barlease-vfio-pci", "not assigned");
}

static void a_bridge_cannot_be_lent(void **state)
{
	struct function function;
	char answer[96];

	function_make(state, "0x060400\n", BAR_2M EMPTY);
	function = function_of(state);
	strcpy(function.group, "7");
	assert_false(lend_answer(&function, 0, answer, sizeof(answer)));
	assert_string_equal(answer, "a bridge");
}

static void without_an_iommu_group_nothing_can_be_lent(void **state)
{
	struct function function;
	char answer[96];

	function_make(state, "0x050000\n", BAR_2M EMPTY);
	function = function_of(state);
	assert_false(lend_answer(&function, 0, answer, sizeof(answer)));
	assert_string_equal(answer, "in no IOMMU group");
}

/* What the table or the JSON of one function looks like. */
static const char *printed(void **state, bool json)
{
	static char text[4096];
	int out = memfd_create("out", MFD_CLOEXEC);
	struct tables tables = { .json = json };
	struct function function;
	ssize_t length;
	int saved;

	function_make(state, "0x050000\n", UNUSED BAR_2M EMPTY);
	function = function_of(state);
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	dup2(out, STDOUT_FILENO);
	assert_int_equal(function_table_print(&function, 1, &tables), 0);
	tables_end(&tables);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	length = pread(out, text, sizeof(text) - 1, 0);
	assert_true(length > 0);
	text[length] = '\0';
	close(out);
	return text;
}

static void the_table_is_for_people(void **state)
{
	const char *text = printed(state, false);

	assert_contains(text, "CAN BE LENT");
	assert_contains(text, "0500 memory");
	assert_contains(text, " 2M mem32");
	assert_contains(text, "in no IOMMU group");
}

static void json_is_for_programs(void **state)
{
	const char *text = printed(state, true);

	assert_contains(text, "\"bars\": [");
	assert_contains(text, "\"bdf\": \"0000:00:04.0\"");
	assert_contains(text, "\"driver\": null");
	assert_contains(text, "\"iommu_group\": null");
	assert_contains(text, "\"vfio_file\": null");
	assert_contains(text, "\"bar\": 1,");
	assert_contains(text, "\"size\": 2097152,");
	assert_contains(text, "\"prefetchable\": false");
	assert_contains(text, "\"lendable\": false");
	assert_contains(text, "\"reason\": \"in no IOMMU group\"");
}

#define function_test(function) \
	cmocka_unit_test_setup_teardown(function, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		function_test(ids_and_class_are_read),
		function_test(driver_and_group_are_the_names_of_links),
		function_test(bars_have_size_and_kind),
		function_test(resources_after_the_bars_are_none),
		function_test(a_resource_file_that_makes_no_sense_has_no_bars),
		function_test(
			a_resource_that_ends_before_it_begins_has_no_size),
		function_test(a_function_that_is_not_there_is_enodev),
		function_test(a_class_that_is_no_number_is_einval),
		function_test(functions_are_listed_in_order),
		function_test(a_bar_of_our_driver_can_be_lent),
		function_test(a_bar_of_another_driver_is_to_be_bound_first),
		function_test(a_bar_of_another_vfio_driver_depends_on_it),
		function_test(io_ports_cannot_be_lent),
		function_test(less_than_a_page_cannot_be_lent),
		function_test(what_has_no_address_cannot_be_lent),
		function_test(a_bridge_cannot_be_lent),
		function_test(without_an_iommu_group_nothing_can_be_lent),
		function_test(the_table_is_for_people),
		function_test(json_is_for_programs),
	};

	return cmocka_run_group_tests_name("function", tests, NULL, NULL);
}
