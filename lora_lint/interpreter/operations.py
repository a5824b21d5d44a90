"""Arithmetic, comparison, string methods and builtins on abstract values."""

from __future__ import annotations

import ast
import itertools
import operator
from typing import TYPE_CHECKING, Any

from lora_lint.interpreter.values import (
    MAX_ALTERNATIVES,
    MAX_UNROLL,
    Arguments,
    Class,
    Const,
    DictVal,
    Either,
    External,
    Function,
    Instance,
    ListVal,
    Namespace,
    Object,
    Opaque,
    Space,
    Val,
    either,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from lora_lint.interpreter.journal import Journal
    from lora_lint.run.values import Origin
    from lora_lint.source import Span

_NEVER_FALSE = (Instance, Function, Class, External, Namespace)
_NEVER_NONE = (*_NEVER_FALSE, ListVal, DictVal)
MAX_NUMBER = 1 << 64
MAX_TEXT = 100_000
MAX_ITEMS = 512

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
TEXT_METHODS = frozenset(
    "capitalize casefold count endswith find format index isdigit isnumeric join lower lstrip partition "
    "removeprefix removesuffix replace rfind rpartition rsplit rstrip split splitlines startswith strip title "
    "upper".split()
)


def origin_of(values: tuple[Const, ...]) -> Origin:
    """The origin of a value computed from others: a command line can change it if it can change one of them."""
    return "cli-default" if any(value.origin == "cli-default" for value in values) else "derived"


def lift(function: Callable[..., Val], *values: Val) -> Val:
    """Applies a function of constants to values that may have alternatives or be searched."""
    if all(isinstance(value, Const) for value in values):
        return function(*values)
    for value in values:
        if isinstance(value, Opaque):
            return value
    spaces = [value for value in values if isinstance(value, Space)]
    if spaces:
        first = spaces[0]
        if any(space.axis is not first.axis for space in spaces) or any(isinstance(v, Either) for v in values):
            return Opaque("it is computed from several searched values")
        options = []
        for number in range(len(first.options)):
            result = function(*(v.options[number] if isinstance(v, Space) else v for v in values))
            if not isinstance(result, Const):
                return Opaque("it is computed from a searched value")
            options.append(result)
        default = None
        if all(space.default for space in spaces):
            result = function(*(v.default if isinstance(v, Space) else v for v in values))
            default = result if isinstance(result, Const) else None
        return Space(tuple(options), first.axis, first.kind, first.span, default)
    choices = [value.options if isinstance(value, Either) else (value,) for value in values]
    count = 1
    for options_ in choices:
        count *= len(options_)
    if count == 1:
        return function(*values)
    if count > MAX_ALTERNATIVES:
        return Opaque("too many alternatives")
    return either(function(*combination) for combination in itertools.product(*choices))


def binary(kind: type[ast.operator], left: Val, right: Val, span: Span) -> Val:
    """left <operator> right."""

    def apply(a: Val, b: Val) -> Val:
        if isinstance(a, Const) and isinstance(b, Const):
            return _constant(BINARY[kind], (a, b), span) if kind in BINARY else Opaque("it is a matrix product", span)
        if isinstance(a, ListVal) and isinstance(b, ListVal) and kind in (ast.Add, ast.BitOr):
            return _list([*a.items, *b.items], span, a.kind, a.open or b.open)
        if isinstance(a, ListVal) and isinstance(b, Const) and kind is ast.Mult and isinstance(b.value, int):
            return _list(a.items * min(max(b.value, 0), MAX_ITEMS + 1), span, a.kind, a.open)
        if isinstance(a, DictVal) and isinstance(b, DictVal) and kind is ast.BitOr:
            return DictVal({**a.items, **b.items}, span, a.open or b.open)
        if isinstance(a, Object) and kind is ast.Div and isinstance(b, Const):  # pathlib's joining
            return Opaque("it is a path built at run time", span)
        return Opaque("it is computed from values that are not known", span)

    return lift(apply, left, right)


def _list(items: list[Val], span: Span, kind: str, is_open: bool) -> ListVal:
    """A list that was put together, with no more items than are followed."""
    made = ListVal(items[:MAX_ITEMS], span, kind, is_open or len(items) > MAX_ITEMS)
    made.cut = len(items) if len(items) > MAX_ITEMS else 0
    return made


def extend(journal: Journal, target: ListVal, value: Val) -> None:
    """target.extend(value)"""
    listed = items_of(value)
    added, complete = listed if listed is not None else ([], False)
    room = max(MAX_ITEMS - len(target.items), 0)
    journal.change_list(target.items).extend(added[:room])
    target.open = target.open or not complete or len(added) > room


def unary(kind: type[ast.unaryop], operand: Val, span: Span) -> Val:
    """<operator> operand; `not` works on everything that has a known truth."""
    if kind is ast.Not:
        known = truth(operand)
        return Opaque("it depends on a condition", span) if known is None else Const(not known, span, "derived")

    def apply(value: Val) -> Val:
        if not isinstance(value, Const):
            return Opaque("it is computed from values that are not known", span)
        result = _constant(UNARY[kind], (value,), span)
        if isinstance(result, Const) and value.origin == "literal":
            result.origin = "literal"  # -1 is written as a number
        return result

    return lift(apply, operand)


def compare(kind: type[ast.cmpop], left: Val, right: Val, span: Span) -> Val:
    """left <comparison> right."""
    if isinstance(right, Const) and right.value is None and (isinstance(left, _NEVER_NONE) or _is_record(left)):
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
            return _constant(lambda value: COMPARE[kind](value, container), (left,), span)

    def apply(a: Val, b: Val) -> Val:
        if isinstance(a, Const) and isinstance(b, Const):
            return _constant(COMPARE[kind], (a, b), span)
        return Opaque("it compares values that are not known", span)

    return lift(apply, left, right)


def truth(value: Val) -> bool | None:
    """Whether a value counts as true; None if unknown or if a command line decides."""
    if isinstance(value, Const):
        return None if value.origin == "cli-default" else bool(value.value)
    if isinstance(value, ListVal):
        return True if value.items else (None if value.open else False)
    if isinstance(value, DictVal):
        return True if value.items else (None if value.open else False)
    if isinstance(value, _NEVER_FALSE) or _is_record(value):
        return True
    if isinstance(value, Either):
        known = {truth(option) for option in value.options}
        return known.pop() if len(known) == 1 else None
    return None


def _is_record(value: Val) -> bool:
    """Whether a library's object is one that a dialect keeps a record of; others may as well be None or empty."""
    return isinstance(value, Object) and value.data is not None


def _constant(function: Callable[..., Any], values: tuple[Const, ...], span: Span) -> Val:
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
    except Exception:  # the program itself would fail here; what follows is unknown
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


def text_method(value: Const, name: str, arguments: Arguments, span: Span) -> Val:
    """A method of a known string."""
    plain: list[Const] = []
    for argument in arguments.positional:
        if isinstance(argument, ListVal) and name == "join" and not argument.open:
            if not all(isinstance(i, Const) and isinstance(i.value, str) for i in argument.items):
                return Opaque("it joins values that are not known", span)
            plain.append(Const([i.value for i in argument.items if isinstance(i, Const)], span))
        elif isinstance(argument, ListVal) and name in ("startswith", "endswith") and not argument.open:
            plain.append(Const(tuple(i.value for i in argument.items if isinstance(i, Const)), span))
        elif isinstance(argument, Const):
            plain.append(argument)
        else:
            return Opaque("it is computed from values that are not known", span)
    keywords: dict[str, Any] = {}
    for key, keyword in arguments.keywords.items():
        if not isinstance(keyword, Const):
            return Opaque("it is computed from values that are not known", span)
        keywords[key] = keyword.value
    if name == "format" and (len(value.value) > 1000 or _wide_format(value.value)):
        return Opaque("it is formatted text", span)
    if name == "replace" and len(value.value) > 1000:
        return Opaque("it is a long text", span)
    result = _constant(lambda text, *rest: getattr(text, name)(*rest, **keywords), (value, *plain), span)
    if isinstance(result, Const) and isinstance(result.value, list | tuple):
        origin = result.origin
        return ListVal([Const(item, span, origin) for item in result.value[:MAX_ITEMS]], span)
    return result


def _wide_format(template: str) -> bool:
    """True for templates that pad or look into objects: `{:>1000000}`, `{0.__class__}`."""
    import re

    return bool(re.search(r"\{[^}]*([.\[]|:[^}]*\d{3,}|:[^}]*\{)", template))


def items_of(value: Val) -> tuple[list[Val], bool] | None:
    """What an iteration over a value gives and whether that is all; None if nothing is known about it."""
    if isinstance(value, ListVal):
        return list(value.items), not value.open
    if isinstance(value, DictVal):
        return [Const(key, value.span, "derived") for key in value.items], not value.open
    if isinstance(value, Const):
        if isinstance(value.value, range):
            if len(value.value) > MAX_ITEMS:
                return None
            return [Const(item, value.span, "derived") for item in value.value], True
        if isinstance(value.value, str) and len(value.value) <= MAX_ITEMS:
            return [Const(character, value.span, "derived") for character in value.value], True
    return None


def too_many(value: Val) -> int:
    """How many turns a loop over a value has, if there are more than are followed one by one; else 0."""
    if isinstance(value, Const) and isinstance(value.value, range | str):
        turns = min(len(value.value), MAX_NUMBER) if isinstance(value.value, str) else _length(value.value)
    elif isinstance(value, ListVal | DictVal) and (not value.open or (isinstance(value, ListVal) and value.cut)):
        turns = max(len(value.items), value.cut if isinstance(value, ListVal) else 0)
    else:
        return 0
    return turns if turns > MAX_UNROLL else 0


def _length(numbers: range) -> int:
    """`len` of a range, which may be beyond what `len` gives."""
    return max(0, (numbers.stop - numbers.start + numbers.step - (1 if numbers.step > 0 else -1)) // numbers.step)


def builtin(name: str, arguments: Arguments, span: Span) -> Val | None:
    """The result of a builtin function; None if it is not modelled."""
    positional = arguments.positional
    if arguments.open:
        return Opaque(f"`{name}` gets arguments that are not known", span)
    if name in _NUMERIC:
        if len(positional) == 1 and name in ("min", "max", "sum"):
            listed = items_of(positional[0])
            if listed is None or not listed[1]:
                return Opaque(f"`{name}` gets values that are not known", span)
            positional = listed[0]
        if not positional:
            return Opaque(f"`{name}` of nothing", span)
        function = _NUMERIC[name]

        def apply(*values: Val) -> Val:
            constants = tuple(value for value in values if isinstance(value, Const))
            if len(constants) != len(values) or any(isinstance(c.value, range) for c in constants):
                return Opaque(f"`{name}` gets values that are not known", span)
            if any(isinstance(c.value, str) and len(c.value) > 300 for c in constants):
                return Opaque("the text is too long", span)
            return _constant(function, constants, span)

        return lift(apply, *positional)
    if name == "range":
        return lift(
            lambda *v: (
                _constant(range, tuple(x for x in v if isinstance(x, Const)), span)
                if all(isinstance(x, Const) and isinstance(x.value, int) for x in v)
                else Opaque("the range is not known", span)
            ),
            *positional,
        )
    if name == "len" and len(positional) == 1:
        if isinstance(positional[0], Const) and isinstance(positional[0].value, str | range):
            return Const(len(positional[0].value), span, origin_of((positional[0],)))
        listed = items_of(positional[0]) if not isinstance(positional[0], Const) else None
        return (
            Const(len(listed[0]), span, "derived") if listed and listed[1] else Opaque("its length is not known", span)
        )
    if name in ("list", "tuple", "set", "frozenset", "sorted", "reversed", "iter"):
        if not positional:
            return ListVal([], span, "set" if name == "frozenset" else name)
        listed = items_of(positional[0])
        if listed is None:
            return Opaque("its items are not known", span)
        items, complete = listed
        if name == "reversed":
            items = items[::-1]
        if name == "sorted":
            if not all(isinstance(item, Const) for item in items) or arguments.keywords:
                return ListVal(items, span, "list", not complete)
            try:
                items = sorted(items, key=lambda item: item.value if isinstance(item, Const) else None)  # type: ignore[arg-type,return-value]
            except TypeError:
                return Opaque("the expression fails", span)
        kind = {"sorted": "list", "reversed": "list", "iter": "list", "frozenset": "set"}.get(name, name)
        return ListVal(items, span, kind, not complete)
    if name == "dict":
        result: dict[Any, Val] = {}
        is_open = False
        if positional:
            if isinstance(positional[0], DictVal):
                result.update(positional[0].items)
                is_open = positional[0].open
            else:
                listed = items_of(positional[0])
                if listed is None:
                    is_open = True
                else:
                    for pair in listed[0]:
                        if isinstance(pair, ListVal) and len(pair.items) == 2 and isinstance(pair.items[0], Const):
                            result[pair.items[0].value] = pair.items[1]
                        else:
                            is_open = True
        result.update(arguments.keywords)
        return DictVal(result, span, is_open)
    if name == "enumerate" and positional:
        listed = items_of(positional[0])
        if listed is None:
            return Opaque("its items are not known", span)
        first = arguments.get("start", 1)
        start = first.value if isinstance(first, Const) and isinstance(first.value, int) else 0
        pairs: list[Val] = [
            ListVal([Const(number, span, "derived"), item], span, "tuple")
            for number, item in enumerate(listed[0], start)
        ]
        return ListVal(pairs, span, "list", not listed[1])
    if name == "zip" and positional:
        columns = [items_of(value) for value in positional]
        if any(column is None for column in columns):
            return Opaque("its items are not known", span)
        known = [column for column in columns if column is not None]
        rows: list[Val] = [ListVal(list(row), span, "tuple") for row in zip(*(c[0] for c in known), strict=False)]
        return ListVal(rows, span, "list", not all(c[1] for c in known))
    return None


_NUMERIC: dict[str, Callable[..., Any]] = {
    "int": int,
    "float": float,
    "str": str,
    "bool": bool,
    "abs": abs,
    "round": round,
    "min": min,
    "max": max,
    "sum": lambda *numbers: sum(numbers),
}


def product(arguments: Arguments, span: Span) -> Val:
    """itertools.product."""
    columns = [items_of(value) for value in arguments.positional]
    if arguments.open or any(column is None or not column[1] for column in columns) or arguments.keywords:
        return Opaque("its items are not known", span)
    rows = itertools.islice(itertools.product(*(column[0] for column in columns if column)), MAX_ITEMS + 1)
    return _list([ListVal(list(row), span, "tuple") for row in rows], span, "list", False)
