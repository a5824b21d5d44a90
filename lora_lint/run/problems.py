"""Problems with a setting that a reader finds before any rule looks at it."""

from __future__ import annotations

from lora_lint.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from lora_lint.knowledge.clashes import Need
    from lora_lint.run.versions import Pin, Version
    from lora_lint.source import Span


@dataclass(frozen=True)
class UnknownKey:
    """A key or keyword argument that the dialect does not have. `suggestions`: its closest keys. `consequence`
    completes "…, so it": "is ignored", "raises TypeError". `instead`: what to do where no key is close."""

    key: str
    span: Span
    owner: str
    suggestions: tuple[str, ...] = ()
    consequence: str = "is ignored"
    instead: str = "Remove it"
    until: Version | None = None
    """The first release that no longer knows the key, if older ones do."""
    package: str = ""
    """Whose release that is, where it is not the framework of the run."""


@dataclass(frozen=True)
class Dropped:
    """Keywords and imports that newer releases of a package lack and older ones have, where the project allows both:
    the one that was dropped `first`, and the `others`."""

    first: UnknownKey
    others: tuple[str, ...]
    title: str
    """What people call the package."""

    @property
    def span(self) -> Span:
        """Where the first is written."""
        return self.first.span


@dataclass(frozen=True)
class Clash:
    """Two libraries whose releases, as the project asks for them, do not run together; `certain`: none of those that
    it allows do. `mine` and `other`: how the two are asked for, empty where they are not."""

    need: Need
    span: Span
    certain: bool
    mine: str
    other: str


@dataclass(frozen=True)
class Unadapted:
    """A trainer is given a quantized model without an adapter, which it refuses. `loaded`: where the model is."""

    trainer: str
    bits: str
    span: Span
    loaded: Span | None


@dataclass(frozen=True)
class OutOfRange:
    """A library that the project asks for with `asked`, while the framework's release, which it asks for with `pin`,
    `wanted` others; `checked`: the framework itself stops at that."""

    wanted: str
    span: Span
    pin: Pin
    asked: Pin
    checked: bool


@dataclass(frozen=True)
class NewKey:
    """A key that the framework knows `since` a release: one that is unknown where the project pins an older one."""

    key: str
    span: Span
    since: Version
    consequence: str


@dataclass(frozen=True)
class Number:
    """A setting needs a number."""

    whole: bool = False
    least: float | None = None


@dataclass(frozen=True)
class OneOf:
    """A setting needs one of some words."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class InvalidValue:
    """A value of the wrong type or out of range, `expected` in words ("a whole number of at least 1"); `takes` is the
    part of that which can reveal what was meant."""

    key: str
    value: Any
    span: Span
    owner: str
    expected: str
    takes: Number | OneOf | None = None
    since: Version | None = None
    """The first release that does not take it, if older ones do."""
    of_list: bool = False
    """It is not in a list of the framework's source, to which the user's own copy may add."""


@dataclass(frozen=True)
class NewValue:
    """A value that the framework takes `since` a release, and `expected` in words for an older one."""

    key: str
    value: Any
    span: Span
    since: Version
    expected: str


@dataclass(frozen=True)
class NoResult:
    """A setting that receives the None returned by a call that changes something in place:
    `modules_to_save=names.append(…)`. `call` is the method's name, `made` the place of the call, if it is in the same
    file."""

    key: str
    call: str
    span: Span
    owner: str
    made: Span | None = None


@dataclass(frozen=True)
class Overridden:
    """An option for a list that is given again, at `by`: argparse keeps only what is there, and the `lost` values have
    no effect."""

    key: str
    span: Span
    lost: tuple[str, ...]
    by: Span


@dataclass(frozen=True)
class LostLine:
    """The first option of a line that a command was meant to continue on, and how many `more` there are."""

    key: str
    span: Span
    more: int


@dataclass(frozen=True)
class EscapedBlank:
    """A backslash within a line, before a blank, which the program is given as an argument of its own, or as the start
    of the next."""

    span: Span


Problem: TypeAlias = (
    UnknownKey
    | Dropped
    | Clash
    | Unadapted
    | OutOfRange
    | InvalidValue
    | NoResult
    | Overridden
    | LostLine
    | EscapedBlank
)
"""What a reader finds wrong with a setting before any rule looks at it."""
