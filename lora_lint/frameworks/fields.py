"""Reading settings from the nodes of a configuration file."""

from __future__ import annotations

import re

from lora_lint.readers.nodes import Entry, Mapping, Placeholder, Scalar, Sequence
from lora_lint.run.values import ABSENT, Known, Unknown, Value, is_number
from lora_lint.source import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from lora_lint.readers.nodes import Node

    T = TypeVar("T")

Names = tuple[str, ...]

_REFERENCE = r"\$\{([\w.]+)\}"
_MAX_HOPS = 8
_TRUE = frozenset({"true", "yes", "on", "1", "t", "y"})
_FALSE = frozenset({"false", "no", "off", "0", "f", "n"})
_WRONG = object()


class Fields:
    """The settings of one mapping. A missing or empty key gives the default of the call. With `root`, `${section.key}`
    is looked up there, as OmegaConf does."""

    def __init__(self, mapping: Mapping, root: Mapping | None = None) -> None:
        self.mapping = mapping
        self.root = root

    def has(self, key: str) -> bool:
        """Whether the key is present and not empty."""
        return self.node(key) is not None

    def node(self, key: str) -> Node | None:
        """The value of a key; None if it is missing or empty."""
        node = self.mapping.get(key)
        if self.root is not None and node is not None:
            node = _referred(node, self.root)
        return None if isinstance(node, Scalar) and node.value is None else node

    def section(self, key: str) -> Fields | None:
        """The mapping below a key."""
        node = self.node(key)
        return Fields(node, self.root) if isinstance(node, Mapping) else None

    def span(self, key: str) -> Span:
        """Where a key and its value are written; the whole mapping if they are not."""
        entry = self.mapping.entry(key)
        if entry is None:
            return self.mapping.span
        start, end = entry.key.span, entry.value.span
        return Span(start.path, start.start, end.end) if end.start >= start.start else start

    def value(self, key: str, convert: Callable[[Node], Any], expected: str, default: Value[Any]) -> Value[Any]:
        """The value of a key after `convert`; Unknown if a template fills it in or it is not `expected`."""
        node = self.node(key)
        if node is None:
            return default
        if isinstance(node, Scalar) and isinstance(node.value, Placeholder):
            return Unknown("it is filled in when the run starts", node.span)
        found = convert(node)
        if found is _WRONG:
            return Unknown(f"`{key}` is not {expected}", node.span)
        return Known(found, node.span)

    def whole(self, key: str, default: Value[int] = ABSENT) -> Value[int]:
        return self.value(key, _whole, "a whole number", default)

    def number(self, key: str, default: Value[float] = ABSENT) -> Value[float]:
        return self.value(key, _number, "a number", default)

    def flag(self, key: str, default: Value[bool] = ABSENT) -> Value[bool]:
        return self.value(key, _flag, "true or false", default)

    def text(self, key: str, default: Value[Any] = ABSENT) -> Value[Any]:
        return self.value(key, _text, "text", default)

    def names(self, key: str, default: Value[Any] = ABSENT) -> Value[Any]:
        """A tuple of names; a single string is one name."""
        return self.value(key, _names, "a list of names", default)

    def listing(self, key: str, default: Value[Any] = ABSENT) -> Value[Any]:
        """A tuple of names, where the framework accepts only a list."""
        found = self.names(key, default)
        if isinstance(found, Known) and isinstance(found.value, str):
            return Unknown(f"`{key}` is not a list of names", found.span)
        return found

    def switch(self, key: str, default: Value[Any] = ABSENT) -> Value[Any]:
        """True or false, or a string that names one of several ways."""
        return self.value(key, _switch, "true, false or text", default)

    def commas(self, key: str, default: Value[Any] = ABSENT) -> Value[Any]:
        """A tuple of names, from a list or from one comma-separated string."""
        found = self.names(key, default)
        if isinstance(found, Known) and isinstance(found.value, str):
            return Known(tuple(part.strip() for part in found.value.split(",")), found.span)
        return found

    def wholes(self, key: str, default: Value[Any] = ABSENT) -> Value[Any]:
        """A tuple of whole numbers; of a single number that number."""

        def convert(node: Node) -> Any:
            if not isinstance(node, Sequence):
                return _whole(node)
            found = [_whole(item) for item in node.items]
            return _WRONG if _WRONG in found else tuple(found)

        return self.value(key, convert, "a list of whole numbers", default)

    def numbers_by_name(self, key: str, default: Value[Any]) -> Value[Any]:
        """A mapping of names to numbers (rank_pattern, alpha_pattern)."""

        def convert(node: Node) -> Any:
            if not isinstance(node, Mapping):
                return _WRONG
            found = {str(entry.key.value): _number(entry.value) for entry in node.entries}
            if _WRONG in found.values():
                return _WRONG
            return {name: int(value) if float(value).is_integer() else value for name, value in found.items()}

        return self.value(key, convert, "a mapping of names to numbers", default)

    def places(self, key: str) -> tuple[tuple[str, Span], ...]:
        """Each name in a list, or in one comma-separated string, and where it is written."""
        node = self.node(key)
        if isinstance(node, Sequence):
            return tuple(
                (item.value, item.span)
                for item in node.items
                if isinstance(item, Scalar) and isinstance(item.value, str)
            )
        if not isinstance(node, Scalar) or not isinstance(node.value, str) or "\n" in node.raw:
            return ()
        found, position = [], node.span.start + (1 if node.quoted else 0)
        if node.span.end - node.span.start != len(node.raw.encode()) + (2 if node.quoted else 0):
            return ()  # written with escapes
        for part in node.raw.split(","):
            name = part.strip()
            start = position + len(part[: len(part) - len(part.lstrip())].encode())
            if name:
                found.append((name, Span(node.span.path, start, start + len(name.encode()))))
            position += len(part.encode()) + 1
        return tuple(found)


