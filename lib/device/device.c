// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "device/device.h"
#include "device/uuid.h"

static const struct barlease_paths kernel_paths = {
	.sysfs = "/sys",
	.dev = "/dev",
};

int barlease_device_open_at(const struct barlease_paths *paths, const char *bdf,
			    const char *vf_token, struct barlease_device **dev)
{
	struct barlease_device *new;
	int err;

	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;

	err = barlease_bdf_parse(bdf, new->bdf);
	if (err)
		goto err_free;

	if (vf_token && !barlease_uuid_valid(vf_token)) {
		err = -EINVAL;
		goto err_free;
	}

	err = barlease_group_open(paths, vf_token, new);
	if (err)
		goto err_free;

	pthread_mutex_init(&new->config_lock, NULL);
	*dev = new;
	return 0;

err_free:
	free(new);
	return err;
}

int barlease_device_open(const char *bdf, struct barlease_device **dev)
{
	return barlease_device_open_with_token(bdf, NULL, dev);
}

int barlease_device_open_with_token(const char *bdf, const char *vf_token,
				    struct barlease_device **dev)
{
	return barlease_device_open_at(&kernel_paths, bdf, vf_token, dev);
}

void barlease_device_close(struct barlease_device *dev)
{
	if (!dev)
		return;

	/* The device holds the group and the group holds the container. */
	close(dev->fd);
	close(dev->group_fd);
	close(dev->container_fd);
	pthread_mutex_destroy(&dev->config_lock);
	free(dev);
}

int barlease_device_fd(const struct barlease_device *dev)
{
	return dev->fd;
}

const char *barlease_device_bdf(const struct barlease_device *dev)
{
	return dev->bdf;
}
