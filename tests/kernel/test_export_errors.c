// SPDX-License-Identifier: MIT
/* VFIO_DEVICE_FEATURE_DMA_BUF: each refusal that linux/barlease.h lists. */
#include "harness.h"
#include "request.h"

/* Wraps around where a BAR starts above the first page. */
#define WRAPS (~(uint64_t)PAGE + 1)

/* Sizes and pointers */

REFUSED(export_with_argsz_below_the_structure_is_einval, EINVAL,
	request.argsz = (uint32_t)request_size(0) - 1)

REFUSED(export_with_argsz_of_the_header_is_einval, EINVAL,
	request.argsz = sizeof(struct vfio_device_feature))

REFUSED(export_with_argsz_below_one_range_is_einval, EINVAL,
	request.argsz = (uint32_t)request_size(1) - 1)

REFUSED(export_with_argsz_below_the_last_range_is_einval, EINVAL,
	request_fill(&request, BARLEASE_MAX_RANGES);
	request.argsz = (uint32_t)request_size(BARLEASE_MAX_RANGES) - 1)

TEST(export_with_unreadable_structure_is_efault)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	struct request request;

	request_init(&request);
	ASSERT_ERRNO(request_send_short(dev, &request, request_size(0) - 1),
		     EFAULT);
	ASSERT_ERRNO(request_send_short(dev, &request,
					sizeof(struct vfio_device_feature)),
		     EFAULT);
	ASSERT_ERRNO(request_send_short(dev, &request, 0), EFAULT);
}

TEST(export_with_unreadable_ranges_is_efault)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	struct request request;

	request_init(&request);
	ASSERT_ERRNO(request_send_short(dev, &request, request_size(0)),
		     EFAULT);
	ASSERT_ERRNO(request_send_short(dev, &request, request_size(1) - 1),
		     EFAULT);
	request.head.nr_ranges = BARLEASE_MAX_RANGES;
	ASSERT_ERRNO(request_send_short(dev, &request,
					request_size(BARLEASE_MAX_RANGES) - 1),
		     EFAULT);
}

TEST(export_with_larger_argsz_works)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	struct request request;

	request_init(&request);
	request.argsz = (uint32_t)request_size(1) + 1000;
	ASSERT_SYS(request_send(dev, &request));
}

/* The head */

REFUSED(export_of_no_range_is_einval, EINVAL, request.head.nr_ranges = 0)
REFUSED(export_with_flags_is_einval, EINVAL, request.head.flags = 1)
REFUSED(export_with_high_flags_is_einval, EINVAL,
	request.head.flags = 0x80000000)
REFUSED(export_with_o_nonblock_is_einval, EINVAL,
	request.head.open_flags |= O_NONBLOCK)
REFUSED(export_with_o_append_is_einval, EINVAL,
	request.head.open_flags |= O_APPEND)
REFUSED(export_with_o_path_is_einval, EINVAL,
	request.head.open_flags |= O_PATH)
REFUSED(export_with_access_mode_3_is_einval, EINVAL,
	request.head.open_flags = O_ACCMODE)

REFUSED(export_of_513_ranges_is_e2big, E2BIG,
	request_fill(&request, BARLEASE_MAX_RANGES + 1))
REFUSED(export_of_all_ranges_there_can_be_is_e2big, E2BIG,
	request.head.nr_ranges = UINT32_MAX;
	request.argsz = UINT32_MAX)
REFUSED(export_of_ranges_whose_size_wraps_is_e2big, E2BIG,
	request.head.nr_ranges = 0x10000001)

/* The region */

REFUSED(export_of_the_rom_is_enodev, ENODEV,
	request.head.region_index = VFIO_PCI_ROM_REGION_INDEX)
REFUSED(export_of_config_space_is_enodev, ENODEV,
	request.head.region_index = VFIO_PCI_CONFIG_REGION_INDEX)
REFUSED(export_of_vga_is_enodev, ENODEV,
	request.head.region_index = VFIO_PCI_VGA_REGION_INDEX)
REFUSED(export_of_region_9_is_enodev, ENODEV,
	request.head.region_index = VFIO_PCI_NUM_REGIONS)
REFUSED(export_of_the_last_region_is_enodev, ENODEV,
	request.head.region_index = UINT32_MAX)
REFUSED(export_of_an_absent_bar_is_enodev, ENODEV,
	request.head.region_index = 5)
/* BAR 2 has 64 bits. */
REFUSED(export_of_the_upper_half_of_a_bar_is_enodev, ENODEV,
	request.head.region_index = RAM_BAR + 1)

REFUSED(export_of_io_ports_is_einval, EINVAL,
	request.device = TESTDEV;
	request.head.region_index = 1)
REFUSED(export_of_io_ports_is_einval_before_eoverflow, EINVAL,
	request.device = TESTDEV;
	request.head.region_index = 1;
	request.ranges[0].offset = WRAPS)
