"""JSON: one pass over the text that keeps the place of every value.

It accepts exactly what Python's `json` module does (NaN and Infinity too): comments and trailing commas are errors.
Nothing here recurses. A long list, such as a log of metrics, is passed over with Python's own parser, which is far
faster, until someone asks for its items.
"""

from __future__ import annotations

import json
import re
from functools import partial

from lora_lint.readers.errors import Unreadable
from lora_lint.readers.nodes import Entry, LateSequence, Mapping, Node, Placeholder, Scalar, ScalarValue, Sequence
from lora_lint.readers.text import without_surrogates
from lora_lint.source import Span
from lora_lint.system import deadline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, NoReturn

    from lora_lint.source import SourceFile

    _Expected = Literal["value", "first-value", "key", "first-key", ":", ",", "end"]
    """What may come next. After `[` and `{` the collection may also end, and likewise in place of a comma."""

MAX_DEPTH = 100
MAX_NODES = 200_000
_LONG = 1_000
"""Bytes; a longer list within a file is read late."""

_BETWEEN_LOOKS = 0x3FF
_MAX_DIGITS = 4000
_TEMPLATE = re.compile(r"\$\{|\{\{|\{%")
_WRONG: dict[_Expected, str] = {
    "value": "a value is expected here",
    "first-value": "a value is expected here",
    "key": "a key in double quotes is expected here",
    "first-key": "a key in double quotes is expected here",
    ":": "`:` is expected here",
    ",": "`,` or the end of the list or object is expected here",
    "end": "there is more text after its end",
}
_SPACE = re.compile(rb"[ \t\r\n]*")
_TOKEN = re.compile(
    rb'"(?P<string>[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*)"'
    rb"|(?P<number>-?(?:0|[1-9][0-9]*)(?:(?P<fraction>\.[0-9]+)?(?P<exponent>[eE][-+]?[0-9]+)?))"
    rb"|(?P<word>true|false|null|NaN|-?Infinity)"
    rb"|(?P<mark>[][{}:,])"
)
_WORDS: dict[bytes, ScalarValue] = {
    b"true": True,
    b"false": False,
    b"null": None,
    b"NaN": float("nan"),
    b"Infinity": float("inf"),
    b"-Infinity": float("-inf"),
}


def is_json(text: bytes) -> bool:
    """Whether a text is JSON, by Python's own parser."""
    try:
        json.loads(text.decode())
    except (ValueError, RecursionError):
        return False
    return True


def read_json(source: SourceFile) -> Node:
    """The value in a JSON file; for JSON lines a sequence of values, for an empty file, or a template of one, null.
    Raises Unreadable."""
    try:
        return _Scanner(source).document()
    except Unreadable as error:
        if not error.in_template(source.utf8):
            raise
        return Scalar(None, "", Span(source.path, 0, len(source.utf8)))


class _Open:
    """An array or object that has started and not ended. `items` of an object: keys and values alternating."""

    __slots__ = ("is_object", "items", "start")

    def __init__(self, is_object: bool, start: int) -> None:
        self.is_object = is_object
        self.start = start
        self.items: list[Node] = []


