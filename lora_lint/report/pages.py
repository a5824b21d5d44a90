"""The catalogue for people: its pages as shown on a terminal, and the list of its rules."""

from __future__ import annotations

import re
import textwrap

from lora_lint.report.wording import linked, paint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lora_lint.catalogue import Rule
    from lora_lint.report import View

WIDEST = 100
"""The most columns of prose: longer lines are hard to read."""
_FENCE = "```"
_ITEM = re.compile(r"(\s*(?:[-*]|\d+\.) )(.*)")
_CODE = re.compile(r"`([^`\n]+)`")
_STRONG = re.compile(r"\*\*([^*\n]+)\*\*")
_PAGE = re.compile(r"\[([^\]\n]+)\]\(([^)\s]+)\)")
_HEADING = re.compile(r"(#+) (.*)")
_GLUE = "\0"
"""Stands for a space in code where no line may break."""


def rendered(page: str, view: View) -> str:
    """A Markdown page as text for a terminal: no marks but those of lists, prose wrapped, code indented."""
    return "".join(f"{line}\n" for line in _lines(page, view)).strip("\n") + "\n"


def _lines(page: str, view: View) -> Iterator[str]:
    prose: list[str] = []
    inside = False
    for line in page.splitlines():
        if line.startswith(_FENCE):
            yield from _wrapped(prose, view)
            prose.clear()
            inside = not inside
            note = line.removeprefix(_FENCE).rpartition(" ")[2]
            if inside and note:
                yield paint(f"    {note}:", "dim", view.color)
            continue
        if inside:
            yield f"    {paint(line, 'blue', view.color)}".rstrip()
            continue
        heading = _HEADING.fullmatch(line)
        starts = heading is not None or not line or line.startswith(("|", ">")) or _ITEM.match(line) is not None
        if starts:
            yield from _wrapped(prose, view)
            prose.clear()
        if heading is not None:
            yield paint(heading[2].replace("`", ""), "bold", view.color)
        elif not line or line.startswith("|"):
            yield line
        else:
            prose.append(line)
    yield from _wrapped(prose, view)


def _wrapped(lines: Sequence[str], view: View) -> Iterator[str]:
    """A paragraph, or an item of a list, in lines of the terminal's width."""
    if not lines:
        return
    item = _ITEM.match(lines[0])
    first = item[1] if item is not None else ""
    text = " ".join(part.strip() for part in (lines[0][len(first) :], *lines[1:]))
    text = _PAGE.sub(lambda found: found[1], text)
    text = _CODE.sub(lambda found: found[0].replace(" ", _GLUE), text)
    wrapped = textwrap.wrap(
        text,
        min(view.width, WIDEST),
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    )
    for line in wrapped:
        plain = line.replace(_GLUE, " ")
        if view.color:
            plain = _CODE.sub(lambda found: paint(found[1], "advice", True), plain)
            plain = _STRONG.sub(lambda found: paint(found[1], "bold", True), plain)
        yield plain


def listing(rules: Sequence[Rule], view: View, heading: bool) -> str:
    """One line per rule, in columns; with `heading`, the column titles are above them, and no line is wider than the
    view."""
    width = max((len(rule.name) for rule in rules), default=0)
    if not heading or not rules:
        rows = [_row(rule, width, view, rule.summary) for rule in rules]
    else:
        head = f"{'code':<5}  {'name':<{width}}  {'level':<7}  {'fix':<6}  finds"
        before = len(head) - len("finds")
        room = max(view.width - before, 20)
        rows = [paint(head, "bold", view.color)]
        for rule in rules:
            first, *more = textwrap.wrap(rule.summary, room)
            rows += [_row(rule, width, view, first), *(" " * before + line for line in more)]
    return "".join(f"{row}\n" for row in rows)


def _row(rule: Rule, width: int, view: View, summary: str) -> str:
    level = paint(f"{rule.level:<7}", rule.level, view.color)
    fix = "" if rule.fix.applicability == "none" else rule.fix.applicability
    return f"{linked(rule.code, view)}  {rule.name:<{width}}  {level}  {fix:<6}  {summary}"
