// SPDX-License-Identifier: MIT
/* Cgroups of lessees: one of each, however many are in it. */
#include <stdlib.h>
#include <string.h>

#include "server/server.h"

struct server_cgroup *server_cgroup_get(struct barlease_server *server,
					const char *path)
{
	uint64_t hash = table_hash_text(0, path);
	struct table_node *node;
	struct server_cgroup *cgroup;
	size_t size;

	for (node = table_first(&server->cgroups, hash); node;
	     node = node->next) {
		cgroup = container_of(node, struct server_cgroup, node);
		if (!strcmp(cgroup->path, path)) {
			cgroup->users++;
			return cgroup;
		}
	}
	size = strlen(path) + 1;
	cgroup = malloc(sizeof(*cgroup) + size);
	if (!cgroup)
		return NULL;
	cgroup->id = ++server->last_cgroup;
	cgroup->users = 1;
	memcpy(cgroup->path, path, size);
	table_add(&server->cgroups, &cgroup->node, hash);
	return cgroup;
}

void server_cgroup_put(struct barlease_server *server,
		       struct server_cgroup *cgroup)
{
	if (--cgroup->users)
		return;
	table_remove(&server->cgroups, &cgroup->node);
	free(cgroup);
}
