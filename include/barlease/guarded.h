/* SPDX-License-Identifier: MIT */
/*
 * Accesses to a lease that answer -ENXIO, and not with SIGBUS, when it is gone:
 * revoked, or its device away for the moment.
 *
 * They are the same instructions as the plain ones of barlease/mmio.h. Where
 * each is, and where to go on if it faults, stands in a table that only the
 * handler of SIGBUS reads. The application chooses to have that handler:
 * barlease_guard_install(). Without it a guarded access is a plain one.
 *
 * For x86-64 and arm64, with a compiler that has asm goto with outputs (gcc 11,
 * clang 13) and its assembler. Link with libbarlease; accesses in a shared
 * object that is loaded and unloaded at run time are known as long as it is
 * there, from its constructors on (which may run before). Who links the
 * library's static code into such an object uninstalls the handler before it
 * goes.
 *
 * In a thread that has blocked SIGBUS the kernel ends the process instead.
 */
#ifndef BARLEASE_GUARDED_H
#define BARLEASE_GUARDED_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include <barlease/mmio.h>

#if !defined(__x86_64__) && !defined(__aarch64__)
#error "barlease/guarded.h: guarded accesses exist for x86-64 and arm64"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/**
 * barlease_guard_install() - handle SIGBUS of guarded accesses in this process
 *
 * What SIGBUS did before it still does for every other one: the former handler
 * is called, with its mask and on its terms; where there was none the process
 * ends. It holds for all threads. To install it twice is to install it once.
 *
 * Return: 0; -EBUSY when it was installed, and another handler was set since,
 * which may call this one; or -errno of sigaction().
 */
int barlease_guard_install(void);

/**
 * barlease_guard_uninstall() - have SIGBUS do what it did before
 *
 * Return: 0; -ENOENT when it is not installed; -EBUSY when another handler was
 * set since, which may call this one: nothing has changed then.
 */
int barlease_guard_uninstall(void);

/**
 * barlease_guarded_copy_from() - copy bytes out of a lease
 * @to: where to
 * @from: in the lease
 * @length: how many bytes: exactly these are read, by loads of 64 and 32 bits
 *	where @from is aligned for them, else of 8
 * @done: where to put how many bytes were copied, or NULL
 *
 * Return: 0, or -ENXIO when the lease went away before the end.
 */
int barlease_guarded_copy_from(void *to, const volatile void *from,
			       size_t length, size_t *done);

/**
 * barlease_guarded_copy_to() - copy bytes into a lease
 *
 * Mirrors barlease_guarded_copy_from(). A write that a device has got cannot be
 * told from one that was lost in it: @done counts what did not fault, and of
 * copy_to_wc's lines only whole ones.
 */
int barlease_guarded_copy_to(volatile void *to, const void *from, size_t length,
			     size_t *done);

/**
 * barlease_guarded_copy_to_wc() - copy bytes into a write-combining lease
 *
 * As barlease_guarded_copy_to(), but by stores that fill whole lines of 64 bytes
 * where @to is aligned for it, so that they travel as one write each; all of
 * them are on their way when it returns (barlease_wc_flush()).
 */
int barlease_guarded_copy_to_wc(volatile void *to, const void *from,
				size_t length, size_t *done);

/* What follows is how it is done, and not to be used as such. */

struct barlease_guard_entry {
	int32_t access; /* the instruction, from this field on */
	int32_t recovery; /* where to go on, from this field on */
};

/* The accesses of one program or shared object. */
struct barlease_guard_table {
	const struct barlease_guard_entry *begin;
	const struct barlease_guard_entry *end;
	struct barlease_guard_table *next;
	int known;
};

/* Both may be called more than once for a table. */
void barlease_guard_table_add(struct barlease_guard_table *table);
void barlease_guard_table_remove(struct barlease_guard_table *table);

/*
 * One of each in every object: the linker makes the first two, and keeps one
 * copy of the others, whose names it shows to nobody else.
 */
#define BARLEASE_OBJECT_ __attribute__((weak, visibility("hidden")))

extern BARLEASE_OBJECT_ const struct barlease_guard_entry
	__start_barlease_guard[];
extern BARLEASE_OBJECT_ const struct barlease_guard_entry
	__stop_barlease_guard[];
extern BARLEASE_OBJECT_ struct barlease_guard_table barlease_guard_here_;
BARLEASE_OBJECT_ void barlease_guard_enter_(void);
BARLEASE_OBJECT_ void barlease_guard_leave_(void);

BARLEASE_OBJECT_ struct barlease_guard_table barlease_guard_here_ = { 0, 0, 0,
								      0 };

BARLEASE_OBJECT_ __attribute__((constructor)) void barlease_guard_enter_(void)
{
	barlease_guard_here_.begin = __start_barlease_guard;
	barlease_guard_here_.end = __stop_barlease_guard;
	barlease_guard_table_add(&barlease_guard_here_);
}

BARLEASE_OBJECT_ __attribute__((destructor)) void barlease_guard_leave_(void)
{
	barlease_guard_table_remove(&barlease_guard_here_);
}

/*
 * An entry for the instruction at label 1. The "?" has it go away with the
 * function that it is of, where the linker keeps one copy of many (C++); but
 * for the "R" a linker that collects garbage (lld) takes them all.
 */
