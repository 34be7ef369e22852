// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <string.h>

#include "attribute.h"
#include "group.h"
#include "message.h"

void group_explain_rest(const struct machine *machine,
			const struct function *function)
{
	char path[PATH_MAX];
	struct function other;
	struct dirent *entry;
	DIR *dir;

	if (path_print(path, "%s/kernel/iommu_groups/%s/devices",
		       machine->sysfs, function->group))
		return;
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' ||
		    !strcmp(entry->d_name, function->bdf) ||
		    function_read(machine, entry->d_name, &other))
			continue;
		/* The drivers of bridges leave DMA to what is behind them. */
		if (!other.driver[0] || other.vfio ||
		    function_is_bridge(&other))
			continue;
		message("%s cannot be opened while %s, which is in its IOMMU "
			"group %s, is bound to %s: bind that too, or unbind "
			"its driver",
			function->bdf, other.bdf, function->group,
			other.driver);
	}
	closedir(dir);
}
