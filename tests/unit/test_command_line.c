// SPDX-License-Identifier: MIT
/* Bad command lines: a clear error, exit status 2, nothing changed. */
#include "support.h"

#include <ftw.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* An address that the machine does not have. */
#define NOBODY "fffe:ff:1f.7"

#define COMMAND(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* The one function of the machine, which nothing here may change. */
#define SOMEBODY "0000:00:04.0"
#define DIR "sys/bus/pci/devices/" SOMEBODY "/"

static struct tree *tree;
static FILE *snapshot_file;

static int machine_setup(void **state)
{
	void *made;

	(void)state;
	if (tree_setup(&made))
		return -1;
	tree = made;
	tree_file(tree, DIR "driver_override", "(null)\n");
	tree_file(tree, DIR "vendor", "0x1af4\n");
	tree_file(tree, DIR "device", "0x1110\n");
	tree_file(tree, DIR "class", "0x050000\n");
	tree_file(tree, DIR "resource", "");
	tree_link(tree, DIR "driver", "../../drivers/nvme");
	tree_link(tree, DIR "iommu_group", "../../../kernel/iommu_groups/7");
	tree_folder(tree, "sys/kernel/iommu_groups/7/devices/" SOMEBODY);
	tree_file(tree, "sys/bus/pci/drivers/nvme/unbind", "");
	tree_file(tree, "sys/bus/pci/drivers/nvme/bind", "");
	tree_file(tree, "sys/bus/pci/drivers/barlease-vfio-pci/bind", "");
	tree_file(tree, "sys/bus/pci/drivers_probe", "");
	tree_file(tree, "proc/self/mountinfo", "");
	setenv("BARLEASE_TEST_ROOT", tree->root, 1);
	setenv("BARLEASE_COMMAND", getenv("BARLEASE_IN_TREE"), 1);
	return 0;
}

static int machine_teardown(void **state)
{
	void *made = tree;

	(void)state;
	return tree_teardown(&made);
}

static int entry_print(const char *path, const struct stat *status, int type,
		       struct FTW *walk)
{
	char text[256] = "";
	FILE *file;

	(void)status;
	(void)walk;
	if (type == FTW_SL && readlink(path, text, sizeof(text) - 1) < 0)
		return -1;
	if (type == FTW_F) {
		file = fopen(path, "re");
		if (!file)
			return -1;
		text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
		fclose(file);
	}
	fprintf(snapshot_file, "%s: %s\n", path, text);
	return 0;
}

/* All that is in the machine, as a text that the caller frees. */
static char *machine_snapshot(void)
{
	char *text = NULL;
	size_t size;

	snapshot_file = open_memstream(&text, &size);
	assert_non_null(snapshot_file);
	assert_int_equal(nftw(tree->root, entry_print, 16, FTW_PHYS), 0);
	fclose(snapshot_file);
	return text;
}

/* It fails so, says so, and leaves no trace. */
static void assert_bad(const char *const *argv, const char *why)
{
	char *before = machine_snapshot();
	struct outcome outcome;
	char *after;

	barlease_run(&outcome, argv, -1, NULL);
	assert_exit(&outcome, 2);
	assert_string_equal(outcome.out, "");
	assert_int_equal(strncmp(outcome.err, "barlease: ", 10), 0);
	assert_contains(outcome.err, why);
	after = machine_snapshot();
	assert_string_equal(after, before);
	free(before);
	free(after);
}

/* What shows traces shows them: a bind that fails half way leaves some. */
static void a_trace_is_seen(void **state)
{
	char *before = machine_snapshot();
	struct outcome outcome;
	char *after;

	(void)state;
	if (geteuid())
		skip();
	barlease_run(&outcome, COMMAND("bind", SOMEBODY), -1, NULL);
	assert_exit(&outcome, 1);
	after = machine_snapshot();
	assert_string_not_equal(after, before);
	free(before);
	free(after);
}

static void assert_helps(const char *const *argv, const char *part)
{
	struct outcome outcome;

	barlease_run(&outcome, argv, -1, NULL);
	assert_exit(&outcome, 0);
	assert_string_equal(outcome.err, "");
	assert_contains(outcome.out, part);
}

static void no_command_explains_the_commands(void **state)
{
	struct outcome outcome;

	(void)state;
	barlease_run(&outcome, (const char *const[]){ NULL }, -1, NULL);
	assert_exit(&outcome, 2);
	assert_contains(outcome.err, "usage: barlease COMMAND");
}

