/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BARLEASE_DEBUGFS_H
#define BARLEASE_DEBUGFS_H

struct barlease_device;

void barlease_debugfs_init(void);
void barlease_debugfs_exit(void);
void barlease_debugfs_add(struct barlease_device *dev);
void barlease_debugfs_remove(struct barlease_device *dev);

#endif /* BARLEASE_DEBUGFS_H */
