"""Findings with the source lines they refer to, for people."""

from __future__ import annotations

import re

from lora_lint.report.wording import (
    by_level,
    clipped,
    closing,
    headline,
    level_of,
    linked,
    name_of,
    paint,
    place,
    verdict_line,
)
from lora_lint.system.visible import columns, visible, within

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lora_lint.finding import Finding, Level
    from lora_lint.linting.outcome import Outcome
    from lora_lint.report import View
    from lora_lint.source import SourceFile, Span

MAX_LINES = 6
"""The most source lines in an excerpt."""
MAX_PLACES = 12
"""The most places in an entry."""
_BEFORE = 40
"""The columns that an excerpt shows before the underlined part if the line does not fit."""
_MOST = 1000
"""The characters of a line that are examined before, in and after that part."""
_WHOLE = re.compile(r"`[^`]{1,38}`")
"""Code that is not broken over two lines."""
_GLUE = "\0"
"""Stands for a space where no line may break; visible text has none."""
_LEAST = 20
"""The columns that a headline keeps next to a long path."""
_TAB = "    "


def render(outcome: Outcome, view: View) -> str:
    """Errors, then warnings, then advice, each with an excerpt, its related places and its fix; then the summary."""
    blocks: dict[object, list[Finding]] = {}
    listed: dict[str, list[Finding]] = {}
    for finding in by_level(outcome.findings):
        level, said = level_of(finding), finding.message
        if not view.brief or finding.verdict is not None:
            blocks[finding.code, finding.span, said] = [finding]
        elif level == "advice":
            listed.setdefault(finding.code, []).append(finding)
        else:
            blocks.setdefault((finding.code, level, said), []).append(finding)
    aside = {code: listed.pop(code) for code in view.aside if code in listed}
    entries = [_block(outcome, *findings, view=view) for findings in blocks.values()]
    entries += [_entry(outcome, findings, view) for findings in listed.values()]
    sentence, *fixes = closing(outcome)
    last = [paint(sentence, "bold", view.color), *fixes, *(_counted(findings, view) for findings in aside.values())]
    hint = _hint(outcome, bool(listed), view) if entries else []
    return "\n".join([*entries, *hint, *last]) + "\n"


def _block(outcome: Outcome, finding: Finding, *others: Finding, view: View) -> str:
    """A finding in full, with the places of others that say the same."""
    source = outcome.source(finding.span.path)
    level, color = level_of(finding), view.color
    sure = "" if finding.confidence == "certain" else f" ({finding.confidence})"
    lines = [f"{paint(place(source.locate(finding.span)), 'bold', color)}: {_head(finding, view, sure)}"]
    clause, rest = headline(finding.message)
    lines += [paint(line, "bold", color) for line in _wrapped(clause, view, "  ", "  ")]
    lines += _excerpt(source, finding.span, level, view)
    lines += _wrapped(rest, view, "  ", "  ")
    for related in finding.related:
        where = place(outcome.located(related.span)).replace(" ", _GLUE)
        lines += _wrapped(f"{where}: {visible(related.message)}", view, "  = ", "    ")
    if others:
        lines += _wrapped(f"here too: {_places(outcome, others)}", view, "  = ", "    ")
    if finding.fix is not None:
        held = level == "advice" and finding.code not in view.named
        condition = f", with --select {finding.code}" if held else ""
        kind = f"fix ({finding.fix.applicability}{condition})" if finding.fix.changes else "by hand"
        lines += _wrapped(f"{kind}: {visible(finding.fix.message)}", view, "  = ", "    ")
    if finding.verdict is not None:
        verdict = _wrapped(verdict_line(finding), view, "  = ", "    ")
        style = {"confirmed": level, "refuted": "green"}.get(finding.verdict.status, "blue")
        status = finding.verdict.status
        lines += [verdict[0].replace(status, paint(status, style, color), 1), *verdict[1:]]
    return "\n".join(lines) + "\n"


def _places(outcome: Outcome, findings: Sequence[Finding]) -> str:
    """The first places of findings, and how many more there are."""
    shown = [place(outcome.located(finding.span)).replace(" ", _GLUE) for finding in findings[:MAX_PLACES]]
    more = f" and {len(findings) - len(shown)} more" if len(findings) > len(shown) else ""
    return ", ".join(shown) + more


