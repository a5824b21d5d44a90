"""Syntax that is newer than the running Python, rewritten so that it can be parsed all the same.

Every replacement has the length of what it replaces, so each place keeps its line and column: fields of f-strings
that an older Python cannot read (3.12) become names, `type X = …` (3.12) an assignment, parameters of types (3.12)
blanks, `except*` (3.11) and `except A, B:` (3.14) plain clauses, t-strings (3.14) f-strings.

A few passes over the text; nothing here recurses deeper than strings may stand in each other.
"""

from __future__ import annotations

import re

MAX_NESTED = 10
"""The nesting of strings in fields of strings."""

_STRING = rb"(?P<comment>\#[^\r\n]*)|(?P<prefix>\b[a-zA-Z]{1,2})?(?P<quote>\"\"\"|'''|\"|')"
_IN_CODE = re.compile(_STRING)
_IN_FIELD = re.compile(_STRING + rb"|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<colon>:)")
_IN_TEXT = re.compile(rb"\\(?:\r\n|N\{[^{}\"'\r\n]*\}|[^{}])|\{\{|\}\}|[{}\"']|\r|\n", re.DOTALL)
_PLAIN = {
    b'"""': re.compile(rb'[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"""', re.DOTALL),
    b"'''": re.compile(rb"[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*'''", re.DOTALL),
    b'"': re.compile(rb'[^"\\\r\n]*(?:\\(?:\r\n|.)[^"\\\r\n]*)*"', re.DOTALL),
    b"'": re.compile(rb"[^'\\\r\n]*(?:\\(?:\r\n|.)[^'\\\r\n]*)*'", re.DOTALL),
}
_ALIAS = re.compile(rb"(?m)(?:^[ \t]*|;[ \t]*)type(?P<gap>[ \t]+)(?=[^\W\d]\w*[ \t]*[=\[])")
_PARAMETERS = re.compile(rb"\b(?:def|class)[ \t]+\w+[ \t]*(?P<bracket>\[)")
_GROUP = re.compile(rb"\bexcept(?P<star>[ \t]*\*)")
_SEVERAL = re.compile(rb"\bexcept[ \t]+(?P<types>[\w.]+(?:[ \t]*,[ \t]*[\w.]+)+)[ \t]*:")
_BRACKET = re.compile(rb"[\[\]]")

_Edit = tuple[int, int, bytes]


class _Invalid(Exception):
    """The text is not Python of any known version."""


def rewritten(text: bytes) -> bytes | None:
    """The program with newer syntax replaced; None if there is none, or its strings are not a program's."""
    try:
        edits, code = _strings(text)
    except _Invalid:
        return None
    for match in _ALIAS.finditer(code):
        edits.append((match.start("gap"), match.end("gap"), b"_" * len(match["gap"])))
    for match in _PARAMETERS.finditer(code):
        end = _closing(code, match.start("bracket"))
        edits.append((match.start("bracket"), end, _blank(code[match.start("bracket") : end])))
    for match in _GROUP.finditer(code):
        edits.append((match.start("star"), match.end("star"), b" " * len(match["star"])))
    for match in _SEVERAL.finditer(code):
        edits.append((match.start("types"), match.end("types"), match["types"].replace(b",", b"|")))
    if not edits:
        return None
    parts: list[bytes] = []
    at = 0
    for start, end, new in sorted(edits):
        if start >= at:  # the content of blanked brackets is already gone
            parts += (text[at:start], new)
            at = end
    return b"".join([*parts, text[at:]])


def _strings(text: bytes) -> tuple[list[_Edit], bytes]:
    """The edits of f-strings, and the text with strings and comments blanked. Raises _Invalid."""
    edits: list[_Edit] = []
    code: list[bytes] = []
    at = 0
    while match := _IN_CODE.search(text, at):
        code.append(text[at : match.start()])
        end = match.end() if match["comment"] else _string(text, match, edits, 0)
        code.append(_blank(text[match.start() : end]))
        at = end
    code.append(text[at:])
    return edits, b"".join(code)


