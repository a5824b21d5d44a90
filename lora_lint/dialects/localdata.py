"""How many examples a data file of the user's own holds."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_lint.project import Project

LARGE = 64_000_000
"""Bytes; larger files are not counted."""


def count(path: str, near: str, project: Project) -> int | None:
    """The rows of a .jsonl, .json, .csv, .tsv or .txt file, beside the file `near` or under the current folder.

    None if there is no such file, or it is too large or of another form.
    """
    suffix = os.path.splitext(path)[1].lower()
    for candidate in (os.path.join(os.path.dirname(near), path), path):
        size = project.size(candidate)
        if size is None:
            continue
        if size > LARGE:
            return None
        try:
            with open(candidate, "rb") as file:
                data = file.read()
        except OSError:
            return None
        return _rows(data, suffix)
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
    if suffix == ".json":
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
    return None
