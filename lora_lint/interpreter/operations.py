"""Arithmetic and comparison on abstract values."""

from __future__ import annotations

import ast
import operator
import posixpath

from lora_lint.interpreter.values import (
    MAX_ITEMS,
    MAX_NUMBER,
    AtMost,
    Const,
    DictVal,
    ListVal,
    Object,
    Opaque,
    PathVal,
    Perhaps,
    Rows,
    Val,
    as_text,
    lift,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from lora_lint.interpreter.journal import Journal
    from lora_lint.interpreter.values import Listed
    from lora_lint.run.values import Origin
    from lora_lint.source import Span

MAX_TEXT = 100_000

BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}
UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Invert: operator.invert,
}
COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}


def origin_of(values: tuple[Val, ...]) -> Origin:
    """The origin of a computed value: a command line can change it if it can change one of the operands."""
    origins = [value.origin for value in values if isinstance(value, Const | PathVal)]
    return "cli-default" if "cli-default" in origins else "derived"


def binary(kind: type[ast.operator], left: Val, right: Val, span: Span) -> Val:
    """left <operator> right."""
    number, operand = (right, left) if kind in (ast.Add, ast.Mult) and isinstance(right, AtMost) else (left, right)
    if isinstance(number, AtMost) and isinstance(operand, Const) and _keeps_order(kind, operand.value):
        return bounded(BINARY[kind], number, operand, span)

    def apply(a: Val, b: Val) -> Val:
        if isinstance(a, Const) and isinstance(b, Const):
            return compute(BINARY[kind], (a, b), span) if kind in BINARY else Opaque("it is a matrix product", span)
        if isinstance(a, ListVal) and isinstance(b, ListVal) and kind in (ast.Add, ast.BitOr):
            return made_list(items_of([a.elements(), b.elements()]), span, a.kind, a.open or b.open)
        if isinstance(a, ListVal) and isinstance(b, Const) and kind is ast.Mult and isinstance(b.value, int):
            return made_list(a.items * min(max(b.value, 0), MAX_ITEMS + 1), span, a.kind, a.open)
        if isinstance(a, DictVal) and isinstance(b, DictVal) and kind is ast.BitOr:
            return DictVal({**a.items, **b.items}, span, a.open or b.open)
        if kind is ast.Div and (isinstance(a, PathVal) or isinstance(b, PathVal)):
            return joined((a, b), span)
        if isinstance(a, Object) and kind is ast.Div and isinstance(b, Const):  # pathlib's joining
            return Opaque("it is a path built at run time", span)
        return Opaque("it is computed from values that are not known", span)

    return lift(apply, left, right)


def _keeps_order(kind: type[ast.operator], operand: Any) -> bool:
    """Whether the larger of two numbers stays the larger one."""
    if type(operand) not in (int, float):
        return False
    return kind in (ast.Add, ast.Sub) or (kind in (ast.Mult, ast.Div, ast.FloorDiv) and operand > 0)


def bounded(function: Callable[..., Any], number: AtMost, operand: Const | None, span: Span) -> Val:
    """A function that keeps the order of numbers, of one whose upper bound is known."""
    result = compute(function, (number.bound,) if operand is None else (number.bound, operand), span)
    return AtMost(number, result) if isinstance(result, Const) else result


def joined(parts: tuple[Val, ...], span: Span) -> Val:
    """The path that some parts form."""
    text = path_of(parts)
    if text is None:
        return Opaque("it is a path built at run time", span)
    return PathVal(text.removeprefix("./"), span, origin_of(parts))


def path_of(parts: tuple[Val, ...]) -> str | None:
    """The text of the path that some parts form; None if one of them is not a known string."""
    texts = [part.value for each in parts if isinstance(part := as_text(each), Const) and isinstance(part.value, str)]
    if len(texts) < len(parts) or sum(map(len, texts)) > MAX_TEXT:
        return None
    return posixpath.join(*texts) if texts else ""


def items_of(parts: Iterable[Listed | None]) -> list[Val]:
    """The items of several lists, one after another. Where some stand for rows, which are counted, so does something
    for a part that is not known."""
    items: list[Val] = []
    gaps = False
    for part in parts:
        added, complete = part if part is not None else ([], False)
        items += added
        gaps = gaps or not (complete or any(isinstance(item, Rows) for item in added))
    counted = any(isinstance(item, Rows) for item in items)
    return [*items, Perhaps()] if counted and gaps else items


def made_list(items: list[Val], span: Span, kind: str, is_open: bool) -> ListVal:
    """A concatenated list, with no more items than are followed."""
    made = ListVal(items[:MAX_ITEMS], span, kind, is_open or len(items) > MAX_ITEMS)
    made.cut = len(items) if len(items) > MAX_ITEMS else 0
    return made


