// SPDX-License-Identifier: MIT
/* A lessee in the storm. It knows what it has mapped where. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arena.h"
#include "crew.h"
#include "storm.h"

struct borrower {
	struct storm *storm;
	struct worker worker;
	struct random random;
	unsigned int self;
	uint32_t leases[SLOTS]; /* of the slots that have an fd */
	struct arena arena;
};

static bool slot_live(const struct borrower *borrower, uint64_t slot)
{
	return borrower->worker.slot[slot] >= 0;
}

static void receive(struct borrower *borrower)
{
	uint64_t slot = random_below(&borrower->random, SLOTS);
	uint32_t lease;
	int fd = storm_receive(borrower->storm, borrower->self, &lease);

	if (fd < 0)
		return;
	slot_put(&borrower->worker, slot, fd);
	borrower->leases[slot] = lease;
}

/* A page that is mapped, and how much there is from there on. */
static bool pick(struct borrower *borrower, struct op *op)
{
	uint64_t page = random_below(&borrower->random, ARENA_PAGES), i;
	uint64_t count = 1;

	for (i = 0; i < ARENA_PAGES; i++, page = (page + 1) % ARENA_PAGES)
		if (borrower->arena.pages[page].object)
			break;
	if (i == ARENA_PAGES)
		return false;
	while (page + count < ARENA_PAGES &&
	       arena_in_one(&borrower->arena, page, count + 1))
		count++;
	op->arg[A_PAGE] = page;
	op->arg[A_COUNT] = 1 + random_below(&borrower->random, count);
	return true;
}

/* An access is right or a SIGBUS, and a SIGBUS after the end. */
static void access_one(struct borrower *borrower, uint64_t page)
{
	const struct arena_page *there = &borrower->arena.pages[page];
	const struct storm_lease *lease = there->object;
	struct random *random = &borrower->random;
	struct storm *storm = borrower->storm;
	struct op op = { .kind = OP_ACCESS };
	struct result result;
	uint64_t word, mask;
	bool ended;

	op.arg[A_PAGE] = page;
	op.arg[A_SIZE] = 1ull << random_below(random, 4);
	op.arg[A_OFFSET] = random_below(random, PAGE - 7);
	word = storm_word(lease->device,
			  (lease->first_page + there->index) * PAGE);
	mask = ~0ull >> (64 - 8 * op.arg[A_SIZE]);
	if (there->prot & PROT_WRITE && random_chance(random, 50)) {
		op.arg[A_WRITE] = 1;
		op.arg[A_VALUE] = word;
	}
	ended = atomic_load(&lease->ended);
	storm_act(storm, &borrower->worker, &op, &result);
	if (result.signal == SIGSEGV)
		storm_fail(storm, "SIGSEGV at page %#llx with prot %u",
			   (unsigned long long)page, there->prot);
	else if (!result.signal && ended)
		storm_fail(storm, "lease %td is over, but an access works",
			   lease - storm->leases);
	else if (!result.signal && !op.arg[A_WRITE] &&
		 (result.data ^ word) & mask)
		storm_fail(storm, "lease %td, page %u: %#llx, not %#llx",
			   lease - storm->leases, there->index,
			   (unsigned long long)result.data,
			   (unsigned long long)(word & mask));
}

static void access_all(struct borrower *borrower)
{
	uint64_t page;

	for (page = 0; page < ARENA_PAGES; page++)
		if (borrower->arena.pages[page].starts &&
		    borrower->arena.pages[page].prot)
			access_one(borrower, page);
}

static void map(struct borrower *borrower)
{
	struct random *random = &borrower->random;
	uint64_t slot = random_below(random, SLOTS);
	struct storm_lease *lease;
	struct arena_page first = { 0 };
	struct op op = { .kind = OP_MAP };
	struct result result;

	if (!slot_live(borrower, slot))
		return;
	lease = &borrower->storm->leases[borrower->leases[slot]];
	op.arg[A_SLOT] = slot;
	op.arg[A_OFFSET] = random_below(random, lease->pages);
	if (random_chance(random, 50))
		op.arg[A_OFFSET] = 0;
	op.arg[A_COUNT] = lease->pages - op.arg[A_OFFSET];
	op.arg[A_PAGE] = random_chance(random, 50)
				 ? random_below(random, ARENA_PAGES / 512) * 512
				 : random_below(random, ARENA_PAGES);
	op.arg[A_PROT] = lease->open_flags == O_RDWR ? PROT_READ | PROT_WRITE
						     : PROT_READ;
	op.arg[A_FLAGS] = MAP_SHARED;
	if (op.arg[A_COUNT] > ARENA_PAGES - op.arg[A_PAGE] ||
	    !arena_empty(&borrower->arena, op.arg[A_PAGE], op.arg[A_COUNT]))
		return;
	storm_act(borrower->storm, &borrower->worker, &op, &result);
	if (result.error)
		return;
	first.object = lease;
	first.index = (uint32_t)op.arg[A_OFFSET];
	first.prot = (uint8_t)op.arg[A_PROT];
	first.may_write = lease->open_flags == O_RDWR;
	arena_map(&borrower->arena, op.arg[A_PAGE], op.arg[A_COUNT], &first);
}

