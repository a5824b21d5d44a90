"""One line per finding."""

from __future__ import annotations

from lora_lint.report.wording import by_level, clipped, closing, headline, level_of, linked, name_of, paint, place
from lora_lint.system.visible import columns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.finding import Finding
    from lora_lint.linting.outcome import Outcome
    from lora_lint.report import View

WIDTH = 160
"""The most columns in a line, unless the path alone takes more: it is never cut, because editors jump to it."""


def render(outcome: Outcome, view: View) -> str:
    """`path:line:column: level code[name] headline`, and the summary."""
    lines = [_line(outcome, finding, view) for finding in by_level(outcome.findings)]
    return "\n".join([*lines, *closing(outcome)]) + "\n"


def _line(outcome: Outcome, finding: Finding, view: View) -> str:
    where, level, name = place(outcome.located(finding.span)), level_of(finding), name_of(finding)
    verdict = f" [{finding.verdict.status}]" if finding.verdict is not None else ""
    taken = columns(f"{where}: {level} {finding.code}[{name}] {verdict}")
    code = linked(finding.code, view)
    head = paint(f"{level} {code}[{name}]", level, view.color)
    return f"{paint(where, 'bold', view.color)}: {head} {clipped(headline(finding.message)[0], WIDTH - taken)}{verdict}"
