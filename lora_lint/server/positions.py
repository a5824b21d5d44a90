"""Places as the protocol counts them: lines from 0, characters in code units of the negotiated encoding."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from itertools import accumulate
from typing import Literal

from lora_lint.records import NamedTuple

Encoding = Literal["utf-8", "utf-16", "utf-32"]
_CODECS: dict[Encoding, tuple[str, int]] = {
    "utf-8": ("utf-8", 1),
    "utf-16": ("utf-16-le", 2),
    "utf-32": ("utf-32-le", 4),
}


class Point(NamedTuple):
    """A position: a line and a character in it, both from 0."""

    line: int
    character: int


class Place(NamedTuple):
    """A range in a file, by its absolute path; `cell` counts the code cells of a notebook from 0."""

    path: str
    cell: int | None
    start: Point
    end: Point

    def holds(self, point: Point) -> bool:
        """Whether a position is in the range or at its end."""
        return self.start <= point <= self.end

    def length(self) -> int:
        """The characters on its last line."""
        return self.end.character - (self.start.character if self.start.line == self.end.line else 0)

    def touches(self, start: Point, end: Point) -> bool:
        """Whether the range has a position in common with another one."""
        return self.start <= end and start <= self.end


def encoding_named(name: str | None) -> Encoding:
    """The encoding of a name: UTF-16, the protocol's default, unless it is one of the others."""
    return next((encoding for encoding in _CODECS if encoding == name), "utf-16")


def units(text: str, encoding: Encoding) -> int:
    """The length of a text without lone surrogates."""
    codec, size = _CODECS[encoding]
    return len(text.encode(codec)) // size


class Buffer:
    """A text as an editor holds it. Lone surrogates, which no encoding has, become question marks."""

    def __init__(self, text: str, encoding: Encoding) -> None:
        self.utf8 = text.encode("utf-8", "replace")
        self.encoding = encoding

    @cached_property
    def text(self) -> str:
        return self.utf8.decode()

    @cached_property
    def lines(self) -> list[bytes]:
        """The lines with their ends (LF, CRLF or CR), and an empty one after the last end."""
        lines = self.utf8.splitlines(keepends=True)
        return lines if lines and not lines[-1].endswith((b"\n", b"\r")) else [*lines, b""]

    @cached_property
    def _starts(self) -> list[int]:
        return list(accumulate(map(len, self.lines[:-1]), initial=0))

    def offset(self, point: Point) -> int:
        """The byte offset of a position: one beyond the end of a line or of the text is at that end."""
        if point.line >= len(self.lines):
            return len(self.utf8)
        line = self.lines[max(point.line, 0)].rstrip(b"\r\n")
        codec, size = _CODECS[self.encoding]
        before = line.decode().encode(codec)[: size * max(point.character, 0)].decode(codec, "ignore")
        return self._starts[max(point.line, 0)] + len(before.encode())

    def point(self, offset: int) -> Point:
        """The position of a byte offset."""
        line = bisect_right(self._starts, offset) - 1
        return Point(line, units(self.utf8[self._starts[line] : offset].decode("utf-8", "ignore"), self.encoding))

    def changed(self, start: Point, end: Point, text: str) -> Buffer:
        """The buffer with another text in a range."""
        first, last = self.offset(start), self.offset(end)
        inserted = text.encode("utf-8", "replace").decode()
        return Buffer(f"{self.utf8[:first].decode()}{inserted}{self.utf8[max(first, last) :].decode()}", self.encoding)
