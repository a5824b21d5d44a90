"""The parts of a program that are used.

Most of a library's file, and much of a script's, are functions and classes that have nothing to do with its runs. They
are left out before the text is parsed, which is the main cost of reading a program.
"""

from __future__ import annotations

import re

from lora_lint.libraries.marks import names_adapter
from lora_lint.readers.errors import Unreadable
from lora_lint.readers.python import parse
from lora_lint.records import NamedTuple, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast

    from lora_lint.source import SourceFile

MAX_DEFINITIONS = 300
"""Each name is searched for in each text that asks; a file with more of them is read in full."""

_STATEMENT = re.compile(rb"\n[^\s#)\]}]")
"""A line that can start a module-level statement, which a closing bracket cannot."""
_HEAD = re.compile(rb"\n(?=def[ \t]|class[ \t]|async[ \t]|@)")
_DEFINITION = re.compile(rb"(?:async[ \t]+def|def|class)[ \t]+(\w+)")
_DOUBLE, _SINGLE = b'"""', b"'''"
_CONTINUED = (b"\\\n", b"\\\r\n")
_PLAIN_DECORATORS = (b"@torch.", b"@dataclass", b"@dataclasses.dataclass")
"""Decorators that pass their function to nothing else."""
METHOD = re.compile(rb"\bdef[ \t]+(?!__)(\w+)")
_NO_BRACKETS = bytes(set(range(256)) - set(b"()[]{}"))
_DEEPEST = 20


class Definition(NamedTuple):
    """A function or class of the module, with its decorators and everything below it up to the next statement."""

    name: bytes
    start: int
    end: int
    text: bytes
    is_class: bool


def parse_asked(source: SourceFile) -> ast.Module:
    """The syntax tree of a program without unused definitions: their names appear nowhere else in it, and they lead to
    no adapter. Of their syntax only the brackets are checked.

    Raises readers.errors.Unreadable.
    """
    text = without_unasked(source.utf8)
    if text is not source.utf8:
        try:
            return parse(replace(source, utf8=text))
        except Unreadable:
            pass  # the whole text shows what is wrong, and where
    return parse(source)


def without_unasked(text: bytes) -> bytes:
    """A program with empty lines in place of unused definitions, so that the others keep their line numbers."""
    found = definitions(text)
    if not found or b"globals()" in text:
        return text
    outside = around(text, found)
    leading = [each for each in found if names_adapter(each.text)]
    waiting = [each for each in found if each not in leading]
    asked = leading
    while asked:  # whatever calls something that leads to an adapter may be the program's entry
        names = {name for each in asked for name in (each.name, *METHOD.findall(each.text))}
        asked = [each for each in waiting if any(name in each.text for name in names)]
        waiting = [each for each in waiting if each not in asked]
        leading += asked
    said = b"\n".join((*outside, *(each.text for each in leading)))
    while asked := [each for each in waiting if each.name in said]:
        waiting = [each for each in waiting if each not in asked]
        said = b"\n".join(each.text for each in asked)
    if not waiting:
        return text
    parts: list[bytes] = []
    done = 0
    for each in waiting:
        parts += (text[done : each.start], b"\n" * each.text.count(b"\n"))
        done = each.end
    return b"".join((*parts, text[done:]))


def around(text: bytes, found: list[Definition]) -> list[bytes]:
    """The text between the definitions."""
    ends = [0, *(each.end for each in found)]
    starts = [*(each.start for each in found), len(text)]
    return [text[end:start] for end, start in zip(ends, starts, strict=True) if end < start]


def definitions(text: bytes) -> list[Definition] | None:
    """The module's functions and classes without a decorator that receives them, in order; None if it is not certain
    where statements start, or there are too many."""
    masked = _with_strings_on_a_line(text)
    if masked is None or (b"\r" in text and text.count(b"\r") != text.count(b"\r\n")):
        return None
    whole = _closes_its_brackets(text)
    found: list[Definition] = []
    decorators: list[int] = []
    for start in (0, *(head.end() for head in _HEAD.finditer(masked))):
        if masked.startswith(b"@", start):
            decorators.append(start)
            continue
        match = _DEFINITION.match(masked, start)
        if match is not None and all(text.startswith(_PLAIN_DECORATORS, each) for each in decorators):
            begun = decorators[0] if decorators else start
            following = _STATEMENT.search(masked, match.end())
            end = following.end() - 1 if following is not None else len(text)
            each = Definition(match[1], begun, end, text[begun:end], masked.startswith(b"class", start))
            if whole or _closes_its_brackets(each.text):
                found.append(each)
        decorators = []
    return found if len(found) <= MAX_DEFINITIONS else None


def _closes_its_brackets(text: bytes) -> bool:
    """Whether the brackets of a text are properly nested: other errors are left to Python."""
    left = text.translate(None, _NO_BRACKETS)
    for _ in range(_DEEPEST):
        if not left:
            return True
        left = left.replace(b"()", b"").replace(b"[]", b"").replace(b"{}", b"")
    return not left


def _with_strings_on_a_line(text: bytes) -> bytes | None:
    """A program whose triple-quoted strings have spaces for their newlines, so that no line in one counts as a
    statement; None if it is not certain, without Python's own tokens, where they start and end.

    A string is certain if it is the first on its line: only a comment could contain its quotes otherwise.
    """
    parts: list[bytes] = []
    done = 0
    double, single = text.find(_DOUBLE), text.find(_SINGLE)
    while double >= 0 or single >= 0:
        is_double = single < 0 or 0 <= double < single
        start = double if is_double else single
        line = text.rfind(b"\n", 0, start) + 1
        before = text[line:start]
        if b'"' in before or b"'" in before or b"#" in before or text.endswith(_CONTINUED, 0, line):
            return None
        end = text.find(_DOUBLE if is_double else _SINGLE, start + 3)
        if end < 0 or text.endswith(b"\\", 0, end):
            return None
        end += 3
        parts += (text[done:start], text[start:end].replace(b"\n", b" "))
        done = end
        if 0 <= double < end:
            double = text.find(_DOUBLE, end)
        if 0 <= single < end:
            single = text.find(_SINGLE, end)
    return b"".join((*parts, text[done:])) if parts else text
