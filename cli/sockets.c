// SPDX-License-Identifier: MIT
#include "sockets.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "attribute.h"

/* One socket cannot offer more than a policy has sections. */
#define OFFERS_MAX 1024

static int path_add(struct sockets *sockets, const char *path)
{
	char **larger = reallocarray(sockets->paths, sockets->count + 1,
				     sizeof(*larger));

	if (!larger)
		return -ENOMEM;
	sockets->paths = larger;
	larger[sockets->count] = strdup(path);
	if (!larger[sockets->count])
		return -ENOMEM;
	sockets->count++;
	return 0;
}

int sockets_find(const struct machine *machine, const char *chosen,
		 struct sockets *sockets)
{
	static const char control[] = "/control.sock";
	char pattern[PATH_MAX];
	glob_t found;
	int err;

	*sockets = (struct sockets){ 0 };
	if (chosen)
		return path_add(sockets, chosen);
	err = path_print(pattern, "%s/barlease/*.sock", machine->run);
	if (err)
		return err;
	switch (glob(pattern, 0, NULL, &found)) {
	case 0:
		break;
	case GLOB_NOSPACE:
		return -ENOMEM;
	default:
		return 0;
	}
	for (size_t i = 0; i < found.gl_pathc && !err; i++)
		if (!strstr(found.gl_pathv[i], control))
			err = path_add(sockets, found.gl_pathv[i]);
	globfree(&found);
	return err;
}

void sockets_free(struct sockets *sockets)
{
	while (sockets->count)
		free(sockets->paths[--sockets->count]);
	free(sockets->paths);
	sockets->paths = NULL;
}

static int seen_add(const char *path, const struct barlease_offer *offers,
		    size_t count, struct seen **seen, size_t *total)
{
	struct seen *larger =
		reallocarray(*seen, *total + count + 1, sizeof(*larger));

	if (!larger)
		return -ENOMEM;
	*seen = larger;
	for (size_t i = 0; i < count; i++) {
		larger[*total].socket = strdup(path);
		if (!larger[*total].socket)
			return -ENOMEM;
		larger[*total].offer = offers[i];
		++*total;
	}
	return 0;
}

int sockets_ask(const char *path, struct seen **seen, size_t *count)
{
	struct barlease_offer *offers = calloc(OFFERS_MAX, sizeof(*offers));
	struct barlease_lessee *lessee;
	int err;

	if (!offers)
		return -ENOMEM;
	err = barlease_lessee_connect(path, &lessee);
	if (!err) {
		err = barlease_lessee_list(lessee, offers, OFFERS_MAX);
		barlease_lessee_close(lessee);
	}
	if (err >= 0)
		err = seen_add(path, offers,
			       err < OFFERS_MAX ? (size_t)err : OFFERS_MAX,
			       seen, count);
	free(offers);
	return err;
}

void seen_free(struct seen *seen, size_t count)
{
	while (count)
		free(seen[--count].socket);
	free(seen);
}
