"""YAML: libyaml's events to nodes with exact spans.

Events are taken one by one and counted, so that neither deep nesting nor an alias bomb gets far: nothing here
recurses, and libyaml's own composer, which does, is not used.

Scalars are resolved to what training frameworks get. Numbers follow YAML 1.2 (`2e-4`, `1E-5`, `.5` are numbers):
PyYAML gives them as text and the frameworks convert it. yes, no, on and off are booleans, as every loader built on
PyYAML has it (OmegaConf's too). `1_000` is a number and `010` is octal for the same reason. A date is text.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from lora_lint.readers.errors import Unreadable
from lora_lint.readers.nodes import Entry, Mapping, Node, Placeholder, Scalar, ScalarValue, Sequence
from lora_lint.source import Span
from lora_lint.system import deadline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from lora_lint.source import SourceFile

MAX_DEPTH = 100
MAX_NODES = 100_000
"""The most values in one file; those that aliases repeat count again."""

_NUMBER_STARTS = frozenset("0123456789+-.")
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)$")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?$")
_BASED = re.compile(r"([-+]?)(?:0x([0-9a-fA-F_]+)|0o([0-7_]+)|0([0-7_]+)|0b([01_]+))$")
_SPECIAL = re.compile(r"([-+]?)\.(inf|Inf|INF)$|\.(?:nan|NaN|NAN)$")
_WORDS: dict[str, ScalarValue] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **{form: True for word in ("true", "yes", "on") for form in (word, word.capitalize(), word.upper())},
    **{form: False for word in ("false", "no", "off") for form in (word, word.capitalize(), word.upper())},
}
_BETWEEN_LOOKS = 0x3FF
_MAX_DIGITS = 400
_TEMPLATE = re.compile(r"\$\{|\{\{|\{%|<%|^\$[A-Z][A-Z0-9_]*$")
# Bounded, so that a text of nothing but braces takes linear time.
_JINJA = re.compile(
    r"(?P<statement>\{%[^%\n]{0,300}%\}|\{#[^#\n]{0,300}#\})|\{\{[^{}\n]{0,200}\}\}|\$\{[^{}\n]{0,200}\}"
    r"|<%[^%\n]{0,200}%>|(?P<sign>[@%])[A-Z][A-Z0-9_]{1,60}(?P=sign)"
)
_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)*")
_STANDARD = "tag:yaml.org,2002:"


def read_yaml(source: SourceFile) -> tuple[Node, ...]:
    """One node for each document. Raises Unreadable."""
    text = source.text
    try:
        return tuple(_documents(source, text))
    except Unreadable:
        plain = _without_templates(text)
        if plain == text:
            raise
        try:
            return tuple(_documents(source, plain, True))
        except Unreadable:
            pass
        raise


def resolve(text: str) -> ScalarValue:
    """The value of a plain (unquoted) scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in _NUMBER_STARTS and len(text) <= _MAX_DIGITS:
        number = _number(text)
        if number is not None:
            return number
    return templated(text)


def templated(text: str) -> str | Placeholder:
    """A text, or the placeholder that it is or contains."""
    return Placeholder(text) if _TEMPLATE.search(text) else text


def _number(text: str) -> int | float | None:
    if _INT.match(text):
        return int(text.replace("_", ""))
    based = _BASED.match(text)
    if based:
        sign = -1 if based[1] == "-" else 1
        for digits, base in ((based[2], 16), (based[3], 8), (based[4], 8), (based[5], 2)):
            if digits and digits.strip("_"):
                return sign * int(digits.replace("_", ""), base)
    if _FLOAT.match(text):
        return float(text.replace("_", ""))
    special = _SPECIAL.match(text)
    if special:
        return float(f"{special[1]}inf") if special[2] else float("nan")
    return None


def _without_templates(text: str) -> str:
    """The text, in which words of the same length in bytes replace what a template engine would fill in."""

    def blank(match: re.Match[str]) -> str:
        length = len(match[0].encode())
        return "#" + " " * (length - 1) if match["statement"] else "x" * length

    return _JINJA.sub(blank, text)


