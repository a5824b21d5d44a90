"""From byte offsets to places in an editor."""

from __future__ import annotations

import os
from bisect import bisect_right
from typing import TYPE_CHECKING

from lora_lint.server.positions import Buffer, Place, Point, units

if TYPE_CHECKING:
    from lora_lint.linting.outcome import Outcome
    from lora_lint.server.answers import Task
    from lora_lint.source import Span


class Placer:
    """The places of an outcome's spans."""

    def __init__(self, outcome: Outcome, task: Task) -> None:
        self._outcome = outcome
        self._task = task
        self._buffers: dict[str, Buffer] = {}

    def place(self, span: Span) -> Place:
        """Where a span is: in a notebook that the editor holds by cell a place in a cell, in another one a place in its
        JSON."""
        outcome, path = self._outcome, os.path.abspath(span.path)
        source = outcome.source(span.path)
        if source.kind != "notebook":
            buffer = self._buffer(span.path, source.text)
            return Place(path, None, buffer.point(span.start), buffer.point(span.end))
        if self._task.by_cell and path == self._task.path:
            buffer = self._buffer(span.path, source.text)
            start, end = buffer.point(span.start), buffer.point(span.end)
            cell = max(bisect_right(source.cells, start.line) - 1, 0)
            first = source.cells[cell]
            return Place(path, cell, start._replace(line=start.line - first), end._replace(line=end.line - first))
        where = outcome.in_file(span)
        buffer = self._buffer(span.path, outcome.stored(span.path).decode("utf-8", "replace"))
        start = self._point(buffer, where.line, where.column)
        return Place(path, None, start, self._point(buffer, where.end_line, where.end_column))

    def _buffer(self, path: str, text: str) -> Buffer:
        if path not in self._buffers:
            self._buffers[path] = Buffer(text, self._task.encoding)
        return self._buffers[path]

    def _point(self, buffer: Buffer, line: int, column: int) -> Point:
        """The position of a 1-based line and column in characters."""
        text = buffer.lines[line - 1].decode() if line <= len(buffer.lines) else ""
        return Point(line - 1, units(text[: column - 1], buffer.encoding))
