"""The journal of a study: one JSON object a line, written as soon as it is known, so that a study that was killed goes
on where it was.

The first line says what the study is; a journal of another study is never continued.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lora_lint.ablate.errors import StudyError
from lora_lint.ablate.trial import TrialRecord

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NAME = "journal.jsonl"
_SNAPSHOTS = "paused"
_VERSION = 1


class StudyJournal:
    """What a study has found out so far, in a folder. Raises StudyError if the folder holds another study, or if
    another process writes to it."""

    def __init__(self, folder: Path, study: dict[str, Any]) -> None:
        self.folder = folder
        self._trials: dict[tuple[str, int], TrialRecord] = {}
        self._facts: dict[str, Any] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(folder)
            (folder / _SNAPSHOTS).mkdir(exist_ok=True)
            known, size = self._read(study)
            self._file = (folder / NAME).open("r+b" if known else "wb")
            self._file.seek(size)
            self._file.truncate()
        except OSError as error:
            raise StudyError(f"{folder}: cannot be written, {error.strerror or error}") from error
        self.resumed = bool(self._trials)
        if not known:
            self._append({"kind": "study", "version": _VERSION, **study})

    def _read(self, study: dict[str, Any]) -> tuple[bool, int]:
        """Whether there is a journal, and the size of its whole lines: the last one may be torn."""
        path = self.folder / NAME
        if not path.is_file():
            return False, 0
        size, first = 0, True
        with path.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                try:
                    entry = json.loads(line)
                    if first:
                        self._check(entry, study)
                    else:
                        self._take(entry)
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    raise StudyError(f"{path} is not the journal of a study: give another --output") from error
                size, first = size + len(line), False
        return not first, size

    def _check(self, entry: dict[str, Any], study: dict[str, Any]) -> None:
        wanted = json.loads(json.dumps({"kind": "study", "version": _VERSION, **study}))
        other = sorted(name for name in wanted.keys() | entry.keys() if wanted.get(name) != entry.get(name))
        if other:
            raise StudyError(
                f"{self.folder} holds another study, which differs in {', '.join(other)}: "
                "give another --output, or remove the folder"
            )

    def _take(self, entry: dict[str, Any]) -> None:
        kind = entry.pop("kind")
        if kind == "trial":
            record = TrialRecord.from_json(entry)
            self._trials[record.key, record.seed] = record
        else:
            self._facts[f"{kind} {entry['name']}"] = entry["value"]

    def _append(self, entry: dict[str, Any]) -> None:
        self._file.write(json.dumps(entry).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def trial(self, key: str, seed: int) -> TrialRecord | None:
        return self._trials.get((key, seed))

    def add(self, record: TrialRecord, snapshot: bytes | None) -> None:
        """Writes a trial; the snapshot first, so that a record never lacks it."""
        path = self._snapshot(record.key, record.seed)
        if snapshot is not None:
            draft = path.with_suffix(".draft")
            draft.write_bytes(b"%d\n" % record.steps + snapshot)
            os.replace(draft, path)
        self._append({"kind": "trial", **record.as_json()})
        self._trials[record.key, record.seed] = record
        if snapshot is None:
            path.unlink(missing_ok=True)

    def snapshot(self, key: str, seed: int, steps: int) -> bytes | None:
        """The snapshot of a trial that was paused after `steps`; None if there is none."""
        path = self._snapshot(key, seed)
        with suppress(OSError):
            mark, _, content = path.read_bytes().partition(b"\n")
            if mark == str(steps).encode():
                return content
        return None

    def _snapshot(self, key: str, seed: int) -> Path:
        return self.folder / _SNAPSHOTS / f"{key}-{seed}"

    def fact(self, kind: str, name: str) -> Any:
        """A value that was found out before the trials; None if it is not known yet."""
        return self._facts.get(f"{kind} {name}")

    def note(self, kind: str, name: str, value: Any) -> None:
        self._append({"kind": kind, "name": name, "value": value})
        self._facts[f"{kind} {name}"] = value

    def forget_snapshots(self, keys: Iterable[str]) -> None:
        """Removes what was kept of paused trials that will not go on."""
        for key in keys:
            for path in (self.folder / _SNAPSHOTS).glob(f"{key}-*"):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        self._file.close()
        with suppress(OSError):
            (self.folder / _SNAPSHOTS).rmdir()
        self._lock.release()


def _locked(folder: Path) -> Any:
    """The lock on a study; the system releases it when its process dies, however it dies."""
    from filelock import FileLock, Timeout

    lock = FileLock(str(folder / ".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise StudyError(f"another study writes to {folder}: give another --output") from error
    return lock