def _string(text: bytes, match: re.Match[bytes], edits: list[_Edit] | None, depth: int) -> int:
    """The end of the string that starts at `match`. Replacements inside it are added to `edits`."""
    prefix, quote = (match["prefix"] or b"").lower(), match["quote"]
    if b"f" not in prefix and b"t" not in prefix:
        plain = _PLAIN[quote].match(text, match.end())
        if plain is None:
            raise _Invalid
        return plain.end()
    if depth > MAX_NESTED:
        raise _Invalid
    if b"t" in prefix and edits is not None:
        letter = match.start() + prefix.index(b"t")
        edits.append((letter, letter + 1, b"f"))
    at = match.end()
    while found := _IN_TEXT.search(text, at):
        what = found[0]
        at = found.end()
        if what in b"\"'" and text.startswith(quote, found.start()):
            return found.start() + len(quote)
        if what == b"{":
            at = _field(text, at, quote, depth)
            field = text[found.start() : at]
            if edits is not None and _is_new(field, quote):
                edits.append((found.start(), at, _name(field, len(quote) == 3)))
        elif what == b"}" or (what in b"\r\n" and len(quote) == 1):
            break
    raise _Invalid


def _field(text: bytes, at: int, quote: bytes, depth: int) -> int:
    """The end of the f-string field whose brace is before `at`."""
    brackets = 0
    while found := _IN_FIELD.search(text, at):
        at = found.end()
        if found["quote"]:
            at = _string(text, found, None, depth + 1)
        elif found["open"]:
            brackets += 1
        elif found["close"] and brackets:
            brackets -= 1
        elif found["close"] == b"}":
            return at
        elif found["close"]:
            break
        elif found["colon"] and not brackets:
            return _format(text, at, quote, depth)
    raise _Invalid


def _format(text: bytes, at: int, quote: bytes, depth: int) -> int:
    """The end of a field whose format starts at `at`."""
    while found := _IN_TEXT.search(text, at):
        what = found[0]
        at = found.end()
        if what in (b"}", b"}}"):
            return found.start() + 1
        if what in (b"{", b"{{"):
            if depth > MAX_NESTED:
                break
            at = _field(text, found.start() + 1, quote, depth + 1)
        elif text.startswith(quote, found.start()) or (what in b"\r\n" and len(quote) == 1):
            break
    raise _Invalid


def _is_new(field: bytes, quote: bytes) -> bool:
    """Whether only Python 3.12 and newer can read a field of an f-string."""
    return (
        quote[:1] in field
        or b"\\" in field
        or b"#" in field
        or (len(quote) == 1 and (b"\n" in field or b"\r" in field))
    )


def _name(field: bytes, may_break: bool) -> bytes:
    """A field of the same size that contains a name; unchanged if there is no room for one."""
    pieces = re.split(rb"(\r\n|\r|\n)", field)
    lines = pieces[::2]
    roomiest = max(range(len(lines)), key=lambda number: len(lines[number]))
    out = []
    for number, line in enumerate(lines):
        # Within single quotes a line needs an explicit continuation.
        tail = b"\\" if number < len(lines) - 1 and not may_break else b""
        room = len(line) - len(tail)
        if room < (3 if number == roomiest else 0):
            return field
        out.append((b"{" + b"_" * (room - 2) + b"}" if number == roomiest else b" " * room) + tail)
        out += pieces[2 * number + 1 : 2 * number + 2]
    return b"".join(out)


def _blank(text: bytes) -> bytes:
    return re.sub(rb"[^\r\n]", b" ", text)


def _closing(code: bytes, start: int) -> int:
    """The end of the bracket that opens at `start`; `start` if it never closes."""
    depth = 0
    for match in _BRACKET.finditer(code, start):
        depth += 1 if match[0] == b"[" else -1
        if depth == 0:
            return match.end()
    return start
