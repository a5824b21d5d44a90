"""How many examples the training data of a configuration file holds."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_lint.project import Project

LARGE = 64_000_000
"""Bytes; larger files are not counted."""
_SLICE = re.compile(r"([\w.-]+)\[(-?\d+%?)?:(-?\d+%?)?\]")


def rows_of(name: str, split: str, config: str | None, near: str, project: Project) -> int | None:
    """The rows of a public data set's split, or of a local file; None if they are not known.

    `split` may have what `datasets` allows: `train[:1000]`, `train[10%:]`, `train+validation`.
    """
    total = 0
    for part in split.replace(" ", "").split("+"):
        cut = _SLICE.fullmatch(part)
        whole = rows_of_file(name, near, project)
        if whole is None:
            from lora_lint.knowledge.datasets import size_of

            whole = size_of(name, cut[1] if cut else part, config)
        rows = _cut(whole, cut[2], cut[3]) if cut else whole
        if rows is None:
            return None
        total += rows
    return total


def _cut(whole: int | None, start: str | None, stop: str | None) -> int | None:
    """The rows from `start` to `stop` of a set whose size may not be known."""
    if whole is None and stop is not None and stop.isdigit() and (start or "0").isdigit():
        return max(int(stop) - int(start or 0), 0)
    if whole is None:
        return None
    places = []
    for bound, otherwise in ((start, 0), (stop, whole)):
        place = otherwise if bound is None else round(whole * int(bound[:-1]) / 100) if bound[-1] == "%" else int(bound)
        places.append(min(max(place + whole if place < 0 else place, 0), whole))
    return max(places[1] - places[0], 0)


def without_held_out(rows: int, share: float) -> int:
    """What is left to train on after a validation set was split off: a share of the rows below 1, else their number."""
    return max(rows - round(rows * share) if share < 1 else rows - int(share), 0)


def rows_of_file(path: str, near: str, project: Project) -> int | None:
    """The rows of a .jsonl, .json, .csv, .tsv or .txt file, beside the file `near` or under the current folder.

    None if there is no such file, or it is too large or of another form.
    """
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in (".jsonl", ".ndjson", ".txt", ".csv", ".tsv", ".json"):
        return None
    for candidate in (os.path.join(os.path.dirname(near), path), path):
        size = project.size(candidate)
        if size is None:
            continue
        if size > LARGE:
            return None
        try:
            with open(candidate, "rb") as file:
                return _rows(file.read(), suffix)
        except OSError:
            return None
    return None


def _rows(data: bytes, suffix: str) -> int | None:
    if suffix in (".jsonl", ".ndjson", ".txt"):
        return sum(1 for line in data.splitlines() if line.strip())
    if suffix in (".csv", ".tsv"):
        import csv

        text = data.decode("utf-8-sig", "replace").splitlines(keepends=True)
        try:
            rows = sum(1 for row in csv.reader(text, delimiter="\t" if suffix == ".tsv" else ",") if row)
        except csv.Error:
            return None
        return max(rows - 1, 0)
    import json

    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        # `datasets` reads lines of JSON under this suffix as well.
        return _rows(data, ".jsonl") if data.lstrip().startswith(b"{") else None
    if isinstance(content, list):
        return len(content)
    lists = [value for value in content.values() if isinstance(value, list)] if isinstance(content, dict) else []
    return len(lists[0]) if len(lists) == 1 else None