def _counted(findings: list[Finding], view: View) -> str:
    """The number of places with contested advice, which is not listed."""
    code = findings[0].code
    places = f", {len(findings)} places" if len(findings) > 1 else ""
    listing = f"--select {code} lists {'them' if places else 'it'}"
    return f"Contested, not listed: {linked(code, view)} {name_of(findings[0])}{places} ({listing})"


def _entry(outcome: Outcome, findings: list[Finding], view: View) -> str:
    """The advice of one rule: one line per place."""
    count = f", {len(findings)} places" if len(findings) > 1 else ""
    lines = [f"{_head(findings[0], view)}{count}"]
    for finding in findings[:MAX_PLACES]:
        where = place(outcome.located(finding.span))
        room = max(view.width - columns(where) - len("  : "), _LEAST)
        lines.append(f"  {paint(where, 'bold', view.color)}: {clipped(headline(finding.message)[0], room)}")
    if len(findings) > MAX_PLACES:
        lines.append(f"  … and {len(findings) - MAX_PLACES} more: --output-format concise lists all")
    return "\n".join(lines) + "\n"


def _head(finding: Finding, view: View, sure: str = "") -> str:
    """The kind of finding: level, code and name."""
    level = level_of(finding)
    code = paint(linked(finding.code, view), "bold", view.color)
    return f"{paint(level, level, view.color)}{sure} {code} {name_of(finding)}"


def _hint(outcome: Outcome, brief: bool, view: View) -> list[str]:
    """Where to read more, once per report: about the first rule in it."""
    first = by_level(outcome.findings)[0]
    more = "; name a single file to read its advice in full" if brief else ""
    text = f"More about a rule: lora-lint explain {first.code}{more}"
    return [*(paint(line, "dim", view.color) for line in _wrapped(text, view)), ""]


def _wrapped(text: str, view: View, first: str = "", later: str = "") -> list[str]:
    """A visible text in lines; hyphenated names and short pieces of code stay whole."""
    glued = _WHOLE.sub(lambda code: code[0].replace(" ", _GLUE), text)
    lines, gap = [first], ""  # `textwrap` does the same; its import and its patterns cost more than all reports
    for word, behind in re.findall(r"([^ ]+)( *)", glued):
        if gap and len(lines[-1]) + len(gap) + len(word) > view.width:
            lines.append(later)
            gap = ""
        lines[-1] += gap + word
        gap = behind
    return [line.replace(_GLUE, " ") for line in lines] if text else []


def _excerpt(source: SourceFile, span: Span, level: Level, view: View) -> list[str]:
    """The numbered lines of a span, with the span underlined."""
    color = view.color
    if not source.utf8 or span.start > len(source.utf8) or span.end <= span.start:
        return []
    location = source.locate(span)
    first = source.absolute_line(location)
    last = first + location.end_line - location.line
    shift = first - location.line
    width = len(str(location.end_line))
    room = view.width - width - len("   | ")
    bar = paint("|", "blue", color)
    result = [f"  {' ' * width} {bar}"]
    for line in range(first, min(last, first + MAX_LINES - 1) + 1):
        text = source.line_text(line)
        start = location.column - 1 if line == first else len(text) - len(text.lstrip())
        end = location.end_column - 1 if line == last else len(text)
        number = paint(str(line - shift).rjust(width), "blue", color)
        shown, before, marked = _part(text, start, end, room)
        result.append(f"  {number} {bar} {shown}".rstrip())
        carets = paint("^" * marked, level, color)
        result.append(f"  {' ' * width} {bar} {' ' * before}{carets}")
    if last > first + MAX_LINES - 1:
        result.append(f"  {' ' * width} {bar} …")
    return result


def _part(text: str, start: int, end: int, room: int) -> tuple[str, int, int]:
    """A line fit for a terminal, with the column and width of the characters from `start` to `end` in it. Tabs become
    spaces, and what precedes and follows those characters is cut to `room` columns."""
    head, mark, tail = (
        visible(part.replace("\t", _TAB))
        for part in (text[:start][-_MOST:], text[start:end][:_MOST], text[end:][:_MOST])
    )
    kept = min(_BEFORE, room // 2)
    if (start > _MOST or columns(head + mark) > room) and columns(head) > kept:
        head = "…" + within(head[::-1], kept - 1)[::-1]
    line = head + mark + tail
    if columns(line) > room or max(end - start, len(text) - end) > _MOST:
        line = within(line, room - 1) + "…"
    before = columns(head)
    return line, before, max(min(columns(mark), room - before), 1)
