"""The runs in some files with everything that was read of them, for `inspect`.

The files are always read, without the cache: a run may be left out because of another file's, which is decided on runs
and not on the plain values that a cache could hold. Measured on one machine (Python 3.11, CPU time): 0.4 s for a script
of 230 lines, 0.9 s for a folder of 43 files, 1.8 s for one of 400 notebooks (a lint with the cache takes 0.3 s there).
"""

from __future__ import annotations

import os

from lora_lint import discovery, prefilter
from lora_lint.inspection.facts import facts
from lora_lint.knowledge.models import identify
from lora_lint.linting import engine
from lora_lint.linting.fence import Failure, attempt
from lora_lint.linting.reading import FileReading, read_file
from lora_lint.project import Project
from lora_lint.records import dataclass, field
from lora_lint.run.values import Reason, Unknown, alternatives
from lora_lint.settings import settings_of
from lora_lint.unread import Unread, clause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from lora_lint.run.run import Run
    from lora_lint.settings import Settings
    from lora_lint.source import FileKind


@dataclass(frozen=True)
class Inspection:
    """The runs in some files as plain JSON values, see `facts`; `notes` are for stderr.

    `recognised` are the dialects of the configuration files, those without a run included, each with the number of
    files; `unread` is what was left unread because of a limit. `records` are what the runs were read as.
    """

    runs: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    failed: bool = False
    files: int = field(default=0)
    recognised: Mapping[str, int] = field(default_factory=dict)
    unread: tuple[Unread, ...] = ()
    records: tuple[Run, ...] = ()

    def inexact(self) -> tuple[str, ...]:
        """The names of base models of which not every size is known."""
        names: dict[str, None] = {}
        for run in self.records:
            for name in alternatives(run.model.name):
                model = identify(name.value, near=os.path.dirname(run.path) or None, own=run.model.own)
                if model is None or not model.complete:
                    names.setdefault(name.value)
        return tuple(names)


def inspect(paths: Iterable[str], settings: Settings) -> Inspection:
    """The runs in the files under `paths`.

    A function that its own file does not call is read by itself. That run is left out if a program that calls the
    function, and so knows the values, is among the files.
    """
    walk = discovery.Walk(paths, engine.excluder(settings), root=settings.root)
    reader = _Reader(settings)
    read = [each for found in walk for each in reader.read(found)]
    reached = {
        run.config for run, _ in read if run.config and run.config.path != run.path and alternatives(run.adapter.rank)
    }
    runs = [facts_of_run for run, facts_of_run in read if not (run.config in reached and _waits_for_caller(run))]
    missing = tuple(f"error: {missing}" for missing in walk.missing)
    notes = (*missing, *walk.notes, *reader.notes)
    failed = bool(missing) or reader.failed
    records, unread = tuple(run for run, _ in read), tuple(reader.unread)
    return Inspection(tuple(runs), notes, failed, walk.files, reader.recognised, unread, records)


def inspect_text(data: bytes, path: str, settings: Settings, kind: FileKind | None = None) -> Inspection:
    """The runs in one text, read as the file `path` would be; its suffix decides how, unless its kind is given."""
    reader = _Reader(settings)
    read = reader.read(discovery.Found(path, kind or discovery.kind_of(path) or "python", data, True))
    records, runs = tuple(run for run, _ in read), tuple(facts_of_run for _, facts_of_run in read)
    notes, unread = tuple(reader.notes), tuple(reader.unread)
    return Inspection(runs, notes, reader.failed, 1, reader.recognised, unread, records)


def _waits_for_caller(run: Run) -> bool:
    """Whether a run has no rank because the caller of its function supplies it."""
    rank = run.adapter.rank
    return isinstance(rank, Unknown) and rank.reason is Reason.CALLER


class _Reader:
    """Reads files one after another; each failure becomes a note."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.project = Project(settings.root)
        self.notes: list[str] = []
        self.unread: list[Unread] = []
        self.failed = False
        self.recognised: dict[str, int] = {}

    def read(self, found: discovery.Found) -> list[tuple[Run, dict[str, Any]]]:
        """The runs of a file, each with its facts."""
        if found.data is None:
            if found.limit is not None:
                self._leave(Unread(found.path, found.limit, clause(found.problem or "")))
            else:
                self.notes.append(f"{found.path}: {found.problem}")
            return []
        settings_of(found.path, self.settings)  # an error in it is no failure of the file
        result = attempt(lambda: self._facts(found))
        if isinstance(result, Failure):
            self._fail(found, found.data, result)
            return []
        file, facts_of_run = result
        self.notes += file.notes
        reading = file.reading
        for dialect in reading.recognised or dict.fromkeys(run.dialect for run in reading.runs):
            self.recognised[dialect] = self.recognised.get(dialect, 0) + 1
        self._leave(*reading.unread)
        return facts_of_run

    def _facts(self, found: discovery.Found) -> tuple[FileReading, list[tuple[Run, dict[str, Any]]]]:
        file = read_file(found, settings_of(found.path, self.settings), self.project)
        return file, [(run, facts(run, file.source, self.project)) for run in file.reading.runs]

    def _fail(self, found: discovery.Found, data: bytes, failure: Failure) -> None:
        """Notes each failure; for a file that is not about LoRA only what a limit left out."""
        if failure.cause == "bug":
            self.failed = True
            self.notes.append(f"{found.path}: {failure.message}")
        elif failure.cause == "time":
            self.project = Project(self.settings.root)  # it may have been left half updated
            self._leave(Unread(found.path, "time", f"reading it {failure.message}"))
        elif found.explicit or prefilter.telling(data, found.kind):
            why = failure.message if failure.cause == "syntax" else "too deep or too large"
            self.notes.append(f"{found.path}: {why}")
        elif failure.limit is not None:
            self._leave(Unread(found.path, failure.limit, clause(failure.message)))

    def _leave(self, *unread: Unread) -> None:
        self.unread += unread
        self.notes += [each.line() for each in unread]
