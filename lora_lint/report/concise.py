"""One line a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.report.wording import level_of, name_of, paint, place, sentence, with_verdict

if TYPE_CHECKING:
    from lora_lint.lint.engine import Outcome


def render(outcome: Outcome, *, color: bool = False) -> str:
    """`path:line:column: level code[name] message`, and the summary."""
    lines = []
    for finding in outcome.findings:
        location = outcome.located(finding.span)
        level = level_of(finding)
        head = paint(f"{level} {finding.code}[{name_of(finding)}]", level, color)
        lines.append(f"{paint(place(location), 'bold', color)}: {head} {with_verdict(finding)}")
    return "\n".join([*lines, sentence(outcome)]) + "\n"