#ifdef __x86_64__
#define BARLEASE_ENTRY_                                       \
	".pushsection barlease_guard, \"aR?\", @progbits\n\t" \
	".balign 4\n\t"                                       \
	".long 1b - .\n\t"                                    \
	".long %l[gone] - .\n\t"                              \
	".popsection\n"
#define BARLEASE_LOAD_8_ "movb %[from], %[found]"
#define BARLEASE_LOAD_16_ "movw %[from], %[found]"
#define BARLEASE_LOAD_32_ "movl %[from], %[found]"
#define BARLEASE_LOAD_64_ "movq %[from], %[found]"
#define BARLEASE_STORE_8_ "movb %[value], %[to]"
#define BARLEASE_STORE_16_ "movw %[value], %[to]"
#define BARLEASE_STORE_32_ "movl %[value], %[to]"
#define BARLEASE_STORE_64_ "movq %[value], %[to]"
#define BARLEASE_MEMORY_ "m"
#define BARLEASE_REGISTER_ "q"
#else
#define BARLEASE_ENTRY_                                        \
	".pushsection barlease_guard, \"aR?\", %%progbits\n\t" \
	".balign 4\n\t"                                        \
	".long 1b - .\n\t"                                     \
	".long %l[gone] - .\n\t"                               \
	".popsection\n"
#define BARLEASE_LOAD_8_ "ldrb %w[found], %[from]"
#define BARLEASE_LOAD_16_ "ldrh %w[found], %[from]"
#define BARLEASE_LOAD_32_ "ldr %w[found], %[from]"
#define BARLEASE_LOAD_64_ "ldr %x[found], %[from]"
#define BARLEASE_STORE_8_ "strb %w[value], %[to]"
#define BARLEASE_STORE_16_ "strh %w[value], %[to]"
#define BARLEASE_STORE_32_ "str %w[value], %[to]"
#define BARLEASE_STORE_64_ "str %x[value], %[to]"
#define BARLEASE_MEMORY_ "Q"
#define BARLEASE_REGISTER_ "r"
#endif

/**
 * barlease_guarded_read8/16/32/64[_relaxed]() - one load
 * @address: aligned to the width
 * @value: where to put the value
 *
 * In the order of barlease_read8() and so on.
 *
 * Return: 0, or -ENXIO when the lease is gone; @value is as it was then.
 *
 * barlease_guarded_write8/16/32/64[_relaxed]() - one store
 * @address: aligned to the width
 * @value: what to store
 *
 * In the order of barlease_write8() and so on.
 *
 * Return: 0, or -ENXIO when the lease is gone and nothing was stored.
 *
 * The empty asm at both ends of a load: without it gcc (12 and others, and see
 * its bug 113921) may take a variable's old value and the output of an asm goto
 * for the same thing, and lose one of them.
 */
#define BARLEASE_GUARDED_(width)                                               \
	static inline int barlease_guarded_read##width##_relaxed(              \
		const volatile void *address, uint##width##_t *value)          \
	{                                                                      \
		uint##width##_t found;                                         \
		__asm__ volatile goto(                                         \
			"1: " BARLEASE_LOAD_##width##_ "\n\t" BARLEASE_ENTRY_  \
			: [found] "=" BARLEASE_REGISTER_(found)                \
			: [from] BARLEASE_MEMORY_(                             \
				*(const volatile uint##width##_t *)address)    \
			:                                                      \
			: gone);                                               \
		__asm__ volatile("");                                          \
		*value = found;                                                \
		return 0;                                                      \
gone:                                                                          \
		__asm__ volatile("");                                          \
		return -ENXIO;                                                 \
	}                                                                      \
	static inline int barlease_guarded_read##width(                        \
		const volatile void *address, uint##width##_t *value)          \
	{                                                                      \
		int err = barlease_guarded_read##width##_relaxed(address,      \
								 value);       \
		barlease_after_read_();                                        \
		return err;                                                    \
	}                                                                      \
	static inline int barlease_guarded_write##width##_relaxed(             \
		volatile void *address, uint##width##_t value)                 \
	{                                                                      \
		__asm__ volatile goto(                                         \
			"1: " BARLEASE_STORE_##width##_ "\n\t" BARLEASE_ENTRY_ \
			:                                                      \
			: [to] BARLEASE_MEMORY_(                               \
				  *(volatile uint##width##_t *)address),       \
			  [value] BARLEASE_REGISTER_(value)                    \
			: "memory"                                             \
			: gone);                                               \
		return 0;                                                      \
gone:                                                                          \
		return -ENXIO;                                                 \
	}                                                                      \
	static inline int barlease_guarded_write##width(                       \
		volatile void *address, uint##width##_t value)                 \
	{                                                                      \
		barlease_before_write_();                                      \
		return barlease_guarded_write##width##_relaxed(address,        \
							       value);         \
	}

BARLEASE_GUARDED_(8)
BARLEASE_GUARDED_(16)
BARLEASE_GUARDED_(32)
BARLEASE_GUARDED_(64)

#undef BARLEASE_GUARDED_

#ifdef __cplusplus
}
#endif

#endif /* BARLEASE_GUARDED_H */
