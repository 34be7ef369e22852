// SPDX-License-Identifier: GPL-2.0-only
/*
 * barlease-trouble: does wrong what a debug kernel must notice. Loading it with
 * what=NAME does it once. It is for the tests of the rig, and never loaded
 * beside those of the driver.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timer.h>

static char *what = "";
module_param(what, charp, 0);

static void read_what_is_freed(void)
{
	int *memory = kzalloc(sizeof(*memory), GFP_KERNEL);

	kfree(memory);
	OPTIMIZER_HIDE_VAR(memory);
	if (memory)
		pr_info("read %d\n", READ_ONCE(*memory));
}

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);

static void lock_in_both_orders(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);

	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void sleep_while_atomic(void)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock(&lock);
	might_sleep();
	spin_unlock(&lock);
}

/* Some, as a stale copy of a pointer may be anywhere. */
static void lose_memory(void)
{
	void *memory;
	int i;

	for (i = 0; i < 10; i++) {
		memory = kmalloc(1000, GFP_KERNEL);
		OPTIMIZER_HIDE_VAR(memory);
	}
}

struct object {
	struct timer_list timer;
};

static void expire(struct timer_list *timer)
{
}

static void free_an_active_timer(void)
{
	struct object *object = kzalloc(sizeof(*object), GFP_KERNEL);

	if (!object)
		return;
	timer_setup(&object->timer, expire, 0);
	mod_timer(&object->timer, jiffies + 3600 * HZ);
	kfree(object);
}

static void take_a_reference_to_what_is_gone(void)
{
	refcount_t count = REFCOUNT_INIT(0);

	refcount_inc(&count);
}

static void shift_too_far(void)
{
	unsigned int bits = 32;

	OPTIMIZER_HIDE_VAR(bits);
	pr_info("shifted to %d\n", 1 << bits);
}

static void add_to_a_list_twice(void)
{
	static LIST_HEAD(list);
	static LIST_HEAD(entry);

	list_add(&entry, &list);
	list_add(&entry, &list);
}

static int raced;

static int count_on(void *unused)
{
	while (!kthread_should_stop()) {
		raced++;
		barrier();	/* each time in memory */
		cond_resched();
	}
	return 0;
}

/* Two that count without a lock, for as long as it takes to be noticed. */
static void race_with_a_thread(void)
{
	struct task_struct *thread = kthread_run(count_on, NULL, "trouble");
	unsigned long end = jiffies + 10 * HZ;

	if (IS_ERR(thread))
		return;
	while (time_before(jiffies, end)) {
		raced++;
		barrier();	/* each time in memory */
		cond_resched();
	}
	kthread_stop(thread);
}

static const struct {
	const char *name;
	void (*act)(void);
} troubles[] = {
	{ "freed", read_what_is_freed },
	{ "order", lock_in_both_orders },
	{ "sleep", sleep_while_atomic },
	{ "leak", lose_memory },
	{ "timer", free_an_active_timer },
	{ "reference", take_a_reference_to_what_is_gone },
	{ "shift", shift_too_far },
	{ "list", add_to_a_list_twice },
	{ "race", race_with_a_thread },
};

static int __init barlease_trouble_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(troubles); i++) {
		if (strcmp(what, troubles[i].name))
			continue;
		troubles[i].act();
		return 0;
	}
	return -EINVAL;
}
module_init(barlease_trouble_init);

static void __exit barlease_trouble_exit(void)
{
}
module_exit(barlease_trouble_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Mistakes for a debug kernel to find");
