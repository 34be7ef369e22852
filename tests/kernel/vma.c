// SPDX-License-Identifier: MIT
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "vma.h"

/* Does this line begin the entry of a mapping, and is it that of @address? */
static bool begins_entry(const char *line, const void *address, bool *found)
{
	unsigned long start, end;

	if (sscanf(line, "%lx-%lx ", &start, &end) != 2)
		return false;
	*found = (uintptr_t)address >= start && (uintptr_t)address < end;
	return true;
}

bool vma_has_flag(const void *address, const char *flag)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	char line[1024], word[8];
	bool found = false;

	ASSERT(file);
	snprintf(word, sizeof(word), " %s ", flag);
	while (fgets(line, sizeof(line), file)) {
		if (begins_entry(line, address, &found) || !found ||
		    strncmp(line, "VmFlags:", 8))
			continue;
		fclose(file);
		return strstr(line, word);
	}
	FAIL("nothing is mapped at %p", address);
}

void vma_line(const void *address, char *line, size_t size)
{
	FILE *file = fopen("/proc/self/maps", "r");
	bool found = false;

	ASSERT(file);
	while (fgets(line, (int)size, file)) {
		if (begins_entry(line, address, &found) && found) {
			fclose(file);
			return;
		}
	}
	FAIL("nothing is mapped at %p", address);
}
