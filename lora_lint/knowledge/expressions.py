"""Shapes and conditions as data: JSON terms over the fields of a model's config.

A term is a number, True, False or None; a string: the dotted name of a config field, or `$0`, `$1` … for the index in
the outermost, next … list of modules; or a list: an operator and its operands. There is no name that reaches Python.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

LARGEST_LIST = 10_000
"""More elements than any model has layers: a hostile config must not fill the memory."""


class Unevaluable(ValueError):
    """A term has no value for this config: a field of a wrong type, a division by zero, an index out of range."""


def evaluate(term: Any, lookup: Callable[[str], Any], index: tuple[int, ...] = ()) -> Any:
    """The value of `term`; `lookup` gives the value of a config field. Raises Unevaluable."""
    try:
        return _value(term, lookup, index)
    except (TypeError, ZeroDivisionError, IndexError, KeyError, OverflowError, AttributeError, ValueError) as error:
        raise Unevaluable(f"{term}: {error}") from error


def fields_of(term: Any) -> set[str]:
    """The config fields that `term` reads."""
    if isinstance(term, str):
        return set() if term.startswith("$") else {term}
    if isinstance(term, list) and term and term[0] != "str":
        return {name for part in term[1:] for name in fields_of(part)}
    return set()


def depends_on_index(term: Any) -> bool:
    """Whether `term` differs between layers (a list's own index, inside `list`, does not count)."""
    if isinstance(term, str):
        return term.startswith("$")
    if isinstance(term, list) and term and term[0] not in ("str", "list"):
        return any(depends_on_index(part) for part in term[1:])
    return False


def _value(term: Any, lookup: Callable[[str], Any], index: tuple[int, ...]) -> Any:
    if isinstance(term, str):
        return index[int(term[1:])] if term.startswith("$") else lookup(term)
    if not isinstance(term, list):
        return term
    operator = term[0]
    if operator == "str":
        return term[1]
    if operator == "if":
        return _value(term[2] if _value(term[1], lookup, index) else term[3], lookup, index)
    if operator == "and":
        return all(_value(part, lookup, index) for part in term[1:])
    if operator == "or":
        return any(_value(part, lookup, index) for part in term[1:])
    if operator == "list":
        length = int(_value(term[1], lookup, index))
        if length > LARGEST_LIST:
            raise Unevaluable(f"a list of {length} elements")
        return [_value(term[2], lookup, (position,)) for position in range(length)]
    values = [_value(part, lookup, index) for part in term[1:]]
    if operator == "+":
        return sum(values)
    if operator == "*":
        product = values[0]
        for value in values[1:]:
            product *= value
        return product
    return _BINARY[operator](*values)


def _power(base: Any, exponent: Any) -> Any:
    if exponent > 64:
        raise Unevaluable("an exponent over 64")
    return base**exponent


def _element(values: Any, position: int) -> Any:
    if position < -1:
        raise Unevaluable(f"element {position}")
    return values[position]


_BINARY: dict[str, Callable[..., Any]] = {
    "-": lambda left, right: left - right,
    "//": lambda left, right: left // right,
    "/": lambda left, right: left / right,
    "%": lambda left, right: left % right,
    "**": _power,
    "int": int,
    "ceil": lambda value: -int(-value // 1),
    "at": _element,
    "sum": sum,
    "len": len,
    "not": lambda value: not value,
    "none": lambda value: value is None,
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "in": lambda left, right: left in (right or ()),
    "?": lambda value, *_: value,  # a value seen with the defaults, which no term explains
}