def extend(journal: Journal, target: ListVal, value: Val) -> None:
    """target.extend(value)"""
    listed = value.elements()
    room = max(MAX_ITEMS - len(target.items), 0)
    added, complete = items_of([target.elements(), listed])[len(target.items) :], listed is not None and listed[1]
    journal.change_list(target.items).extend(added[:room])
    target.open = target.open or not complete or len(added) > room


def unary(kind: type[ast.unaryop], operand: Val, span: Span) -> Val:
    """<operator> operand; `not` works on everything that has a known truth."""
    if kind is ast.Not:
        known = operand.truth()
        if known is None and isinstance(operand, Const):  # a default, which a caller may override
            return Const(not operand.value, span, operand.origin)
        return Opaque("it depends on a condition", span) if known is None else Const(not known, span, "derived")

    def apply(value: Val) -> Val:
        if not isinstance(value, Const):
            return Opaque("it is computed from values that are not known", span)
        result = compute(UNARY[kind], (value,), span)
        if isinstance(result, Const) and value.origin == "literal":
            result.origin = "literal"  # -1 is written as a number
        return result

    return lift(apply, operand)


def compare(kind: type[ast.cmpop], left: Val, right: Val, span: Span) -> Val:
    """left <comparison> right."""
    if isinstance(right, Const) and right.value is None and left.is_never_none():
        if kind in (ast.Is, ast.Eq):
            return Const(False, span, "derived")
        if kind in (ast.IsNot, ast.NotEq):
            return Const(True, span, "derived")
    container: Any = None
    if kind in (ast.In, ast.NotIn) and isinstance(left, Const):
        if isinstance(right, ListVal) and not right.open and all(isinstance(item, Const) for item in right.items):
            container = [item.value for item in right.items if isinstance(item, Const)]
        elif isinstance(right, DictVal) and not right.open:
            container = list(right.items)
        if container is not None:
            return compute(lambda value: COMPARE[kind](value, container), (left,), span)

    def apply(a: Val, b: Val) -> Val:
        if isinstance(a, Const) and isinstance(b, Const):
            return compute(COMPARE[kind], (a, b), span)
        if kind in (ast.Eq, ast.NotEq) and isinstance(a, ListVal) and isinstance(b, ListVal):
            mine, theirs = _constants(a), _constants(b)
            if mine is not None and theirs is not None:
                same = a.kind == b.kind and [each.value for each in mine] == [each.value for each in theirs]
                return Const(same is (kind is ast.Eq), span, origin_of((*mine, *theirs)))
        return Opaque("it compares values that are not known", span)

    return lift(apply, left, right)


def _constants(value: ListVal) -> tuple[Const, ...] | None:
    """The items of a list or a tuple that holds nothing but constants."""
    found = tuple(item for item in value.items if isinstance(item, Const))
    whole = not value.open and len(found) == len(value.items) and value.kind in ("list", "tuple")
    return found if whole else None


def compute(function: Callable[..., Any], values: tuple[Const, ...], span: Span) -> Val:
    """A function of constants; not known if the program would fail, or the result is too large."""
    contents = [value.value for value in values]
    if any(isinstance(content, int) and abs(content) > MAX_NUMBER for content in contents):
        return Opaque("the number is too large", span)
    if function is operator.pow and len(contents) == 2 and not _small_power(*contents):
        return Opaque("the number is too large", span)
    if function is operator.mul and not _small_product(*contents):
        return Opaque("the text is too long", span)
    if function is operator.lshift and not (isinstance(contents[1], int) and 0 <= contents[1] < 64):
        return Opaque("the number is too large", span)
    if function is operator.mod and isinstance(contents[0], str | bytes):
        if not isinstance(contents[1], str | int | float) or len(contents[0]) > 1000 or "*" in str(contents[0]):
            return Opaque("it is formatted text", span)
        import re

        if re.search(r"%[^%a-z]*\d{3,}", str(contents[0])):
            return Opaque("the text is too long", span)
    try:
        result = function(*contents)
    except Exception:  # the program itself would fail here; what follows is not known
        return Opaque("the expression fails", span)
    if isinstance(result, str | bytes) and len(result) > MAX_TEXT:
        return Opaque("the text is too long", span)
    return Const(result, span, origin_of(values))


def _small_power(base: Any, exponent: Any) -> bool:
    return (
        isinstance(base, int | float)
        and isinstance(exponent, int | float)
        and abs(exponent) <= 64
        and abs(base) <= 1_000_000_000
    )


def _small_product(a: Any, b: Any) -> bool:
    for text, number in ((a, b), (b, a)):
        if isinstance(text, str | bytes) and not (isinstance(number, int) and len(text) * abs(number) <= MAX_TEXT):
            return False
    return True
