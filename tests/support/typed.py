"""Whether the values of a run are of the types that `lora_lint.run` gives them, which no type checker sees: they come
from files."""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from lora_lint.knowledge.resolve import Loaded
from lora_lint.run import run as records
from lora_lint.run.problems import UnknownKey
from lora_lint.run.values import Choices, Known, Unknown, alternatives
from lora_lint.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.run.run import Adapter, BaseModel, Dataset, Run, Training


T = TypeVar("T")
_NAMES = {
    "Any": Any,
    "Literal": Literal,
    "Loaded": Loaded,
    "Mapping": Mapping,
    "Method": Literal["supervised", "preference", "rl", "classification", "unknown"],
    "Span": Span,
    "UnknownKey": UnknownKey,
    "Value": Known[T] | Choices[T] | Unknown,
}
"""What the module of the records imports for type checkers alone."""


def mistyped(run: Run) -> Iterator[str]:
    """What is of another type, in words."""
    for part in (run.adapter, run.model, run.dataset, run.training):
        for name, (value, inner) in _values(part):
            for known in alternatives(value):
                if not _fits(known.value, inner):
                    yield f"{type(part).__name__}.{name} is {known.value!r}, no {inner}"


def _values(part: Adapter | BaseModel | Dataset | Training) -> Iterator[tuple[str, tuple[Any, Any]]]:
    hints = get_type_hints(type(part), vars(records), _NAMES)
    for name, hint in hints.items():
        if records.Unknown in get_args(hint):
            (inner,) = get_args(next(each for each in get_args(hint) if get_origin(each) is records.Known))
            yield name, (getattr(part, name), inner)


def _fits(value: Any, kind: Any) -> bool:
    if kind is Any:
        return True
    origin, of = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return any(_fits(value, each) for each in of)
    if origin is Literal:
        return value in of
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(item, of[0]) for item in value)
    if origin is Mapping:
        return isinstance(value, Mapping) and all(_fits(k, of[0]) and _fits(v, of[1]) for k, v in value.items())
    if kind is None or kind is type(None):
        return value is None
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)
