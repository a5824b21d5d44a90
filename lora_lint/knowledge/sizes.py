"""The number of examples in the training data of a configuration file."""

from __future__ import annotations

import os
import re
from math import isfinite

from lora_lint.project import is_absolute
from lora_lint.run.run import Dataset
from lora_lint.run.values import ABSENT, Known, Unknown
from lora_lint.system import disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from lora_lint.project import Project
    from lora_lint.run.values import Value

LARGE = 64_000_000
"""Bytes; larger files are not counted."""
_FIRST = 200_000
"""Bytes in which the first rows of a file are looked for."""
_SLICE = r"([\w.-]+)\[(-?\d+%?)?:(-?\d+%?)?\]"


def one_set(
    name: Value[str], split: str | None, config: str | None, near: str, project: Project, cap: int | None = None
) -> Dataset:
    """The dataset of a run that names one public data set or local file; at most `cap` of its examples are used."""
    if not isinstance(name, Known):
        return Dataset(name, name if isinstance(name, Unknown) else ABSENT)
    rows = rows_of(name.value, split, config, near, project) if split is not None else None
    if rows is None and cap is None:
        return Dataset(name, Unknown(f"the size of {name.value} is not known", name.span))
    if cap is not None and (rows is None or cap < rows):
        return Dataset(name, Known(cap, name.span, "derived"), f"the cap on {name.value}")
    return Dataset(name, Known(rows or 0, name.span, "derived"), f"the {split} split of {name.value}")


def rows_of(name: str, split: str, config: str | None, near: str, project: Project) -> int | None:
    """The rows of a public data set's split, or of a local file; None if they are not known.

    `split` may have what `datasets` allows: `train[:1000]`, `train[10%:]`, `train+validation`.
    """
    total = 0
    for part in split.replace(" ", "").split("+"):
        cut = re.fullmatch(_SLICE, part) if "[" in part else None
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
    """The rows from `start` to `stop` of a data set whose size may not be known."""
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
    """The rows left for training after a validation set was split off: a share of the rows if below 1, otherwise their
    number."""
    if not isfinite(share):
        return rows
    return max(rows - round(rows * share) if share < 1 else rows - int(share), 0)


def rows_of_file(path: str, near: str, project: Project) -> int | None:
    """The rows of a .jsonl, .json, .csv, .tsv or .txt file: beside the file `near`, in a folder above it (a program is
    started in some folder of its project), or under the current folder. Of an absolute path, on the author's machine,
    the project may have the end.

    None if there is no such file, or it is too large or of another form; a file that is published under a name of its
    own, as `commonsense_170k.json`, has as many rows as there.
    """
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in (".jsonl", ".ndjson", ".txt", ".csv", ".tsv", ".json"):
        return None
    data = _data(path, near, project)
    return _rows(data, suffix) if data is not None else _published(path)


def rows_of_files(path: str, near: str, project: Project) -> int | None:
    """The rows of a file as `rows_of_file` counts them, or of all that a pattern such as `data/*.jsonl` matches in one
    folder."""
    folder, name = os.path.split(path.replace("\\", "/"))
    if "*" not in name or any(sign in f"{folder}{name}" for sign in "?[{") or "*" in folder or "**" in name:
        return rows_of_file(path, near, project)
    start, _, end = name.partition("*")
    return _rows_in(folder, near, project, lambda each: each.startswith(start) and each.endswith(end))


def rows_of_folder(folder: str, near: str, project: Project) -> int | None:
    """The rows of the train split that `load_dataset` makes of a folder: of its files with "train" in their names, or
    of all if no name is that of another split (datasets 5.2.0, data_files.py). None if the project does not have the
    folder, or with subfolders, other files of data or a script."""
    names = _names_in(folder, near, project)
    data = [name for name in names if not name.startswith((".", "_")) and name.lower() not in _BESIDE]
    kinds = {os.path.splitext(name)[1].lower() for name in data}
    if len(kinds) != 1 or not kinds <= {".json", ".jsonl", ".csv"}:
        return None
    train = {name for name in data if re.search(r"(?i)(?<![a-z])train(?:ing)?(?![a-z])", name)}
    if not train and any(re.search(_OTHER_SPLIT, name) for name in data):
        return None
    return _rows_in(folder, near, project, (train or set(data)).__contains__)


