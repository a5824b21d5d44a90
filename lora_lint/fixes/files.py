"""Edits of a text, applied to the bytes of its file: in the file's encoding, or in a notebook's JSON."""

from __future__ import annotations

import json
from bisect import bisect_right

from lora_lint.fixes.edits import Edit, applied, shared_ends
from lora_lint.source import SourceFile, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from lora_lint.readers.nodes import Node


class Unwritable(Exception):
    """Edits that cannot be made without changing something else; the message is for the user."""


def edited(data: bytes, source: SourceFile, edits: Sequence[Edit]) -> bytes:
    """The bytes of a file after edits of its text. Everything outside the edits stays the same. Raises Unwritable."""
    if source.kind == "notebook":
        return _notebook(data, source, edits)
    from lora_lint.readers.text import encoding_of

    encoding = encoding_of(source.path, data, source.kind)
    if _encoded(source.utf8, data, encoding) != data:
        raise Unwritable(f"the file cannot be rewritten unchanged in {encoding}")
    try:
        return _encoded(applied(source.utf8, edits), data, encoding)
    except UnicodeEncodeError:
        raise Unwritable(f"{encoding} cannot encode the fix") from None


def _encoded(utf8: bytes, like: bytes, encoding: str) -> bytes:
    text = utf8.decode()
    if encoding.startswith("utf-") and encoding not in ("utf-8", "utf-8-sig"):
        mark = "\ufeff".encode(encoding)
        return (mark if like.startswith(mark) else b"") + text.encode(encoding)
    return text.encode(encoding)


def _notebook(data: bytes, source: SourceFile, edits: Sequence[Edit]) -> bytes:
    """Only the changed lines of cells are rewritten."""
    mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
    written = SourceFile(source.path, "json", data[len(mark) :])
    from lora_lint.readers.cells import cell_sources
    from lora_lint.readers.json import read_json

    nodes = list(cell_sources(read_json(written)))
    if len(nodes) != len(source.cells):
        raise Unwritable("the notebook's cells are not in the expected places")
    by_cell: dict[int, list[Edit]] = {}
    for edit in edits:
        first, last = (source.position(offset)[0] for offset in edit.span[1:])
        cell = bisect_right(source.cells, first - 1) - 1
        if cell != bisect_right(source.cells, last - 1) - 1:
            raise Unwritable("the fix spans more than one cell")
        by_cell.setdefault(cell, []).append(edit)
    changes: list[Edit] = []
    for cell, mine in by_cell.items():
        changes += _cell(written, nodes[cell], source, cell, mine)
    return mark + applied(written.utf8, changes)


def _cell(written: SourceFile, node: Node, source: SourceFile, cell: int, edits: Sequence[Edit]) -> list[Edit]:
    """The edits of the notebook's JSON that correspond to the edits of one cell."""
    from lora_lint.readers.nodes import Scalar, Sequence

    listed = node.items if isinstance(node, Sequence) else (node,)
    parts = [part for part in listed if isinstance(part, Scalar)]
    texts = [part.value for part in parts if isinstance(part.value, str)]
    old = "".join(texts)
    if len(texts) != len(listed) or not parts or any(each in old for each in "\r\f\ufffd"):
        raise Unwritable("the cell is not written in the usual form")
    start = source.line_starts[source.cells[cell]]
    own = old.encode()
    for edit in edits:  # a difference between the program and the cell hides a magic
        if source.utf8[edit.span.start : edit.span.end] != own[edit.span.start - start : edit.span.end - start]:
            raise Unwritable("the fix would change a magic")
    here = [Edit(Span(edit.span.path, edit.span.start - start, edit.span.end - start), edit.text) for edit in edits]
    new = applied(own, here).decode()
    if isinstance(node, Scalar):
        return [Edit(node.span, _string(new, written, parts[0]))]
    lines = new.splitlines(keepends=True) if all(text.count("\n") < 2 for text in texts) else [new]
    same, tail = shared_ends(texts, lines)
    gone, come = parts[same : len(parts) - tail], lines[same : len(lines) - tail]
    if not gone:  # new lines: after the last one that stays, or before the first
        beside = parts[same - 1] if same else parts[0]
        gap = _gap(written, parts)
        text = gap.join(_string(line, written, beside) for line in come)
        at = beside.span.end if same else beside.span.start
        return [Edit(Span(written.path, at, at), gap + text if same else text + gap)]
    if not come:
        first, last = parts.index(gone[0]), parts.index(gone[-1])
        if last + 1 < len(parts):
            return [Edit(Span(written.path, gone[0].span.start, parts[last + 1].span.start), "")]
        start = parts[first - 1].span.end if first else gone[0].span.start
        return [Edit(Span(written.path, start, gone[-1].span.end), "")]
    text = _gap(written, parts).join(_string(line, written, gone[0]) for line in come)
    return [Edit(Span(written.path, gone[0].span.start, gone[-1].span.end), text)]


def _gap(written: SourceFile, parts: Sequence[Any]) -> str:
    """The text between two lines of a cell."""
    if len(parts) < 2:
        return ", "
    return written.utf8[parts[0].span.end : parts[1].span.start].decode().replace("\r\n", "\n")


def _string(text: str, written: SourceFile, like: Any) -> str:
    """A JSON string, with non-ASCII letters escaped or not like those in a neighbouring string."""
    raw = written.utf8[like.span.start : like.span.end].decode()
    plain = json.dumps(text, ensure_ascii=False)
    return plain if json.dumps(like.value, ensure_ascii=False) == raw and not plain.isascii() else json.dumps(text)
