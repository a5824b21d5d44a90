"""The difference between two versions of a text as replacements of whole lines."""

from __future__ import annotations

import json
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from lora_lint.fixes.edits import shared_ends
from lora_lint.linting.outcome import readable
from lora_lint.server.answers import TextChange
from lora_lint.server.positions import Buffer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lora_lint.server.answers import Task

_MOST_COMPARED = 1_000_000
"""The product of the numbers of lines beyond which one replacement covers all that differs."""


def changes(task: Task, after: bytes) -> tuple[TextChange, ...]:
    """The replacements that turn the text of a task into another one."""
    if task.by_cell:
        pairs = zip(_cells(task.data), _cells(after), strict=True)
        return tuple(
            change
            for cell, (old, new) in enumerate(pairs)
            for change in _of_text(Buffer(old, task.encoding), Buffer(new, task.encoding), cell)
        )
    if task.kind == "notebook":
        old, new = task.data.decode(), after.decode()
    else:
        old, new = (readable(task.path, task.kind, data).text for data in (task.data, after))
    return tuple(_of_text(Buffer(old, task.encoding), Buffer(new, task.encoding), None))


def notebook(cells: list[str]) -> bytes:
    """A notebook of code cells."""
    listed = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": cell} for cell in cells]
    return json.dumps({"cells": listed, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def _cells(data: bytes) -> list[str]:
    """The texts of the cells that `notebook` has put together."""
    return [cell["source"] for cell in json.loads(data)["cells"]]


def _of_text(old: Buffer, new: Buffer, cell: int | None) -> Iterator[TextChange]:
    before, after = old.lines, new.lines
    same, tail = shared_ends(before, after)
    gone, come = before[same : len(before) - tail], after[same : len(after) - tail]
    starts = [0]
    for line in before:
        starts.append(starts[-1] + len(line))
    blocks: Sequence[tuple[str, int, int, int, int]] = [("replace", 0, len(gone), 0, len(come))]
    if len(gone) * len(come) <= _MOST_COMPARED:
        blocks = SequenceMatcher(None, gone, come, autojunk=False).get_opcodes()
    for kind, first, last, come_first, come_last in blocks:
        if kind != "equal" and (first, come_first) != (last, come_last):
            start, end = old.point(starts[same + first]), old.point(starts[same + last])
            yield TextChange(cell, start, end, b"".join(come[come_first:come_last]).decode())
