"""Changes in YAML, JSON and TOML, as edits."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from itertools import pairwise

from lora_lint.finding import Add, Drop, Rename, Write
from lora_lint.fixes.edits import Edit, same
from lora_lint.readers.nodes import Mapping, Scalar, Sequence
from lora_lint.records import dataclass
from lora_lint.source import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from lora_lint.finding import Change
    from lora_lint.readers.nodes import Entry, Node
    from lora_lint.source import SourceFile

_TRAINED = "adapter_config.json"
"""Keys that record how an adapter was trained: a change in these changes no training, and may contradict the
weights."""
_DUMPED = frozenset({"peft_type", "auto_mapping"})
"""Keys that only PEFT writes: a file with them is a trained adapter's config, wherever it is."""
_WORD = re.compile(r"[A-Za-z_./][\w./ -]*")
_ANCHOR = re.compile(rb"&([\w-]+)\s+$")
_NAMED = re.compile(rb"&([\w-]+)")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_TELLING = re.compile(r"(?i)(?:true|false|yes|no|on|off|null|y|n)$|.* $|.*: |.* #")


def edits(source: SourceFile, change: Change) -> tuple[Edit, ...]:
    """The edits for a change; none if it cannot be made."""
    from lora_lint.readers.errors import Unreadable

    if source.path.endswith(_TRAINED):
        return ()
    try:
        document = _document(source)
    except Unreadable:
        return ()
    if any(
        isinstance(node, Mapping)
        and node.span.start <= change.span.start < node.span.end
        and all(node.entry(key) is not None for key in _DUMPED)
        for node in document.nodes
    ):
        return ()
    if source.kind == "yaml" and document.shared(change.span):
        return ()
    made = _CHANGES.get(type(change))
    return made(document, change) if made is not None else ()


def _nodes(source: SourceFile) -> Iterator[Node]:
    """Every node of a file."""
    from lora_lint.readers.configs import roots

    todo = list(roots(source))
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, Mapping):
            todo += [part for entry in node.entries for part in (entry.key, entry.value)]
        elif isinstance(node, Sequence):
            todo += node.items


