// SPDX-License-Identifier: MIT
#include "reload.h"

#include "bind.h"
#include "harness.h"

void module_reload(const char *parameter)
{
	static const char *const others[] = { "vfio_pci", "vfio_pci_core" };
	size_t i;
	int err;

	ASSERT_OK(devices_unbind_all());
	ASSERT_OK(module_unload());
	for (i = 0; i < sizeof(others) / sizeof(*others); i++) {
		err = module_unload_other(others[i]);
		if (err != -ENOENT)
			ASSERT_OK(err);
	}
	ASSERT_OK(module_load_with(MODULE_NAME, parameter));
}

void module_restore(void)
{
	char trouble[200];

	module_reload(NULL);
	if (devices_bind_all(trouble, sizeof(trouble)))
		FAIL("%s", trouble);
}
