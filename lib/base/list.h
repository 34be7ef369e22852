/* SPDX-License-Identifier: MIT */
/* Doubly linked rings, whose links are in what they link. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* The head of a list, or the link of one of its elements. */
struct list {
	struct list *next, *prev;
};

#define container_of(pointer, type, member) \
	((type *)(void *)((char *)(pointer) - offsetof(type, member)))

#define list_entry(link, type, member) container_of(link, type, member)

/* What the body may take out of the list is the current element alone. */
#define list_for_each(link, safe, head)                              \
	for (link = (head)->next, safe = link->next; link != (head); \
	     link = safe, safe = link->next)

static inline void list_init(struct list *list)
{
	list->next = list;
	list->prev = list;
}

static inline bool list_empty(const struct list *list)
{
	return list->next == list;
}

static inline void list_add_tail(struct list *head, struct list *link)
{
	link->prev = head->prev;
	link->next = head;
	head->prev->next = link;
	head->prev = link;
}

static inline void list_add(struct list *head, struct list *link)
{
	list_add_tail(head->next, link);
}

/* The link can be taken out again, or put in somewhere. */
static inline void list_remove(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

static inline void list_move_tail(struct list *head, struct list *link)
{
	list_remove(link);
	list_add_tail(head, link);
}

#endif /* BASE_LIST_H */