def _documents(source: SourceFile, text: str, blanked: bool = False) -> Iterator[Node]:
    import yaml

    builder = _Builder(source, _offsets(text), yaml, blanked)
    # `parse` yields events lazily; the C parser where PyYAML was built with it.
    parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for event in yaml.parse(text, Loader=parser):
            done = builder.take(event)
            if done is not None:
                yield done
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = builder.offset(mark.index) if mark is not None else 0
        at = min(at, len(source.utf8))
        problem = (error.problem or error.context or "unknown problem").strip()
        raise Unreadable(f"This is not valid YAML ({problem})", Span(source.path, at, at)) from None
    except yaml.YAMLError as error:
        position = getattr(error, "position", None)
        at = builder.offset(position) if isinstance(position, int) else 0
        reason = str(getattr(error, "reason", "") or error).splitlines() or [""]
        raise Unreadable(f"This is not valid YAML ({reason[0].strip()})", Span(source.path, at, at)) from None
    except (ValueError, UnicodeError) as error:
        raise Unreadable(f"This is not valid YAML ({error})", Span(source.path, 0, 0)) from None


def _offsets(text: str) -> Callable[[int], int]:
    """From positions in characters, which libyaml counts, to positions in bytes."""
    if text.isascii():
        return int
    places: list[int] = []
    extra = [0]
    for match in re.finditer(r"[^\x00-\x7f]", text):
        places.append(match.start())
        extra.append(extra[-1] + len(match[0].encode()) - 1)
    return lambda index: index + extra[bisect_right(places, index - 1)]


class _Open:
    """A collection that has started and not ended."""

    __slots__ = ("anchor", "event", "first", "is_mapping", "nodes", "start")

    def __init__(self, event: Any, start: int, is_mapping: bool, first: int) -> None:
        self.event = event
        self.start = start
        self.is_mapping = is_mapping
        self.anchor: str | None = event.anchor
        self.nodes: list[Node] = []
        self.first = first


