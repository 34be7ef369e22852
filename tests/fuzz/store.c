// SPDX-License-Identifier: MIT
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "input.h"
#include "service/manager.h"

struct store store;

void store_add(const char *name, int fd, bool unit)
{
	struct stored *new = &store.list[store.count];

	if (fd < 0)
		return;
	if (store.count == STORE_MAX) {
		close(fd);
		return;
	}
	snprintf(new->name, sizeof(new->name), "%s", name);
	new->fd = fd;
	new->unit = unit;
	store.count++;
}

size_t store_count(void)
{
	size_t count = 0;

	for (size_t i = 0; i < store.count; i++)
		count += !store.list[i].unit;
	return count;
}

bool store_doubts(void)
{
	for (size_t i = 0; i < store.count; i++)
		for (size_t j = 0; j < i; j++)
			if (!store.list[i].unit && !store.list[j].unit &&
			    !strcmp(store.list[i].name, store.list[j].name))
				return true;
	return false;
}

void store_end(void)
{
	while (store.count)
		close(store.list[--store.count].fd);
}

int __wrap_manager_store(const char *name, int fd);
int __wrap_manager_store(const char *name, int fd)
{
	if (store.asleep)
		return 0;
	if (store.failing && !--store.failing) {
		store.failing = 1;
		return -EUNATCH;
	}
	promise(store.count < STORE_MAX && strlen(name) < STORE_NAME_SIZE);
	promise(*name && !strpbrk(name, ":\n"));
	store_add(name, fcntl(fd, F_DUPFD_CLOEXEC, 0), false);
	return 0;
}

void __wrap_manager_forget(const char *name);
void __wrap_manager_forget(const char *name)
{
	size_t left = 0;

	if (store.asleep)
		return;
	for (size_t i = 0; i < store.count; i++) {
		struct stored *one = &store.list[i];

		if (one->unit || strcmp(one->name, name) != 0)
			store.list[left++] = *one;
		else
			close(one->fd);
	}
	store.count = left;
}

int __wrap_manager_take(struct manager_fd **fds);
int __wrap_manager_take(struct manager_fd **fds)
{
	*fds = calloc(store.count + 1, sizeof(**fds));
	promise(*fds);
	for (size_t i = 0; i < store.count; i++) {
		(*fds)[i].fd = fcntl(store.list[i].fd, F_DUPFD_CLOEXEC, 0);
		(*fds)[i].name = strdup(store.list[i].name);
		promise((*fds)[i].fd >= 0 && (*fds)[i].name);
	}
	return (int)store.count;
}
