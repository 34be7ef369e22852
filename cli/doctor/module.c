// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attribute.h"
#include "doctor/doctor.h"

/* From this one on the kernel stands entries of 2 MiB, see docs/design.md. */
#define SAFE_MAJOR 7
#define SAFE_MINOR 3

static void release_get(const struct machine *machine, char *buf, size_t size)
{
	char path[PATH_MAX];

	if (path_print(path, "%s/sys/kernel/osrelease", machine->proc) ||
	    attribute_read(path, buf, size))
		snprintf(buf, size, "?");
}

/* Is it there to be loaded? */
static bool is_installed(const struct machine *machine, const char *release)
{
	char path[PATH_MAX];
	bool is_there = false;
	char *line = NULL;
	size_t size = 0;
	FILE *file;

	if (path_print(path, "%s/%s/modules.dep", machine->modules, release))
		return false;
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!is_there && getline(&line, &size, file) >= 0) {
		line[strcspn(line, ":")] = '\0';
		is_there = strstr(line, "/barlease-vfio-pci.ko");
	}
	free(line);
	fclose(file);
	return is_there;
}

static bool is_on(const struct machine *machine, const char *parameter)
{
	char path[PATH_MAX], text[16];

	return !path_print(path, "%s/module/barlease_vfio_pci/parameters/%s",
			   machine->sysfs, parameter) &&
	       !attribute_read(path, text, sizeof(text)) && text[0] == 'Y';
}

static bool is_safe(const char *release)
{
	unsigned int major, minor;

	return sscanf(release, "%u.%u", &major, &minor) == 2 &&
	       (major > SAFE_MAJOR ||
		(major == SAFE_MAJOR && minor >= SAFE_MINOR));
}

static void parameters_check(struct diagnosis *diagnosis, const char *release)
{
	if (is_on(diagnosis->machine, "allow_2m") && !is_safe(release))
		found(diagnosis, "module", VERDICT_WRONG,
		      "load it without allow_2m=1, unless all lessees are "
		      "trusted with the machine",
		      "allow_2m is on, and any lessee can crash the kernel %s "
		      "by mbind(2)",
		      release);
	if (is_on(diagnosis->machine, "allow_peers"))
		found(diagnosis, "module", VERDICT_NOTE,
		      "leave allow_peers off unless a lessee needs "
		      "peer-to-peer DMA",
		      "allow_peers is on: lessees of other devices' drivers "
		      "can hold up a revocation");
}

void module_check(struct diagnosis *diagnosis)
{
	const struct machine *machine = diagnosis->machine;
	char path[PATH_MAX], version[64] = "?", release[128];

	release_get(machine, release, sizeof(release));
	if (path_print(path, "%s/module/barlease_vfio_pci", machine->sysfs))
		return;
	if (!path_exists(path)) {
		if (is_installed(machine, release))
			found(diagnosis, "module", VERDICT_OK, NULL,
			      "barlease-vfio-pci is there for %s; barlease "
			      "bind loads it",
			      release);
		else
			found(diagnosis, "module", VERDICT_WRONG,
			      "install it: with the headers of this kernel "
			      "(linux-headers-$(uname -r)), by dkms "
			      "autoinstall where DKMS has its source, else by "
			      "scripts/dkms-install of barlease's; simulated "
			      "devices do without",
			      "there is no barlease-vfio-pci for kernel %s",
			      release);
		return;
	}
	if (!path_print(path, "%s/module/barlease_vfio_pci/version",
			machine->sysfs) &&
	    !attribute_read(path, version, sizeof(version)) &&
	    strcmp(version, BARLEASE_VERSION) != 0)
		found(diagnosis, "module", VERDICT_WRONG,
		      "build the one of this version (dkms autoinstall), end "
		      "who owns devices, and load it: modprobe -r "
		      "barlease-vfio-pci; modprobe barlease-vfio-pci",
		      "barlease-vfio-pci %s is loaded, and this is barlease "
		      "%s",
		      version, BARLEASE_VERSION);
	else
		found(diagnosis, "module", VERDICT_OK, NULL,
		      "barlease-vfio-pci %s is loaded, on kernel %s", version,
		      release);
	parameters_check(diagnosis, release);
}
