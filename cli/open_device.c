// SPDX-License-Identifier: MIT
#include <errno.h>

#include "command.h"
#include "group.h"
#include "in_use.h"
#include "message.h"
#include "open_device.h"

static void busy_explain(const struct function *function)
{
	struct in_use use = { 0 };

	if (!in_use_find_vfio(&this_machine, function, &use))
		in_use_report(function->bdf, &use);
	message("cannot open %s: another process owns it; end that first",
		function->bdf);
}

/* Errors that say nothing about what it is that iommufd lacks. */
static bool needs_reason(int err)
{
	return err == -EACCES || err == -ENOTSUP || err == -EPERM;
}

static void open_explain(const struct function *function,
			 const struct open_options *options, int err,
			 const char *reason)
{
	const char *bdf = function->bdf;

	if (options->way == BARLEASE_BY_IOMMUFD && reason &&
	    needs_reason(err)) {
		message("cannot open %s by iommufd: %s%s", bdf, reason,
			err == -EACCES ? "; run it as root" : "");
		if (err == -EPERM)
			group_explain_rest(&this_machine, function);
		return;
	}
	if (options->vf_token && err == -EINVAL) {
		message("cannot open %s: it takes no VF token; leave "
			"--vf-token out",
			bdf);
		return;
	}
	switch (err) {
	case -ENODEV:
		message("cannot open %s: it is bound to %s, not to a VFIO "
			"driver; run: barlease bind %s",
			bdf,
			function->driver[0] ? function->driver : "no driver",
			bdf);
		break;
	case -ENXIO:
		message("cannot open %s: it is in no IOMMU group; turn the "
			"IOMMU on in the firmware and on the kernel's command "
			"line (intel_iommu=on)",
			bdf);
		break;
	case -EBUSY:
		busy_explain(function);
		break;
	case -EPERM:
		message("cannot open %s: its IOMMU group is not VFIO's alone",
			bdf);
		group_explain_rest(&this_machine, function);
		break;
	case -EACCES:
		message("cannot open %s: this user may not open /dev/vfio/%s; "
			"run it as root",
			bdf, function->group);
		break;
	case -ENOKEY:
		message("cannot open %s: its SR-IOV device asks for the VF "
			"token that the owner of the physical function has "
			"set; give it with --vf-token",
			bdf);
		break;
	case -EKEYREJECTED:
		message("cannot open %s: this is not the VF token that the "
			"owner of the physical function has set",
			bdf);
		break;
	case -ENOTSUP:
		message("cannot open %s: the kernel lacks the type1 IOMMU "
			"driver; run: modprobe vfio_iommu_type1",
			bdf);
		break;
	default:
		message("cannot open %s: %s", bdf, error_words(err));
	}
}

int open_device(const struct function *function,
		const struct open_options *options,
		struct barlease_device **dev)
{
	const char *reason;
	int err;

	err = barlease_device_open_by(function->bdf, options->way,
				      options->vf_token, dev, &reason);
	if (!err)
		return STATUS_OK;
	open_explain(function, options, err, reason);
	if (options->way == BARLEASE_ANY_WAY && reason && needs_reason(err))
		message("it cannot be opened by iommufd either: %s", reason);
	return STATUS_FAILED;
}
