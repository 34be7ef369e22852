// SPDX-License-Identifier: MIT
#include "inject.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bind.h"
#include "harness.h"

#define DEBUGFS "/sys/kernel/debug/"

/* An operation that makes more than that is not one to test in this way. */
#define MOST_FAULTS 2000

/* The addresses of some code. */
struct code {
	uint64_t start, end;
};

/* A line of /proc/kallsyms. */
struct symbol {
	uint64_t address;
	char type;
	char name[256];		/* with the module behind it, if any */
};

static bool symbol_next(FILE *file, struct symbol *symbol)
{
	char line[512];
	char *rest;

	if (!fgets(line, sizeof(line), file))
		return false;
	symbol->address = strtoull(line, &rest, 16);
	if (strlen(rest) < 4)
		FAIL("/proc/kallsyms: %s", line);
	symbol->type = rest[1];
	line[strcspn(line, "\n")] = '\0';
	snprintf(symbol->name, sizeof(symbol->name), "%s", rest + 3);
	return true;
}

/* The code of a module fills whole pages. */
static struct code driver_code(void)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	struct code code = { UINT64_MAX, 0 };
	struct symbol symbol;

	ASSERT(file);
	while (symbol_next(file, &symbol)) {
		if (!strstr(symbol.name, "[" MODULE_SYSFS_NAME "]") ||
		    !strchr("tT", symbol.type))
			continue;
		if (symbol.address < code.start)
			code.start = symbol.address;
		if (symbol.address >= code.end)
			code.end = (symbol.address | 0xfff) + 1;
	}
	fclose(file);
	ASSERT(code.start < code.end);
	return code;
}

/* Is it this function, in a module or as the compiler has changed it? */
static bool is_function(const struct symbol *symbol, const char *name)
{
	size_t length = strlen(name);

	return !strncmp(symbol->name, name, length) &&
	       strchr("\t.", symbol->name[length]) &&
	       !strstr(symbol->name, ".cold");
}

/* A function ends where the next one begins. No code if there is none. */
static struct code function_code(const char *name)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	struct code code = { 0, UINT64_MAX };
	struct symbol symbol;

	ASSERT(file);
	while (!code.start && symbol_next(file, &symbol))
		if (is_function(&symbol, name))
			code.start = symbol.address;
	rewind(file);
	while (code.start && symbol_next(file, &symbol))
		if (symbol.address > code.start && symbol.address < code.end)
			code.end = symbol.address;
	fclose(file);
	return code.start ? code : (struct code){ 0, 0 };
}

/* What happens below this code never fails. */
static struct code spared;

static void attribute_write(const char *folder, const char *file,
			    const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), DEBUGFS "%s/%s", folder, file);
	ASSERT_OK(sysfs_write(path, text));
}

static void attribute_write_address(const char *folder, const char *file,
				    uint64_t address)
{
	char text[32];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)address);
	attribute_write(folder, file, text);
}

/* Faults of this sort count if they happen below @code, or not at all. */
static void attribute_set(const char *folder, const struct code *code)
{
	/* The kernel's report of a fault looks like trouble. */
	attribute_write(folder, "verbose", "0");
	attribute_write(folder, "probability", "0");
	attribute_write(folder, "times", "-1");
	attribute_write(folder, "task-filter", "Y");
	attribute_write(folder, "stacktrace-depth", "32");
	attribute_write_address(folder, "require-start", code->start);
	attribute_write_address(folder, "require-end", code->end);
	attribute_write_address(folder, "reject-start", spared.start);
	attribute_write_address(folder, "reject-end", spared.end);
}

static void attributes_set(enum inject_kind kind, const struct code *code)
{
	static const struct code nowhere = { 1, 1 };
	bool memory = kind == INJECT_MEMORY;

	attribute_set("failslab", memory ? code : &nowhere);
	attribute_write("failslab", "ignore-gfp-wait", "N");
	attribute_set("fail_page_alloc", memory ? code : &nowhere);
	attribute_write("fail_page_alloc", "ignore-gfp-wait", "N");
	attribute_write("fail_page_alloc", "ignore-gfp-highmem", "N");
	attribute_write("fail_page_alloc", "min-order", "0");
	attribute_set("fail_usercopy", memory ? &nowhere : code);
	attribute_set("fail_function", &nowhere);
}

static void start(struct inject *inject, enum inject_kind kind,
		  const struct code *code)
{
	attributes_set(kind, code);
	memset(inject, 0, sizeof(*inject));
	inject->fd = (int)ASSERT_SYS(open("/proc/thread-self/fail-nth",
					  O_RDWR | O_CLOEXEC));
}

static void need_injection(void)
{
	if (access("/proc/self/fail-nth", F_OK) ||
	    access(DEBUGFS "failslab/require-start", F_OK))
		test_skip("the kernel lacks CONFIG_FAULT_INJECTION");
	if (access(DEBUGFS "fail_usercopy", F_OK))
		test_skip("the kernel lacks CONFIG_FAULT_INJECTION_USERCOPY");
	if (!spared.end)
		spared = function_code("kmemleak_scan_area");
}

void inject_spare_function(const char *name)
{
	spared = function_code(name);
}

void inject_start(struct inject *inject, enum inject_kind kind)
{
	static const struct code anywhere = { 0, UINT64_MAX };

	need_injection();
	start(inject, kind, &anywhere);
}

void inject_start_in_driver(struct inject *inject, enum inject_kind kind)
{
	struct code code;

	need_injection();
	code = driver_code();
	start(inject, kind, &code);
}

bool inject_next(struct inject *inject)
{
	if (!inject->nth || inject->injected) {
		ASSERT_COMPARE(++inject->nth, <=, MOST_FAULTS);
		inject->injected = false;
		return true;
	}
	close(inject->fd);
	if (!inject->may_be_none)
		ASSERT_COMPARE(inject->nth, >, 1);
	test_note("%u faults", inject->nth - 1);
	return false;
}

void inject_arm(struct inject *inject)
{
	int error = errno;
	char text[16];
	size_t length;

	length = (size_t)snprintf(text, sizeof(text), "%u", inject->nth);
	ASSERT_EQ(pwrite(inject->fd, text, length, 0), length);
	errno = error;
}

/*
 * Asking and disarming copy a few bytes, too, which may be what fails: then the
 * operation itself has had no fault.
 */
void inject_disarm(struct inject *inject)
{
	char text[16] = "";
	int error = errno;

	inject->injected = pread(inject->fd, text, sizeof(text) - 1, 0) > 0 &&
			   !strcmp(text, "0\n");
	if (pwrite(inject->fd, "0", 1, 0) != 1)
		ASSERT_EQ(pwrite(inject->fd, "0", 1, 0), 1);
	errno = error;
}

void inject_all_begin(void)
{
	struct code code;

	need_injection();
	code = driver_code();
	attributes_set(INJECT_MEMORY, &code);
	ASSERT_OK(sysfs_write("/proc/self/make-it-fail", "1"));
	attribute_write("failslab", "probability", "100");
	attribute_write("fail_page_alloc", "probability", "100");
}

void inject_all_end(void)
{
	attribute_write("failslab", "probability", "0");
	attribute_write("fail_page_alloc", "probability", "0");
	ASSERT_OK(sysfs_write("/proc/self/make-it-fail", "0"));
}