static void an_unknown_command_is_named(void **state)
{
	(void)state;
	assert_bad(COMMAND("lend"), "no such command: lend");
	assert_bad(COMMAND("--nonsense"), "no such command: --nonsense");
}

static void control_characters_are_shown_and_not_obeyed(void **state)
{
	(void)state;
	assert_bad(COMMAND("a\033[2Jb\n"), "no such command: a\\x1b[2Jb\\x0a;");
	assert_bad(COMMAND("bind", "\t\177"), "'\\x09\\x7f'");
	assert_bad(COMMAND("bind", "\303\244"), "'\303\244'");
}

static void help_and_version_are_answers(void **state)
{
	(void)state;
	assert_helps(COMMAND("--help"), "usage: barlease COMMAND");
	assert_helps(COMMAND("--version"), "barlease 0.1.0\n");
}

static void an_answer_that_cannot_be_written_is_a_failure(void **state)
{
	struct outcome outcome;

	(void)state;
	program_run(&outcome,
		    COMMAND("/bin/sh", "-c",
			    "exec \"$BARLEASE_COMMAND\" list >/dev/full"),
		    -1, NULL);
	assert_exit(&outcome, 1);
	assert_contains(outcome.err, "No space left");
}

static void assert_shell(const char *script, const char *why)
{
	struct outcome outcome;

	program_run(&outcome, COMMAND("/bin/sh", "-c", script), -1, NULL);
	assert_exit(&outcome, 1);
	assert_contains(outcome.err, why);
}

static void a_closed_standard_stream_is_a_failure(void **state)
{
	(void)state;
	assert_shell("exec \"$BARLEASE_COMMAND\" --version >&-",
		     "standard output: Bad file descriptor");
	assert_shell("exec \"$BARLEASE_COMMAND\" list --help >&- <&-",
		     "standard output: Bad file descriptor");
}

static void every_command_has_help_with_examples(void **state)
{
	static const char *const names[] = {
		"list", "bind", "unbind", "run",  "reset",
		"peek", "poke", "load",	  "save", "fill",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_helps(COMMAND(names[i], "--help"), "usage: barlease ");
		assert_helps(COMMAND(names[i], "--help"), "Example");
	}
}

static void an_unknown_option_is_named(void **state)
{
	(void)state;
	assert_bad(COMMAND("list", "--nonsense"), "no such option: --nonsense");
	assert_bad(COMMAND("bind", "--nonsense", SOMEBODY), "--nonsense");
	assert_bad(COMMAND("unbind", "-x", SOMEBODY), "no such option: -x");
	assert_bad(COMMAND("run", "--nonsense"), "--nonsense");
	assert_bad(COMMAND("peek", "-w"), "no such option: -w");
}

static void an_option_without_its_value_is_named(void **state)
{
	(void)state;
	assert_bad(COMMAND("bind", "--driver"), "--driver needs a value");
	assert_bad(COMMAND("run", "--user"), "--user needs a value");
	assert_bad(COMMAND("peek", "--width"), "--width needs a value");
}

static void a_value_that_an_option_does_not_take_is_named(void **state)
{
	(void)state;
	assert_bad(COMMAND("bind", "--force=1", SOMEBODY),
		   "--force takes no value");
	assert_bad(COMMAND("list", "--help=bind"), "--help takes no value");
	assert_bad(COMMAND("bind", "--driver=x", "-xf", SOMEBODY),
		   "no such option: -x");
}

static void a_bad_address_is_named(void **state)
{
	static const char *const names[] = { "list", "bind", "unbind",
					     "reset" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_bad(COMMAND(names[i], "0000:00:99.0"), "'0000:00:99.0'");
		assert_bad(COMMAND(names[i], "../x"), "'../x'");
		assert_bad(COMMAND(names[i], ""), "''");
	}
}

