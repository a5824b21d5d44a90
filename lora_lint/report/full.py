"""Findings with the source they are about, for people."""

from __future__ import annotations

import textwrap
from itertools import accumulate, takewhile
from typing import TYPE_CHECKING

from lora_lint.report.wording import level_of, name_of, paint, place, sentence, verdict_line
from lora_lint.system.visible import columns, visible

if TYPE_CHECKING:
    from lora_lint.finding import Finding, Level
    from lora_lint.lint.engine import Outcome
    from lora_lint.source import SourceFile, Span

WIDTH = 110
MAX_LINES = 6
"""Lines of source that an excerpt shows at most."""
LIMIT = 2 * WIDTH
"""Columns of a line of source that it shows at most."""
_BEFORE = 40
"""Columns that it shows before the underlined part, where not all of the line fits."""
_TAB = "    "


def render(outcome: Outcome, *, color: bool = False) -> str:
    """Every finding with an excerpt, its related places and where to read more; then the summary."""
    blocks = [_block(outcome, finding, color) for finding in outcome.findings]
    return "\n".join([*blocks, paint(sentence(outcome), "bold", color)]) + "\n"


def _block(outcome: Outcome, finding: Finding, color: bool) -> str:
    source = outcome.source(finding.span.path)
    level = level_of(finding)
    sure = "" if finding.confidence == "certain" else f" ({finding.confidence})"
    head = f"{paint(level, level, color)}{sure} {paint(finding.code, 'bold', color)} {name_of(finding)}"
    lines = [f"{paint(place(source.locate(finding.span)), 'bold', color)}: {head}"]
    lines += _wrapped(visible(finding.message), "  ", "  ")
    lines += _excerpt(source, finding.span, level, color)
    for related in finding.related:
        lines.append(
            f"  {paint('=', 'blue', color)} {place(outcome.located(related.span))}: {visible(related.message)}"
        )
    if finding.fix is not None:
        kind = "fix" if finding.fix.applicability == "safe" else "possible fix"
        lines += _wrapped(visible(f"{kind}: {finding.fix.message}"), "  = ", "    ")
    if finding.verdict is not None:
        verdict = _wrapped(verdict_line(finding), "  = ", "    ")
        style = {"confirmed": level, "refuted": "green"}.get(finding.verdict.status, "blue")
        lines += [
            verdict[0].replace(finding.verdict.status, paint(finding.verdict.status, style, color), 1),
            *verdict[1:],
        ]
    lines.append(paint(f"  = more: lora-lint explain {finding.code}", "dim", color))
    return "\n".join(lines) + "\n"


def _wrapped(text: str, first: str, later: str) -> list[str]:
    """A text in lines; names, which have hyphens in them, stay whole."""
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
    )


def _excerpt(source: SourceFile, span: Span, level: Level, color: bool) -> list[str]:
    """The lines of a span with their numbers, the span underlined."""
    if not source.utf8 or span.start > len(source.utf8) or span.end <= span.start:
        return []
    location = source.locate(span)
    first = source.absolute_line(location)
    last = first + location.end_line - location.line
    shift = first - location.line
    width = len(str(location.end_line))
    bar = paint("|", "blue", color)
    result = [f"  {' ' * width} {bar}"]
    for line in range(first, min(last, first + MAX_LINES - 1) + 1):
        text = source.line_text(line)
        start = location.column - 1 if line == first else len(text) - len(text.lstrip())
        end = location.end_column - 1 if line == last else len(text)
        number = paint(str(line - shift).rjust(width), "blue", color)
        shown, before, marked = _part(text, start, end)
        result.append(f"  {number} {bar} {shown}".rstrip())
        carets = paint("^" * marked, level, color)
        result.append(f"  {' ' * width} {bar} {' ' * before}{carets}")
    if last > first + MAX_LINES - 1:
        result.append(f"  {' ' * width} {bar} …")
    return result


def _part(text: str, start: int, end: int) -> tuple[str, int, int]:
    """A line fit for a terminal, and at which column and how wide the characters from `start` to `end` are in it: tabs
    are spaces, what a long line has before and behind them is cut."""
    head, mark, tail = (
        visible(part.replace("\t", _TAB))
        for part in (text[:start][-LIMIT:], text[start:end][:LIMIT], text[end:][:LIMIT])
    )
    if (start > LIMIT or columns(head + mark) > LIMIT) and columns(head) > _BEFORE:
        head = "…" + _within(head[::-1], _BEFORE - 1)[::-1]
    line = head + mark + tail
    if columns(line) > LIMIT or max(end - start, len(text) - end) > LIMIT:
        line = _within(line, LIMIT - 1) + "…"
    before = columns(head)
    return line, before, max(min(columns(mark), LIMIT - before), 1)


def _within(text: str, limit: int) -> str:
    """The start of a text that fits into some columns."""
    widths = accumulate(map(columns, text))
    return text[: sum(1 for _ in takewhile(lambda width: width <= limit, widths))]