def usual(value: T) -> Known[T]:
    """The framework's own default."""
    return Known(value, None, "framework-default")


def multiple(value: Value[int], factor: int = 1) -> Value[float]:
    """The framework's default where it is a multiple of another setting; not known where that is none of a layer's."""
    if not isinstance(value, Known):
        return value
    return usual(factor * value.value) if value.value > 0 else ABSENT


def unfolded(mapping: Mapping) -> Mapping:
    """A mapping whose keys with dots (`model.lora_rank`, as in hydra's command line) become nested mappings. If
    something is given both ways, the last one counts."""
    if not any("." in str(entry.key.value) for entry in mapping.entries):
        return mapping
    found: dict[str, Entry] = {}
    for entry in mapping.entries:
        key, _, rest = str(entry.key.value).partition(".")
        if rest:
            name = Scalar(key, key, entry.key.span)
            inner = found[key].value if key in found else None
            before = inner.entries if isinstance(inner, Mapping) else ()
            after = Entry(Scalar(rest, rest, entry.key.span), entry.value)
            span = inner.span if isinstance(inner, Mapping) else entry.value.span
            entry = Entry(name, unfolded(Mapping((*before, after), span)))
        found[key] = entry
    return Mapping(tuple(found.values()), mapping.span)


def with_dotted_keys(mapping: Mapping, above: str = "") -> Mapping:
    """A mapping that has what is in its sections under keys with dots as well (`model.lora.rank`)."""
    entries: list[Entry] = []
    for entry in mapping.entries:
        name = f"{above}{entry.key.value}"
        entries.append(Entry(Scalar(name, name, entry.key.span), entry.value) if above else entry)
        if isinstance(entry.value, Mapping):
            entries += with_dotted_keys(entry.value, f"{name}.").entries
    return Mapping(tuple(entries), mapping.span)


def set_by_config(value: Value[T]) -> Value[T]:
    """A value of an adapter that is loaded from disk, whose own config decides."""
    return Unknown("the loaded adapter's config sets it", getattr(value, "span", None))


def _referred(node: Node, root: Mapping) -> Node:
    """The node that `${section.key}` refers to; the node itself if it is not such a reference."""
    for _ in range(_MAX_HOPS):
        if not isinstance(node, Scalar) or not isinstance(node.value, Placeholder):
            return node
        match = re.fullmatch(_REFERENCE, node.value.text.strip())
        found: Node | None = root if match else None
        for name in match[1].split(".") if match else ():
            found = found.get(name) if isinstance(found, Mapping) else None
        if found is None:
            return node
        node = found
    return node


def _whole(node: Node) -> Any:
    number = _number(node)
    return int(number) if number is not _WRONG and float(number).is_integer() else _WRONG


def _number(node: Node) -> Any:
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, str) and len(value) < 40:
        value = _number_in(value)
    return value if is_number(value) else _WRONG


def _number_in(text: str) -> float | None:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return None


def _flag(node: Node) -> Any:
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, bool):
        return value
    low = str(value).lower()
    return True if low in _TRUE else False if low in _FALSE else _WRONG


def _switch(node: Node) -> Any:
    flag = _flag(node)
    return _text(node) if flag is _WRONG else flag


def _text(node: Node) -> Any:
    value = node.value if isinstance(node, Scalar) else None
    return value if isinstance(value, str) else _WRONG


def _names(node: Node) -> Any:
    if isinstance(node, Scalar):
        return _text(node)
    if not isinstance(node, Sequence):
        return _WRONG
    found = [_text(item) for item in node.items]
    return _WRONG if any(name is _WRONG for name in found) else tuple(found)
