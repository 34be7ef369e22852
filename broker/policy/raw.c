// SPDX-License-Identifier: MIT
/*
 * libinih says what a line means. It gets one line at a time: so each mistake
 * has its line, an indented line does not go on with the value before it, and a
 * section without keys is not overlooked.
 */
#include "policy/raw.h"

#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"
#include "policy/utf8.h"

/* A longer section than this arrives cut off. */
#define SECTION_MAX 48

#define BLANKS " \t"

/* A line on its way. */
struct scan {
	struct raw_file *file;
	struct mistakes *mistakes;
	unsigned int line;
	bool skipping; /* keys of a section that is none */
	char words[64]; /* of a section */
	int err;
};

/* Make room for one more; lists grow by doubling. */
static void *grown(void *list, size_t count, size_t size)
{
	/* It has room up to the next power of two. */
	if (count & (count - 1))
		return list;
	return reallocarray(list, count ? count * 2 : 1, size);
}

static int entry_add(struct raw_section *section, unsigned int line,
		     const char *key, const char *value)
{
	struct raw_entry *entries =
		grown(section->entries, section->count, sizeof(*entries));
	struct raw_entry *new;

	if (!entries)
		return -ENOMEM;
	section->entries = entries;
	new = &entries[section->count];
	new->line = line;
	new->key = strdup(key);
	new->value = strdup(value);
	section->count++;
	return new->key && new->value ? 0 : -ENOMEM;
}

static int section_add(struct raw_file *file, unsigned int line,
		       const char *type, size_t type_length, const char *name,
		       size_t name_length)
{
	struct raw_section *sections =
		grown(file->sections, file->count, sizeof(*sections));
	struct raw_section *new;

	if (!sections)
		return -ENOMEM;
	file->sections = sections;
	new = &sections[file->count];
	*new = (struct raw_section){ .line = line };
	new->type = strndup(type, type_length);
	new->name = strndup(name, name_length);
	file->count++;
	return new->type && new->name ? 0 : -ENOMEM;
}

/* "Pool queues" */
static void section_take(struct scan *scan, const char *words)
{
	const char *type = words + strspn(words, BLANKS);
	size_t type_length = strcspn(type, BLANKS);
	const char *name = type + type_length;
	size_t name_length;

	scan->skipping = true;
	if (strlen(words) > SECTION_MAX) {
		mistakes_add(scan->mistakes, scan->line,
			     "[%s...]: longer than %d bytes", words,
			     SECTION_MAX);
		return;
	}
	if (scan->file->count == POLICY_SECTIONS_MAX) {
		mistakes_add(scan->mistakes, scan->line,
			     "[%s]: more than %d sections", words,
			     POLICY_SECTIONS_MAX);
		return;
	}
	name += strspn(name, BLANKS);
	name_length = strlen(name);
	while (name_length && strchr(BLANKS, name[name_length - 1]))
		name_length--;
	scan->skipping = false;
	scan->err = section_add(scan->file, scan->line, type, type_length, name,
				name_length);
}

static int section_found(void *context, const char *section, const char *key,
			 const char *value)
{
	struct scan *scan = context;

	(void)key;
	(void)value;
	snprintf(scan->words, sizeof(scan->words), "%s", section);
	return 1;
}

/* The line that begins with a [, and nothing else. */
static void section_line(struct scan *scan, const char *line)
{
	char text[POLICY_LINE_MAX + 8];
	const char *rest = strchr(line, ']');

	if (!rest) {
		scan->skipping = true;
		mistakes_add(scan->mistakes, scan->line,
			     "\"%s\": a section ends with ]", line);
		return;
	}
	rest += 1 + strspn(rest + 1, BLANKS);
	if (*rest && *rest != ';' && *rest != '#')
		mistakes_add(scan->mistakes, scan->line,
			     "\"%s\": does not belong behind a section", rest);
	/* A section is told with a key only. */
	snprintf(text, sizeof(text), "%s\nx=\n", line);
	if (!ini_parse_string(text, section_found, scan)) {
		section_take(scan, scan->words);
		return;
	}
	scan->skipping = true;
	mistakes_add(scan->mistakes, scan->line,
		     "\"%s\": is no section, such as [Pool queues]", line);
}

