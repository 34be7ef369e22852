// SPDX-License-Identifier: MIT
/*
 * Guarded accesses in a shared object that comes and goes, of a program that
 * uses the library as it is installed.
 */
#include "support.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <barlease/guarded.h>

#define PAGE 4096

static void an_object_is_known_while_it_is_loaded(void **state)
{
	int fd = memfd_create("lease", MFD_CLOEXEC);
	struct sigaction normal = { .sa_handler = SIG_DFL };
	int (*object_read)(const volatile void *address);
	void *object, *symbol;
	uint32_t value;
	void *map;

	(void)state;
	assert_int_equal(ftruncate(fd, PAGE), 0);
	map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	sigaction(SIGBUS, &normal, NULL);
	assert_int_equal(barlease_guard_install(), 0);
	for (int i = 0; i < 3; i++) {
		object = dlopen(getenv("GUARDED_OBJECT"), RTLD_NOW);
		if (!object)
			fail_msg("%s", dlerror());
		symbol = dlsym(object, "object_read");
		memcpy(&object_read, &symbol, sizeof(symbol));
		assert_int_equal(object_read(map), -ENXIO);
		assert_int_equal(dlclose(object), 0);
		/* Its table is not looked at any more: it is not there. */
		assert_null(dlopen(getenv("GUARDED_OBJECT"),
				   RTLD_NOW | RTLD_NOLOAD));
		assert_int_equal(barlease_guarded_read32(map, &value), -ENXIO);
	}
	assert_int_equal(barlease_guard_uninstall(), 0);
	munmap(map, PAGE);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_object_is_known_while_it_is_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
