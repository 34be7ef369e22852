// SPDX-License-Identifier: MIT
/* RFC 8259, as far as programs need it to read what a command prints. */
#include "json.h"

#include <string.h>

#define DIGITS "0123456789"
#define BLANKS " \t\n\r"

/* Each takes something off the front of the text. Return: whether it is there. */
static bool value_take(const char **text);

static bool char_take(const char **text, char c)
{
	*text += strspn(*text, BLANKS);
	if (**text != c)
		return false;
	++*text;
	return true;
}

static bool word_take(const char **text, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(*text, word, length) != 0)
		return false;
	*text += length;
	return true;
}

static bool escape_take(const char **text)
{
	if (**text == 'u') {
		*text += 5;
		return strspn(*text - 4, DIGITS "abcdefABCDEF") >= 4;
	}
	return *(*text)++ && strchr("\"\\/bfnrt", (*text)[-1]);
}

static bool string_take(const char **text)
{
	if (!char_take(text, '"'))
		return false;
	while (**text != '"') {
		if ((unsigned char)**text < ' ')
			return false;
		if (*(*text)++ == '\\' && !escape_take(text))
			return false;
	}
	++*text;
	return true;
}

static bool digits_take(const char **text)
{
	size_t length = strspn(*text, DIGITS);

	*text += length;
	return length;
}

static bool number_take(const char **text)
{
	*text += **text == '-';
	/* No zeros before it. */
	if (**text == '0')
		++*text;
	else if (!digits_take(text))
		return false;
	return !word_take(text, ".") || digits_take(text);
}

/* What lies between brackets, with commas between its members. */
static bool members_take(const char **text, bool named, char end)
{
	if (char_take(text, end))
		return true;
	do {
		if (named && (!string_take(text) || !char_take(text, ':')))
			return false;
		if (!value_take(text))
			return false;
	} while (char_take(text, ','));
	return char_take(text, end);
}

static bool value_take(const char **text)
{
	*text += strspn(*text, BLANKS);
	if (**text == '"')
		return string_take(text);
	if (char_take(text, '{'))
		return members_take(text, true, '}');
	if (char_take(text, '['))
		return members_take(text, false, ']');
	return word_take(text, "null") || word_take(text, "true") ||
	       word_take(text, "false") || number_take(text);
}

bool json_is_objects(const char *text)
{
	while (char_take(&text, '{'))
		if (!members_take(&text, true, '}'))
			return false;
	return !*text;
}
