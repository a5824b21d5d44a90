"""The texts that a run trains on, where they can be read without running anything: from local files or the hub's cache.
Reads JSON lines, JSON, CSV, plain text, and Parquet if pyarrow is installed."""

from __future__ import annotations

import contextlib
import csv
import itertools
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lora_lint.run.values import alternatives

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lora_lint.run.run import Run

_ENDINGS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt", ".md", ".parquet")
_LARGEST = 200_000_000
"""The largest file, in bytes, that is read as a whole (JSON); other formats are read row by row, as far as needed."""
_COLUMNS = ("text", "content", "document", "body", "sentence", "code")
_JOINED = (
    ("instruction", "input", "output"),
    ("instruction", "input", "response"),
    ("instruction", "context", "response"),
    ("instruction", "response"),
    ("system", "prompt", "completion"),
    ("prompt", "completion"),
    ("prompt", "response"),
    ("prompt", "chosen"),
    ("question", "context", "answer"),
    ("question", "answer"),
    ("query", "response"),
    ("input", "output"),
    ("sentence1", "sentence2"),
    ("premise", "hypothesis"),
)
_CHATS = ("messages", "conversations", "conversation", "chosen")


class NoTexts(Exception):
    """The texts cannot be read; the message completes "because …"."""


@dataclass(frozen=True)
class Texts:
    """`source` completes "on the texts of …" and names the columns: "data.jsonl (text)"."""

    texts: tuple[str, ...]
    source: str


def texts_of(run: Run, limit: int | None = None) -> Texts:
    """The run's training texts in order, at most `limit`. Raises NoTexts."""
    names = [each.value for each in alternatives(run.dataset.name) if isinstance(each.value, str)]
    if not names:
        why = getattr(run.dataset.name, "why", "") or "the run names no data set"
        raise NoTexts(f"the data set is not known: {why}")
    file = _local(names[0], run.path) or _cached(names[0])
    if file is None:
        raise NoTexts(f"the data set {names[0]} is neither a local file nor in the hub's cache")
    columns: tuple[str, ...] = ()
    texts: list[str] = []
    try:
        # Rows without text do not count; a file that has none is not read to its end.
        for row in itertools.islice(_rows(file), None if limit is None else 2 * limit):
            text, found = text_of(row)
            columns = columns or found
            if text.strip():
                texts.append(text)
            if len(texts) == limit:
                break
    except (OSError, ValueError, csv.Error, RecursionError) as error:
        raise NoTexts(f"{file.name} cannot be read: {error}") from error
    if not texts:
        raise NoTexts(f"{file.name} has no text")
    return Texts(tuple(texts), f"{file.name} ({', '.join(columns)})" if columns else file.name)


def text_of(row: Any) -> tuple[str, tuple[str, ...]]:
    """The text that a row trains on, and the columns it comes from: a text column, a chat, a prompt with its answer, or
    any text in it."""
    if isinstance(row, str):
        return row, ()
    if not isinstance(row, dict):
        return "", ()
    texts = {str(key): value for key, value in row.items() if isinstance(value, str)}
    for name in _COLUMNS:
        if texts.get(name):
            return texts[name], (name,)
    for name in _CHATS:
        turns = row.get(name)
        if isinstance(turns, list) and turns and all(isinstance(turn, dict) for turn in turns):
            return "\n".join(str(turn.get("content") or turn.get("value") or "") for turn in turns), (name,)
    for names in _JOINED:
        if names[0] in texts and names[-1] in texts:
            there = tuple(name for name in names if texts.get(name))
            return "\n".join(texts[name] for name in there), there
    return "\n".join(texts.values()), tuple(texts)


def _local(name: str, path: str) -> Path | None:
    """A file, or the training file of a folder; relative to the working directory or to the file that names it."""
    for folder in (Path(), Path(path).parent):
        with contextlib.suppress(OSError, RuntimeError):  # RuntimeError: `~nobody/…`, whose home is not known
            found = folder / Path(name).expanduser()
            if found.is_file():
                return found
            if found.is_dir():
                return _training_file(found)
    return None


def _cached(name: str) -> Path | None:
    """The training file of a data set already in the hub's cache."""
    if name.count("/") > 1 or name.startswith((".", "~")):
        return None
    from huggingface_hub import constants

    snapshots = Path(constants.HF_HUB_CACHE) / f"datasets--{name.replace('/', '--')}" / "snapshots"
    if not snapshots.is_dir():
        return None
    newest = sorted(snapshots.iterdir(), key=lambda each: each.stat().st_mtime, reverse=True)
    return next((file for each in newest if (file := _training_file(each)) is not None), None)


def _training_file(folder: Path) -> Path | None:
    """The first readable file of a folder, training files first; never a test set."""
    files = sorted(
        Path(above) / name for above, _, names in os.walk(folder) for name in names if name.lower().endswith(_ENDINGS)
    )
    files = [file for file in files if not file.name.lower().startswith(("readme", "dataset_info", "state", "license"))]
    named = [file for file in files if "train" in file.name.lower()]
    rest = [file for file in files if not any(word in file.name.lower() for word in ("test", "valid", "eval", "dev"))]
    return next(iter(named or rest), None)


def _rows(file: Path) -> Iterator[Any]:
    ending = file.suffix.lower()
    if ending == ".parquet":
        yield from _parquet(file)
        return
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        if ending in (".csv", ".tsv"):
            yield from csv.DictReader(lines, delimiter="\t" if ending == ".tsv" else ",")
        elif ending in (".jsonl", ".ndjson"):
            yield from (json.loads(line) for line in lines if line.strip())
        elif ending == ".json":
            yield from _json(lines, file.stat().st_size)
        else:
            yield from (line.rstrip("\r\n") for line in lines if line.strip())


def _json(lines: Any, size: int) -> Iterable[Any]:
    """A list of rows, an object that holds one, or JSON lines under the wrong name."""
    if size > _LARGEST:
        raise ValueError(f"it is larger than {_LARGEST // 1_000_000} MB")
    content = lines.read()
    try:
        document = json.loads(content)
    except json.JSONDecodeError:
        return [json.loads(line) for line in content.splitlines() if line.strip()]
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        return _listed(document)
    raise ValueError("it holds no rows")


def _listed(document: Mapping[str, Any]) -> list[Any]:
    for key in ("train", "data", "rows", "examples"):
        if isinstance(document.get(key), list):
            return list(document[key])
    lists = [value for value in document.values() if isinstance(value, list)]
    if len(lists) != 1:
        return [document]
    return list(lists[0])


def _parquet(file: Path) -> Iterator[Any]:
    try:
        from pyarrow import parquet  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise NoTexts(f"{file.name} needs pyarrow to be read") from None
    with parquet.ParquetFile(file) as table:
        for batch in table.iter_batches(batch_size=256):
            yield from batch.to_pylist()