class _Builder:
    """Nodes from events."""

    def __init__(self, source: SourceFile, offset: Callable[[int], int], yaml: Any, blanked: bool) -> None:
        self.source = source
        self.utf8 = source.utf8
        self.path = source.path
        self.offset = offset
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Node, int] | None] = {}
        self.count = 0
        self.blanked = blanked
        self.takers = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._start_mapping,
            yaml.SequenceStartEvent: self._start_sequence,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }

    def take(self, event: Any) -> Node | None:
        """Takes one event; gives a document's root when it is complete."""
        taker = self.takers.get(event.__class__)
        node = taker(event) if taker is not None else None
        if node is None:
            return None
        if not self.stack:
            return node
        self.stack[-1].nodes.append(node)
        return None

    def _document(self, _event: Any) -> None:
        self.anchors = {}

    def _counted(self, event: Any, number: int = 1) -> None:
        self.count += number
        if not self.count & _BETWEEN_LOOKS:
            deadline.look()
        if self.count > MAX_NODES:
            at = self.offset(event.start_mark.index)
            raise Unreadable(f"This file contains more than {MAX_NODES:,} values", Span(self.path, at, at))

    def _scalar(self, event: Any) -> Node:
        self._counted(event)
        offset = self.offset
        start, end = offset(event.start_mark.index), offset(event.end_mark.index)
        if event.anchor is not None or event.tag is not None:
            start = min(self._after_properties(start, end), end)
        text: str = event.value
        style = event.style
        quoted = bool(style)
        if style in ("|", ">"):
            end = start + len(self.utf8[start:end].rstrip())
        value = templated(text) if quoted else resolve(text)
        if event.tag is not None and event.tag != "!":
            value = _tagged(event.tag, text, value)
        elif not quoted and self.blanked and value.__class__ is str and _JINJA.search(self._text(start, end)):
            value = Placeholder(self._text(start, end))
        node = Scalar(value, text, Span(self.path, start, end), quoted)
        if event.anchor is not None:
            self.anchors[event.anchor] = (node, 1)
        return node

    def _after_properties(self, start: int, end: int) -> int:
        match = _PROPERTIES.match(self._text(start, end))
        return start + len(match[0].encode()) if match else start

    def _text(self, start: int, end: int) -> str:
        return self.utf8[start:end].decode("utf-8", "replace")

    def _start(self, event: Any, is_mapping: bool) -> None:
        self._counted(event)
        start = self.offset(event.start_mark.index)
        if len(self.stack) >= MAX_DEPTH:
            raise Unreadable(f"This file is nested more than {MAX_DEPTH} levels deep", Span(self.path, start, start))
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        self.stack.append(_Open(event, start, is_mapping, self.count))

    def _start_mapping(self, event: Any) -> None:
        self._start(event, True)

    def _start_sequence(self, event: Any) -> None:
        self._start(event, False)

    def _end(self, event: Any) -> Node:
        opened = self.stack.pop()
        nodes = opened.nodes
        # The end of a block collection is where the next thing starts; its content ends before.
        flow = opened.event.flow_style or not nodes
        end = self.offset(event.end_mark.index) if flow else nodes[-1].span.end
        span = Span(self.path, opened.start, max(end, opened.start))
        node: Node
        tag = opened.event.tag
        if tag is not None and tag != "!" and not tag.startswith(_STANDARD):
            node = self._filled_in(span)
        elif not opened.is_mapping:
            node = Sequence(tuple(nodes), span)
        elif nodes and not isinstance(nodes[0], Scalar) and self.utf8.startswith(b"{{", span.start):
            node = self._filled_in(span)  # an unquoted {{ value }}
        else:
            node = Mapping(self._entries(nodes), span)
        if opened.anchor is not None:
            self.anchors[opened.anchor] = (node, self.count - opened.first + 1)
        return node

    def _filled_in(self, span: Span) -> Scalar:
        text = self._text(span.start, span.end)
        return Scalar(Placeholder(text), text, span)

    def _entries(self, nodes: list[Node]) -> tuple[Entry, ...]:
        own: list[Entry] = []
        merged: list[Entry] = []
        for key, value in zip(nodes[::2], nodes[1::2], strict=True):
            if not isinstance(key, Scalar):
                key = self._filled_in(key.span)
            elif key.value == "<<" and not key.quoted:
                merged += self._merged(value)
                continue
            own.append(Entry(key, value))
        if not merged:
            return tuple(own)
        taken = {entry.key.value for entry in own}
        return (*(entry for entry in merged if entry.key.value not in taken), *own)

    def _merged(self, value: Node) -> list[Entry]:
        """The entries that `<<` merges in; of several mappings the first one wins, so it comes last."""
        mappings = reversed(value.items) if isinstance(value, Sequence) else [value]
        entries = [entry for each in mappings if isinstance(each, Mapping) for entry in each.entries]
        self.count += len(entries)
        if self.count > MAX_NODES:
            raise Unreadable(f"This file contains more than {MAX_NODES:,} values", value.span)
        return entries

    def _alias(self, event: Any) -> Node:
        span = Span(self.path, self.offset(event.start_mark.index), self.offset(event.end_mark.index))
        if event.anchor not in self.anchors:
            raise Unreadable(f"This is not valid YAML (undefined alias {event.anchor})", span)
        found = self.anchors[event.anchor]
        if found is None:
            raise Unreadable(f"The alias {event.anchor} is inside what it refers to", span)
        node, size = found
        self._counted(event, size)
        return Scalar(node.value, node.raw, span, node.quoted) if isinstance(node, Scalar) else node


def _tagged(tag: str, text: str, value: ScalarValue) -> ScalarValue:
    """A scalar with an explicit tag: standard ones convert, others are left to the loader (`!include`)."""
    if not tag.startswith(_STANDARD):
        return Placeholder(f"{tag} {text}".strip())
    kind = tag.removeprefix(_STANDARD)
    if kind == "str":
        return templated(text)
    if kind in ("int", "float", "bool", "null"):
        converted = resolve(text)
        if kind == "float" and isinstance(converted, int) and not isinstance(converted, bool):
            return float(converted)
        return converted
    return value
