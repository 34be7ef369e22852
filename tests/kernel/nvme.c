// SPDX-License-Identifier: MIT
#include "harness.h"
#include "nvme.h"
#include "touch.h"

void nvme_enable(uint32_t *map)
{
	long long end = now_ms() + patience_ms(5000);
	uint32_t status = 0;

	ASSERT_WRITES(nvme_register(map, NVME_CC), 0);
	ASSERT_WRITES(nvme_register(map, NVME_AQA), 0x001f001f);
	ASSERT_WRITES(nvme_register(map, NVME_ASQ), 0x1000);
	ASSERT_WRITES(nvme_register(map, NVME_ASQ + 4), 0);
	ASSERT_WRITES(nvme_register(map, NVME_ACQ), 0x2000);
	ASSERT_WRITES(nvme_register(map, NVME_ACQ + 4), 0);
	/* Entries of 64 and 16 bytes, enable */
	ASSERT_WRITES(nvme_register(map, NVME_CC), 0x00460001);
	while (!(status & 1)) {
		ASSERT_TOUCH(touch_read(nvme_register(map, NVME_CSTS), &status),
			     TOUCH_OK);
		ASSERT_COMPARE(now_ms(), <, end);
	}
}
