"""Long tables of names: text files with a line for each name, which is in the first column, between tabs.

A wheel has them packed in parts by the first character, so that a look-up inflates one part alone. In a checkout and in
a data package they are plain files.
"""

from __future__ import annotations

import os
from functools import cache

from lora_lint.knowledge import edition
from lora_lint.knowledge.packed import Pack

NAMES = ("datasets.tsv", "models.tsv", "shapes.tsv")
LONG = ("datasets.tsv",)
"""Those of which the parts have so little in common that a dictionary saves nothing."""


@cache
def part(table: str, start: str) -> str:
    """The lines of a table whose first character is `start`, in any case; a newline is before each and at the end."""
    packed = _pack(table)
    if packed is None:
        return "\n" + _parts(table).get(start.lower(), "")
    return "\n" + (packed.read(start.lower()).decode() if start.lower() in packed else "")


@cache
def whole(table: str) -> str:
    """All lines of a table; a newline is before each and at the end."""
    return "\n" + "".join(part(table, start)[1:] for start in _pack(table) or _parts(table))


def parts_of(text: str) -> dict[str, str]:
    """The lines of a table by their first character, in lower case."""
    parts: dict[str, list[str]] = {}
    for line in text.splitlines(keepends=True):
        parts.setdefault(line[:1].lower(), []).append(line)
    return {start: "".join(lines) for start, lines in parts.items()}


@cache
def _pack(table: str) -> Pack | None:
    path = edition.place(table)
    return None if os.path.isfile(path) else Pack(f"{path}.pack")


@cache
def _parts(table: str) -> dict[str, str]:
    with open(edition.place(table), encoding="utf-8", newline="") as file:
        return parts_of(file.read())
