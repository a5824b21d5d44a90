"""Conditions as text: `use_dora and quantization_method == 'gptq'`, over names whose values may be unknown.

They are expressions in Python's grammar with its meaning, in three-valued logic (Kleene's): what is unknown decides
nothing, unless the known parts decide alone. The terms of `knowledge.expressions` are another thing: they are reckoned
with, layer by layer, and have no value at all where one part has none.

Allowed are names (`trl.use_vllm` for what is in a section), constants, tuples of constants, `and`, `or`, `not`,
comparisons, `+ - * // %`, and the calls in FUNCTIONS.
"""

from __future__ import annotations

import ast
import operator
import re
from functools import cache

from lora_lint.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Final, TypeAlias

    Term: TypeAlias = "Callable[[Mapping[str, Any]], Any]"


class _Unknown:
    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()
"""The value of anything that is not known."""


@dataclass(frozen=True)
class Clause:
    """A condition: the names that it reads, and whether it holds for their values (True, False or UNKNOWN)."""

    names: tuple[str, ...]
    holds: Term


@cache
def condition(text: str) -> Clause:
    """The condition in a text. Raises ValueError if it is not one."""
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError as error:
        raise ValueError(f"{text!r}: {error.msg}") from error
    names: dict[str, None] = {}
    term = _term(tree.body, names)
    return Clause(tuple(names), lambda values: _truth(term(values)))


def _text(value: Any) -> Any:
    return isinstance(value, str)


def _whole(value: Any) -> Any:
    return isinstance(value, int) and not isinstance(value, bool)


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


_QUANTIZED = r"(?i)(?:^|[-_/.])(?:gptq|awq|aqlm|eetq|hqq)(?:[-_.]|$)"


def _sizes(value: Any) -> tuple[int, ...]:
    """The sides of pictures, as sd-scripts reads them: `1024`, `"1024,768"` or a list; none if it is another thing."""
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, tuple | list) else (value,)
    try:
        return tuple(int(part) for part in parts)
    except (TypeError, ValueError):
        return ()


def _option(items: Any, name: str) -> str | None:
    """The value of `name=value` among some texts."""
    for item in (items,) if isinstance(items, str) else items or ():
        key, sign, value = str(item).partition("=")
        if sign and key.strip() == name:
            return value.strip()
    return None


_REPEATED = r"[/\\][1-9]\d{0,2}_[^/\\]+[/\\]?$"
"""A folder of pictures that begins with how often each counts, as sd-scripts has it: `10_woman`."""


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "len": len,
    "first": lambda values: values[0],
    "field": lambda mapping, name: mapping.get(name) if mapping is not None else None,
    "lower": lambda value: str(value).lower(),
    "last": lambda path: path.replace("\\", "/").rstrip("/").rpartition("/")[2].lower(),
    "is_text": _text,
    "is_whole": _whole,
    "is_list": lambda value: isinstance(value, tuple | list),
    "is_mapping": lambda value: isinstance(value, dict),
    "starts": lambda value, start: isinstance(value, str) and value.startswith(start),
    "ends": lambda value, end: isinstance(value, str) and value.endswith(end),
    "holds": lambda value, part: isinstance(value, str) and part in value,
    "words": lambda value: tuple(word.strip() for word in value.split(",")) if isinstance(value, str) else value,
    "names_ptq": lambda name: isinstance(name, str) and re.search(_QUANTIZED, name) is not None,
    "some": lambda items, name: any(isinstance(item, dict) and item.get(name) for item in items or ()),
    "every": lambda items, name: all(isinstance(item, dict) and item.get(name) for item in items or ()),
    "each": lambda items, name: tuple(item[name] for item in items or () if isinstance(item, dict) and name in item),
    "every_compiles": lambda items: all(not isinstance(item, str) or _compiles(item) for item in items),
    "sizes": _sizes,
    "largest": lambda value: max(_sizes(value)),
    "smallest": lambda value: min(_sizes(value)),
    "option": _option,
    "every_text": lambda items: all(isinstance(item, str) for item in items),
    "numbered": lambda path: isinstance(path, str) and re.search(_REPEATED, path) is not None,
    "mention": lambda items, part: any(part in str(item) for item in items or ()),
    "within": lambda some, others: set(some or ()) <= set(others or ()),
    "common": lambda some, others: bool(set(some or ()) & set(others or ())),
}
_COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda value, among: value in among,
    ast.NotIn: lambda value, among: value not in among,
}
_RECKONED: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}


def _truth(value: Any) -> Any:
    return value if value is UNKNOWN else bool(value)


def _term(node: ast.expr, names: dict[str, None]) -> Term:
    """A function that computes a node from the values of names; adds to `names`."""
    if isinstance(node, ast.Constant):
        constant = node.value
        return lambda _: constant
    if isinstance(node, ast.Name | ast.Attribute):
        name = _dotted(node)
        names[name] = None
        return lambda values: values[name]
    if isinstance(node, ast.Tuple):
        parts = [_term(each, names) for each in node.elts]
        return lambda values: tuple(part(values) for part in parts)
    if isinstance(node, ast.BoolOp):
        return _joined(node, [_term(each, names) for each in node.values])
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        denied = _term(node.operand, names)
        return lambda values: UNKNOWN if (truth := _truth(denied(values))) is UNKNOWN else not truth
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return _applied(operator.neg, [_term(node.operand, names)])
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARED:
        sides = [_term(node.left, names), _term(node.comparators[0], names)]
        return _applied(_COMPARED[type(node.ops[0])], sides)
    if isinstance(node, ast.BinOp) and type(node.op) in _RECKONED:
        return _applied(_RECKONED[type(node.op)], [_term(node.left, names), _term(node.right, names)])
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
        return _applied(FUNCTIONS[node.func.id], [_term(each, names) for each in node.args])
    raise ValueError(f"{ast.unparse(node)!r} is not allowed in a condition")


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    if isinstance(node, ast.Name):
        return node.id
    raise ValueError(f"{ast.unparse(node)!r} is not a name")


def _joined(node: ast.BoolOp, parts: list[Term]) -> Term:
    """`and` and `or`: one part that decides is enough, whatever is unknown."""
    decides = isinstance(node.op, ast.Or)

    def joined(values: Mapping[str, Any]) -> Any:
        truths = [_truth(part(values)) for part in parts]
        if any(truth is decides for truth in truths):
            return decides
        return UNKNOWN if any(truth is UNKNOWN for truth in truths) else not decides

    return joined


def _applied(function: Callable[..., Any], parts: list[Term]) -> Term:
    """A function of known values; unknown also if it is not defined for them."""

    def applied(values: Mapping[str, Any]) -> Any:
        operands = [part(values) for part in parts]
        if any(operand is UNKNOWN for operand in operands):
            return UNKNOWN
        try:
            return function(*operands)
        except (TypeError, ValueError, LookupError, ZeroDivisionError, AttributeError, OverflowError):
            return UNKNOWN

    return applied
