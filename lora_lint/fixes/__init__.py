"""Fixes: from the changes that a finding names to edits of the text, and from edits to files.

    changes (lora_lint/finding.py) -> python.py | configs.py -> Edit -> files.py -> session.py

Edits are places in the UTF-8 text and what stands there instead, so that all outside of them stays byte for byte.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from lora_lint.finding import Remark, Replace
from lora_lint.records import dataclass
from lora_lint.source import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lora_lint.finding import Change, Fix
    from lora_lint.source import SourceFile


@dataclass(frozen=True)
class Edit:
    """`text` in the place of what stands at `span`. Newlines are LF, whatever the file has."""

    span: Span
    text: str


def edits_of(fix: Fix, source_of: Callable[[str], SourceFile | None]) -> tuple[Edit, ...]:
    """The edits that a fix is made of, in order; none if a change cannot be made where it should be.

    `source_of` gives the file of a path.
    """
    return tuple(edit for edit in places_of(fix, source_of) if not stays(edit, source_of(edit.span.path)))


def places_of(fix: Fix, source_of: Callable[[str], SourceFile | None]) -> tuple[Edit, ...]:
    """The same with the places that have to stay as they are, which no other fix may change beside this one."""
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


def _edits(source: SourceFile, change: Change) -> tuple[Edit, ...]:
    """The edits that make one change; none where it cannot be made."""
    if isinstance(change, Replace):
        return (Edit(change.span, change.text),)
    if isinstance(change, Remark):
        return (_above(source, change),)
    if source.kind == "shell":
        from lora_lint.fixes.shell import edits
    elif source.kind in ("python", "notebook"):
        from lora_lint.fixes.python import edits
    else:
        from lora_lint.fixes.configs import edits
    return edits(source, change)


def _above(source: SourceFile, change: Remark) -> Edit:
    """A comment above a line, or above the first of those that are one by backslashes, at its indent."""
    utf8 = source.utf8
    start = utf8.rfind(b"\n", 0, change.span.start) + 1
    while utf8[:start].rstrip(b"\r\n").endswith(b"\\"):
        start = utf8.rfind(b"\n", 0, start - 1) + 1
    line = utf8[start : change.span.start]
    indent = line[: len(line) - len(line.lstrip())].decode()
    return Edit(Span(change.span.path, start, start), f"{indent}{change.text}\n")


def stays(edit: Edit, source: SourceFile | None) -> bool:
    """Whether an edit leaves the text as it is."""
    return source is not None and source.utf8[edit.span.start : edit.span.end] == edit.text.encode()


def same(written: Any, wanted: Any) -> bool:
    """Whether what is written is the value that is wanted, of its type where that is a number."""
    return bool(written == wanted) and (type(written) is type(wanted) or not isinstance(wanted, (bool, int, float)))


def shared_ends(old: Sequence[Any], new: Sequence[Any]) -> tuple[int, int]:
    """How many items two lists have in common at their start, and how many of the rest at their end."""
    shorter = min(len(old), len(new))
    first = 0
    while first < shorter and old[first] == new[first]:
        first += 1
    last = 0
    while last < shorter - first and old[-1 - last] == new[-1 - last]:
        last += 1
    return first, last


def disjoint(edits: Sequence[Edit]) -> bool:
    """Whether sorted edits leave each other alone."""
    return all(
        left.span.path != right.span.path or left.span.end <= right.span.start for left, right in pairwise(edits)
    )


def applied(utf8: bytes, edits: Sequence[Edit]) -> bytes:
    """A text after edits that are disjoint and all of this text."""
    parts: list[bytes] = []
    done = 0
    for edit in sorted(edits, key=lambda edit: edit.span):
        parts += [utf8[done : edit.span.start], inserted(utf8, edit)]
        done = edit.span.end
    return b"".join([*parts, utf8[done:]])


def inserted(utf8: bytes, edit: Edit) -> bytes:
    """What an edit writes into a text: its newlines become those of the text."""
    return edit.text.encode().replace(b"\n", b"\r\n" if b"\r\n" in utf8 else b"\n")
