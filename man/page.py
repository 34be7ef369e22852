#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make a manual page from a text and the comments of public headers.

usage: page.py INCLUDE PAGE          print the page
       page.py INCLUDE PAGE --names  print all names that it has

A page is mdoc(7) with lines of its own that begin with @, where the headers, in
the folder INCLUDE, have what is to be said:

@names HEADER FUNCTION...   lines for NAME; it goes on while lines end with \\
@intro HEADER               the comment at the top of a header
@synopsis                   declarations of all functions, in order
@functions                  what their comments say
@type STRUCT-OR-ENUM HEADER its definition, comments and all
"""

import pathlib
import re
import sys
import textwrap

WIDTH = 78
# Ends of sentences, after which mdoc wants a new line.
SENTENCE = re.compile(r"(?<=[.!?])(?<!\bas)\s+(?=[A-Z@])")
# @ARGUMENT, FUNCTION() or PAGE(SECTION), and what follows it.
WORD = re.compile(r"(?:@(\w+)|(\w+)\((\d?)\))('s)?([.,;:]*)")


class PageError(Exception):
    pass


def escape(text):
    text = text.replace("\\", r"\e")
    return r"\&" + text if text.startswith((".", "'")) else text


def words_to_lines(words):
    """Text, with macros for functions and arguments on lines of their own."""
    pending = []

    def flush():
        text = " ".join(pending)
        pending.clear()
        return [escape(line) for line in textwrap.wrap(
            text, WIDTH, break_on_hyphens=False, break_long_words=False)]

    for word in words:
        match = WORD.fullmatch(word)
        if not match:
            pending.append(word)
            continue
        argument, name, section, genitive, delimiters = match.groups()
        yield from flush()
        if argument:
            macro = f".Fa {argument}"
        else:
            macro = f".Xr {name} {section}" if section else f".Fn {name}"
        if genitive:
            delimiters = f"Ns {genitive}{delimiters}"
        yield " ".join([macro, *([delimiters] if genitive else delimiters)])
    yield from flush()


def paragraph(text):
    for sentence in SENTENCE.split(" ".join(text.split())):
        yield from words_to_lines(sentence.split(" "))


def items(lines, marker):
    """Pieces that begin with a marker, each with the lines after it."""
    found = []
    for line in lines:
        if re.match(marker, line) or not found:
            found.append([])
        found[-1].append(line)
    return [" ".join(item) for item in found]


def returned(lines):
    """The errors as a list, if each begins a line."""
    text = "\n".join(lines)
    if not re.search(r"^-E\w+[^;]*: ", text, re.MULTILINE):
        yield from paragraph(text)
        return
    first, *errors = items(lines, r"-E[A-Z]|or ")
    if first.startswith("-E"):
        first, errors = "", [first, *errors]
    yield from paragraph(first)
    listed = False
    for error in errors:
        name, colon, rest = error.partition(": ")
        if not error.startswith("-E"):
            name, rest = "", error
        elif not colon:
            name, rest = error.rstrip(".;,"), ""
        if not listed:
            yield ".Pp"
            yield ".Bl -tag -width Ds -compact"
            listed = True
        if not name:
            yield ".El"
            listed = False
            yield ".Pp"
            yield from paragraph(rest)
            continue
        yield ".It " + " ".join(f"Er {word}" if word.startswith("-") else word
                                for word in name.replace(",", " ,").split())
        yield from paragraph(rest)
    if listed:
        yield ".El"


def blocks(lines):
    """Paragraphs, and lists of what begins with a dash."""
    for block in "\n".join(lines).strip("\n").split("\n\n"):
        block = block.split("\n")
        first = next((number for number, line in enumerate(block)
                      if line.startswith("- ")), None)
        if first != 0:
            yield ".Pp"
            yield from paragraph("\n".join(block[:first]))
        if first is not None:
            yield ".Bl -bullet"
            for item in items(block[first:], "- "):
                yield ".It"
                yield from paragraph(item.removeprefix("- "))
            yield ".El"


class Header:
    def __init__(self, include, name):
        self.name = name
        self.text = (pathlib.Path(include) / name).read_text(encoding="utf-8")
        self.code = re.sub(r"/\*.*?\*/", "", self.text, flags=re.DOTALL)
        self.code = re.sub(r"^#.*?(?<!\\)$", "", self.code,
                           flags=re.DOTALL | re.MULTILINE)

    def intro(self):
        comment = re.search(r"/\*\n((?: \*.*\n)+?) \*/", self.text)
        lines = blocks([line[3:] for line in comment[1].splitlines()])
        next(lines) # a paragraph, as everything that begins here
        return lines

    def declaration(self, function):
        match = re.search(rf"([\w ]+[\s*]+)\b{function}\(([^;]*?)\);",
                          self.code)
        if not match:
            raise PageError(f"{self.name} does not declare {function}")
        result = " ".join(match[1].split())
        arguments = " ".join(match[2].split()).split(", ")
        yield f'.Ft "{result}"'
        yield f".Fo {function}"
        for argument in arguments:
            yield f'.Fa "{argument}"'
        yield ".Fc"

    def function(self, function):
        """What the comment of a function says, if it has one."""
        match = re.search(rf"/\*\*\n \* {function}\(\) - (.*?)\n \*/",
                          self.text, re.DOTALL)
        if not match:
            return []
        lines = [re.sub(r"^ \*[ \t]?", "", line)
                 for line in match[1].split("\n")]
        return self._function(function, lines)

    @staticmethod
    def _function(function, lines):
        yield f".Ss {function}()"
        purpose = items(lines, "@|$")[0]
        # Its first word begins a sentence here.
        yield from paragraph(purpose[0].upper() + purpose[1:].rstrip(".")
                             + ".")
        lines = lines[len(purpose_lines(lines)):]
        arguments = [line for line in lines if line]
        if arguments and arguments[0].startswith("@"):
            end = lines.index("") if "" in lines else len(lines)
            yield ".Pp"
            yield ".Bl -tag -width Ds -compact"
            for item in items(lines[:end], "@"):
                name, _, text = item.partition(": ")
                yield ".It Fa " + name.removeprefix("@")
                yield from paragraph(text)
            yield ".El"
            lines = lines[end:]
        text = "\n".join(lines)
        before, found, after = text.partition("Return: ")
        if before.strip():
            yield from blocks(before.strip("\n").split("\n"))
        if found:
            value, _, more = after.partition("\n\n")
            yield ".Pp"
            yield "Return:"
            yield from returned(value.split("\n"))
            if more.strip():
                yield from blocks(more.split("\n"))

    def definition(self, name):
        match = re.search(rf"^(struct|enum) {name} \{{.*?^\}};", self.text,
                          re.DOTALL | re.MULTILINE)
        if not match:
            raise PageError(f"{self.name} does not define {name}")
        yield ".Bd -literal"
        yield from (escape(line.expandtabs()) for line in match[0].split("\n")
                    if line)
        yield ".Ed"


def purpose_lines(lines):
    for number, line in enumerate(lines):
        if not line or line.startswith("@"):
            return lines[:number]
    return lines


class Page:
    def __init__(self, include, path):
        self.include = include
        text = pathlib.Path(path).read_text(encoding="utf-8")
        self.lines = text.replace("\\\n", " ").splitlines()
        self.functions = []
        for line in self.lines:
            if line.startswith("@names "):
                _, header, *names = line.split()
                self.functions += [(Header(include, header), name)
                                   for name in names]

    def names(self):
        head = "\n".join(self.lines).split("\n.Nd ")[0]
        return [*re.findall(r"^\.Nm (\w+)", head, re.MULTILINE),
                *(name for _, name in self.functions)]

    def expand(self, line):
        command, *words = line.split()
        if command == "@names":
            last = self.functions[-1][1]
            for name in words[1:]:
                yield f".Nm {name}" + " ," * (name != last)
        elif command == "@intro":
            yield from Header(self.include, words[0]).intro()
        elif command == "@synopsis":
            for header, name in self.functions:
                yield from header.declaration(name)
        elif command == "@functions":
            for header, name in self.functions:
                yield from header.function(name)
        elif command == "@type":
            yield from Header(self.include, words[1]).definition(words[0])
        else:
            raise PageError(f"no such line: {line}")

    def __iter__(self):
        for line in self.lines:
            if line.startswith("@"):
                yield from self.expand(line)
            else:
                yield line


def main():
    include, path, *options = sys.argv[1:]
    page = Page(include, path)
    try:
        print("\n".join(page.names() if options else page))
    except PageError as error:
        sys.exit(f"{path}: {error}")


if __name__ == "__main__":
    main()
