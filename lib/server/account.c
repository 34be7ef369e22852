// SPDX-License-Identifier: MIT
/* How much whom with a user id, a group id or a cgroup may have. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/server.h"

static uint64_t hash_of(const struct server_offer *offer,
			enum server_identity identity, uint64_t value)
{
	return table_hash(offer->id * SERVER_IDENTITIES + identity, value);
}

static struct server_account *find(const struct barlease_server *server,
				   const struct server_offer *offer,
				   enum server_identity identity,
				   uint64_t value)
{
	uint64_t hash = hash_of(offer, identity, value);
	struct table_node *node;

	for (node = table_first(&server->accounts, hash); node;
	     node = node->next) {
		struct server_account *account =
			container_of(node, struct server_account, node);

		if (account->offer == offer && account->identity == identity &&
		    account->value == value)
			return account;
	}
	return NULL;
}

static struct server_account *account_get(struct barlease_server *server,
					  struct server_offer *offer,
					  enum server_identity identity,
					  uint64_t value)
{
	struct server_account *account = find(server, offer, identity, value);

	if (!account) {
		account = calloc(1, sizeof(*account));
		if (!account)
			return NULL;
		account->offer = offer;
		account->identity = identity;
		account->value = value;
		table_add(&server->accounts, &account->node,
			  hash_of(offer, identity, value));
	}
	account->used++;
	return account;
}

static void account_put(struct barlease_server *server,
			struct server_account *account)
{
	if (--account->used)
		return;
	table_remove(&server->accounts, &account->node);
	free(account);
}

static uint64_t value_of(const struct server_client *client,
			 enum server_identity identity)
{
	switch (identity) {
	case SERVER_BY_UID:
		return client->uid;
	case SERVER_BY_GID:
		return client->gid;
	default:
		return client->cgroup->id;
	}
}

static uint32_t limit_of(const struct server_offer *offer,
			 enum server_identity identity)
{
	switch (identity) {
	case SERVER_BY_UID:
		return offer->terms.max_per_uid;
	case SERVER_BY_GID:
		return offer->terms.max_per_gid;
	default:
		return offer->terms.max_per_cgroup;
	}
}

int server_share_check(struct barlease_server *server,
		       const struct server_client *client,
		       struct server_offer *offer, char *sentence)
{
	static const char *const names[] = { "user", "group", "cgroup" };

	for (unsigned int i = 0; i < SERVER_IDENTITIES; i++) {
		uint32_t limit = limit_of(offer, i);
		const struct server_account *account;

		if (!limit)
			continue;
		account = find(server, offer, i, value_of(client, i));
		if (!account || account->used < limit)
			continue;
		if (sentence)
			snprintf(sentence, BARLEASE_SENTENCE_SIZE,
				 "this %s has, or waits for, %u of \"%s\" and may have %u",
				 names[i], account->used, offer->name, limit);
		return EDQUOT;
	}
	return 0;
}

int server_share_take(struct barlease_server *server,
		      const struct server_client *client,
		      struct server_offer *offer, struct server_share *share)
{
	*share = (struct server_share){ { NULL } };
	for (unsigned int i = 0; i < SERVER_IDENTITIES; i++) {
		share->accounts[i] = account_get(server, offer, i,
						 value_of(client, i));
		if (!share->accounts[i]) {
			server_share_drop(server, share);
			return -ENOMEM;
		}
	}
	return 0;
}

void server_share_drop(struct barlease_server *server,
		       struct server_share *share)
{
	for (unsigned int i = 0; i < SERVER_IDENTITIES; i++) {
		if (share->accounts[i])
			account_put(server, share->accounts[i]);
		share->accounts[i] = NULL;
	}
}
