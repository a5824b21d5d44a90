"""What several reports say in the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint import catalogue
from lora_lint.system.visible import visible

if TYPE_CHECKING:
    from lora_lint.finding import Finding, Level
    from lora_lint.lint.engine import Outcome, Summary
    from lora_lint.source import Location

HOMEPAGE = "https://github.com/lora-lint/lora-lint"

_STATUSES = ("confirmed", "refuted", "inconclusive", "skipped")
_CODES = {"error": "31", "warning": "33", "advice": "36", "bold": "1", "dim": "2", "blue": "34", "green": "32"}


def paint(text: str, style: str, color: bool) -> str:
    """Text in one of the styles for terminals, if colors are wanted."""
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if color and text else text


def level_of(finding: Finding) -> Level:
    """The level that the engine has filled in."""
    return finding.level or "warning"


def name_of(finding: Finding) -> str:
    """The name of a finding's rule."""
    return catalogue.rules()[finding.code].name


def url_of(code: str) -> str:
    """The page of a rule."""
    return f"{HOMEPAGE}/blob/main/rules/{catalogue.rules()[code].file}"


def place(location: Location) -> str:
    """`path:line:column`, in a notebook with the cell; fit to be shown."""
    cell = f"cell {location.cell}:" if location.cell is not None else ""
    return visible(f"{location.path}:{cell}{location.line}:{location.column}")


def cell_prefix(location: Location) -> str:
    """`cell 2, line 3: ` for a place in a notebook, in front of a message whose host shows a line of the JSON."""
    return f"cell {location.cell}, line {location.line}: " if location.cell is not None else ""


def verdict_line(finding: Finding) -> str:
    """What `--verify` has to say of a finding, fit to be shown: "refuted: …"; empty where it was not asked."""
    verdict = finding.verdict
    return visible(f"{verdict.status}: {verdict.reason}") if verdict is not None else ""


def with_verdict(finding: Finding) -> str:
    """The message of a finding, fit to be shown, with its verdict behind it, for formats that have one text."""
    verdict, message = verdict_line(finding), visible(finding.message)
    return f"{message} [{verdict}]" if verdict else message


def refuted(finding: Finding) -> bool:
    """Whether `--verify` has shown that a finding does not hold."""
    return finding.verdict is not None and finding.verdict.status == "refuted"


def sentence(outcome: Outcome) -> str:
    """The last line of a report for people: what was found, in how much, what was hidden, and how it was settled."""
    summary = outcome.summary
    counts = [
        _count(number, word) for number, word in ((summary.errors, "error"), (summary.warnings, "warning")) if number
    ]
    if summary.advice:
        counts.append(f"{summary.advice} advice")
    found = ", ".join(counts) or "No findings"
    hidden = f" ({summary.suppressed} suppressed)" if summary.suppressed else ""
    scope = f"what was read ({_scope(summary)})" if summary.unread else _scope(summary)
    return f"{found}{hidden} in {scope}{_unread(outcome)}{_settled(outcome)}"


def _unread(outcome: Outcome) -> str:
    files = len({each.path for each in outcome.unread})
    return f"; {_count(files, 'file')} not read in full" if files else ""


def _settled(outcome: Outcome) -> str:
    statuses = [finding.verdict.status for finding in outcome.findings if finding.verdict is not None]
    counts = [f"{statuses.count(status)} {status}" for status in _STATUSES if status in statuses]
    return f"; {', '.join(counts)}" if counts else ""


def _scope(summary: Summary) -> str:
    return f"{_count(summary.runs, 'run')} of {_count(summary.files, 'file')}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
