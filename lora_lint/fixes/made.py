"""The edits for the changes of a fix, by the language of the file."""

from __future__ import annotations

from lora_lint.discovery import kind_of
from lora_lint.finding import Remark, Replace, automatic
from lora_lint.fixes.edits import Edit, disjoint, stays
from lora_lint.records import replace
from lora_lint.source import SCRIPTS, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from lora_lint.finding import Change, Finding, Fix
    from lora_lint.linting.outcome import Outcome
    from lora_lint.source import SourceFile


def edits_of(fix: Fix, source_of: Callable[[str], SourceFile | None]) -> tuple[Edit, ...]:
    """The edits of a fix, in order; none if a change cannot be made where it should be.

    `source_of` gives the file at a path.
    """
    return tuple(edit for edit in places_of(fix, source_of) if not stays(edit, source_of(edit.span.path)))


def places_of(fix: Fix, source_of: Callable[[str], SourceFile | None]) -> tuple[Edit, ...]:
    """The same with the places that must stay unchanged, which no other fix may touch along with this one."""
    found: list[Edit] = []
    for change in fix.changes:
        source = source_of(change.span.path)
        if source is None:
            return ()
        made = _edits(source, change)
        if not made:
            return ()
        found += made
    found.sort(key=lambda edit: edit.span)
    return tuple(found) if disjoint(found) else ()


def left_to_users(outcome: Outcome) -> Outcome:
    """The outcome with the fixes that cannot be written left to the user, so that no report promises them: a value
    behind a variable of a batch file, a product in a W&B sweep.

    Fixes of programs count as possible. Whether they are takes longer to see than a small lint takes: `session` says so
    when it makes them.
    """
    return replace(outcome, findings=tuple(_honest(finding, outcome.source) for finding in outcome.findings))


def _honest(finding: Finding, source_of: Callable[[str], SourceFile]) -> Finding:
    fix, path = automatic(finding), finding.span.path
    if fix is None:
        return finding
    if kind_of(path) in (None, "python", "notebook"):
        return finding
    if places_of(fix, lambda other: source_of(other) if other == path else None):
        return finding
    return replace(finding, fix=replace(fix, changes=()))


def _edits(source: SourceFile, change: Change) -> tuple[Edit, ...]:
    """The edits for one change; none if it cannot be made."""
    if isinstance(change, Replace):
        return (Edit(change.span, change.text),)
    if isinstance(change, Remark):
        return (above(source, change),)
    if source.kind in SCRIPTS:
        from lora_lint.fixes.shell import edits
    elif source.kind in ("python", "notebook"):
        from lora_lint.fixes.python import edits
    else:
        from lora_lint.fixes.configs import edits
    return edits(source, change)


def above(source: SourceFile, change: Remark) -> Edit:
    """A comment above a line, or above the first of several joined by backslashes, with its indent."""
    utf8 = source.utf8
    start = utf8.rfind(b"\n", 0, change.span.start) + 1
    while utf8[:start].rstrip(b"\r\n").endswith(b"\\"):
        start = utf8.rfind(b"\n", 0, start - 1) + 1
    line = utf8[start : change.span.start]
    indent = line[: len(line) - len(line.lstrip())].decode()
    return Edit(Span(change.span.path, start, start), f"{indent}{change.text}\n")
