"""Where the lines of a notebook's cells are written in its JSON."""

from __future__ import annotations

import re

from lora_lint.readers.json import read_json
from lora_lint.readers.nodes import Mapping, Scalar, Sequence
from lora_lint.records import dataclass
from lora_lint.source import Location, SourceFile, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.readers.nodes import Node

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(r"\r\n|\r|\n")
_CHARACTER = re.compile(r"(?:\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.|.)")
"""One character inside a JSON string; a surrogate pair is one."""


@dataclass(frozen=True)
class Cells:
    """The JSON of a notebook and the values in it that contain the text of each code cell."""

    written: SourceFile
    sources: tuple[Node, ...]

    def in_file(self, location: Location) -> Location:
        """A place in a cell as lines and columns of the file. A place that does not exist there (no such cell) is at
        the start of the file."""
        cell = location.cell or 1
        if cell > len(self.sources):
            return Location(location.path, 1, 1, 1, 1, None)
        start = self._offset(self.sources[cell - 1], location.line, location.column, is_end=False)
        end = self._offset(self.sources[cell - 1], location.end_line, location.end_column, is_end=True)
        return self.written.locate(Span(location.path, start, max(start, end)))

    def _offset(self, source: Node, line: int, column: int, is_end: bool) -> int:
        """The byte of the JSON at which a character of a cell is written; an end belongs to the character before it."""
        parts = _strings(source)
        index = _index("".join(part.raw for part in parts), line, column)
        for part in parts:
            if index < len(part.raw) or (is_end and index == len(part.raw)):
                return self._inside(part, index)
            index -= len(part.raw)
        return parts[-1].span.end - 1 if parts else source.span.start

    def _inside(self, part: Scalar, index: int) -> int:
        """The byte of a character of a string."""
        start, end = part.span.start + 1, part.span.end - 1
        literal = self.written.utf8[start:end].decode()
        if "\\" in literal:
            tokens = _CHARACTER.finditer(literal)
            before = sum(len(token[0].encode()) for token, _ in zip(tokens, range(index), strict=False))
        else:
            before = len(literal[:index].encode())
        return start + before


def read_cell_places(path: str, data: bytes) -> Cells:
    """The places of the code cells in the bytes of a notebook. Raises readers.errors.Unreadable."""
    written = SourceFile(path, "json", data.removeprefix(_BOM))
    return Cells(written, tuple(cell_sources(read_json(written))))


def cell_sources(root: Node) -> Iterator[Node]:
    """The values that contain the text of the code cells, in order (nbformat 3 and 4); for a cell without text the cell
    itself."""

    def items(mapping: Mapping, key: str) -> tuple[Node, ...]:
        node = mapping.get(key)
        return node.items if isinstance(node, Sequence) else ()

    if not isinstance(root, Mapping):
        return
    sheets = (root,) if isinstance(root.get("cells"), Sequence) else items(root, "worksheets")
    for sheet in sheets:
        for cell in items(sheet, "cells") if isinstance(sheet, Mapping) else ():
            kind = cell.get("cell_type") if isinstance(cell, Mapping) else None
            if isinstance(cell, Mapping) and isinstance(kind, Scalar) and kind.value == "code":
                yield cell.get("source") or cell.get("input") or cell


def _strings(source: Node) -> list[Scalar]:
    """The strings that form a cell's text: one, or one per line."""
    listed = source.items if isinstance(source, Sequence) else (source,)
    return [part for part in listed if isinstance(part, Scalar) and part.quoted]


def _index(text: str, line: int, column: int) -> int:
    """The index in a text of the character at a line and column, both from 1; the end of the line if it is shorter, the
    end of the text if there are fewer lines."""
    start = 0
    for _ in range(line - 1):
        found = _LINE_END.search(text, start)
        if found is None:
            return len(text)
        start = found.end()
    found = _LINE_END.search(text, start)
    return min(start + column - 1, found.start() if found else len(text))
