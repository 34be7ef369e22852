// SPDX-License-Identifier: MIT
/*
 * A lessee that does what it is told, for tests of barleased.
 *
 * lessee SOCKET [UID GID [GROUP...]]
 *
 * Reads commands from its standard input, and answers each with a line:
 *
 *	list			"listed NAME/SLICES/FREE ..."
 *	request NAME ACCESS WAIT	"granted LEASE INDEX BAR OFFSET SIZE LIMIT",
 *				"refused ERROR SENTENCE"; NAME - is any
 *	start NAME		"started"; an event tells the rest
 *	touch			"touched" or "gone": the latest lease
 *	event			"none", or what has happened, waiting for it
 *	release			"released": the latest lease
 */
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <barlease.h>
#include <barlease/guarded.h>

#define OFFERS 64
#define GROUPS 64
#define PATIENCE 30000 /* ms */

struct talk {
	struct barlease_lessee *lessee;
	uint64_t lease; /* the latest */
	struct barlease_map map; /* of it */
};

static void refused(const struct talk *talk, int err)
{
	printf("refused %s %s\n", strerrorname_np(-err),
	       barlease_lessee_sentence(talk->lessee));
}

static void list(const struct talk *talk)
{
	struct barlease_offer offers[OFFERS];
	int count = barlease_lessee_list(talk->lessee, offers, OFFERS);

	if (count < 0) {
		refused(talk, count);
		return;
	}
	printf("listed");
	for (int i = 0; i < count && i < OFFERS; i++)
		printf(" %s/%u/%u", offers[i].name, offers[i].slices,
		       offers[i].free);
	printf("\n");
}

static void granted(struct talk *talk, const struct barlease_granted *lease)
{
	if (talk->map.address)
		barlease_map_end(&talk->map);
	talk->map = (struct barlease_map){ 0 };
	barlease_lessee_map(lease, &talk->map);
	close(lease->fd);
	talk->lease = lease->lease;
	printf("granted %llu %u %u 0x%llx 0x%llx %llu\n",
	       (unsigned long long)lease->lease, lease->index, lease->bar,
	       (unsigned long long)lease->offset,
	       (unsigned long long)lease->size,
	       (unsigned long long)lease->time_limit);
}

static void request(struct talk *talk, const char *name, const char *access,
		    const char *wait)
{
	const struct barlease_wanted wanted = {
		.name = strcmp(name, "-") ? name : "",
		.access = strcmp(access, "ro") ? BARLEASE_READ_WRITE
					       : BARLEASE_READ_ONLY,
		.attribute = strcmp(access, "wc") ? BARLEASE_NON_CACHED
						  : BARLEASE_WRITE_COMBINING,
		.wait = strtoull(wait, NULL, 10),
	};
	struct barlease_granted lease;
	int err = barlease_lessee_request(talk->lessee, &wanted, &lease);

	if (err)
		refused(talk, err);
	else
		granted(talk, &lease);
}

static void start(struct talk *talk, const char *name)
{
	const struct barlease_wanted wanted = {
		.name = name,
		.wait = BARLEASE_WAIT_FOR_EVER,
	};
	uint32_t serial;
	int err = barlease_lessee_start(talk->lessee, &wanted, &serial);

	if (err)
		refused(talk, err);
	else
		printf("started\n");
}

static void touch(const struct talk *talk)
{
	uint32_t value;

	if (!talk->map.address ||
	    barlease_guarded_read32(talk->map.address, &value))
		printf("gone\n");
	else
		printf("touched\n");
}

static void tell(struct talk *talk, const struct barlease_event *event)
{
	switch (event->type) {
	case BARLEASE_EVENT_QUEUED:
		printf("queued %u\n", event->position);
		break;
	case BARLEASE_EVENT_GRANTED:
		granted(talk, &event->granted);
		break;
	case BARLEASE_EVENT_REFUSED:
		printf("refused %s %s\n", strerrorname_np(event->error),
		       event->sentence);
		break;
	case BARLEASE_EVENT_RECALLED:
		printf("recalled %llu\n", (unsigned long long)event->lease);
		break;
	case BARLEASE_EVENT_REVOKED:
		printf("revoked %llu %u\n", (unsigned long long)event->lease,
		       event->why);
		break;
	case BARLEASE_EVENT_HANGUP:
		printf("hangup %s\n", event->sentence);
		break;
	default:
		printf("event %d\n", event->type);
	}
}

static void wait_for_event(struct talk *talk)
{
	struct pollfd polled = {
		.fd = barlease_lessee_get_fd(talk->lessee),
		.events = POLLIN,
	};
	struct barlease_event event;

	while (barlease_lessee_next_event(talk->lessee, &event)) {
		if (poll(&polled, 1, PATIENCE) == 0) {
			printf("none\n");
			return;
		}
	}
	tell(talk, &event);
}

static void release(const struct talk *talk)
{
	int err = barlease_lessee_release(talk->lessee, talk->lease);

	if (err)
		refused(talk, err);
	else
		printf("released\n");
}

static void obey(struct talk *talk, char *line)
{
	const char *words[4] = { "", "", "", "" };
	char *rest = line, *word;

	for (unsigned int i = 0; i < 4 && (word = strsep(&rest, "\n ")); i++)
		words[i] = word;
	if (!strcmp(words[0], "list"))
		list(talk);
	else if (!strcmp(words[0], "request"))
		request(talk, words[1], words[2], words[3]);
	else if (!strcmp(words[0], "start"))
		start(talk, words[1]);
	else if (!strcmp(words[0], "touch"))
		touch(talk);
	else if (!strcmp(words[0], "event"))
		wait_for_event(talk);
	else if (!strcmp(words[0], "release"))
		release(talk);
	else
		printf("what is \"%s\"?\n", words[0]);
}

static int become(int argc, char **argv)
{
	gid_t groups[GROUPS];
	size_t count = 0;

	if (argc < 4)
		return 0;
	for (int i = 4; i < argc && count < GROUPS; i++)
		groups[count++] = (gid_t)strtoul(argv[i], NULL, 10);
	return setgroups(count, groups) ||
	       setgid((gid_t)strtoul(argv[3], NULL, 10)) ||
	       setuid((uid_t)strtoul(argv[2], NULL, 10));
}

int main(int argc, char **argv)
{
	struct talk talk = { 0 };
	char line[256];
	int err;

	if (argc < 2 || become(argc, argv))
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	barlease_guard_install();
	err = barlease_lessee_connect(argv[1], &talk.lessee);
	printf("%s\n", err ? strerrorname_np(-err) : "connected");
	while (!err && fgets(line, sizeof(line), stdin))
		obey(&talk, line);
	if (talk.map.address)
		barlease_map_end(&talk.map);
	barlease_lessee_close(talk.lessee);
	return err ? 1 : 0;
}
