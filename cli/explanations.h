/* SPDX-License-Identifier: MIT */
/* What goes wrong, what it means and what can be done about it. */
#ifndef CLI_EXPLANATIONS_H
#define CLI_EXPLANATIONS_H

struct explanation {
	int error; /* errno; 0: it has none */
	const char *where; /* who says so, at what */
	const char *words; /* of the message, for who has that only; or NULL */
	const char *meaning;
	const char *remedy;
};

/* The last one has no "where". */
extern const struct explanation explanations[];

#endif /* CLI_EXPLANATIONS_H */
