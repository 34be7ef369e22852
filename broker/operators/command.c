// SPDX-License-Identifier: MIT
/* What operators want. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lender/figures.h"
#include "operators/control.h"
#include "log.h"

/* An answer of several packets on its way. */
struct answer {
	struct control *control;
	struct operator *operator;
	uint32_t serial;
	uint32_t count;
};

static void answer_put(struct answer *answer,
		       const union control_packet *packet)
{
	operator_put(answer->control, answer->operator, packet);
	answer->count++;
}

static int offer_visit(void *context,
		       const struct barlease_server_offer_state *state)
{
	struct answer *answer = context;
	union control_packet packet;

	control_packet_begin(&packet, CONTROL_OFFER, answer->serial);
	view_offer(answer->control->lender, state, &packet.offer);
	answer_put(answer, &packet);
	return 0;
}

static int lease_visit(void *context,
		       const struct barlease_server_lessee *lessee,
		       const struct barlease_server_lease *lease)
{
	struct answer *answer = context;
	union control_packet packet;

	control_packet_begin(&packet, CONTROL_LEASE, answer->serial);
	view_lease(lessee, lease, &packet.lease.lease);
	answer_put(answer, &packet);
	return 0;
}

static int request_visit(void *context,
			 const struct barlease_server_lessee *lessee,
			 const struct barlease_server_request *request)
{
	struct answer *answer = context;
	union control_packet packet;

	control_packet_begin(&packet, CONTROL_WAITING, answer->serial);
	packet.waiting.minimum = request->minimum;
	packet.waiting.wait = request->wait;
	packet.waiting.access = request->access;
	packet.waiting.attribute = request->attribute;
	packet.waiting.position = request->position;
	control_text(packet.waiting.name, sizeof(packet.waiting.name),
		     request->name);
	view_who(lessee, &packet.waiting.who);
	answer_put(answer, &packet);
	return 0;
}

static void done(struct answer *answer)
{
	union control_packet packet;

	control_packet_begin(&packet, CONTROL_DONE, answer->serial);
	packet.done.count = answer->count;
	operator_put(answer->control, answer->operator, &packet);
}

static void list(struct answer *answer)
{
	struct barlease_server *server = answer->control->lender->server;

	barlease_server_each_offer(server, offer_visit, answer);
	barlease_server_each_lease(server, lease_visit, answer);
	barlease_server_each_request(server, request_visit, answer);
	done(answer);
}

static void figure_answer(void *context, const struct figure *figure)
{
	struct answer *answer = context;
	struct control_packet_figure *view;
	union control_packet packet;

	control_packet_begin(&packet, CONTROL_FIGURE, answer->serial);
	view = &packet.figure;
	view->value = figure->value;
	view->kind = figure->counter ? CONTROL_COUNTER : CONTROL_GAUGE;
	control_text(view->name, sizeof(view->name), figure->name);
	control_text(view->help, sizeof(view->help), figure->help);
	if (figure->label) {
		control_text(view->label, sizeof(view->label), figure->label);
		control_text(view->of, sizeof(view->of), figure->of);
	}
	if (figure->device)
		control_text(view->device, sizeof(view->device),
			     figure->device);
	answer_put(answer, &packet);
}

static void command_log(const struct operator *operator, const char *command,
			uint64_t lease, int err)
{
	struct log_line line;

	log_begin(&line, LOG_NOTICE, "operator");
	log_text(&line, "command", command);
	log_format(&line, "lease", "%llu", (unsigned long long)lease);
	if (err)
		log_text(&line, "error", strerror(-err));
	log_format(&line, "pid", "%d", operator->pid);
	log_format(&line, "uid", "%u", operator->uid);
	log_end(&line);
}

/* Tell how it went. */
static void finish(struct answer *answer, const char *command, uint64_t lease,
		   int err)
{
	char sentence[BARLEASE_SENTENCE_SIZE];

	command_log(answer->operator, command, lease, err);
	if (!err) {
		done(answer);
		return;
	}
	if (err == -ENOENT)
		snprintf(sentence, sizeof(sentence),
			 "there is no lease %llu (any more)",
			 (unsigned long long)lease);
	else
		snprintf(sentence, sizeof(sentence),
			 "the kernel has not taken lease %llu back: %s",
			 (unsigned long long)lease, strerror(-err));
	operator_refuse(answer->control, answer->operator, answer->serial,
			-err, sentence);
}

void operator_obey(struct control *control, struct operator *operator,
		   const union control_packet *packet)
{
	struct lender *lender = control->lender;
	struct answer answer = {
		.control = control,
		.operator = operator,
		.serial = packet->header.serial,
	};
	int err;

	switch (packet->header.type) {
	case CONTROL_WATCH:
		/* What happens from now on is not in the list. */
		list(&answer);
		/* The place of one that has ended meanwhile is for others. */
		operator->watches = operator->fd >= 0;
		break;
	case CONTROL_LIST:
		list(&answer);
		break;
	case CONTROL_STAT:
		figures_each(lender, figure_answer, &answer);
		done(&answer);
		break;
	case CONTROL_RECALL:
		lender->why_recall = "operator";
		err = barlease_server_recall(lender->server,
					     packet->recall.lease,
					     packet->recall.grace);
		lender->why_recall = NULL;
		finish(&answer, "recall", packet->recall.lease, err);
		break;
	case CONTROL_REVOKE:
		err = barlease_server_revoke(lender->server,
					     packet->revoke.lease,
					     BARLEASE_END_REVOKED);
		finish(&answer, "revoke", packet->revoke.lease, err);
		break;
	}
}
