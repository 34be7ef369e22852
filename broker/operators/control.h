/* SPDX-License-Identifier: MIT */
/*
 * The operators' socket: who holds what, recall and revoke, and what happens as
 * it happens. For root and the user that barleased runs as.
 */
#ifndef BROKER_CONTROL_H
#define BROKER_CONTROL_H

#include "control/packet.h"
#include "lender/lender.h"
#include "server/socket_file.h"

/* At a time; one more is told EMFILE. */
#define OPERATORS_MAX 16
/* Fds that lessees cannot take: so many operators, but for one, get in anyway. */
#define OPERATORS_SPARE 4
/* What is kept for one that does not read; one byte more, and it is closed. */
#define OPERATOR_UNSENT_MAX (64u << 20)

struct operator {
	int fd; /* -1: none */
	uid_t uid;
	pid_t pid;
	bool watches;
	bool closing; /* when all is sent */
	char *unsent; /* packets, one after the other */
	size_t begin, end, room; /* of what is unsent */
};

struct control {
	struct lender *lender;
	char path[POLICY_SOCKET_SIZE];
	struct socket_file file; /* that is there, if it is ours */
	int listener;
	int epoll;
	int spares[OPERATORS_SPARE]; /* -1: in use */
	struct operator operators[OPERATORS_MAX];
};

/**
 * control_open() - have the socket
 * @lender: whose operators they are; it learns of @control
 * @path: of the socket
 * @control: where to put it, for control_close()
 *
 * Return: 0; -ENAMETOOLONG, -EADDRINUSE, -ENOMEM; or -errno, and it is logged.
 */
int control_open(struct lender *lender, const char *path,
		 struct control **control);

/* NULL is none. */
void control_close(struct control *control);

/* Have the socket's file again if it was removed; logs if that fails. */
void control_renew(struct control *control);

/* To be called when the fd is readable; never waits. */
int control_fd(const struct control *control);
void control_dispatch(struct control *control);

/* command.c: do what a packet says, which was checked. */
void operator_obey(struct control *control, struct operator *operator,
		   const union control_packet *packet);

/* operator.c */
void operator_put(struct control *control, struct operator *operator,
		  const union control_packet *packet);
void operator_refuse(struct control *control, struct operator *operator,
		     uint32_t serial, int error, const char *sentence);
/* Take what it says, and send what it is told, as far as there is room. */
void operator_serve(struct control *control, struct operator *operator,
		    uint32_t events);
void operator_end(struct operator *operator);

/* view.c: what there is, as packets */
void view_who(const struct barlease_server_lessee *lessee,
	      struct control_who *who);
void view_lease(const struct barlease_server_lessee *lessee,
		const struct barlease_server_lease *lease,
		struct control_lease *view);
void view_offer(const struct lender *lender,
		const struct barlease_server_offer_state *state,
		struct control_packet_offer *view);

#endif /* BROKER_CONTROL_H */
