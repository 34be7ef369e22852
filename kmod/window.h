/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BARLEASE_WINDOW_H
#define BARLEASE_WINDOW_H

struct barlease_device;
struct barlease_lease;

int barlease_windows_init(struct barlease_device *dev);
void barlease_windows_destroy(struct barlease_device *dev);

int barlease_window_alloc(struct barlease_lease *lease);
void barlease_window_free(struct barlease_lease *lease);
void barlease_window_zap(struct barlease_lease *lease);

#endif /* BARLEASE_WINDOW_H */
