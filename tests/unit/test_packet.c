// SPDX-License-Identifier: MIT
/* Which bytes are a packet of the protocol? */
#include "support.h"

#include <errno.h>
#include <string.h>

#include "protocol/packet.h"

static const struct {
	uint16_t type;
	enum packet_side side;
	bool event;
} types[] = {
	{ BARLEASE_PACKET_LIST, PACKET_OF_LESSEE, false },
	{ BARLEASE_PACKET_REQUEST, PACKET_OF_LESSEE, false },
	{ BARLEASE_PACKET_CANCEL, PACKET_OF_LESSEE, false },
	{ BARLEASE_PACKET_RELEASE, PACKET_OF_LESSEE, false },
	{ BARLEASE_PACKET_OFFER, PACKET_OF_SERVER, false },
	{ BARLEASE_PACKET_LISTED, PACKET_OF_SERVER, false },
	{ BARLEASE_PACKET_QUEUED, PACKET_OF_SERVER, false },
	{ BARLEASE_PACKET_GRANT, PACKET_OF_SERVER, false },
	{ BARLEASE_PACKET_REFUSED, PACKET_OF_SERVER, false },
	{ BARLEASE_PACKET_RELEASED, PACKET_OF_SERVER, false },
	{ BARLEASE_PACKET_RECALLED, PACKET_OF_SERVER, true },
	{ BARLEASE_PACKET_REVOKED, PACKET_OF_SERVER, true },
	{ BARLEASE_PACKET_DEVICE, PACKET_OF_SERVER, true },
};

#define TYPES (sizeof(types) / sizeof(*types))

/* A valid one. */
static void make(union packet *packet, size_t i)
{
	barlease_packet_begin(packet, types[i].type, types[i].event ? 0 : 7);
	if (types[i].type == BARLEASE_PACKET_REFUSED)
		packet->refused.error = EBUSY;
	if (types[i].type == BARLEASE_PACKET_DEVICE)
		packet->device.state = BARLEASE_DEVICE_BACK;
}

static int check(const union packet *packet, size_t length,
		 enum packet_side side)
{
	const char *reason = NULL;
	int err = barlease_packet_check(packet, length, side, &reason);

	assert_int_equal(!!err, !!reason);
	return err;
}

static int check_own(const union packet *packet, size_t i)
{
	return check(packet, packet->header.size, types[i].side);
}

static void each_type_is_valid_from_its_side_alone(void **state)
{
	union packet packet;
	size_t i;

	(void)state;
	for (i = 0; i < TYPES; i++) {
		make(&packet, i);
		assert_int_equal(check_own(&packet, i), 0);
		assert_int_equal(check(&packet, packet.header.size,
				       types[i].side == PACKET_OF_LESSEE
					       ? PACKET_OF_SERVER
					       : PACKET_OF_LESSEE),
				 -EPROTO);
	}
}

static void no_other_type_is_valid(void **state)
{
	union packet packet;
	unsigned int type;
	size_t i, valid = 0;

	(void)state;
	for (type = 0; type <= UINT16_MAX; type++) {
		make(&packet, 0);
		packet.header.type = (uint16_t)type;
		for (i = 0; i < TYPES && types[i].type != type; i++)
			;
		valid += i < TYPES;
		if (i == TYPES) {
			assert_int_equal(check(&packet, packet.header.size,
					       PACKET_OF_LESSEE),
					 -EPROTO);
			assert_int_equal(check(&packet, packet.header.size,
					       PACKET_OF_SERVER),
					 -EPROTO);
		}
	}
	assert_int_equal(valid, TYPES);
}

static void no_other_size_is_valid(void **state)
{
	char buffer[sizeof(union packet) + 64] = { 0 };
	union packet packet;
	const char *reason;
	size_t i, length;

	(void)state;
	for (i = 0; i < TYPES; i++) {
		make(&packet, i);
		for (length = 0; length <= sizeof(buffer); length++) {
			memcpy(buffer, &packet, sizeof(packet));
			if (length != packet.header.size)
				assert_int_equal(
					barlease_packet_check(buffer, length,
							      types[i].side,
							      &reason),
					-EPROTO);
		}
		packet.header.size++;
		assert_int_equal(check(&packet, packet.header.size - 1,
				       types[i].side),
				 -EPROTO);
		assert_int_equal(check(&packet, packet.header.size,
				       types[i].side),
				 -EPROTO);
	}
}