static void a_function_that_is_not_there_is_named(void **state)
{
	static const char *const names[] = { "list", "bind", "unbind",
					     "reset" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_bad(COMMAND(names[i], NOBODY),
			   "no PCI function " NOBODY);
	assert_bad(COMMAND("run", NOBODY ":2[0+4K]", "true"),
		   "no PCI function " NOBODY);
}

static void too_few_or_too_many_arguments_are_refused(void **state)
{
	(void)state;
	assert_bad(COMMAND("bind"), "exactly one PCI address");
	assert_bad(COMMAND("bind", SOMEBODY, NOBODY),
		   "exactly one PCI address");
	assert_bad(COMMAND("unbind"), "exactly one PCI address");
	assert_bad(COMMAND("reset"), "exactly one PCI address");
	assert_bad(COMMAND("list", NOBODY, NOBODY), "too many");
	assert_bad(COMMAND("peek"), "offset");
	assert_bad(COMMAND("poke", "0"), "offset and a value");
	assert_bad(COMMAND("load"), "one file");
	assert_bad(COMMAND("save", "a", "b"), "one file");
	assert_bad(COMMAND("fill"), "one value");
	assert_bad(COMMAND("fill", "0", "1"), "one value");
}

static void a_bad_vf_token_is_named(void **state)
{
	(void)state;
	assert_bad(COMMAND("reset", "--vf-token", "secret", SOMEBODY),
		   "'secret' is not a VF token");
	assert_bad(COMMAND("run", "--vf-token", "1234", NOBODY ":2[0+4K]",
			   "true"), "'1234' is not a VF token");
}

static void a_bad_way_to_open_is_named(void **state)
{
	(void)state;
	assert_bad(COMMAND("reset", "--open", "any", SOMEBODY),
		   "'any' is no way to open a function");
	assert_bad(COMMAND("run", "--open", "Group", NOBODY ":2[0+4K]", "true"),
		   "there are iommufd and group");
}

static void a_bad_driver_name_is_named(void **state)
{
	(void)state;
	assert_bad(COMMAND("bind", "--driver", "../x", SOMEBODY), "'../x'");
	assert_bad(COMMAND("bind", "--driver", "", SOMEBODY), "''");
	assert_bad(COMMAND("bind", "--driver=-r", SOMEBODY), "'-r'");
}

static void a_bad_slice_is_named_with_the_reason(void **state)
{
	(void)state;
	assert_bad(COMMAND("run", NOBODY, "true"), "PCI address and a BAR");
	assert_bad(COMMAND("run", NOBODY ":6", "true"), "0 to 5");
	assert_bad(COMMAND("run", NOBODY ":2[0+0]", "true"), "length 0");
	assert_bad(COMMAND("run", NOBODY ":2[0x1+]", "true"),
		   "'" NOBODY ":2[0x1+]'");
}

static void run_needs_a_slice_and_a_command(void **state)
{
	(void)state;
	assert_bad(COMMAND("run"), "a slice and a command");
	assert_bad(COMMAND("run", NOBODY ":2"), "a command is needed");
	assert_bad(COMMAND("run", NOBODY ":2", "--"), "a command is needed");
	assert_bad(COMMAND("run", NOBODY ":2", "--user", "nobody"),
		   "a command is needed");
}

static void a_user_that_is_not_there_is_named(void **state)
{
	(void)state;
	assert_bad(COMMAND("run", "--user", "no-such-user", NOBODY ":2",
			   "true"),
		   "no user 'no-such-user'");
	assert_bad(COMMAND("run", NOBODY ":2", "--user", "-1", "true"),
		   "no user '-1'");
}

/* Its group could be anybody's. */
static void a_number_without_a_name_is_no_user(void **state)
{
	char number[16];
	unsigned int uid = 54321;

	(void)state;
	while (getpwuid(uid))
		uid++;
	snprintf(number, sizeof(number), "%u", uid);
	assert_bad(COMMAND("run", "--user", number, NOBODY ":2", "true"),
		   number);
}

static void a_users_number_is_plain_decimal(void **state)
{
	static const char *const texts[] = { "0x0",	  "0K", "0 ",
					     " 0",	  "+0", "4294967296",
					     "4294967295" };

	(void)state;
	assert_bad(COMMAND("run", "--user", "0", NOBODY ":2", "true"),
		   "no PCI function");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_bad(COMMAND("run", "--user", texts[i], NOBODY ":2",
				   "true"),
			   "no user '");
}

static void options_of_the_command_are_not_runs(void **state)
{
	(void)state;
	assert_bad(COMMAND("run", NOBODY ":2", "true", "--nonsense"),
		   "no PCI function");
	assert_bad(COMMAND("run", NOBODY ":2", "--", "--nonsense"),
		   "no PCI function");
}

static void an_access_without_a_lease_says_how_to_get_one(void **state)
{
	(void)state;
	unsetenv("BARLEASE_0");
	assert_bad(COMMAND("peek", "0"), "barlease run");
	assert_bad(COMMAND("poke", "0", "0"), "barlease run");
	assert_bad(COMMAND("load", "/dev/null"), "barlease run");
	assert_bad(COMMAND("save", "-"), "barlease run");
	assert_bad(COMMAND("fill", "0"), "barlease run");
}

static void a_bad_fd_is_named(void **state)
{
	(void)state;
	assert_bad(COMMAND("peek", "--fd", "x", "0"), "'x'");
	assert_bad(COMMAND("peek", "--fd", "-1", "0"), "'-1'");
	assert_bad(COMMAND("peek", "--fd", "99999999999", "0"), "99999999999");
	assert_bad(COMMAND("peek", "--fd", "77", "0"), "77 is not open");
}

static void a_bad_number_is_named(void **state)
{
	(void)state;
	assert_bad(COMMAND("peek", "0x"), "'0x'");
	assert_bad(COMMAND("peek", "--", "-4"), "'-4'");
	assert_bad(COMMAND("peek", "16777216T"), "64 bits");
	assert_bad(COMMAND("peek", "--width", "24", "0"), "24");
	assert_bad(COMMAND("peek", "--count", "0", "0"), "count of 0");
	assert_bad(COMMAND("peek", "--count", "0x7fffffffffffffff", "0"),
		   "count");
	assert_bad(COMMAND("poke", "0", "ten"), "'ten'");
	assert_bad(COMMAND("save", "--length", "0", "-"), "length of 0");
	assert_bad(COMMAND("fill", "--length", "0", "1"), "length of 0");
	assert_bad(COMMAND("fill", "--length", "4X", "1"), "'4X'");
}

static void an_offset_that_is_not_aligned_is_refused(void **state)
{
	(void)state;
	assert_bad(COMMAND("peek", "2"), "peek: an access of 32 bits");
	assert_bad(COMMAND("peek", "2"), "not aligned");
	assert_bad(COMMAND("peek", "--width", "64", "4"), "multiple of 8");
	assert_bad(COMMAND("poke", "--width", "16", "1", "0"), "not aligned");
	assert_bad(COMMAND("fill", "--offset", "4", "--width", "64", "0"),
		   "not aligned");
}

static void a_value_that_does_not_fit_is_refused(void **state)
{
	(void)state;
	assert_bad(COMMAND("poke", "--width", "8", "0", "256"), "256");
	assert_bad(COMMAND("poke", "0", "0x100000000"), "32 bits");
	assert_bad(COMMAND("fill", "256", "--width", "8"), "256");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_command_explains_the_commands),
		cmocka_unit_test(an_unknown_command_is_named),
		cmocka_unit_test(control_characters_are_shown_and_not_obeyed),
		cmocka_unit_test(help_and_version_are_answers),
		cmocka_unit_test(an_answer_that_cannot_be_written_is_a_failure),
		cmocka_unit_test(a_closed_standard_stream_is_a_failure),
		cmocka_unit_test(every_command_has_help_with_examples),
		cmocka_unit_test(an_unknown_option_is_named),
		cmocka_unit_test(an_option_without_its_value_is_named),
		cmocka_unit_test(a_value_that_an_option_does_not_take_is_named),
		cmocka_unit_test(a_bad_address_is_named),
		cmocka_unit_test(a_function_that_is_not_there_is_named),
		cmocka_unit_test(too_few_or_too_many_arguments_are_refused),
		cmocka_unit_test(a_bad_vf_token_is_named),
		cmocka_unit_test(a_bad_way_to_open_is_named),
		cmocka_unit_test(a_bad_driver_name_is_named),
		cmocka_unit_test(a_bad_slice_is_named_with_the_reason),
		cmocka_unit_test(run_needs_a_slice_and_a_command),
		cmocka_unit_test(a_user_that_is_not_there_is_named),
		cmocka_unit_test(a_number_without_a_name_is_no_user),
		cmocka_unit_test(a_users_number_is_plain_decimal),
		cmocka_unit_test(options_of_the_command_are_not_runs),
		cmocka_unit_test(an_access_without_a_lease_says_how_to_get_one),
		cmocka_unit_test(a_bad_fd_is_named),
		cmocka_unit_test(a_bad_number_is_named),
		cmocka_unit_test(an_offset_that_is_not_aligned_is_refused),
		cmocka_unit_test(a_value_that_does_not_fit_is_refused),
		/* The last one: the machine is not the same after it. */
		cmocka_unit_test(a_trace_is_seen),
	};

	return cmocka_run_group_tests_name("command line", tests, machine_setup,
					   machine_teardown);
}
