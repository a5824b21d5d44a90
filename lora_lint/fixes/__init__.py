"""Fixes: from the changes that a finding names to edits of the text, and from edits to files.

    changes (lora_lint/finding.py) -> python.py | configs.py -> Edit -> files.py -> session.py

Edits are places in the UTF-8 text and what stands there instead, so that all outside of them stays byte for byte.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from lora_lint.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lora_lint.finding import Fix
    from lora_lint.source import SourceFile, Span


@dataclass(frozen=True)
class Edit:
    """`text` in the place of what stands at `span`. Newlines are LF, whatever the file has."""

    span: Span
    text: str


def edits_of(fix: Fix, source_of: Callable[[str], SourceFile | None]) -> tuple[Edit, ...]:
    """The edits that a fix is made of, in order; none if a change cannot be made where it should be.

    `source_of` gives the file of a path.
    """
    found: list[Edit] = []
    for change in fix.changes:
        source = source_of(change.span.path)
        if source is None or source.kind == "shell":
            return ()
        if source.kind in ("python", "notebook"):
            from lora_lint.fixes import python as language
        else:
            from lora_lint.fixes import configs as language  # type: ignore[no-redef]
        made = language.edits(source, change)
        if not made:
            return ()
        found += made
    found.sort(key=lambda edit: edit.span)
    return tuple(found) if disjoint(found) else ()


def disjoint(edits: Sequence[Edit]) -> bool:
    """Whether sorted edits leave each other alone."""
    return all(
        left.span.path != right.span.path or left.span.end <= right.span.start for left, right in pairwise(edits)
    )


def applied(utf8: bytes, edits: Sequence[Edit]) -> bytes:
    """A text after edits that are disjoint and all of this text. Newlines of edits become those of the text."""
    newline = b"\r\n" if b"\r\n" in utf8 else b"\n"
    parts: list[bytes] = []
    done = 0
    for edit in sorted(edits, key=lambda edit: edit.span):
        parts += [utf8[done : edit.span.start], edit.text.encode().replace(b"\n", newline)]
        done = edit.span.end
    return b"".join([*parts, utf8[done:]])
