"""Asks the rules about a live run, under the settings and the suppressions of the program that runs."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from lora_lint.linting.comments import comments_of
from lora_lint.linting.judging import Judge
from lora_lint.linting.outcome import Checked, Content, FileResult, distinct, is_shown, outcome_of
from lora_lint.linting.reading import PASSES, Text
from lora_lint.linting.silencing import Silencer
from lora_lint.project import Project
from lora_lint.records import replace
from lora_lint.rules.agreement import Judged, agreed
from lora_lint.run.run import Reading
from lora_lint.settings import settings_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lora_lint.finding import Finding
    from lora_lint.linting.outcome import Outcome
    from lora_lint.run.run import Run
    from lora_lint.settings import Settings
    from lora_lint.source import SourceFile

_CONTENT = Content(fingerprints=True)


def outcome_of_runs(runs: tuple[Run, ...], live: Iterable[Finding], source: SourceFile, settings: Settings) -> Outcome:
    """The findings of the rules on some runs, and `live` ones, as the outcome of a lint of the program `source`."""
    settings = settings_of(source.path, settings)
    judge, silencer = Judge(settings), Silencer(settings)
    reading = _completed(Reading(runs), source, settings)
    ignored = silencer.ignored_in(source.path)
    every: list[Judged] = []
    for finding, origin in judge.findings(reading):
        leveled = judge.with_level(_at_one_place(finding))
        every.append(Judged(leveled, origin, is_shown(leveled, settings) and leveled.code not in ignored))
    found, _ = agreed(every, reading)
    return outcome_of_findings((*found, *live), len(runs), source, settings)


def outcome_of_findings(findings: Iterable[Finding], runs: int, source: SourceFile, settings: Settings) -> Outcome:
    """Some findings as the outcome of a lint of the program `source`, without those that are turned off.

    A comment that ignores a rule anywhere in the program, or in the script that was started, counts: the line that it
    stands on is not known here.
    """
    settings = settings_of(source.path, settings)
    judge = Judge(settings)
    found = distinct(judge.with_level(finding) for finding in findings if finding.code in judge.selected)
    off = Silencer(settings).ignored_in(source.path) | set(_ignored_by_comments(source, {each.code for each in found}))
    shown = tuple(finding for finding in found if finding.code not in off)
    hidden = tuple((each.code, each.span) for each in found if each.code in off and is_shown(each, settings))
    result = FileResult(source.path, shown, runs, hidden)
    return outcome_of(Checked((result,), 1, texts={source.path: source}), settings, _CONTENT)


def _completed(reading: Reading, source: SourceFile, settings: Settings) -> Reading:
    """The runs with what settings and comments state about them; versions are those of this process."""
    text = Text(source, comments_of(source), settings, Project(settings.root))
    pins = [run.pins for run in reading.runs]
    for complete in PASSES:
        reading = complete(reading, text)
    runs = (replace(run, pins=own) for run, own in zip(reading.runs, pins, strict=True))
    return replace(reading, runs=tuple(runs))


def _at_one_place(finding: Finding) -> Finding:
    """A finding without the other places that are its own: they were distinguished only where a file was read."""
    related = tuple(each for each in finding.related if each.span != finding.span)
    return replace(finding, related=related, fix=None)


def _ignored_by_comments(source: SourceFile, codes: Iterable[str]) -> Iterator[str]:
    """The rules that a comment in the program, or in the started script, ignores."""
    from lora_lint.linting.outcome import reread

    started = getattr(sys.modules.get("__main__"), "__file__", None)
    sources = [source]
    if started is not None and os.path.abspath(started) != os.path.abspath(source.path):
        sources.append(reread(started))
    comments = [found for each in sources if (found := comments_of(each)) is not None]
    for code in codes:
        if any(ignore.covers(code) for each in comments for ignore in each.ignores):
            yield code
