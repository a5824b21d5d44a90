"""Search spaces, in the notation of each search library."""

from __future__ import annotations

from lora_lint.interpreter.definitions import Function, Instance
from lora_lint.interpreter.values import Const, Native, Opaque, Space, Val
from lora_lint.libraries.convert import whole_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.run.run import SweepKind
    from lora_lint.source import Span


def space_of(options: Val | None, kind: SweepKind, span: Span) -> Val:
    """A choice from a list."""
    items = whole_list(options) or []
    constants = tuple(item for item in items if isinstance(item, Const))
    if not constants or len(constants) != len(items):
        return Opaque(f"the options of the {kind.phrase} are not known", span)
    if len(constants) == 1:
        return constants[0]
    return Space(constants, object(), kind, span)


def ends_of(low: Val | None, high: Val | None, kind: SweepKind, span: Span) -> Val:
    """A range, represented by its ends."""
    if isinstance(low, Const) and isinstance(high, Const) and isinstance(low.value, int | float):
        return Space((low, high), object(), kind, span) if low.value != high.value else low
    return Opaque(f"the range of the {kind.phrase} is not known", span)


def is_callable(value: Val) -> bool:
    """Whether it may be the function that a search calls."""
    return isinstance(value, Function | Native | Instance)
