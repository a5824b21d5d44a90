"""Loops that end at a number of items: `if len(rows) >= 1000: break`, `if number == 1000: break`."""

from __future__ import annotations

import ast
from functools import lru_cache

from lora_lint.interpreter.idioms import appends, counted
from lora_lint.interpreter.values import Const
from lora_lint.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.interpreter.definitions import Scope
    from lora_lint.interpreter.machine import Machine


@dataclass(frozen=True)
class LoopEnd:
    """A condition that ends a loop: the number of items, how many more the list may have, and the counter that has to
    begin at zero."""

    number: ast.expr
    more: int
    counter: ast.Name | None = None


def most_of(machine: Machine, loop: ast.For | ast.AsyncFor, name: str, scope: Scope) -> Const | None:
    """The most items that a loop adds to the list `name`, as it is written; None if no condition limits them."""
    for end in _ends(loop, name):
        number = machine.evaluate(end.number, scope)
        begins = machine.evaluate(end.counter, scope) if end.counter is not None else Const(0)
        if isinstance(number, Const) and type(number.value) is int and isinstance(begins, Const) and begins.value == 0:
            return Const(max(number.value + end.more, 0), number.span, number.origin)
    return None


@lru_cache(maxsize=4096)
def _ends(loop: ast.For | ast.AsyncFor, name: str) -> tuple[LoopEnd, ...]:
    """The conditions that limit what a loop adds to a list. They are cached as the loop's lists are."""
    return tuple(_ends_in(loop.body, name, _enumerated(loop)))


def _ends_in(block: list[ast.stmt], name: str, number: str | None) -> Iterator[LoopEnd]:
    """The conditions in a block that each turn asks which adds an item there, before it or after it."""
    if not any(name in appends(statement) for statement in block):
        return
    added = skipped = late = False
    for statement in block:
        if isinstance(statement, ast.If) and isinstance(statement.body[-1], ast.Break):
            end = _end(statement.test, block, name, number, added, skipped)
            if end is not None and not late:
                yield end
        elif isinstance(statement, ast.If | ast.With | ast.Try):
            yield from _ends_in(statement.body, name, number)
        added = added or name in appends(statement)
        skips = any(isinstance(node, ast.Continue) for node in ast.walk(statement))
        skipped, late = skipped or skips, late or (skips and added)


def _end(
    test: ast.expr, block: list[ast.stmt], name: str, number: str | None, added: bool, skipped: bool
) -> LoopEnd | None:
    """The limit that a condition sets; `added` if the turn has added its item before, `skipped` if some turns do not
    come to it."""
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return None
    asked = test.ops[0]
    if not isinstance(asked, ast.Gt | ast.GtE | ast.Eq):
        return None
    left, most, more = test.left, test.comparators[0], int(isinstance(asked, ast.Gt))
    rows = counted(left)
    if rows is not None:
        return LoopEnd(most, more) if ast.unparse(rows) == name else None
    if not isinstance(left, ast.Name):
        return None
    if left.id == number:
        return None if skipped and isinstance(asked, ast.Eq) else LoopEnd(most, more + added)
    counts = any(_counts_up(each, left.id) for each in _beside(block, name))
    return LoopEnd(most, more, left) if counts else None


def _beside(block: list[ast.stmt], name: str) -> list[ast.stmt]:
    """The statements of the block in which a list gets its item, perhaps inside another one."""
    for statement in block:
        if isinstance(statement, ast.Expr) and name in appends(statement):
            return block
        if isinstance(statement, ast.If) and (found := _beside(statement.body, name)):
            return found
    return []


def _counts_up(statement: ast.stmt, counter: str) -> bool:
    adds = isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add)
    if not isinstance(statement, ast.AugAssign) or not adds or not isinstance(statement.target, ast.Name):
        return False
    return statement.target.id == counter and isinstance(statement.value, ast.Constant) and statement.value.value == 1


def _enumerated(loop: ast.For | ast.AsyncFor) -> str | None:
    """The number in `for number, row in enumerate(rows):`."""
    call, target = loop.iter, loop.target
    plain = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "enumerate"
    if not isinstance(call, ast.Call) or not plain or len(call.args) != 1 or call.keywords:
        return None
    first = target.elts[0] if isinstance(target, ast.Tuple) else None
    return first.id if isinstance(first, ast.Name) else None
