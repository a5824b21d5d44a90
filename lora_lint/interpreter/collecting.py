"""Lists that a loop fills with one item each turn: `for line in file: rows.append(json.loads(line))`."""

from __future__ import annotations

import ast
from functools import lru_cache

from lora_lint.interpreter import loop_ends
from lora_lint.interpreter.idioms import appended_to, appends, conjuncts, counted
from lora_lint.interpreter.values import Arguments, Const, ListVal, Object, Opaque, Rows, Val, open_all
from lora_lint.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lora_lint.interpreter.definitions import Scope
    from lora_lint.interpreter.machine import Machine
    from lora_lint.source import Span

Count = tuple[int, int]  # at least, at most

_MANY = 2
_NONE: Count = (0, 0)


@dataclass(frozen=True)
class Collected:
    """A list that gets at most one item each turn of a loop, with what is in it before; `sometimes` if a condition
    keeps some out. `turns` has as many items as the loop has turns, `most` is their number where the loop ends
    itself."""

    into: ListVal
    before: tuple[Val, ...]
    sometimes: bool
    turns: Val
    most: Const | None = None


def lists_filled(machine: Machine, loop: ast.For | ast.AsyncFor, iterated: Val, scope: Scope) -> list[Collected]:
    """The lists of rows that a loop fills. Call before the loop is followed."""
    found: list[Collected] = []
    for owner, sometimes in _filled(loop):
        value = machine.evaluate(owner, scope)
        if isinstance(value, ListVal) and (value.of_rows() if value.items else not value.open):
            most = loop_ends.most_of(machine, loop, ast.unparse(owner), scope)
            found.append(Collected(value, tuple(value.items), sometimes, iterated, most))
    return found


def lists_filled_up(machine: Machine, loop: ast.While, scope: Scope) -> list[Collected]:
    """The lists that a loop fills up to a number of items: `while len(rows) < 1000:`. Call before the loop is
    followed."""
    tests = conjuncts(loop.test)
    bounds = dict(bound for test in tests if (bound := _bound(test)) is not None)
    leaves = len(tests) > 1 or any(isinstance(node, ast.Break | ast.Return) for node in _inside(loop.body))
    found: list[Collected] = []
    for owner, _ in _filled(loop) if bounds else ():
        value, most = machine.evaluate(owner, scope), bounds.get(ast.unparse(owner))
        if isinstance(value, ListVal) and not value.items and not value.open and most is not None:
            turns = Arguments([machine.evaluate(most, scope)], {}, {})
            span = machine.span(loop.test, scope)
            found.append(Collected(value, (), leaves, machine.call_external("builtins.range", turns, span)))
    return found


def _bound(test: ast.expr) -> tuple[str, ast.expr] | None:
    """The list in `len(rows) < number`, as it is written, and the number."""
    if not isinstance(test, ast.Compare) or not isinstance(test.ops[0], ast.Lt) or len(test.ops) > 1:
        return None
    rows = counted(test.left)
    return (ast.unparse(rows), test.comparators[0]) if rows is not None else None


@lru_cache(maxsize=4096)
def _filled(loop: ast.For | ast.AsyncFor | ast.While) -> tuple[tuple[ast.expr, bool], ...]:
    """What gets at most one item each turn of a loop, as it is written, and whether there are turns without one. It is
    cached because a program comes to its inner loops again and again."""
    owners: dict[str, ast.expr] = {}
    rebound: set[str] = set()
    for node in (each for statement in loop.body for each in ast.walk(statement)):
        if isinstance(node, ast.Call) and (owner := appended_to(node)) is not None:
            owners.setdefault(ast.unparse(owner), owner)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            rebound.add(node.id)
    leaves = any(isinstance(node, ast.Break | ast.Return) for node in _inside(loop.body))
    counts = _counts(loop.body, None if isinstance(loop, ast.While) else variable_of(loop.target))
    found: list[tuple[ast.expr, bool]] = []
    for name, owner in owners.items():
        least, most = counts.get(name, _NONE)
        if most == 1 and name not in rebound:
            found.append((owner, leaves or least < most))
    return tuple(found)


