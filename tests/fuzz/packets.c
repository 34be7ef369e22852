// SPDX-License-Identifier: MIT
#include "packets.h"

#include <errno.h>

#include "fds.h"

const char *const fuzz_names[FUZZ_NAMES] = {
	"", "slice", "pool", "shared", "read-only", "rationed", "none",
	/* As long as a name may be. */
	"a123456789b123456789c123456789d123456789e123456789f123456789g12",
};

static const enum barlease_packet_type of_lessee[] = {
	/* Twice what leads to more. */
	BARLEASE_PACKET_REQUEST, BARLEASE_PACKET_REQUEST,
	BARLEASE_PACKET_RELEASE, BARLEASE_PACKET_CANCEL,
	BARLEASE_PACKET_LIST,
};

static const enum barlease_packet_type of_server[] = {
	BARLEASE_PACKET_GRANT,	  BARLEASE_PACKET_GRANT,
	BARLEASE_PACKET_OFFER,	  BARLEASE_PACKET_LISTED,
	BARLEASE_PACKET_QUEUED,	  BARLEASE_PACKET_REFUSED,
	BARLEASE_PACKET_RELEASED, BARLEASE_PACKET_RECALLED,
	BARLEASE_PACKET_REVOKED,  BARLEASE_PACKET_DEVICE,
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Times and sizes: few of them make a difference. */
static uint64_t number(struct input *input)
{
	static const uint64_t usual[] = {
		0, 0, 1, 10, 1000, 4096, 4097, 8192, INT64_MAX, UINT64_MAX,
	};
	uint8_t which = input_byte(input);

	return which < COUNT(usual) ? usual[which] :
	       which & 0x80	    ? input_number(input) :
				      which;
}

static void fill_of_lessee(struct input *input, union packet *packet,
			   const struct fuzz_topics *topics)
{
	uint8_t how;

	switch (packet->header.type) {
	case BARLEASE_PACKET_REQUEST:
		how = input_byte(input);
		strcpy(packet->request.name, fuzz_names[how % FUZZ_NAMES]);
		packet->request.access = how >> 6 & 1;
		packet->request.attribute = how >> 7;
		packet->request.minimum = number(input);
		packet->request.wait = number(input);
		break;
	case BARLEASE_PACKET_CANCEL:
		packet->cancel.request = topics->request;
		break;
	case BARLEASE_PACKET_RELEASE:
		packet->release.lease = topics->lease;
		break;
	default:
		break;
	}
}

static void fill_grant(struct input *input, struct barlease_packet_grant *grant,
		       const struct fuzz_topics *topics)
{
	uint8_t how = input_byte(input);

	grant->lease = topics->lease;
	strcpy(grant->name, fuzz_names[how % FUZZ_NAMES]);
	grant->access = how >> 6 & 1;
	grant->attribute = how >> 7;
	grant->offset = number(input);
	grant->size = number(input);
	grant->time_limit = number(input);
}

static void fill_of_server(struct input *input, union packet *packet,
			   const struct fuzz_topics *topics)
{
	switch (packet->header.type) {
	case BARLEASE_PACKET_OFFER:
		strcpy(packet->offer.name,
		       fuzz_names[input_byte(input) % FUZZ_NAMES]);
		packet->offer.size = number(input);
		break;
	case BARLEASE_PACKET_LISTED:
		packet->listed.offers = input_byte(input);
		break;
	case BARLEASE_PACKET_QUEUED:
		packet->queued.position = input_byte(input);
		break;
	case BARLEASE_PACKET_GRANT:
		fill_grant(input, &packet->grant, topics);
		break;
	case BARLEASE_PACKET_REFUSED:
		packet->refused.error = 1u + input_byte(input) % 140u;
		input_take(input, packet->refused.sentence,
			   input_byte(input) % BARLEASE_SENTENCE_SIZE);
		break;
	case BARLEASE_PACKET_RELEASED:
		packet->released.lease = topics->lease;
		break;
	case BARLEASE_PACKET_RECALLED:
		packet->recalled.lease = topics->lease;
		packet->recalled.deadline = number(input);
		break;
	case BARLEASE_PACKET_REVOKED:
		packet->revoked.lease = topics->lease;
		packet->revoked.why = input_byte(input);
		break;
	case BARLEASE_PACKET_DEVICE:
		packet->device.lease = topics->lease;
		packet->device.state = 1u + input_byte(input) % 2u;
		break;
	default:
		break;
	}
}

static unsigned long count;

static void count_tell(void)
{
	fprintf(stderr, "stat::number_of_packets: %lu\n", count);
}

/* Other bytes, another length, or fds. */
static void spoil(struct input *input, struct fuzz_packet *made, uint8_t how)
{
	if (how & 1)
		made->bytes[input_word(input) % made->length] ^=
			input_byte(input);
	if (how & 2)
		made->length = input_word(input) % (FUZZ_PACKET_MAX + 1u);
	if (how & 4)
		made->fds = 1u + input_byte(input) % FUZZ_FDS_MAX;
	if (how & 8)
		made->packet.header.serial = (uint32_t)number(input);
}

void fuzz_packet_make(struct input *input, enum packet_side side,
		      const struct fuzz_topics *topics,
		      struct fuzz_packet *made)
{
	enum barlease_packet_type type;
	uint8_t what = input_byte(input);
	uint8_t how = input_byte(input);
	bool event;

	if (!count++)
		atexit(count_tell);
	memset(made, 0, sizeof(*made));
	if (what == 0xff) {
		made->length = how;
		input_take(input, made->bytes, how);
		return;
	}
	if (side == PACKET_OF_LESSEE)
		type = of_lessee[what % COUNT(of_lessee)];
	else
		type = of_server[what % COUNT(of_server)];
	event = type >= BARLEASE_PACKET_RECALLED;
	barlease_packet_begin(&made->packet, type, event ? 0 : topics->serial);
	if (side == PACKET_OF_LESSEE)
		fill_of_lessee(input, &made->packet, topics);
	else
		fill_of_server(input, &made->packet, topics);
	made->length = made->packet.header.size;
	made->fds = type == BARLEASE_PACKET_GRANT;
	/* Most are left as they are. */
	if (how >= 0xe0)
		spoil(input, made, how);
}