_BESIDE = frozenset({"readme.md", "license", "license.txt", "license.md"})
_OTHER_SPLIT = r"(?i)(?<![a-z])(?:test|testing|eval|evaluation|val|valid|validation|dev)(?![a-z])"
_MOST_FILES = 1000


def _names_in(folder: str, near: str, project: Project) -> list[str]:
    """The names in a folder of the project, which a program finds from where it is started."""
    if is_absolute(folder):
        return []
    for above in project.upwards(os.path.dirname(near)):
        found = disk.names(os.path.normpath(os.path.join(above, folder)).replace(os.sep, "/"))
        if found:
            return sorted(found)
    return []


def _rows_in(folder: str, near: str, project: Project, wanted: Callable[[str], bool]) -> int | None:
    """The rows of some files in a folder; None if there are none, too many, or one is not counted."""
    names = [name for name in _names_in(folder, near, project) if wanted(name)]
    if not 0 < len(names) <= _MOST_FILES:
        return None
    rows = [rows_of_file(os.path.join(folder, name), near, project) for name in names]
    return None if None in rows else sum(each for each in rows if each is not None)


def _published(path: str) -> int | None:
    """The rows of a file of the project's users that has the name of a published one."""
    from lora_lint.knowledge.datasets import size_of

    name = path.replace("\\", "/").rpartition("/")[2]
    return size_of(name, "train") if name.endswith(".json") else None


def lines_of_file(path: str, near: str, project: Project) -> int | None:
    """The lines of a text file that are not blank; None as in `rows_of_file`."""
    data = _data(path, near, project)
    return _rows(data, ".txt") if data is not None else None


def items_of_file(path: str, near: str, project: Project) -> int | None:
    """The items of the list in a JSON file; None as in `rows_of_file`, or if it holds anything else."""
    data = _data(path, near, project)
    return _rows(data, ".json") if data is not None and data.lstrip().startswith(b"[") else None


def first_rows(path: str, near: str, project: Project, most: int) -> list[Any] | None:
    """The first rows of a .json or .jsonl file, found as in `rows_of_file`; None if there is no such file, or it is too
    large or of another form."""
    import json

    data = _data(path, near, project) if path.lower().endswith((".json", ".jsonl", ".ndjson")) else None
    if data is None:
        return None
    text = data[:_FIRST].decode("utf-8-sig", "replace").strip()
    inside = text[1:] if text.startswith("[") else text
    decoder = json.JSONDecoder()
    rows: list[Any] = []
    try:
        while len(rows) < most and (inside := inside.lstrip(" \t\r\n,")) and not inside.startswith("]"):
            row, end = decoder.raw_decode(inside)
            rows.append(row)
            inside = inside[end:]
    except (ValueError, RecursionError):
        return rows if len(data) > _FIRST else None
    return rows


def contains(path: str, near: str, project: Project, text: str) -> bool:
    """Whether a text stands in a file, found as in `rows_of_file`; True if that is not known."""
    data = _data(path, near, project)
    return data is None or text.encode() in data


def _data(path: str, near: str, project: Project) -> bytes | None:
    """The content of a file of the project; None if there is no such file, or it is too large."""
    for candidate in _places(path, near, project):
        size = project.size(candidate)
        if size is None:
            continue
        try:
            return disk.read(candidate, LARGE) if size <= LARGE else None
        except OSError:
            return None
    return None


def _places(path: str, near: str, project: Project) -> Iterator[str]:
    """Where a path may lead: from the folder of the file `near`, or from one above it in the project."""
    path = path.replace("\\", "/")  # as Windows writes it
    for folder in project.upwards(os.path.dirname(near)):
        yield os.path.join(folder, path)
    yield path
    if (found := project.by_end(near, path)) is not None:
        yield found


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