def fill(machine: Machine, lists: Iterable[Collected], span: Span) -> None:
    """Gives lists as many items as the loop that filled them had turns. Call after the loop was followed."""
    for each in lists:
        rows: Val | None = machine.library.rows(machine, each.turns, each.sometimes, span)
        if each.most is not None:
            turns = rows or Opaque("the loop iterates over something that is not known", span)
            rows = machine.library.rows(machine, machine.library.limited(turns, each.most, span) or turns, True, span)
        if isinstance(rows, Object):
            machine.journal.change_list(each.into.items)[:] = [*each.before, Rows(rows, each.sometimes)]
            each.into.open = True


def leave_open(machine: Machine, loop: ast.While, scope: Scope) -> None:
    """Notes that a loop that was left early may add more to its lists and numbers."""
    for node in ast.walk(loop):
        if isinstance(node, ast.AugAssign):
            machine.assign(node.target, Opaque("a loop changes it", machine.span(node, scope)), scope)
        elif isinstance(node, ast.Call) and (owner := appended_to(node)) is not None:
            open_all((machine.evaluate(owner, scope),))


def _counts(body: list[ast.stmt], line: str | None) -> dict[str, Count]:
    """How many items each list gets in a turn, at least and at most; `line` is the loop's variable."""
    counts: dict[str, Count] = {}
    skips = False
    for statement in body:
        for name, (low, high) in _counts_in(statement, line).items():
            least, most = counts.get(name, _NONE)
            counts[name] = (min(least + (0 if skips else low), _MANY), min(most + high, _MANY))
        skips = skips or (_blank(statement, line) is not True and _skips(statement))
    return counts


def _counts_in(statement: ast.stmt, line: str | None) -> dict[str, Count]:
    if isinstance(statement, ast.If):
        taken, other = _counts(statement.body, line), _counts(statement.orelse, line)
        always = _blank(statement, line) is False
        return {name: _either(taken.get(name, _NONE), other.get(name, _NONE), always) for name in taken | other}
    if isinstance(statement, ast.Try):
        return _counts([*statement.body, *statement.orelse], line)  # handlers are for rows that are broken
    if isinstance(statement, ast.With | ast.AsyncWith):
        return _counts(statement.body, line)
    plain = isinstance(statement, ast.Expr)
    times = appends(statement).items()
    return {name: (number, number) if plain else (0, number * _MANY) for name, number in times}


def _either(taken: Count, other: Count, always: bool) -> Count:
    """The count of two branches of a condition; `always` if it holds in each turn that counts."""
    return taken[0] if always else min(taken[0], other[0]), max(taken[1], other[1])


def _skips(statement: ast.stmt) -> bool:
    """Whether it may end the turn."""
    return any(isinstance(node, ast.Continue) for node in _inside([statement]))


def _inside(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """The nodes of statements, without handlers of errors."""
    left: list[ast.AST] = list(body)
    while left:
        node = left.pop()
        yield node
        left += [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.ExceptHandler)]


def _blank(statement: ast.stmt, line: str | None) -> bool | None:
    """What a condition asks of the loop's variable: True if it holds for blank lines (`if not line.strip():`), False if
    for others; None for other conditions. Blank lines of a file are no rows."""
    if not isinstance(statement, ast.If):
        return None
    test = statement.test
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return True if asks_for_text(test.operand, line) else None
    return False if asks_for_text(test, line) else None


def variable_of(target: ast.expr) -> str | None:
    """The variable for the items of a loop: `line` in `for line in file`, `for number, line in enumerate(file)`."""
    last = target.elts[-1] if isinstance(target, ast.Tuple) else target
    return last.id if isinstance(last, ast.Name) else None


def asks_for_text(test: ast.expr, line: str | None) -> bool:
    """Whether a condition is that a line is not blank: `line`, `line.strip()`."""
    if isinstance(test, ast.Call) and isinstance(test.func, ast.Attribute) and test.func.attr == "strip":
        test = test.func.value
    return isinstance(test, ast.Name) and test.id == line
