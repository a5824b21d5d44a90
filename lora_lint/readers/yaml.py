"""YAML with the places of its keys and values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from lora_lint.readers.errors import Unreadable
from lora_lint.readers.json import byte_offsets
from lora_lint.readers.nodes import Entry, Mapping, Node, Placeholder, Scalar, ScalarValue, Sequence
from lora_lint.source import SourceFile, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH = 100
MAX_NODES = 200_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TEMPLATE = re.compile(r"\$\{|\{\{|\{%")
_BRACKETS = re.compile(rb"[\[\]{}]")
_INLINE = re.compile(rb"(?:[-?:][ \t]+){%d,}" % MAX_DEPTH)
_INDENT = re.compile(rb"(?m)^ {2000,}")
_INT = re.compile(r"[-+]?(?:0x[0-9a-fA-F]+|0o[0-7]+|[0-9][0-9_]*)$")
# YAML 1.2's numbers: `2e-4` is one, though PyYAML takes it for text.
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?$")
_WORDS: dict[str, ScalarValue] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    # What PyYAML, and so every framework, makes of them.
    **{word: True for base in ("true", "yes", "on") for word in (base, base.capitalize(), base.upper())},
    **{word: False for base in ("false", "no", "off") for word in (base, base.capitalize(), base.upper())},
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), float("inf")),
    "-.inf": float("-inf"),
    ".nan": float("nan"),
}


def read_yaml(source: SourceFile) -> tuple[Node, ...]:
    """The documents of a YAML file. Raises Unreadable.

    Anchors and merges are followed, `${…}` and `{{…}}` are placeholders, tags of applications too. A file that is a
    template of another engine (`{% … %}`) and no YAML by itself gives no documents.
    """
    _guard(source)
    try:
        composed = list(yaml.compose_all(source.text, Loader=_LOADER))
    except yaml.YAMLError as error:
        if _TEMPLATE.search(source.text):
            return ()
        raise Unreadable(*_explained(source, error)) from None
    except (RecursionError, MemoryError):
        raise Unreadable("the YAML is nested too deeply") from None
    reader = _Reader(source)
    return tuple(reader.node(document) for document in composed if document is not None)


def _guard(source: SourceFile) -> None:
    """Refuses nesting that would overflow the C parser's stack before it sees it."""
    data = source.utf8
    if _INLINE.search(data) or _INDENT.search(data):
        raise Unreadable("the YAML is nested too deeply")
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH:
        depth = 0
        for match in _BRACKETS.finditer(data):
            # Brackets in strings count too, so a text of unbalanced ones must not: depth never falls below 0.
            depth = depth + 1 if match[0] in b"[{" else max(depth - 1, 0)
            if depth > 10 * MAX_DEPTH:
                raise Unreadable("the YAML is nested too deeply", Span(source.path, match.start(), match.end()))


def _explained(source: SourceFile, error: yaml.YAMLError) -> tuple[str, Span | None]:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error).split("\n")[0]
    if mark is None:
        return f"this is not valid YAML: {problem}", None
    start = source.offset(min(mark.line + 1, len(source.line_starts)), 0)
    return f"this is not valid YAML: line {mark.line + 1}: {problem}", Span(source.path, start, start)


class _Reader:
    """Composed PyYAML nodes to nodes with byte spans; anchors share what they refer to."""

    def __init__(self, source: SourceFile) -> None:
        self.path = source.path
        self.offsets = None if source.utf8.isascii() else byte_offsets(source.text)
        self.done: dict[int, Node] = {}
        self.open: set[int] = set()
        self.text = source.text

    def span(self, node: Any) -> Span:
        start, end = node.start_mark.index, node.end_mark.index
        # A block's end mark stands at the next token: leave the blank space out.
        while end > start and self.text[end - 1] in " \t\r\n":
            end -= 1
        if self.offsets is not None:
            start, end = self.offsets[start], self.offsets[end]
        return Span(self.path, start, end)

    def node(self, node: Any) -> Node:
        known = self.done.get(id(node))
        if known is not None:
            return known
        if id(node) in self.open:
            raise Unreadable("an alias refers to the node that it is in", self.span(node))
        if len(self.open) > MAX_DEPTH:
            raise Unreadable("the YAML is nested too deeply", self.span(node))
        if len(self.done) > MAX_NODES:
            raise Unreadable("the YAML is too large for a config", self.span(node))
        self.open.add(id(node))
        made: Node
        if isinstance(node, yaml.ScalarNode):
            made = self.scalar(node)
        elif isinstance(node, yaml.SequenceNode):
            made = Sequence(tuple(self.node(item) for item in node.value), self.span(node))
        elif any(not isinstance(key, yaml.ScalarNode) for key, _ in node.value):
            # `{{ name }}` without quotes is a mapping with a mapping as its key.
            span = self.span(node)
            raw = self.text[node.start_mark.index : node.end_mark.index]
            made = Scalar(Placeholder(raw), raw, span)
        else:
            made = Mapping(tuple(self.entries(node)), self.span(node))
        self.open.discard(id(node))
        self.done[id(node)] = made
        return made

    def entries(self, node: Any) -> Iterator[Entry]:
        merged: list[Entry] = []
        own: list[Entry] = []
        for key, value in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                target = self.node(value)
                for mapping in target.items if isinstance(target, Sequence) else (target,):
                    if isinstance(mapping, Mapping):
                        merged = [*mapping.entries, *merged]  # the first of several wins
            else:
                name = self.scalar(key)
                own.append(Entry(Scalar(name.raw, name.raw, name.span, name.quoted), self.node(value)))
        yield from merged
        yield from own

    def scalar(self, node: Any) -> Scalar:
        span = self.span(node)
        raw = node.value
        if node.style is not None:
            value: ScalarValue = Placeholder(raw) if _TEMPLATE.search(raw) else raw
            return Scalar(value, raw, span, quoted=node.style in "'\"")
        if node.tag.startswith("!"):
            return Scalar(Placeholder(f"{node.tag} {raw}"), raw, span)
        return Scalar(resolved(raw), raw, span)


def resolved(raw: str) -> ScalarValue:
    """The value of a plain scalar."""
    if raw in _WORDS:
        return _WORDS[raw]
    if _TEMPLATE.search(raw):
        return Placeholder(raw)
    if len(raw) < 100:
        if _INT.match(raw):
            digits = raw.replace("_", "")
            if digits.lstrip("+-").startswith(("0x", "0o")):
                return int(digits, 0)
            return int(digits)
        if _FLOAT.match(raw):
            return float(raw.replace("_", ""))
    return raw
