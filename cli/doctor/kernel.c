// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <string.h>

#include "attribute.h"
#include "doctor/doctor.h"

/* Bytes of the variable: four of attributes, one of value. */
#define EFI_VALUE_AT 4

static unsigned int entries_count(const char *path)
{
	unsigned int count = 0;
	struct dirent *entry;
	DIR *dir = opendir(path);

	if (!dir)
		return 0;
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

void iommu_check(struct diagnosis *diagnosis)
{
	const struct machine *machine = diagnosis->machine;
	char path[PATH_MAX], text[16] = "";
	unsigned int groups = 0;

	if (!path_print(path, "%s/kernel/iommu_groups", machine->sysfs))
		groups = entries_count(path);
	if (groups)
		found(diagnosis, "iommu", VERDICT_OK, NULL,
		      "it is on: %u IOMMU groups", groups);
	else
		found(diagnosis, "iommu", VERDICT_WRONG,
		      "turn it on in the firmware (VT-d, AMD-Vi) and on the "
		      "kernel's command line (Intel: intel_iommu=on), and "
		      "boot again; in a virtual machine, give it one",
		      "it is off: there is no IOMMU group, so VFIO opens "
		      "nothing");
	if (!path_print(path,
			"%s/module/vfio/parameters/enable_unsafe_noiommu_mode",
			machine->sysfs) &&
	    !attribute_read(path, text, sizeof(text)) && text[0] == 'Y')
		found(diagnosis, "iommu", VERDICT_WRONG,
		      "load vfio without enable_unsafe_noiommu_mode",
		      "VFIO runs in its mode without an IOMMU: devices reach "
		      "all of the memory");
}

/* "[none] integrity confidentiality" */
static bool is_locked_down(const struct machine *machine)
{
	char path[PATH_MAX], text[128];

	if (path_print(path, "%s/kernel/security/lockdown", machine->sysfs) ||
	    attribute_read(path, text, sizeof(text)))
		return false;
	return !strstr(text, "[none]");
}

static bool is_secure_boot(const struct machine *machine)
{
	char path[PATH_MAX], value[16] = "";

	if (path_print(path,
		       "%s/firmware/efi/efivars/SecureBoot-"
		       "8be4df61-93ca-11d2-aa0d-00e098032b8c",
		       machine->sysfs) ||
	    attribute_read(path, value, sizeof(value)))
		return false;
	return value[EFI_VALUE_AT] == 1;
}

static bool is_enforced(const struct machine *machine)
{
	char path[PATH_MAX], text[16];

	if (path_print(path, "%s/module/module/parameters/sig_enforce",
		       machine->sysfs) ||
	    attribute_read(path, text, sizeof(text)))
		return false;
	return text[0] == 'Y';
}

void lockdown_check(struct diagnosis *diagnosis)
{
	const struct machine *machine = diagnosis->machine;
	bool secure = is_secure_boot(machine);

	if (is_locked_down(machine) || is_enforced(machine))
		found(diagnosis, "signing", VERDICT_NOTE,
		      "have DKMS sign the module and enrol its key: mokutil "
		      "--import /var/lib/dkms/mok.pub, then boot again",
		      "this kernel loads signed modules only (secure boot is "
		      "%s)",
		      secure ? "on" : "off");
	else
		found(diagnosis, "signing", VERDICT_OK, NULL,
		      "modules need no signature (secure boot is %s)",
		      secure ? "on" : "off");
}
