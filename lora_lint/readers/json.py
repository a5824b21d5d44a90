"""JSON with the places of its keys and values."""

from __future__ import annotations

import json
import re

from lora_lint.readers.errors import Unreadable
from lora_lint.readers.nodes import Entry, Mapping, Node, Placeholder, Scalar, Sequence
from lora_lint.source import SourceFile, Span

MAX_SCANNED = 2_000_000
"""Bytes; a larger file is data, not a config, and is only checked for being valid."""
MAX_DEPTH = 100

_TOKEN = re.compile(r'[ \t\r\n]*(?:("(?:[^"\\]|\\.)*")|(-?[0-9][0-9.eE+-]*|-?[A-Za-z]+)|([\[\]{},:]))')
_PLACEHOLDER = re.compile(r"\$\{|\{\{")


def read_json(source: SourceFile) -> Node:
    """The tree of a JSON document; of a key that occurs twice the last one counts, as `json` has it.

    JSON Lines and files too large to be configs give an empty sequence. Raises Unreadable.
    """
    text = source.text
    try:
        json.loads(text)
    except RecursionError:
        raise Unreadable("the JSON is nested too deeply") from None
    except ValueError as error:
        if _is_lines(text):
            return Sequence((), Span(source.path, 0, 0))
        raise Unreadable(f"this is not valid JSON: {error}", _place(source, error)) from None
    if len(source.utf8) > MAX_SCANNED:
        return Sequence((), Span(source.path, 0, 0))
    return _Scanner(source).value(0)[0]


def _is_lines(text: str) -> bool:
    """Whether every line is a JSON document of its own; the first ones decide."""
    lines = [line for line in text.splitlines()[:20] if line.strip()]
    try:
        for line in lines:
            json.loads(line)
    except (ValueError, RecursionError):
        return False
    return len(lines) > 1


def _place(source: SourceFile, error: ValueError) -> Span | None:
    if not isinstance(error, json.JSONDecodeError):
        return None
    start = len(source.text[: error.pos].encode())
    return Span(source.path, start, min(start + 1, len(source.utf8)))


class _Scanner:
    """A recursive descent over text that `json` has accepted."""

    def __init__(self, source: SourceFile) -> None:
        self.text = source.text
        self.path = source.path
        self.depth = 0
        self.offsets = None if self.text.isascii() else byte_offsets(self.text)

    def span(self, start: int, end: int) -> Span:
        if self.offsets is not None:
            start, end = self.offsets[start], self.offsets[end]
        return Span(self.path, start, end)

    def token(self, position: int) -> tuple[int, int, str]:
        """Start, end and text of the token at or after a position."""
        match = _TOKEN.match(self.text, position)
        assert match is not None and match.lastindex is not None
        start, end = match.span(match.lastindex)
        return start, end, match[match.lastindex]

    def value(self, position: int) -> tuple[Node, int]:
        start, end, token = self.token(position)
        if token in "[{":
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise Unreadable("the JSON is nested too deeply", self.span(start, end))
            result = self.mapping(start, end) if token == "{" else self.sequence(start, end)
            self.depth -= 1
            return result
        return self.scalar(start, end, token), end

    def scalar(self, start: int, end: int, token: str) -> Scalar:
        content = json.loads(token)
        span = self.span(start, end)
        if isinstance(content, str):
            value = Placeholder(content) if _PLACEHOLDER.search(content) else content
            return Scalar(value, content, span, quoted=True)
        return Scalar(content, token, span)

    def mapping(self, start: int, position: int) -> tuple[Node, int]:
        entries: list[Entry] = []
        while True:
            key_start, key_end, token = self.token(position)
            if token == "}":
                return Mapping(tuple(entries), self.span(start, key_end)), key_end
            if token == ",":
                position = key_end
                continue
            key = self.scalar(key_start, key_end, token)
            _, position, _ = self.token(key_end)  # the colon
            value, position = self.value(position)
            entries.append(Entry(Scalar(key.raw, key.raw, key.span, quoted=True), value))

    def sequence(self, start: int, position: int) -> tuple[Node, int]:
        items: list[Node] = []
        while True:
            _, end, token = self.token(position)
            if token == "]":
                return Sequence(tuple(items), self.span(start, end)), end
            if token == ",":
                position = end
                continue
            value, position = self.value(position)
            items.append(value)


def byte_offsets(text: str) -> list[int]:
    """The byte offset in UTF-8 of each character, and of the end."""
    offsets = [0]
    total = 0
    for character in text:
        code = ord(character)
        total += 1 if code < 0x80 else 2 if code < 0x800 else 3 if code < 0x10000 else 4
        offsets.append(total)
    return offsets