static void move(struct borrower *borrower, struct op *op)
{
	struct result result;

	op->kind = OP_MOVE;
	op->arg[A_COUNT2] = op->arg[A_COUNT];
	op->arg[A_FLAGS] = MREMAP_MAYMOVE | MREMAP_FIXED;
	op->arg[A_PAGE2] = random_below(&borrower->random, ARENA_PAGES);
	if (op->arg[A_COUNT] > ARENA_PAGES - op->arg[A_PAGE2] ||
	    !arena_empty(&borrower->arena, op->arg[A_PAGE2], op->arg[A_COUNT]))
		return;
	storm_act(borrower->storm, &borrower->worker, op, &result);
	if (!result.error)
		arena_move(&borrower->arena, op->arg[A_PAGE], op->arg[A_COUNT],
			   op->arg[A_PAGE2], op->arg[A_COUNT2]);
}

static void fork_one(struct borrower *borrower)
{
	pid_t pid = fork();

	if (!pid) {
		access_all(borrower);
		_exit(0);
	}
	atomic_fetch_add(&borrower->storm->counts[OP_FORK], 1);
	access_all(borrower);
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void change(struct borrower *borrower)
{
	static const uint64_t advices[] = { MADV_WILLNEED, MADV_DONTNEED,
					    MADV_COLD, MADV_DONTDUMP };
	struct random *random = &borrower->random;
	struct op op = { 0 };
	struct result result;

	if (!pick(borrower, &op))
		return;
	switch (random_below(random, 5)) {
	case 0:
	case 1:
		move(borrower, &op);
		break;
	case 2:
		op.kind = OP_PROTECT;
		op.arg[A_PROT] = random_below(random, 4);
		storm_act(borrower->storm, &borrower->worker, &op, &result);
		arena_protect(&borrower->arena, op.arg[A_PAGE], op.arg[A_COUNT],
			      (uint8_t)op.arg[A_PROT], true);
		break;
	case 3:
		op.kind = OP_UNMAP;
		storm_act(borrower->storm, &borrower->worker, &op, &result);
		arena_unmap(&borrower->arena, op.arg[A_PAGE], op.arg[A_COUNT]);
		break;
	default:
		op.kind = OP_ADVISE;
		op.arg[A_VALUE] = advices[random_below(random, 4)];
		storm_act(borrower->storm, &borrower->worker, &op, &result);
	}
}

static void turn(struct borrower *borrower)
{
	struct random *random = &borrower->random;
	uint64_t slot = random_below(random, SLOTS);
	struct op op = { 0 };

	switch (random_below(random, 16)) {
	case 0:
	case 1:
		receive(borrower);
		break;
	case 2:
	case 3:
		map(borrower);
		break;
	case 4:
	case 5:
		change(borrower);
		break;
	case 6:
		if (slot_live(borrower, slot))
			storm_send(borrower->storm,
				   (unsigned int)random_below(random,
							      STORM_BORROWERS),
				   borrower->leases[slot],
				   borrower->worker.slot[slot]);
		break;
	case 7:
		if (random_chance(random, 10))
			fork_one(borrower);
		else if (random_chance(random, 30))
			slot_put(&borrower->worker, slot, -1);
		break;
	default:
		if (pick(borrower, &op) &&
		    borrower->arena.pages[op.arg[A_PAGE]].prot)
			access_one(borrower, op.arg[A_PAGE]);
	}
}

void storm_borrower(struct storm *storm, unsigned int self, uint64_t seed)
{
	static struct borrower borrower;

	borrower.storm = storm;
	borrower.self = self;
	borrower.random.state = seed;
	worker_init(&borrower.worker, LESSORS + self, storm->shared);
	crew_drop_rights(LESSORS + self);
	while (!atomic_load(&storm->stop))
		turn(&borrower);
	_exit(0);
}
