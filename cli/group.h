/* SPDX-License-Identifier: MIT */
#ifndef CLI_GROUP_H
#define CLI_GROUP_H

#include "function.h"

/**
 * group_explain_rest() - say what else is in the way of opening a function
 * @machine: where
 * @function: which
 *
 * Names the other functions of its IOMMU group that have a driver which is
 * not VFIO's: as long as they do, VFIO opens none of the group.
 */
void group_explain_rest(const struct machine *machine,
			const struct function *function);

#endif /* CLI_GROUP_H */
