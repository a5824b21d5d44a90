"""`lora_lint.check(...)`: the live objects of a training to a report."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from lora_lint.api import LoraLintError, Options, Report, report_of, settings_from
from lora_lint.guarding.facts import facts_of
from lora_lint.guarding.findings import live_findings
from lora_lint.guarding.judging import outcome_of_findings, outcome_of_runs
from lora_lint.guarding.places import Places, calling_line, source_of, span_of
from lora_lint.guarding.record import runs_of
from lora_lint.guarding.state import state_of
from lora_lint.guarding.subject import subject_of
from lora_lint.records import dataclass, field, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from typing_extensions import Unpack

    from lora_lint.finding import Finding
    from lora_lint.guarding.subject import Subject
    from lora_lint.linting.outcome import Outcome
    from lora_lint.settings import FailOn, Settings
    from lora_lint.source import SourceFile

LOG = logging.getLogger("lora_lint")
_SEVERITY = {"error": 0, "warning": 1, "advice": 2, "never": -1}


@dataclass(frozen=True)
class LiveReport(Report):
    """The report on a live run. `facts` are what was seen: adapters with the layers that each target matches, scales
    and dtypes, what else trains, the optimizer's groups."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    outcome: Outcome | None = field(default=None, compare=False, repr=False)

    def render(self, format: str = "full") -> str:
        """The report in a format of the command: "full", "json", "html", "markdown"…"""
        from lora_lint.report import render

        assert self.outcome is not None
        return render(format, self.outcome)


def check(
    target: Any,
    optimizer: Any = None,
    *,
    tokenizer: Any = None,
    fail_on: FailOn = "error",
    **options: Unpack[Options],
) -> LiveReport:
    """The report on a training that is about to start: a model with adapters, a trainer, or a model with its optimizer.

    Nothing of it is changed. The tokenizer names new tokens; a trainer's own is known. `options` are those of
    `lora_lint.lint`. Raises LoraLintError, with the report, for a finding at or above `fail_on`; NoAdapterError for
    what has no adapter.
    """
    settings = settings_from(options)
    subject = subject_of(target, optimizer)
    line = calling_line()
    source = source_of(line)
    if tokenizer is not None:
        subject = replace(subject, tokenizer=tokenizer)
    report = examine(subject, settings, Places.all_at(span_of(line, source)), source)
    log(report)
    raise_for(report, fail_on)
    return report


def examine(
    subject: Subject, settings: Settings, places: Places, source: SourceFile, extra: Iterable[Finding] = ()
) -> LiveReport:
    """The report on a training at some places of the program `source`, with findings that were made elsewhere."""
    state = state_of(subject)
    runs = runs_of(subject, state, places)
    outcome = outcome_of_runs(runs, (*live_findings(subject, state, places), *extra), source, settings)
    return live_report(outcome, facts_of(subject, state))


def live_report(outcome: Outcome, facts: Mapping[str, Any]) -> LiveReport:
    """An outcome as the report for the user."""
    plain = report_of(outcome)
    return LiveReport(plain.findings, plain.files, plain.runs, plain.unread, plain.notes, facts, outcome)


def with_findings(report: LiveReport, findings: Iterable[Finding], settings: Settings) -> LiveReport:
    """The report with these findings, its own among them."""
    outcome = report.outcome
    assert outcome is not None
    [source] = outcome.texts.values()
    joined = live_report(outcome_of_findings(findings, report.runs, source, settings), report.facts)
    return replace(joined, notes=report.notes)


def log(report: Report) -> None:
    """Sends a report to the log `lora_lint`: advice as information, the rest as warnings and errors."""
    levels = {"error": logging.ERROR, "warning": logging.WARNING, "advice": logging.INFO}
    for finding in report.findings:
        LOG.log(levels[finding.level], "%s", finding)


def raise_for(report: LiveReport, fail_on: FailOn) -> None:
    """Raises LoraLintError for a report with a finding at or above a level."""
    grave = [each for each in report.findings if _SEVERITY[each.level] <= _SEVERITY[fail_on]]
    if grave:
        raise LoraLintError("\n".join(map(_line, grave)), report)


def _line(finding: Any) -> str:
    return f"{finding.code} {finding.name}: {finding.message}"
