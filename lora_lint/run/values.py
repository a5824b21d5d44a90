"""Values of settings: known, one of a few alternatives (branches), or unknown with the reason."""

from __future__ import annotations

from enum import Enum, auto

from lora_lint.records import Generic, TypeVar, dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, TypeAlias, TypeGuard

    from lora_lint.run.choices import Case
    from lora_lint.source import Span

    Origin = Literal["literal", "cli-default", "framework-default", "derived", "setting"]
    """Where a value comes from: written in the file; the default of a command-line option or of a launcher's dataclass
    that a caller may override; the framework's own default; computed from other values; stated by the user's settings
    or a `# lora-lint: model=…` comment."""

T = TypeVar("T")


T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Known(Generic[T_co]):
    """A value that is known. `span` is where it is written (None for framework defaults); for a value from another file
    it is where the linted file uses it, and `written` is the place in the other file. `under` is what callers choose
    where it has this value."""

    value: T_co
    span: Span | None = None
    origin: Origin = "literal"
    written: Span | None = None
    under: Case = ()


@dataclass(frozen=True)
class Choices(Generic[T_co]):
    """One of several values, depending on a branch or a condition. At least two, all different."""

    options: tuple[Known[T_co], ...]


class Phrased(Enum):
    """Kinds whose values are what messages call them."""

    @property
    def phrase(self) -> str:
        return str(self.value)


class Reason(Enum):
    """Why a value is not known, as far as anything depends on it; words for the user accompany it."""

    NOT_FOLLOWED = auto()
    """It exists but cannot be determined without running the program: the usual case."""
    NOT_GIVEN = auto()
    """Nothing sets it, and the framework has no default that decides."""
    OPTIONAL = auto()
    """The command line may set it; otherwise the program does without."""
    RULED_OUT = auto()
    """An option in a branch that is not taken at the option's default."""
    CALLER = auto()
    """It is a parameter of a function that nothing in its file calls, or a part of one."""
    CONFIG = auto()
    """It is in a config file that is not known."""


@dataclass(frozen=True)
class Unknown:
    """A value that cannot be known without running the program; `why` completes "unknown because …", and `reason` is
    what decisions use."""

    why: str
    span: Span | None = None
    reason: Reason = Reason.NOT_FOLLOWED


Value: TypeAlias = Known[T] | Choices[T] | Unknown


ABSENT = Unknown("it is not given", reason=Reason.NOT_GIVEN)
"""Not set in the file, and the framework has no default that decides."""


def alternatives(value: Value[T]) -> tuple[Known[T], ...]:
    """Every value that `value` may have; empty when unknown."""
    if isinstance(value, Known):
        return (value,)
    if isinstance(value, Choices):
        return value.options
    return ()


def known(value: Value[T]) -> T | None:
    """The value if there is exactly one, else None."""
    return value.value if isinstance(value, Known) else None


def always(value: Value[Any], wanted: bool) -> bool:
    """Whether a value is `wanted` in every case; False if it is not known."""
    cases = alternatives(value)
    return bool(cases) and all(case.value is wanted for case in cases)


_LARGEST = 1e300


def is_number(value: Any) -> TypeGuard[float]:
    """Whether a value that was read can be calculated with: not a truth value, not infinite (`.inf`, 1e400),
    not NaN."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -_LARGEST < value < _LARGEST
