// SPDX-License-Identifier: MIT
#include "lender/figures.h"

#include <string.h>

#include "lender/lender.h"
#include "log.h"

enum state {
	STATE_SLICES,
	STATE_FREE,
	STATE_STUCK,
	STATE_LEASES,
	STATE_WAITING,
	STATES,
};

static const struct {
	const char *name, *help;
} states[STATES] = {
	[STATE_SLICES] = { "barlease_slices", "Slices of an offer." },
	[STATE_FREE] = { "barlease_slices_free",
			 "Slices that can be lent now." },
	[STATE_STUCK] = { "barlease_slices_stuck",
			  "Slices that the kernel has not given back." },
	[STATE_LEASES] = { "barlease_leases", "Leases of an offer." },
	[STATE_WAITING] = { "barlease_requests_waiting",
			    "Requests that wait for an offer by its name." },
};

struct visiting {
	figure_visit visit;
	void *context;
	enum state state;
	uint32_t lessees;
};

static uint32_t state_of(const struct barlease_server_offer_state *offer,
			 enum state state)
{
	switch (state) {
	case STATE_SLICES:
		return offer->slices;
	case STATE_FREE:
		return offer->free;
	case STATE_STUCK:
		return offer->stuck;
	case STATE_LEASES:
		return offer->leases;
	default:
		return offer->waiting;
	}
}

static int offer_visit(void *context,
		       const struct barlease_server_offer_state *offer)
{
	const struct visiting *visiting = context;
	struct figure figure = {
		.name = states[visiting->state].name,
		.help = states[visiting->state].help,
		.label = "offer",
		.of = offer->offer->name,
		.device = barlease_device_bdf(offer->device),
		.value = state_of(offer, visiting->state),
	};

	/* Another one may have its name. */
	if (!offer->removed)
		visiting->visit(visiting->context, &figure);
	return 0;
}

static int lessee_count(void *context,
			const struct barlease_server_lessee *lessee)
{
	struct visiting *visiting = context;

	(void)lessee;
	visiting->lessees++;
	return 0;
}

static void states_visit(struct lender *lender, struct visiting *visiting)
{
	for (visiting->state = 0; visiting->state < STATES; visiting->state++)
		barlease_server_each_offer(lender->server, offer_visit,
					   visiting);
	barlease_server_each_lessee(lender->server, lessee_count, visiting);
	visiting->visit(visiting->context,
			&(struct figure){
				.name = "barlease_lessees",
				.help = "Processes that are connected.",
				.value = visiting->lessees,
			});
}

static void counter(const struct visiting *visiting, const char *name,
		    const char *help, uint64_t value)
{
	visiting->visit(visiting->context, &(struct figure){
						   .name = name,
						   .help = help,
						   .counter = true,
						   .value = value,
					   });
}

static void counter_of(const struct visiting *visiting, const char *name,
		       const char *help, const char *label, const char *of,
		       uint64_t value)
{
	visiting->visit(visiting->context, &(struct figure){
						   .name = name,
						   .help = help,
						   .counter = true,
						   .label = label,
						   .of = of,
						   .value = value,
					   });
}

static void denials_visit(const struct metrics *metrics,
			  const struct visiting *visiting)
{
	for (unsigned int i = 0; i < METRICS_DENIALS; i++) {
		int error = metrics_denial_error(i);

		counter_of(visiting, "barlease_denials_total",
			   "Requests that were not granted, by their error.",
			   "error", error ? strerrorname_np(error) : "other",
			   metrics->denials[i]);
	}
	counter(visiting, "barlease_denials_kept_back_total",
		"Denials that the log does not tell of.",
		metrics->denials_kept_back);
}

static void counters_visit(const struct metrics *metrics,
			   const struct visiting *visiting)
{
	static const char reloads[] =
		"Policies that were read, by what became of them.";

	counter(visiting, "barlease_grants_total", "Leases that were granted.",
		metrics->grants);
	counter(visiting, "barlease_resumed_total",
		"Leases of a barleased before, also of those that have ended.",
		metrics->resumed);
	denials_visit(metrics, visiting);
	counter(visiting, "barlease_recalls_total",
		"Leases that were asked back.", metrics->recalls);
	counter(visiting, "barlease_slowed_total",
		"Times that a process waited as its user asks too often.",
		metrics->slowed);
	counter(visiting, "barlease_stuck_total",
		"Leases that the kernel did not take back.", metrics->stuck);
	counter(visiting, "barlease_log_lines_lost_total",
		"Lines of the log that nobody has taken.", log_lost());
	for (enum barlease_end why = BARLEASE_END_RELEASED;
	     why <= BARLEASE_END_SERVER; why++)
		counter_of(visiting, "barlease_ends_total",
			   "Leases that have ended, by why.", "why",
			   end_word(why), metrics->ends[why]);
	counter_of(visiting, "barlease_reloads_total", reloads, "result",
		   "in-force", metrics->reloads);
	counter_of(visiting, "barlease_reloads_total", reloads, "result",
		   "rejected", metrics->reloads_rejected);
}

void figures_each(struct lender *lender, figure_visit visit, void *context)
{
	struct visiting visiting = { .visit = visit, .context = context };

	states_visit(lender, &visiting);
	counters_visit(&lender->metrics, &visiting);
}