static int entry_found(void *context, const char *section, const char *key,
		       const char *value)
{
	struct scan *scan = context;
	struct raw_file *file = scan->file;

	(void)section;
	if (!*key) {
		mistakes_add(scan->mistakes, scan->line,
			     "\"= %s\": there is no key", value);
		return 1;
	}
	if (scan->skipping)
		return 1;
	if (!file->count) {
		mistakes_add(scan->mistakes, scan->line,
			     "%s = %s: is in no section, such as [Pool queues]",
			     key, value);
		return 1;
	}
	scan->err = entry_add(&file->sections[file->count - 1], scan->line, key,
			      value);
	return 1;
}

static void line_take(struct scan *scan, const char *line)
{
	line += strspn(line, BLANKS);
	if (*line == '[') {
		section_line(scan, line);
		return;
	}
	if (ini_parse_string(line, entry_found, scan))
		mistakes_add(scan->mistakes, scan->line,
			     "\"%s\": is no key = value, no [Section] and no comment",
			     line);
}

/* What would be cut off, or could fool whoever reads the file or a message. */
static bool line_check(struct scan *scan, const char *line, size_t length)
{
	size_t size;

	for (size_t i = 0; i < length; i += size) {
		uint32_t code;

		size = utf8_take(line + i, length - i, &code);
		if (!size) {
			mistakes_add(scan->mistakes, scan->line,
				     "is not UTF-8 from byte %zu on, 0x%02x",
				     i + 1, (unsigned char)line[i]);
			return false;
		}
		if (utf8_is_control(code) && code != '\t') {
			mistakes_add(scan->mistakes, scan->line,
				     "has a control character, 0x%02x, at byte %zu",
				     code, i + 1);
			return false;
		}
		/* libinih overlooks it, and with it that a section begins. */
		if (code == UTF8_MARK_CODE) {
			mistakes_add(scan->mistakes, scan->line,
				     "has a byte order mark at byte %zu, which belongs at the beginning of a file",
				     i + 1);
			return false;
		}
	}
	if (length > POLICY_LINE_MAX) {
		mistakes_add(scan->mistakes, scan->line,
			     "\"%.20s...\": the line has %zu bytes, and may have %d",
			     line, length, POLICY_LINE_MAX);
		return false;
	}
	return true;
}

int raw_read(const char *text, size_t length, struct raw_file *file,
	     struct mistakes *mistakes)
{
	struct scan scan = { .file = file, .mistakes = mistakes };
	char line[POLICY_LINE_MAX + 1];

	*file = (struct raw_file){ 0 };
	/* As editors of other systems begin their files. */
	if (length >= strlen(UTF8_MARK) &&
	    !memcmp(text, UTF8_MARK, strlen(UTF8_MARK))) {
		text += strlen(UTF8_MARK);
		length -= strlen(UTF8_MARK);
	}
	while (length && !scan.err) {
		const char *end = memchr(text, '\n', length);
		size_t size = end ? (size_t)(end - text) : length;
		size_t shown = size;

		scan.line++;
		/* As other systems end their lines. */
		if (shown && text[shown - 1] == '\r')
			shown--;
		if (line_check(&scan, text, shown)) {
			memcpy(line, text, shown);
			line[shown] = '\0';
			line_take(&scan, line);
		}
		size += end ? 1 : 0;
		text += size;
		length -= size;
	}
	return scan.err;
}

void raw_free(struct raw_file *file)
{
	for (size_t i = 0; i < file->count; i++) {
		struct raw_section *section = &file->sections[i];

		for (size_t j = 0; j < section->count; j++) {
			free(section->entries[j].key);
			free(section->entries[j].value);
		}
		free(section->entries);
		free(section->type);
		free(section->name);
	}
	free(file->sections);
	*file = (struct raw_file){ 0 };
}

const struct raw_entry *raw_find(const struct raw_section *section,
				 const char *key)
{
	for (size_t i = 0; i < section->count; i++)
		if (!strcmp(section->entries[i].key, key))
			return &section->entries[i];
	return NULL;
}
