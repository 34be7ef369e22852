// SPDX-License-Identifier: MIT
#include "lender/lender.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

uint64_t lender_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int lender_create(const char *file, uint32_t keep, struct lender *lender)
{
	struct barlease_server_terms terms = {
		.context = lender,
		.calls = lender_calls,
	};
	int err;

	*lender = (struct lender){
		.file = file,
		.keep = { .max = keep, .policy_fd = -1 },
	};
	terms.store = keep_store(&lender->keep);
	lender->wanted = epoll_create1(EPOLL_CLOEXEC);
	if (lender->wanted < 0)
		return -errno;
	err = barlease_server_create(&terms, &lender->server);
	if (err) {
		close(lender->wanted);
		lender->wanted = -1;
	}
	return err;
}

void lender_end(struct lender *lender)
{
	static const struct setup none;

	barlease_server_destroy(lender->server);
	lender->server = NULL;
	if (lender->setup)
		devices_close(lender, lender->setup, &none);
	setup_free(lender->setup);
	lender->setup = NULL;
	if (lender->wanted >= 0)
		close(lender->wanted);
	handed_end(&lender->handed);
	keep_end(&lender->keep);
}

void mistakes_log(const struct lender *lender, const struct mistakes *mistakes,
		  bool kept)
{
	struct log_line line;

	for (size_t i = 0; i < mistakes->count; i++) {
		log_begin(&line, LOG_ERR, "mistake");
		log_format(&line, "at", "%s:%u", lender->file,
			   mistakes->list[i].line);
		log_text(&line, "reason", mistakes->list[i].text);
		if (kept)
			log_text(&line, "policy", "kept");
		log_end(&line);
	}
}

static int policy_load(const struct lender *lender, struct policy **policy)
{
	struct mistakes mistakes = { 0 };
	int err = policy_read(lender->file, policy, &mistakes);

	mistakes_log(lender, &mistakes, false);
	mistakes_free(&mistakes);
	return err;
}

static void load_log(const struct lender *lender, int err)
{
	struct log_line line;

	log_begin(&line, err ? LOG_ERR : LOG_NOTICE,
		  err ? "policy-rejected" : "policy-in-force");
	log_text(&line, "file", lender->file);
	if (err == -EBADMSG)
		log_text(&line, "reason", "it has mistakes");
	else if (err)
		log_text(&line, "reason", strerror(-err));
	log_end(&line);
}

/* Callbacks only note it: they must not change what the server is at. */
static void retry(struct lender *lender)
{
	if (!lender->retry)
		return;
	lender->retry = false;
	offers_retry(lender);
}

/* Whoever comes after this goes on with it, from here on. */
static int policy_keep(struct lender *lender, struct setup *setup)
{
	int err = keep_policy(&lender->keep, setup->policy);

	if (err) {
		sockets_drop(lender, setup);
		devices_drop(lender, setup);
		setup_free(setup);
	}
	return err;
}

int lender_load(struct lender *lender)
{
	struct setup *old = lender->setup;
	struct policy *policy;
	struct setup *new;
	int err;

	err = policy_load(lender, &policy);
	if (!err)
		err = setup_make(lender, policy, &new);
	if (!err)
		err = policy_keep(lender, new);
	load_log(lender, err);
	if (err) {
		lender->metrics.reloads_rejected++;
		if (old)
			sockets_renew(lender, old);
		return err;
	}
	lender->metrics.reloads++;
	/* Callbacks ask it from now on. */
	lender->setup = new;
	lender_limit(lender, new->policy);
	if (old) {
		offers_leave(lender, old);
		devices_close(lender, old, new);
	}
	offers_come(lender, old);
	if (old) {
		sockets_close(lender, old, new);
		sockets_renew(lender, old);
		setup_free(old);
	}
	leases_review(lender);
	retry(lender);
	return 0;
}

int lender_dispatch(struct lender *lender)
{
	int err;

	/* An operator, or a device that is gone, may have ended something. */
	retry(lender);
	err = barlease_server_dispatch(lender->server);
	retry(lender);
	return err < 0 ? err : 0;
}
