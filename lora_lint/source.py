"""A file as the linter sees it, and places in it.

Places are byte offsets into the UTF-8 form of the text; lines and columns exist only in reports.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from itertools import accumulate

from lora_lint.records import NamedTuple, dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from typing import Literal

    FileKind = Literal["python", "notebook", "yaml", "json", "toml", "shell", "make", "docker", "modelfile", "ini"]

SCRIPTS: frozenset[FileKind] = frozenset({"shell", "make", "docker"})
"""Files that are nothing but commands."""


class Span(NamedTuple):
    """A place: `path` as reports show it, `start` and `end` as byte offsets into the UTF-8 text (end exclusive)."""

    path: str
    start: int
    end: int

    def holds(self, other: Span) -> bool:
        """Whether another place lies in this one."""
        return other.path == self.path and self.start <= other.start and other.end <= self.end


@dataclass(frozen=True)
class Location:
    """A place for people: lines and columns from 1, columns in characters; `cell` counts code cells from 1."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    cell: int | None


@dataclass(frozen=True)
class SourceFile:
    """The text of one file. `utf8` is the text encoded as UTF-8 whatever the file's own encoding; newlines are kept as
    they are.

    For a notebook it is the code cells one after another, and `cells` holds the 0-based first line of each code cell;
    `trained_on` is the number of training examples that a trainer printed there when the notebook was last run, and
    `installs` is what its pip commands install: the words after `pip install`, one text per command. `commands` are
    what it gives to a shell: the 0-based line on which each begins, and its text, which takes as many bytes in `utf8`.
    """

    path: str
    kind: FileKind
    utf8: bytes
    cells: tuple[int, ...] = field(default=())
    trained_on: int | None = None
    installs: tuple[str, ...] = field(default=())
    commands: tuple[tuple[int, bytes], ...] = field(default=())

    @cached_property
    def text(self) -> str:
        return self.utf8.decode("utf-8")

    @cached_property
    def line_starts(self) -> list[int]:
        """Byte offset of the first byte of each line."""
        starts = list(accumulate(map(len, self.utf8.splitlines(keepends=True)), initial=0))
        if len(starts) > 1 and not self.utf8.endswith((b"\n", b"\r")):
            starts.pop()  # the end of the text starts a line only after a newline
        return starts

    def offset(self, line: int, column: int) -> int:
        """The byte offset of a 1-based line and a 0-based column in bytes, as `ast` gives places."""
        return self.line_starts[line - 1] + column

    def span_of(self, node: ast.stmt | ast.expr) -> Span:
        """Where a node of the syntax tree is written."""
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
        return Span(self.path, self.offset(node.lineno, node.col_offset), self.offset(end_line, end_column))

    def line_text(self, line: int) -> str:
        """The text of a 1-based line of `utf8`, without its newline."""
        starts = self.line_starts
        end = starts[line] if line < len(starts) else len(self.utf8)
        return self.utf8[starts[line - 1] : end].rstrip(b"\r\n").decode("utf-8")

    def joined_lines(self, line: int) -> tuple[int, int]:
        """The first and the last of the lines that are one with a 1-based line by backslashes at their ends."""
        first = last = line
        while first > 1 and self.line_text(first - 1).endswith("\\"):
            first -= 1
        while last < len(self.line_starts) and self.line_text(last).endswith("\\"):
            last += 1
        return first, last

    def position(self, offset: int) -> tuple[int, int]:
        """The 1-based line and 1-based column in characters of a byte offset."""
        starts = self.line_starts
        line = bisect_right(starts, offset)
        prefix = self.utf8[starts[line - 1] : offset].decode("utf-8", "replace")
        return line, len(prefix) + 1

    def locate(self, span: Span) -> Location:
        """Lines and columns of `span`; in a notebook relative to its cell."""
        line, column = self.position(span.start)
        end_line, end_column = self.position(span.end)
        if not self.cells:
            return Location(self.path, line, column, end_line, end_column, None)
        cell = bisect_right(self.cells, line - 1)
        first = self.cells[cell - 1] if cell else 0
        return Location(self.path, line - first, column, end_line - first, end_column, max(cell, 1))

    def absolute_line(self, location: Location) -> int:
        """The line of `utf8` that a located place starts on (the inverse of the cell arithmetic in `locate`)."""
        first = self.cells[location.cell - 1] if location.cell and self.cells else 0
        return location.line + first