static void another_version_has_an_error_of_its_own(void **state)
{
	union packet packet;

	(void)state;
	make(&packet, 0);
	packet.header.version++;
	assert_int_equal(check_own(&packet, 0), -EPROTONOSUPPORT);
	/* Whatever else may be different there. */
	packet.header.type = 999;
	assert_int_equal(check(&packet, sizeof(packet), PACKET_OF_LESSEE),
			 -EPROTONOSUPPORT);
}

static void answers_have_a_serial_and_events_none(void **state)
{
	union packet packet;
	size_t i;

	(void)state;
	for (i = 0; i < TYPES; i++) {
		make(&packet, i);
		packet.header.serial = types[i].event ? 1 : 0;
		assert_int_equal(check_own(&packet, i), -EPROTO);
	}
}

static void reserved_fields_are_zero(void **state)
{
	union packet packet;
	size_t i;

	(void)state;
	for (i = 0; i < TYPES; i++) {
		make(&packet, i);
		packet.header.reserved = 1;
		assert_int_equal(check_own(&packet, i), -EPROTO);
	}
#define ASSERT_RESERVED(index, member)                                \
	do {                                                          \
		make(&packet, index);                                 \
		packet.member.reserved = 1;                           \
		assert_int_equal(check_own(&packet, index), -EPROTO); \
	} while (0)
	ASSERT_RESERVED(2, cancel);
	ASSERT_RESERVED(5, listed);
	ASSERT_RESERVED(6, queued);
	ASSERT_RESERVED(8, refused);
	ASSERT_RESERVED(11, revoked);
	ASSERT_RESERVED(12, device);
}

/* As a text of the packet, which is as long as its place. */
static void assert_text(union packet *packet, size_t i, char *text, size_t size)
{
	memset(text, 'x', size - 1);
	assert_int_equal(check_own(packet, i), 0);
	text[size - 1] = 'x';
	assert_int_equal(check_own(packet, i), -EPROTO);
	memset(text, 0, size);
	text[size - 1] = 'x';
	assert_int_equal(check_own(packet, i), -EPROTO);
}

static void texts_end_and_are_filled_up_with_zeros(void **state)
{
	union packet packet;

	(void)state;
	make(&packet, 1);
	assert_text(&packet, 1, packet.request.name, BARLEASE_NAME_SIZE);
	make(&packet, 4);
	assert_text(&packet, 4, packet.offer.name, BARLEASE_NAME_SIZE);
	make(&packet, 7);
	assert_text(&packet, 7, packet.grant.name, BARLEASE_NAME_SIZE);
	make(&packet, 8);
	assert_text(&packet, 8, packet.refused.sentence,
		    BARLEASE_SENTENCE_SIZE);
}

static void values_are_those_that_there_are(void **state)
{
	union packet packet;

	(void)state;
	make(&packet, 1);
	packet.request.access = BARLEASE_READ_ONLY;
	packet.request.attribute = BARLEASE_WRITE_COMBINING;
	assert_int_equal(check_own(&packet, 1), 0);
	packet.request.access = 2;
	assert_int_equal(check_own(&packet, 1), -EPROTO);
	packet.request.access = 0;
	packet.request.attribute = 2;
	assert_int_equal(check_own(&packet, 1), -EPROTO);
	make(&packet, 7);
	packet.grant.access = 2;
	assert_int_equal(check_own(&packet, 7), -EPROTO);
	make(&packet, 8);
	packet.refused.error = 0;
	assert_int_equal(check_own(&packet, 8), -EPROTO);
	packet.refused.error = 4096;
	assert_int_equal(check_own(&packet, 8), -EPROTO);
	make(&packet, 12);
	packet.device.state = 3;
	assert_int_equal(check_own(&packet, 12), -EPROTO);
	make(&packet, 11);
	packet.revoked.why = 77; /* may grow */
	assert_int_equal(check_own(&packet, 11), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_type_is_valid_from_its_side_alone),
		cmocka_unit_test(no_other_type_is_valid),
		cmocka_unit_test(no_other_size_is_valid),
		cmocka_unit_test(another_version_has_an_error_of_its_own),
		cmocka_unit_test(answers_have_a_serial_and_events_none),
		cmocka_unit_test(reserved_fields_are_zero),
		cmocka_unit_test(texts_end_and_are_filled_up_with_zeros),
		cmocka_unit_test(values_are_those_that_there_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
