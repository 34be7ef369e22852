// SPDX-License-Identifier: MIT
#include "lender/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lender/lender.h"
#include "log.h"

/* Names and devices are those of a policy, where nothing needs a quote. */
#define LABELS "{offer=\"%s\",device=\"%s\"} "

enum figure {
	FIGURE_SLICES,
	FIGURE_FREE,
	FIGURE_STUCK,
	FIGURE_LEASES,
	FIGURE_WAITING,
	FIGURES,
};

static const struct {
	const char *name, *help;
} figures[FIGURES] = {
	[FIGURE_SLICES] = { "barlease_slices", "Slices of an offer." },
	[FIGURE_FREE] = { "barlease_slices_free",
			  "Slices that can be lent now." },
	[FIGURE_STUCK] = { "barlease_slices_stuck",
			   "Slices that the kernel has not given back." },
	[FIGURE_LEASES] = { "barlease_leases", "Leases of an offer." },
	[FIGURE_WAITING] = { "barlease_requests_waiting",
			     "Requests that wait for an offer by its name." },
};

struct printing {
	FILE *out;
	enum figure figure;
	unsigned int lessees;
};

static void head(FILE *out, const char *name, const char *type,
		 const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void counter(FILE *out, const char *name, const char *help,
		    uint64_t value)
{
	head(out, name, "counter", help);
	fprintf(out, "%s %llu\n", name, (unsigned long long)value);
}

static uint32_t figure_of(const struct barlease_server_offer_state *offer,
			  enum figure figure)
{
	switch (figure) {
	case FIGURE_SLICES:
		return offer->slices;
	case FIGURE_FREE:
		return offer->free;
	case FIGURE_STUCK:
		return offer->stuck;
	case FIGURE_LEASES:
		return offer->leases;
	default:
		return offer->waiting;
	}
}

static int offer_print(void *context,
		       const struct barlease_server_offer_state *offer)
{
	const struct printing *printing = context;

	/* Another one may have its name. */
	if (!offer->removed)
		fprintf(printing->out, "%s" LABELS "%u\n",
			figures[printing->figure].name, offer->offer->name,
			barlease_device_bdf(offer->device),
			figure_of(offer, printing->figure));
	return 0;
}

static int lessee_count(void *context,
			const struct barlease_server_lessee *lessee)
{
	struct printing *printing = context;

	(void)lessee;
	printing->lessees++;
	return 0;
}

static void state_print(struct lender *lender, FILE *out)
{
	struct printing printing = { .out = out };

	for (printing.figure = 0; printing.figure < FIGURES;
	     printing.figure++) {
		head(out, figures[printing.figure].name, "gauge",
		     figures[printing.figure].help);
		barlease_server_each_offer(lender->server, offer_print,
					   &printing);
	}
	barlease_server_each_lessee(lender->server, lessee_count, &printing);
	head(out, "barlease_lessees", "gauge", "Processes that are connected.");
	fprintf(out, "barlease_lessees %u\n", printing.lessees);
}

static void counters_print(const struct metrics *metrics, FILE *out)
{
	counter(out, "barlease_grants_total", "Leases that were granted.",
		metrics->grants);
	counter(out, "barlease_denials_total", "Requests that were not granted.",
		metrics->denials);
	counter(out, "barlease_denials_kept_back_total",
		"Denials that the log does not tell of.",
		metrics->denials_kept_back);
	counter(out, "barlease_recalls_total", "Leases that were asked back.",
		metrics->recalls);
	counter(out, "barlease_stuck_total",
		"Leases that the kernel did not take back.", metrics->stuck);
	counter(out, "barlease_log_lines_lost_total",
		"Lines of the log that nobody has taken.", log_lost());
	head(out, "barlease_ends_total", "counter",
	     "Leases that have ended, by why.");
	for (enum barlease_end why = BARLEASE_END_RELEASED;
	     why <= BARLEASE_END_SERVER; why++)
		fprintf(out, "barlease_ends_total{why=\"%s\"} %llu\n",
			end_word(why), (unsigned long long)metrics->ends[why]);
	head(out, "barlease_reloads_total", "counter",
	     "Policies that were read, by what became of them.");
	fprintf(out,
		"barlease_reloads_total{result=\"in-force\"} %llu\n"
		"barlease_reloads_total{result=\"rejected\"} %llu\n",
		(unsigned long long)metrics->reloads,
		(unsigned long long)metrics->reloads_rejected);
}

static char *text_make(struct lender *lender, size_t *length)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, length);

	if (!out)
		return NULL;
	state_print(lender, out);
	counters_print(&lender->metrics, out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static int file_write(const char *path, const char *text, size_t length)
{
	/* Whoever collects it may be anybody. */
	int fd = open(path,
		      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		      0644);
	ssize_t written;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fchmod(fd, 0644) < 0)
		err = -errno;
	while (!err && length) {
		written = write(fd, text, length);
		if (written < 0) {
			err = -errno;
		} else {
			text += written;
			length -= (size_t)written;
		}
	}
	/* Some file systems tell of a full disk here. */
	if (close(fd) < 0 && !err)
		err = -errno;
	return err;
}

int metrics_write(struct lender *lender, const char *path)
{
	char other[PATH_MAX];
	size_t length;
	char *text;
	int err;

	if (snprintf(other, sizeof(other), "%s.new", path) >=
	    (int)sizeof(other))
		return -ENAMETOOLONG;
	text = text_make(lender, &length);
	if (!text)
		return -ENOMEM;
	err = file_write(other, text, length);
	free(text);
	if (!err && rename(other, path) < 0)
		err = -errno;
	if (err)
		unlink(other);
	return err;
}
