"""`lora_lint.lint(...)`: the findings of the command for programs, typed. Imports neither torch nor click."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypedDict

from lora_lint.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from lora_lint.finding import Confidence, Finding, Level
    from lora_lint.linting.outcome import Outcome
    from lora_lint.settings import Settings
    from lora_lint.unread import Unread


class Options(TypedDict, total=False):
    """What `lint` takes besides paths, as the options of the command: `config` is a settings file, `isolated` ignores
    all of them. Without either the settings of the current folder apply."""

    config: str | None
    isolated: bool
    select: Sequence[str]
    extend_select: Sequence[str]
    ignore: Sequence[str]
    exclude: Sequence[str]
    confidence: Confidence
    level: Level
    model: str
    task: str
    dataset_size: int
    gpu_memory: float


class LoraLintError(Exception):
    """A path that does not exist, settings that make no sense, or a lint that failed; the message is for the user.

    Of `check` and `Guard`: findings of a live run that it should not start with, in `report`.
    """

    def __init__(self, message: str, report: Report | None = None) -> None:
        super().__init__(message)
        self.report = report


@dataclass(frozen=True)
class ReportedFinding:
    """A finding. Lines and columns are 1-based, columns in characters; `cell` counts the code cells of a notebook from
    1. `fix` says what `--fix` would do, `safe` whether it does so without `--unsafe-fixes`."""

    code: str
    name: str
    level: Level
    confidence: Confidence
    message: str
    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    cell: int | None
    fix: str | None
    safe: bool

    def __str__(self) -> str:
        where = f"{self.path}:" if self.cell is None else f"{self.path}:cell {self.cell}:"
        return f"{where}{self.line}:{self.column}: {self.level} {self.code} {self.name}: {self.message}"


@dataclass(frozen=True)
class Report:
    """The findings of a lint in the order of their places, the number of files and runs, what a limit left unread, and
    notes for the user."""

    findings: tuple[ReportedFinding, ...] = ()
    files: int = 0
    runs: int = 0
    unread: tuple[Unread, ...] = ()
    notes: tuple[str, ...] = ()

    def of_level(self, level: Level) -> tuple[ReportedFinding, ...]:
        """The findings of one level."""
        return tuple(finding for finding in self.findings if finding.level == level)


def lint(*paths: str | os.PathLike[str], **options: Unpack[Options]) -> Report:
    """The report on files and folders; on the current folder if none is given. Raises LoraLintError."""
    from lora_lint.fixes.made import left_to_users
    from lora_lint.linting import engine

    outcome = engine.lint([os.fspath(path) for path in paths] or ["."], settings_from(options), jobs=1)
    return report_of(left_to_users(outcome))


def lint_text(text: str | bytes, name: str = "train.py", **options: Unpack[Options]) -> Report:
    """The report on a text as if it were the file `name`, whose suffix decides how it is read and whose folder holds
    what it imports. Raises LoraLintError."""
    from lora_lint.fixes.made import left_to_users
    from lora_lint.linting import engine

    return report_of(left_to_users(engine.lint_text(text, name, settings_from(options))))


def settings_from(options: Options) -> Settings:
    """The settings that some options of a call make. Raises LoraLintError."""
    from lora_lint import settings

    given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    unknown = given.keys() - Options.__annotations__.keys()
    if unknown:
        raise TypeError(f"unexpected keyword argument '{min(unknown)}'")
    config, isolated = given.pop("config", None), given.pop("isolated", False)
    try:
        return settings.override(settings.load(config, isolated), **given)
    except settings.SettingsError as error:
        raise LoraLintError(str(error)) from None


def report_of(outcome: Outcome) -> Report:
    """An outcome for programs. Raises LoraLintError if the lint failed."""
    if outcome.failed:
        raise LoraLintError("; ".join(note.removeprefix("error: ") for note in outcome.notes))
    found = tuple(_reported(outcome, finding) for finding in outcome.findings)
    return Report(found, outcome.summary.files, outcome.summary.runs, outcome.unread, outcome.notes)


def _reported(outcome: Outcome, finding: Finding) -> ReportedFinding:
    from lora_lint.finding import automatic
    from lora_lint.report.wording import level_of, name_of

    place = outcome.located(finding.span)
    fix = automatic(finding)
    return ReportedFinding(
        code=finding.code,
        name=name_of(finding),
        level=level_of(finding),
        confidence=finding.confidence,
        message=finding.message,
        path=place.path,
        line=place.line,
        column=place.column,
        end_line=place.end_line,
        end_column=place.end_column,
        cell=place.cell,
        fix=fix.message if fix is not None else None,
        safe=fix is not None and fix.applicability == "safe",
    )
