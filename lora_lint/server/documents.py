"""What the editor has open: texts, and notebooks by cell."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lora_lint.fixes.edits import shared_ends
from lora_lint.readers.errors import Unreadable
from lora_lint.server.answers import Analysis
from lora_lint.server.changes import notebook

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lora_lint.server.answers import Link
    from lora_lint.server.folders import Folder
    from lora_lint.server.positions import Buffer, Place, Point
    from lora_lint.source import FileKind


class Document:
    """An open text, or the code cells of an open notebook: `parts` by URI, in order.

    `good` is the last analysis of a text that could be read, and `latest` that of the last text, both with the parts
    that they were made from.
    """

    def __init__(self, path: str, kind: FileKind, parts: Mapping[str, Buffer], folder: Folder, by_cell: bool) -> None:
        self.path = path
        self.kind: FileKind = kind
        self.parts = dict(parts)
        self.folder = folder
        self.by_cell = by_cell
        self.good = Analysis()
        self.latest = Analysis()
        self.pending: asyncio.Task[None] | None = None
        self.readers: tuple[Link, ...] | None = None
        """Links to the programs that read it, once they were asked for."""
        self._good_parts: dict[str, Buffer] = {}
        self._latest_parts: dict[str, Buffer] = {}

    def data(self) -> bytes:
        """The bytes that the file would have."""
        if self.by_cell:
            return notebook([part.text for part in self.parts.values()])
        [part] = self.parts.values()
        if self.kind == "python":
            from lora_lint.readers.text import encoding_of

            try:
                return part.text.encode(encoding_of(self.path, part.utf8, self.kind))
            except (Unreadable, UnicodeError, LookupError):
                pass
        return part.utf8

    def keep(self, analysis: Analysis, parts: Mapping[str, Buffer]) -> None:
        """Takes the analysis of some parts."""
        self.latest, self._latest_parts = analysis, dict(parts)
        if not analysis.broken:
            self.good, self._good_parts, self.readers = analysis, self._latest_parts, None

    async def settled(self) -> None:
        """Waits until the current text is analysed."""
        while self.pending is not None:
            await asyncio.wait([self.pending])

    def cell(self, uri: str) -> int | None:
        """The cell that a URI names; None for a text."""
        return list(self.parts).index(uri) if self.by_cell else None

    def now(self, place: Place) -> tuple[str, Place] | None:
        """Where a place of the last good analysis is in the current text, and in which part; None if the text there has
        changed, or if it is a place in another file."""
        return self._moved(place, self._good_parts)

    def here(self, place: Place, uri: str) -> Place | None:
        """The same for a place in one of the parts alone."""
        found = self.now(place)
        return found[1] if found is not None and found[0] == uri else None

    def now_latest(self, place: Place) -> tuple[str, Place] | None:
        """The same for a place of the latest analysis."""
        return self._moved(place, self._latest_parts)

    def _moved(self, place: Place, made_from: Mapping[str, Buffer]) -> tuple[str, Place] | None:
        uris = list(made_from)
        number = place.cell or 0
        if place.path != self.path or number >= len(uris) or uris[number] not in self.parts:
            return None
        uri = uris[number]
        old, new = made_from[uri], self.parts[uri]
        if old is new:
            return uri, place
        points = [*_moved(old, new, (place.start, place.end))]
        if len(points) < 2:
            return None
        return uri, place._replace(cell=self.cell(uri), start=points[0], end=points[1])


def _moved(old: Buffer, new: Buffer, points: tuple[Point, ...]) -> Iterator[Point]:
    """The points that are on lines which are still there, at their new places."""
    same, tail = shared_ends(old.lines, new.lines)
    for point in points:
        if point.line < same:
            yield point
        elif point.line >= len(old.lines) - tail:
            yield point._replace(line=point.line + len(new.lines) - len(old.lines))