def _plain(node: Node) -> Any:
    """The value of a node; a tuple for a list."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return tuple(map(_plain, node.items))
    return {entry.key.value: _plain(entry.value) for entry in node.entries if isinstance(entry.key, Scalar)}


@dataclass(frozen=True)
class _Document:
    """A configuration file and all of its nodes, in which changes are made."""

    source: SourceFile
    nodes: tuple[Node, ...]

    def text(self, span: Span) -> str:
        return self.source.utf8[span.start : span.end].decode()

    def shared(self, span: Span) -> bool:
        """Whether the text at a place counts in other places too, through an alias. A mapping that is merged once is
        written where it counts."""
        text = self.source.utf8
        for node in self.nodes:
            if node.span.start <= span.start and span.end <= node.span.end:
                anchor = _NAMED.match(text, node.span.start) or _ANCHOR.search(
                    text, max(0, node.span.start - 200), node.span.start
                )
                uses = re.findall(rb"\*" + re.escape(anchor[1]) + rb"(?![\w-])", text) if anchor else []
                if len(uses) > (1 if isinstance(node, Mapping) else 0):
                    return True
        return False

    def literal(self, value: Any, like: str = "") -> str:
        """A value in the file's language, with the quotes of the text that it replaces."""
        if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
            value = int(value)
        if self.source.kind in ("json", "toml"):
            return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
        if isinstance(value, str):
            if like.startswith("'") and value.isprintable():
                return "'" + value.replace("'", "''") + "'"
            plain = not like.startswith('"') and _WORD.fullmatch(value) and not _TELLING.match(value)
            return value if plain else json.dumps(value, ensure_ascii=False)
        if isinstance(value, (list, tuple)):
            return "[" + ", ".join(self.literal(item) for item in value) + "]"
        return json.dumps(value)

    def write(self, span: Span, value: Any) -> tuple[Edit, ...]:
        node = next((node for node in self.nodes if node.span == span), None)
        if node is None:
            return ()
        old = self.text(span)
        if same(_plain(node), value):
            return (Edit(span, old),)
        if isinstance(node, Mapping):
            return ()
        if isinstance(node, Scalar):
            if old[:1] in ("|", ">", "&", "*", "!"):
                return ()
            if isinstance(value, (list, tuple)):
                if "," not in old:
                    return ()
                value = (", " if ", " in old else ",").join(value)  # a list in one string
            return (Edit(span, self.literal(value, old)),)
        if "#" in old:
            return ()
        if isinstance(value, str) and old.startswith("-"):
            return self._text_for_lines(node, self.literal(value, "'" if "\\" in value else ""))
        if isinstance(value, str) or ("\n" not in old and old.startswith("[")):
            return (Edit(span, self.literal(value, "'" if "\\" in value else "")),)
        return self._write_items(node, value) if isinstance(node, Sequence) else ()

    def _text_for_lines(self, node: Node, text: str) -> tuple[Edit, ...]:
        """A list with one item per line becomes one string after its key."""
        found = self._entry(node.span)
        if found is None:
            return ()
        key, end = found[1].key.span, self._end_of_line(node.span.end)
        colon = self.source.utf8.find(b":", key.end, node.span.start) + 1
        line, last = self._line_of(node.span), self._line_of(Span(node.span.path, end, end))
        if not colon or line.start <= key.start or self.source.utf8[node.span.end : end].strip():
            return ()
        gone = Span(line.path, line.start, last.end)
        if last.end == end:  # no newline at the end of the file
            newline = self.source.utf8[: line.start].rstrip(b"\r\n")
            gone = Span(line.path, len(newline), end)
        return (self._insert(colon, f" {text}"), Edit(gone, ""))

    def _write_items(self, node: Sequence, value: Any) -> tuple[Edit, ...]:
        """A list with one item per line: its items replace the old ones."""
        items = [item.span for item in node.items]
        if not isinstance(value, (list, tuple)) or not items or not value:
            return ()
        gaps = {self.text(Span(left.path, left.end, right.start)) for left, right in pairwise(items)}
        if len(gaps) != 1 and len(items) > 1:
            return ()
        start = self._line_of(items[0])
        gap = gaps.pop() if gaps else "\n" + self.text(Span(start.path, start.start, items[0].start))
        quoted = self.text(items[0])
        text = gap.replace("\r\n", "\n").join(self.literal(item, quoted) for item in value)
        return (Edit(Span(items[0].path, items[0].start, items[-1].end), text),)

    def _entry(self, span: Span) -> tuple[Mapping, Entry] | None:
        """The entry whose key or value or both are at `span`, with its mapping; for a mapping's own span the last
        entry."""
        for node in self.nodes:
            if isinstance(node, Mapping):
                for entry in node.entries:
                    key, value = entry.key.span, entry.value.span
                    if span in (key, value, Span(key.path, key.start, value.end)):
                        return node, entry
                if node.span == span and node.entries:
                    return node, node.entries[-1]
        return None

    def add(self, change: Add) -> tuple[Edit, ...]:
        found = self._entry(change.span)
        if found is None:
            return ()
        mapping, beside = found
        there = mapping.entry(change.key)
        if there is not None:
            return self.write(there.value.span, change.value)
        key, end = beside.key.span, beside.value.span.end
        value = self.literal(change.value)
        if self.source.kind == "json":
            before = self.source.utf8[mapping.span.start : key.start].decode()
            gap = before[len(before.rstrip()) :].replace("\r\n", "\n")
            return (self._insert(end, f",{gap}{json.dumps(change.key)}: {value}"),)
        line = self._line_of(key)
        if self.source.utf8[mapping.span.start : mapping.span.start + 1] == b"{":
            return (self._insert(end, f", {self._pair(change.key, value)}"),)
        indent = self.text(Span(line.path, line.start, key.start))
        if not isinstance(beside.value, Scalar) or indent.strip(" -") or self.source.position(end)[0] != self._row(key):
            return ()
        return (self._insert(self._end_of_line(end), f"\n{indent.replace('-', ' ')}{self._pair(change.key, value)}"),)

    def drop(self, change: Drop) -> tuple[Edit, ...]:
        found = self._entry(change.span)
        gone = found[0].entry(change.key) if found is not None else None
        if found is None or gone is None or not isinstance(gone.value, Scalar):
            return ()
        start, end = gone.key.span.start, gone.value.span.end
        utf8, path = self.source.utf8, change.span.path
        if self.source.kind == "json" or utf8[found[0].span.start : found[0].span.start + 1] == b"{":
            rest = re.match(rb"\s*,\s*", utf8[end:])
            if rest:
                return (Edit(Span(path, start, end + rest.end()), ""),)
            before = re.search(rb",\s*$", utf8[:start])
            return (Edit(Span(path, before.start(), end), ""),) if before else ()
        line = self._line_of(gone.key.span)
        whole = not utf8[line.start : start].strip() and self._row(gone.key.span) == self.source.position(end)[0]
        after = utf8[end : self._end_of_line(end)]
        if not whole or len(found[0].entries) == 1:
            return ()
        if after.strip():  # a comment stays, on a separate line
            return (Edit(Span(path, start, end + len(after) - len(after.lstrip())), ""),)
        return (Edit(Span(path, line.start, line.end), ""),)

    def rename(self, change: Rename) -> tuple[Edit, ...]:
        key = next(
            (e.key for n in self.nodes if isinstance(n, Mapping) for e in n.entries if e.key.span == change.span), None
        )
        if key is None:
            return ()
        bare = self.source.kind == "toml" and not key.quoted and _BARE.fullmatch(change.name)
        return (Edit(key.span, change.name if bare else self.literal(change.name, self.text(key.span))),)

    def _pair(self, key: str, value: str) -> str:
        return f"{key} = {value}" if self.source.kind == "toml" else f"{key}: {value}"

    def _insert(self, at: int, text: str) -> Edit:
        return Edit(Span(self.source.path, at, at), text)

    def _row(self, span: Span) -> int:
        return self.source.position(span.start)[0]

    def _line_of(self, span: Span) -> Span:
        """The line that a place starts on, with its newline."""
        starts, row = self.source.line_starts, self._row(span)
        return Span(span.path, starts[row - 1], starts[row] if row < len(starts) else len(self.source.utf8))

    def _end_of_line(self, offset: int) -> int:
        """Where the line of a place ends, before its newline."""
        rest = re.compile(rb"[^\r\n]*").match(self.source.utf8, offset)
        return rest.end() if rest else offset


@lru_cache(maxsize=1)
def _document(source: SourceFile) -> _Document:
    """A file, kept for the next finding in it. Raises Unreadable."""
    return _Document(source, tuple(_nodes(source)))


_CHANGES: dict[type[Change], Callable[[_Document, Any], tuple[Edit, ...]]] = {
    Write: lambda document, change: document.write(change.span, change.value),
    Add: _Document.add,
    Drop: _Document.drop,
    Rename: _Document.rename,
}
