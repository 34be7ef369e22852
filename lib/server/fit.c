// SPDX-License-Identifier: MIT
/* Which requests an offer can serve. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "server/server.h"

/* Nothing where nobody wants to know. */
static void __attribute__((format(printf, 2, 3)))
say(char *sentence, const char *format, ...)
{
	va_list arguments;

	if (!sentence)
		return;
	va_start(arguments, format);
	vsnprintf(sentence, BARLEASE_SENTENCE_SIZE, format, arguments);
	va_end(arguments);
}

int server_fit(const struct server_offer *offer, const struct server_wish *wish,
	       char *sentence)
{
	uint64_t size = offer->terms.range.length / offer->count;

	if (wish->access == BARLEASE_READ_WRITE &&
	    offer->terms.access == BARLEASE_READ_ONLY) {
		say(sentence, "\"%s\" is read-only", offer->name);
		return EACCES;
	}
	if (wish->attribute == BARLEASE_WRITE_COMBINING &&
	    offer->terms.attribute == BARLEASE_NON_CACHED) {
		say(sentence, "\"%s\" cannot be write-combining", offer->name);
		return EOPNOTSUPP;
	}
	if (wish->minimum > size) {
		say(sentence, "a slice of \"%s\" has %llu bytes, not %llu", offer->name,
		    (unsigned long long)size,
		    (unsigned long long)wish->minimum);
		return ERANGE;
	}
	if (offer->device->lost) {
		say(sentence, "the device of \"%s\" is lost", offer->name);
		return ENODEV;
	}
	return 0;
}

/* The further it came, the more it tells. */
static int rank(int error)
{
	switch (error) {
	case ENODEV:
		return 4;
	case ERANGE:
		return 3;
	case EOPNOTSUPP:
		return 2;
	case EACCES:
		return 1;
	default:
		return 0;
	}
}

int server_fit_any(struct barlease_server *server,
		   const struct server_client *client,
		   const struct server_wish *wish, char *sentence)
{
	char other[BARLEASE_SENTENCE_SIZE];
	struct list *link, *next;
	int error = ENOENT, err;

	say(sentence, "nothing is offered here");
	list_for_each(link, next, &client->listener->shown) {
		const struct server_shown *shown =
			list_entry(link, struct server_shown, of_listener);

		if (!server_call_visible(server, client, shown->offer))
			continue;
		err = server_fit(shown->offer, wish, other);
		if (!err)
			return 0;
		if (rank(err) > rank(error)) {
			error = err;
			say(sentence, "%s", other);
		}
	}
	return error;
}

bool server_has_free(const struct server_offer *offer)
{
	return offer->free_count && !offer->removed && !offer->device->away &&
	       !offer->device->lost;
}
