// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "attribute.h"
#include "binding.h"
#include "doctor/doctor.h"

/* Return: whether the rest of its group leaves it to VFIO. */
static bool group_check(struct diagnosis *diagnosis,
			const struct function *function)
{
	const struct machine *machine = diagnosis->machine;
	char path[PATH_MAX];
	struct function other;
	struct dirent *entry;
	bool viable = true;
	DIR *dir;

	if (path_print(path, "%s/kernel/iommu_groups/%s/devices",
		       machine->sysfs, function->group))
		return true;
	dir = opendir(path);
	if (!dir)
		return true;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' ||
		    !strcmp(entry->d_name, function->bdf) ||
		    function_read(machine, entry->d_name, &other))
			continue;
		if (!other.driver[0] || other.vfio ||
		    function_is_bridge(&other))
			continue;
		viable = false;
		found(diagnosis, "group", VERDICT_WRONG,
		      "bind that one, too (barlease bind), or unbind its "
		      "driver",
		      "%s cannot be opened: %s of its IOMMU group %s is bound "
		      "to %s",
		      function->bdf, other.bdf, function->group, other.driver);
	}
	closedir(dir);
	return viable;
}

/* By its own file, or by its group's. */
static bool may_open(const struct machine *machine,
		     const struct function *function)
{
	char path[PATH_MAX];

	if (function->vfio_file[0] &&
	    !path_print(path, "%s/vfio/devices/%s", machine->dev,
			function->vfio_file) &&
	    !access(path, R_OK | W_OK) &&
	    !path_print(path, "%s/iommu", machine->dev) &&
	    !access(path, R_OK | W_OK))
		return true;
	return !path_print(path, "%s/vfio/%s", machine->dev,
			   function->group) &&
	       !access(path, R_OK | W_OK) &&
	       !path_print(path, "%s/vfio/vfio", machine->dev) &&
	       !access(path, R_OK | W_OK);
}

static void function_check(struct diagnosis *diagnosis,
			   const struct function *function)
{
	if (!function->group[0]) {
		found(diagnosis, "device", VERDICT_WRONG,
		      "turn the IOMMU on",
		      "%s is in no IOMMU group, and VFIO does not open it",
		      function->bdf);
		return;
	}
	if (!function->vfio) {
		found(diagnosis, "device", VERDICT_WRONG,
		      "give it the driver that lends: barlease bind BDF",
		      "%s is bound to %s, which is not a VFIO driver",
		      function->bdf,
		      function->driver[0] ? function->driver : "no driver");
		return;
	}
	if (!strcmp(function->driver, BINDING_DRIVER_DEFAULT))
		found(diagnosis, "device", VERDICT_OK, NULL, "%s is bound to %s",
		      function->bdf, function->driver);
	else
		found(diagnosis, "device", VERDICT_NOTE,
		      "barlease list --probe BDF asks it; barlease bind BDF "
		      "gives it the one that can",
		      "%s is bound to %s, which may not be able to lend",
		      function->bdf, function->driver);
	if (group_check(diagnosis, function))
		found(diagnosis, "group", VERDICT_OK, NULL,
		      "group %s of %s is VFIO's alone", function->group,
		      function->bdf);
	if (may_open(diagnosis->machine, function))
		found(diagnosis, "access", VERDICT_OK, NULL,
		      "you may open %s", function->bdf);
	else
		found(diagnosis, "access", VERDICT_NOTE,
		      "only its owner needs to: be root, or have an udev rule "
		      "give the files in /dev/vfio to a group; lessees need "
		      "a socket of barleased and no more",
		      "you may not open %s", function->bdf);
}

void functions_check(struct diagnosis *diagnosis,
		     const struct function *functions, size_t count)
{
	size_t checked = 0;

	for (size_t i = 0; i < count; i++) {
		if (diagnosis->bdf ? strcmp(functions[i].bdf, diagnosis->bdf) :
				     !functions[i].vfio)
			continue;
		function_check(diagnosis, &functions[i]);
		checked++;
	}
	if (!checked)
		found(diagnosis, "device", VERDICT_NOTE,
		      "choose one (barlease list) and bind it: barlease bind "
		      "BDF; or try with a simulated device (barlease.conf(5))",
		      "no function has a VFIO driver, so none can be lent");
}
