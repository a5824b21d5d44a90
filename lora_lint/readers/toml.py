"""TOML as a program loads it: the values with the places they are written at.

The parser of the standard library gives no places; those of plain `key = value` lines are looked up in the text. A
value of an inline table, or of a key in quotes, has the place of the table around it.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, TypeAlias

from lora_lint.readers.errors import Unreadable
from lora_lint.readers.nodes import Entry, Mapping, Placeholder, Scalar, Sequence
from lora_lint.source import Span

if TYPE_CHECKING:
    from lora_lint.readers.nodes import Node

LARGEST = 1_000_000
"""Bytes of a config file; more than these are data."""
_DEEPEST = 50

_Path: TypeAlias = "tuple[str | int, ...]"
_HEADER = re.compile(rb"\s*(\[\[?)\s*([\w.-]+)\s*\]")
_LINE = re.compile(rb"\s*([\w.-]+)\s*=\s*")
_COMMENT = re.compile(rb"\s+#.*$|\s+$")


def read_toml(path: str, text: bytes) -> Mapping:
    """The tree of a document. Raises Unreadable."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]
    try:
        document = tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"not valid TOML ({error})", None) from None
    places = _places(path, text)
    return _mapping(document, (), places, Span(path, 0, len(text)))


def _places(path: str, text: bytes) -> dict[_Path, Span]:
    """Where the values of plain lines are written, by their keys from the top."""
    places: dict[_Path, Span] = {}
    counts: dict[_Path, int] = {}
    table: _Path = ()
    at = 0
    for line in text.splitlines(keepends=True):
        if header := _HEADER.match(line):
            table = tuple(header[2].decode().split("."))
            if header[1] == b"[[":
                number = counts[table] = counts.get(table, -1) + 1
                table = (*table, number)
            places.setdefault(table, Span(path, at + header.start(1), at + header.end()))
        elif found := _LINE.match(line):
            value = _COMMENT.sub(b"", line[found.end() :])
            start = at + found.end()
            places.setdefault((*table, *found[1].decode().split(".")), Span(path, start, start + len(value)))
        at += len(line)
    return places


def _node(value: Any, path: _Path, places: dict[_Path, Span], around: Span) -> Node:
    span = places.get(path, around)
    if isinstance(value, dict):
        return _mapping(value, path, places, span)
    if isinstance(value, list):
        if len(path) > _DEEPEST:
            raise Unreadable("it is nested too deeply", None)
        items = (_node(item, (*path, number), places, span) for number, item in enumerate(value))
        return Sequence(tuple(items), span)
    plain = isinstance(value, str | int | float | bool)
    return Scalar(value if plain else Placeholder(str(value)), str(value), span, isinstance(value, str))


def _mapping(table: dict[str, Any], path: _Path, places: dict[_Path, Span], around: Span) -> Mapping:
    if len(path) > _DEEPEST:
        raise Unreadable("it is nested too deeply", None)
    entries = []
    for key, value in table.items():
        node = _node(value, (*path, key), places, around)
        entries.append(Entry(Scalar(key, key, node.span), node))
    return Mapping(tuple(entries), around)
