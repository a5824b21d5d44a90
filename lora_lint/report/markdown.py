"""GitHub-flavored Markdown: for the summary of a job, or a comment."""

from __future__ import annotations

import re

from lora_lint.report.wording import (
    by_level,
    closing,
    headline,
    level_of,
    name_of,
    place,
    url_of,
    verdict_line,
)
from lora_lint.system.visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.finding import Finding
    from lora_lint.linting.outcome import Outcome

LARGEST = 500_000
"""The most characters in all rows: a job summary may have 1 MiB."""
_SPECIAL = re.compile(r"[\\`*_\[\]<>|~$&]")


def render(outcome: Outcome) -> str:
    """The summary, and a table with one row per finding."""
    rows, size = [], 0
    for finding in by_level(outcome.findings):
        row = _row(outcome, finding)
        size += len(row)
        if size > LARGEST:
            break
        rows.append(row)
    left = len(outcome.findings) - len(rows)
    table = ["| | rule | place | finding |", "|---|---|---|---|", *rows, ""] if rows else []
    more = [f"{left} more findings are not listed.", ""] if left else []
    return "\n".join(["### lora-lint", "", *("\n\n".join(map(_plain, closing(outcome))), ""), *table, *more])


def _row(outcome: Outcome, finding: Finding) -> str:
    clause, rest = headline(finding.message)
    text = f"**{_prose(clause)}**" + (f"<br>{_prose(rest)}" if rest else "")
    if finding.verdict is not None:
        text += f"<br>{_prose(verdict_line(finding))}"
    rule = f"[{finding.code}]({url_of(finding.code)}) {name_of(finding)}"
    return f"| {level_of(finding)} | {rule} | {_code(place(outcome.located(finding.span)))} | {text} |"


def _prose(text: str) -> str:
    """The text of a message, in which backticks mark code; everything else in it is escaped for Markdown."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return _plain(text)
    return "".join(_code(part) if at % 2 and part else _plain(part) for at, part in enumerate(parts))


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", visible(text))


def _code(text: str) -> str:
    """A code span in a table cell, between more backticks than it contains."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    space = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) else ""
    return f"{fence}{space}{visible(text).replace('|', chr(92) + '|')}{space}{fence}"