/* The registers of ivshmem: 256 bytes. */
REFUSED(export_of_a_bar_below_a_page_is_einval, EINVAL,
	request.head.region_index = 0)

/* The ranges */

REFUSED(export_of_length_0_is_einval, EINVAL, request.ranges[0].length = 0)
REFUSED(export_of_unaligned_length_is_einval, EINVAL,
	request.ranges[0].length = PAGE + 1)
REFUSED(export_of_half_a_page_is_einval, EINVAL,
	request.ranges[0].length = PAGE / 2)
REFUSED(export_of_unaligned_offset_is_einval, EINVAL,
	request.ranges[0].offset = PAGE / 2)

REFUSED(export_of_second_length_0_is_einval, EINVAL,
	request.head.nr_ranges = 2)
REFUSED(export_of_second_unaligned_length_is_einval, EINVAL,
	request.head.nr_ranges = 2;
	request.ranges[1].length = PAGE + 512)
REFUSED(export_of_second_unaligned_offset_is_einval, EINVAL,
	request.head.nr_ranges = 2;
	request.ranges[1].offset = 8;
	request.ranges[1].length = PAGE)

/* EOVERFLOW would be the answer if the sum were not looked at first. */
REFUSED(export_above_the_limit_is_einval, EINVAL,
	request.ranges[0].offset = WRAPS;
	request.ranges[0].length = BARLEASE_MAX_LENGTH + PAGE)
REFUSED(export_of_a_sum_above_the_limit_is_einval, EINVAL,
	request.head.nr_ranges = 2;
	request.ranges[0].offset = WRAPS;
	request.ranges[0].length = BARLEASE_MAX_LENGTH;
	request.ranges[1].length = PAGE)
REFUSED(export_of_a_sum_that_wraps_is_einval, EINVAL,
	request.head.nr_ranges = 3;
	request.ranges[0].offset = WRAPS;
	request.ranges[0].length = 1ULL << 63;
	request.ranges[1].length = 1ULL << 63;
	request.ranges[2].length = PAGE)

REFUSED(export_at_an_offset_that_wraps_is_eoverflow, EOVERFLOW,
	request.ranges[0].offset = WRAPS)
REFUSED(export_with_an_end_that_wraps_is_eoverflow, EOVERFLOW,
	request.ranges[0].offset = 0 - (BARLEASE_MAX_LENGTH >> 1);
	request.ranges[0].length = BARLEASE_MAX_LENGTH)
REFUSED(export_of_the_whole_limit_is_not_too_long, EOVERFLOW,
	request.ranges[0].offset = WRAPS;
	request.ranges[0].length = BARLEASE_MAX_LENGTH)

REFUSED(export_after_the_end_of_the_bar_is_einval, EINVAL,
	request.ranges[0].offset = 16 << 20)
REFUSED(export_past_the_end_of_the_bar_is_einval, EINVAL,
	request.ranges[0].offset = (16 << 20) - PAGE;
	request.ranges[0].length = 2 * PAGE)
REFUSED(export_of_more_than_the_bar_is_einval, EINVAL,
	request.ranges[0].length = (16 << 20) + PAGE)
REFUSED(export_of_second_past_the_end_is_einval, EINVAL,
	request.head.nr_ranges = 2;
	request.ranges[1].offset = 16 << 20;
	request.ranges[1].length = PAGE)

/* Where two rows apply, the first one answers. */

REFUSED(export_refuses_flags_before_too_many_ranges, EINVAL,
	request.head.flags = 1;
	request.head.nr_ranges = BARLEASE_MAX_RANGES + 1)
REFUSED(export_refuses_too_many_ranges_before_argsz, E2BIG,
	request.head.nr_ranges = BARLEASE_MAX_RANGES + 1;
	request.argsz = (uint32_t)request_size(0))
REFUSED(export_refuses_argsz_before_the_region, EINVAL,
	request.argsz = (uint32_t)request_size(0);
	request.head.region_index = VFIO_PCI_CONFIG_REGION_INDEX)
REFUSED(export_refuses_the_region_before_the_ranges, ENODEV,
	request.head.region_index = VFIO_PCI_CONFIG_REGION_INDEX;
	request.ranges[0].length = 0)

TEST(export_refuses_the_region_before_unreadable_ranges)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	struct request request;

	request_init(&request);
	request.head.region_index = VFIO_PCI_CONFIG_REGION_INDEX;
	ASSERT_ERRNO(request_send_short(dev, &request, request_size(0)),
		     ENODEV);
}

TEST(export_refuses_argsz_before_an_unreadable_structure)
{
	struct barlease_device *dev = device_open(IVSHMEM);
	struct request request;

	request_init(&request);
	request.argsz = (uint32_t)request_size(0) - 1;
	ASSERT_ERRNO(request_send_short(dev, &request,
					sizeof(struct vfio_device_feature)),
		     EINVAL);
}
