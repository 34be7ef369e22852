// SPDX-License-Identifier: MIT
/*
 * Guarded accesses in templates and inline functions. As a program of its own
 * it needs nothing but the headers and the library.
 */
#include "copies.hpp"

#include <cstdio>
#include <sys/mman.h>
#include <unistd.h>

int main()
{
	int fd = memfd_create("lease", 0);
	unsigned long sum = 0;
	void *map;
	bool good;

	if (ftruncate(fd, 4096) || barlease_guard_install())
		return 1;
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	*static_cast<uint32_t *>(map) = 42;
	good = !copy_read(map, &sum) && sum == 42 && !other_read(map);
	if (ftruncate(fd, 0))
		return 1;
	good = good && copy_read(map, &sum) == -ENXIO &&
	       reader().read(map) == -ENXIO && other_read(map) == -ENXIO;
	std::printf("1..1\n%s 1 - guarded_accesses_work_in_what_cpp_has_once\n",
		    good ? "ok" : "not ok");
	return good ? 0 : 1;
}
