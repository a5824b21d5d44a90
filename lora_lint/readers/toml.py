"""TOML: its values with their places.

Python's `tomllib` decides what is valid and what a value is; tree-sitter's grammar (tree-sitter-toml 0.7) shows where
it is written.
"""

from __future__ import annotations

import re
from functools import cache

from lora_lint.readers.errors import Unreadable
from lora_lint.readers.nodes import Entry, Mapping, Node, Scalar, ScalarValue, Sequence
from lora_lint.readers.yaml import templated
from lora_lint.source import Span
from lora_lint.system import deadline, toml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.source import SourceFile

MAX_BYTES = 1_000_000
"""A larger file is data: configurations that people write are far smaller."""
MAX_DEPTH = 100
MAX_PARTS = 200_000
"""Keys, values and the signs between them. A table for each part of a header `[a.b.c]` takes 1.5 KB of memory."""

_QUOTES = re.compile(r"'''|\"\"\"|'|\"")
_ESCAPE = re.compile(rb'^[^"]*"[^"]*\\[^"]*$')
"""A line up to an error in double quotes, behind a backslash: a path of Windows, whose parts are taken for escapes."""
_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")


def read_toml(source: SourceFile) -> Mapping:
    """The table in a TOML file, an empty one for a template of it. Raises Unreadable."""
    if len(source.utf8) > MAX_BYTES:
        raise Unreadable(f"This TOML file is larger than {MAX_BYTES // 1_000_000} MB", limit="size")
    syntax = _syntax(source.utf8)
    if syntax.descendant_count > MAX_PARTS:
        raise Unreadable(f"This file contains more than {MAX_PARTS:,} keys, values and signs between them")
    try:
        toml.loads(source.utf8.replace(b"\r\n", b"\n"))
    except ValueError as error:
        wrong = _wrong(str(error), source)
        if wrong.in_template(source.utf8):
            return Mapping((), Span(source.path, 0, len(source.utf8)))
        raise wrong from None
    root = _Table(0)
    for node in syntax.named_children:
        if node.type == "pair":
            _put(root, node, source, 0)
        elif node.type in ("table", "table_array_element"):
            header, *pairs = _without_comments(node)
            opened = _opened(root, _keys(header, source), node.type == "table_array_element", node.start_byte)
            for pair in pairs:
                _put(opened, pair, source, 0)
    root.end = len(source.utf8)
    return root.node(source.path)


class _Table:
    """A table that is being read: values by key, with the keys as they were first written."""

    __slots__ = ("end", "keys", "start", "values")

    def __init__(self, start: int) -> None:
        self.start = start
        self.end = start
        self.keys: dict[str, Scalar] = {}
        self.values: dict[str, Node | _Table | list[_Table]] = {}

    def node(self, path: str) -> Mapping:
        entries = []
        for key, value in self.values.items():
            if isinstance(value, _Table):
                found: Node = value.node(path)
            elif isinstance(value, list):
                items = tuple(each.node(path) for each in value)
                found = Sequence(items, Span(path, items[0].span.start, items[-1].span.end))
            else:
                found = value
            entries.append(Entry(self.keys[key], found))
        return Mapping(tuple(entries), Span(path, self.start, self.end))


def _syntax(text: bytes) -> Any:
    return _parser().parse(text).root_node


@cache
def _parser() -> Any:
    try:
        import tree_sitter
        import tree_sitter_toml
    except ImportError as error:
        raise Unreadable(f"Reading TOML needs tree-sitter and tree-sitter-toml ({error})") from None
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_toml.language()))


def _wrong(message: str, source: SourceFile) -> Unreadable:
    place = _PLACE.search(message)
    if place is None:
        return Unreadable(f"This is not valid TOML ({message})")
    start = source.line_starts[min(int(place[1]), len(source.line_starts)) - 1] + int(place[2]) - 1
    end = min(start, len(source.utf8))
    what = message[: place.start()]
    if _ESCAPE.search(source.utf8[source.utf8.rfind(b"\n", 0, end) + 1 : end]):
        what = f"{what}: write paths with a backslash in single quotes"
    return Unreadable(f"This is not valid TOML ({what})", Span(source.path, end, end))


def _opened(root: _Table, keys: list[Scalar], one_of_many: bool, start: int) -> _Table:
    """The table of a header: `[a.b]`, or a new one at the end of the list `[[a.b]]`."""
    table = _inner(root, keys[:-1], start)
    last = keys[-1]
    name = str(last.value)
    table.keys.setdefault(name, last)
    if not one_of_many:
        return _inner(table, [last], start)
    several = table.values.setdefault(name, [])
    opened = _Table(start)
    if isinstance(several, list):
        several.append(opened)
    return opened


def _inner(table: _Table, keys: list[Scalar], start: int) -> _Table:
    """The table below some keys, created if it is missing; for a list of tables the last one."""
    for key in keys:
        name = str(key.value)
        table.keys.setdefault(name, key)
        found = table.values.setdefault(name, _Table(start))
        if isinstance(found, list):
            found = found[-1]
        table = found if isinstance(found, _Table) else _Table(start)
    return table


def _put(table: _Table, pair: Any, source: SourceFile, depth: int) -> None:
    """Enters `a.b = value`."""
    deadline.look()
    key, value = _without_comments(pair)
    keys = _keys(key, source)
    place = _inner(table, keys[:-1], pair.start_byte)
    place.keys[str(keys[-1].value)] = keys[-1]
    place.values[str(keys[-1].value)] = _node(value, source, depth)
    table.end = place.end = pair.end_byte


def _without_comments(node: Any) -> list[Any]:
    return [child for child in node.named_children if child.type != "comment"]


def _keys(node: Any, source: SourceFile) -> list[Scalar]:
    """The parts of a key with dots, in order."""
    if node.type == "dotted_key":
        return [key for child in node.named_children for key in _keys(child, source)]
    raw = _text(node, source)
    quoted = node.type == "quoted_key"
    value = str(_value(raw)) if quoted else raw
    return [Scalar(value, raw, Span(source.path, node.start_byte, node.end_byte), quoted)]


def _node(node: Any, source: SourceFile, depth: int) -> Node:
    if depth > MAX_DEPTH:
        span = Span(source.path, node.start_byte, node.start_byte + 1)
        raise Unreadable(f"This file is nested more than {MAX_DEPTH} levels deep", span)
    span = Span(source.path, node.start_byte, node.end_byte)
    if node.type == "array":
        deadline.look()
        return Sequence(tuple(_node(child, source, depth + 1) for child in _without_comments(node)), span)
    if node.type == "inline_table":
        table = _Table(node.start_byte)
        for pair in _without_comments(node):
            _put(table, pair, source, depth + 1)
        table.end = node.end_byte
        return table.node(source.path)
    raw = _text(node, source)
    value = _value(raw)
    if node.type != "string" or not isinstance(value, str):
        return Scalar(value, raw, span)
    quote = _QUOTES.match(raw)
    width = quote.end() if quote else 0
    return Scalar(templated(value), raw[width : len(raw) - width], span, quoted=True)


def _value(raw: str) -> ScalarValue:
    """The value of a scalar; dates and times are strings, which no setting takes for a number."""
    value = toml.loads(f"_ = {raw}".encode())["_"]
    return value if isinstance(value, (str, int, float, bool)) else raw


def _text(node: Any, source: SourceFile) -> str:
    return source.utf8[node.start_byte : node.end_byte].decode().replace("\r\n", "\n")
