"""Shell text inside files of other languages, and where each part of it is written there.

Makefiles, Dockerfiles, job files and notebooks hand text to a shell, some of it put together from several places. The
readers of these files build that text with `Writer`; `interpreter.shell` follows it as it follows a script.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from lora_lint.records import NamedTuple, dataclass

VARIABLE = re.compile(r"[A-Za-z_]\w*")
"""The name of a variable of the shell."""
_WORD = re.compile(r"\S+")


class Piece(NamedTuple):
    """The bytes of a text from `begin` on are written at `start` to `end` of the file. `outer` is the place that takes
    them from there (`$(RANK)` in a recipe), None if that is where they are written."""

    begin: int
    start: int
    end: int
    exact: bool
    outer: tuple[int, int] | None = None


@dataclass(frozen=True)
class Fragment:
    """A text for the shell. `pieces` is None if it is the whole file."""

    text: bytes
    pieces: tuple[Piece, ...] | None = None

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of the text is written in the file."""
        if self.pieces is None:
            return start, end
        if not self.pieces:
            return 0, 0
        first, last = self._piece(start), self._piece(max(start, end - 1))
        if first is last:
            return (first.start + start - first.begin, first.start + end - first.begin) if first.exact else first[1:3]
        low = first.outer[0] if first.outer else first.start + (start - first.begin if first.exact else 0)
        high = last.outer[1] if last.outer else last.start + end - last.begin if last.exact else last.end
        return low, max(low, high)

    def _piece(self, at: int) -> Piece:
        assert self.pieces is not None
        return self.pieces[max(bisect_right(self.pieces, at, key=_begin) - 1, 0)]


def _begin(piece: Piece) -> int:
    return piece.begin


def inert(text: str) -> str:
    """A text without what a shell would see in it between double quotes."""
    return re.sub(r'["$`\\]', "", text)


class Writer:
    """Puts a text together from parts of a file."""

    def __init__(self, utf8: bytes) -> None:
        self._utf8 = utf8
        self._parts: list[bytes] = []
        self._pieces: list[Piece] = []
        self.length = 0

    def copy(self, start: int, end: int, outer: tuple[int, int] | None = None) -> None:
        """Adds what is written at a place."""
        self.write(self._utf8[start:end], start, end, outer)

    def write(self, text: bytes, start: int, end: int, outer: tuple[int, int] | None = None) -> None:
        """Adds a text that represents a place."""
        if text:
            self._pieces.append(Piece(self.length, start, end, len(text) == end - start, outer))
            self._parts.append(text)
            self.length += len(text)

    def copy_value(self, value: str, start: int, end: int) -> None:
        """Adds a string that another language writes at a place, each word where it is if it is written literally: of
        indented blocks, folded lines and quoted strings."""
        at, done = start, 0
        for match in _WORD.finditer(value):
            self.write(value[done : match.start()].encode(), at, at)
            word = match[0].encode()
            found = self._utf8.find(word, at, end)
            if found >= 0:
                at = found + len(word)
                self.copy(found, at)
            else:
                self.write(word, start, end)
            done = match.end()

    def fragment(self) -> Fragment:
        return Fragment(b"".join(self._parts), tuple(self._pieces))