class _Scanner:
    def __init__(self, source: SourceFile) -> None:
        self.utf8 = source.utf8
        self.path = source.path
        self.count = 0
        long = len(source.utf8) > _LONG and source.utf8.isascii() and is_json(source.utf8)
        self.text = source.text if long else None
        """A valid text in which a character is a byte."""

    def document(self) -> Node:
        roots: list[Node] = []
        position = self._space(0)
        while position < len(self.utf8):
            if roots and b"\n" not in self.utf8[roots[-1].span.end : position]:
                self._wrong("end", position)
            root, position = self._value(position)
            roots.append(root)
            position = self._space(position)
        if not roots:
            return Scalar(None, "", Span(self.path, 0, 0))
        if len(roots) == 1:
            return roots[0]
        return Sequence(tuple(roots), Span(self.path, roots[0].span.start, roots[-1].span.end))

    def _space(self, position: int) -> int:
        match = _SPACE.match(self.utf8, position)
        return match.end() if match else position

    def _value(self, position: int) -> tuple[Node, int]:
        """The value that starts at `position`, and where it ends."""
        stack: list[_Open] = []
        expect: _Expected = "value"
        while True:
            match = _TOKEN.match(self.utf8, position)
            if match is None:
                self._wrong(expect, position)
            node: Node | None = None
            mark = match["mark"]
            end = match.end()
            if mark is None:
                if expect not in ("value", "key", "first-value", "first-key"):
                    self._wrong(expect, position)
                node = self._scalar(match)
                if expect in ("key", "first-key") and match["string"] is None:
                    self._wrong("key", position)
            elif mark in b"[{":
                if expect not in ("value", "first-value"):
                    self._wrong(expect, position)
                node = self._late(position) if mark == b"[" and stack else None
                if node is not None:
                    end = node.span.end
                else:
                    self._enter(stack, mark == b"{", position)
                    expect = "first-key" if mark == b"{" else "first-value"
            elif mark in b"]}":
                closed = self._close(stack, mark, expect, position)
                node = self._collection(closed, end)
            elif mark == b":" and expect == ":":
                expect = "value"
            elif mark == b"," and expect == ",":
                expect = "key" if stack[-1].is_object else "value"
            else:
                self._wrong(expect, position)
            position = end
            if node is not None:
                if not stack:
                    return node, position
                opened = stack[-1]
                opened.items.append(node)
                expect = ":" if opened.is_object and len(opened.items) % 2 else ","
            position = self._space(position)

    def _late(self, start: int) -> Node | None:
        """The list that starts at an index, without its items; None if it is short."""
        if self.text is None:
            return None
        _, end = json.JSONDecoder().raw_decode(self.text, start)
        return LateSequence(Span(self.path, start, end), partial(self._items, start)) if end - start > _LONG else None

    def _items(self, start: int) -> tuple[Node, ...]:
        """The items of the list that starts at an index."""
        node, _ = self._value(start)
        return node.items if isinstance(node, Sequence) else ()

    def _enter(self, stack: list[_Open], is_object: bool, position: int) -> None:
        if len(stack) >= MAX_DEPTH:
            where = Span(self.path, position, position + 1)
            raise Unreadable(f"This file is nested more than {MAX_DEPTH} levels deep", where)
        self._counted(position)
        stack.append(_Open(is_object, position))

    def _close(self, stack: list[_Open], mark: bytes, expect: _Expected, position: int) -> _Open:
        if not stack or stack[-1].is_object != (mark == b"}") or expect not in (",", "first-value", "first-key"):
            self._wrong(expect, position)
        return stack.pop()

    def _collection(self, closed: _Open, end: int) -> Node:
        span = Span(self.path, closed.start, end)
        if not closed.is_object:
            return Sequence(tuple(closed.items), span)
        pairs = zip(closed.items[::2], closed.items[1::2], strict=True)
        return Mapping(tuple(Entry(key, value) for key, value in pairs if isinstance(key, Scalar)), span)

    def _scalar(self, match: re.Match[bytes]) -> Scalar:
        self._counted(match.start())
        span = Span(self.path, match.start(), match.end())
        string = match["string"]
        if string is not None:
            text = string.decode() if b"\\" not in string else self._unescaped(match)
            value: ScalarValue = Placeholder(text) if _TEMPLATE.search(text) else text
            return Scalar(value, text, span, True)
        raw = match[0].decode()
        number = match["number"]
        if number is None:
            return Scalar(_WORDS[match[0]], raw, span)
        if match["fraction"] or match["exponent"]:
            return Scalar(float(number), raw, span)
        if len(number) > _MAX_DIGITS:
            raise Unreadable("This file contains a number with more digits than Python reads", span)
        return Scalar(int(number), raw, span)

    def _unescaped(self, match: re.Match[bytes]) -> str:
        try:
            text: str = json.loads(match[0])
        except ValueError:
            self._wrong("value", match.start())
        return without_surrogates(text)

    def _counted(self, position: int) -> None:
        self.count += 1
        if not self.count & _BETWEEN_LOOKS:
            deadline.look()
        if self.count > MAX_NODES:
            raise Unreadable(f"This file contains more than {MAX_NODES:,} values", Span(self.path, position, position))

    def _wrong(self, expected: _Expected, position: int) -> NoReturn:
        raise Unreadable(f"This is not valid JSON ({_WRONG[expected]})", Span(self.path, position, position))
