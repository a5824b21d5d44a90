"""Edits: places in the UTF-8 text of a file and the text that replaces them, so that everything outside them stays byte
for byte."""

from __future__ import annotations

from itertools import pairwise

from lora_lint.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from lora_lint.source import SourceFile, Span


@dataclass(frozen=True)
class Edit:
    """`text` replaces the text at `span`. Newlines are LF, whatever the file uses."""

    span: Span
    text: str


def stays(edit: Edit, source: SourceFile | None) -> bool:
    """Whether an edit leaves the text unchanged."""
    return source is not None and source.utf8[edit.span.start : edit.span.end] == edit.text.encode()


def same(written: Any, wanted: Any) -> bool:
    """Whether the written value is the wanted one, including its type if it is a number."""
    return bool(written == wanted) and (type(written) is type(wanted) or not isinstance(wanted, (bool, int, float)))


def shared_ends(old: Sequence[Any], new: Sequence[Any]) -> tuple[int, int]:
    """How many items two lists share at their start, and how many of the rest at their end."""
    shorter = min(len(old), len(new))
    first = 0
    while first < shorter and old[first] == new[first]:
        first += 1
    last = 0
    while last < shorter - first and old[-1 - last] == new[-1 - last]:
        last += 1
    return first, last


def disjoint(edits: Sequence[Edit]) -> bool:
    """Whether sorted edits do not overlap."""
    return all(
        left.span.path != right.span.path or left.span.end <= right.span.start for left, right in pairwise(edits)
    )


def applied(utf8: bytes, edits: Sequence[Edit]) -> bytes:
    """A text after edits that do not overlap and all belong to it."""
    parts: list[bytes] = []
    done = 0
    for edit in sorted(edits, key=lambda edit: edit.span):
        parts += [utf8[done : edit.span.start], inserted(utf8, edit)]
        done = edit.span.end
    return b"".join([*parts, utf8[done:]])


def inserted(utf8: bytes, edit: Edit) -> bytes:
    """The text that an edit inserts, with the newlines of the file."""
    return edit.text.encode().replace(b"\n", b"\r\n" if b"\r\n" in utf8 else b"\n")
