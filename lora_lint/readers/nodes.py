"""The tree of a YAML or JSON document: values with the places they are written at."""

from __future__ import annotations

from lora_lint.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from lora_lint.source import Span


@dataclass(frozen=True)
class Placeholder:
    """The value of a scalar that a template engine fills in later: `${…}`, `{{…}}`."""

    text: str


ScalarValue: TypeAlias = str | int | float | bool | Placeholder | None


@dataclass(frozen=True)
class Scalar:
    """A leaf. `raw` is the text as written, without quotes; `quoted` distinguishes `"16"` from `16`."""

    value: ScalarValue
    raw: str
    span: Span
    quoted: bool = False


@dataclass(frozen=True)
class Sequence:
    items: tuple[Node, ...]
    span: Span


class LateSequence(Sequence):
    """A sequence whose items are read when they are first asked for."""

    def __init__(self, span: Span, read: Callable[[], tuple[Node, ...]]) -> None:
        self.__dict__.update(span=span, _read=read)

    def __getattr__(self, name: str) -> tuple[Node, ...]:
        if name != "items":
            raise AttributeError(name)
        found: tuple[Node, ...] = self.__dict__["_read"]()
        self.__dict__["items"] = found
        return found

    __eq__ = object.__eq__
    __hash__ = object.__hash__


@dataclass(frozen=True)
class Entry:
    key: Scalar
    value: Node


@dataclass(frozen=True)
class Mapping:
    """Entries in order, with merges (`<<`) applied; if a key occurs twice, the last one counts."""

    entries: tuple[Entry, ...]
    span: Span

    def get(self, key: str) -> Node | None:
        """The value of `key`, or None."""
        entry = self.entry(key)
        return entry.value if entry else None

    def entry(self, key: str) -> Entry | None:
        return next((entry for entry in reversed(self.entries) if entry.key.value == key), None)


Node: TypeAlias = Scalar | Sequence | Mapping
