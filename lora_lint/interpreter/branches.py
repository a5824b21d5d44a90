"""What the test of a branch says of options: which way is taken where nobody gives one, which defaults it rules out."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from lora_lint.interpreter.definitions import Instance
from lora_lint.interpreter.values import Const, Either, Object, Opaque, Val, either, left_open
from lora_lint.run.values import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.interpreter.definitions import Scope
    from lora_lint.interpreter.machine import Machine
    from lora_lint.source import Span


def usual_branch(machine: Machine, test: ast.expr, scope: Scope) -> int | None:
    """Which branch is taken unless a caller gives an option, 0 for that of a test that holds; None for other tests."""
    taken = 1
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, taken = test.operand, 1 - taken
    if isinstance(test, ast.Call):
        # `if isinstance(config, dict): config = Config(**config)`: the other way it is such an object too.
        names = [each.id for each in (test.func, *test.args) if isinstance(each, ast.Name)]
        if len(names) != 3 or names[0] != "isinstance" or names[2] != "dict":
            return None
        return 1 - taken if isinstance(machine.evaluate(test.args[0], scope), Opaque) else None
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        right = test.comparators[0]
        if not isinstance(right, ast.Constant) or right.value is not None:
            return None
        if isinstance(test.ops[0], ast.Is | ast.Eq):
            taken = 1 - taken
        test = test.left
    if not isinstance(test, ast.Name | ast.Attribute):
        return None
    return taken if left_open(machine.evaluate(test, scope)) else None


def rule_out_defaults(machine: Machine, test: ast.expr, taken: bool, scope: Scope) -> None:
    """Makes the defaults unknown that a branch is not taken at: in `if args.rank > 0:` the rank is not 0."""
    for target, atom, holds in _atoms(test, taken):
        places = _places(machine, target, scope)
        for container, key in places:
            value = container.get(key)
            if not isinstance(value, Const | Either):
                continue
            options = value.alternatives()
            left = [
                each
                for each in options
                if not (_is_off(each) and _decides(machine, atom, each, places, scope) is (not holds))
            ]
            if len(left) < len(options):
                known = either(left) if left else _ruled_out(machine.span(target, scope))
                machine.journal.set_item(container, key, known)


def _ruled_out(span: Span) -> Opaque:
    """An option that has no value left in a branch."""
    return Opaque("it has to be given for this branch", span, Reason.RULED_OUT)


def _is_off(value: Val) -> bool:
    """Whether a default is zero or below, as options have it that nobody gives."""
    if not isinstance(value, Const) or value.origin != "cli-default" or isinstance(value.value, bool):
        return False
    return isinstance(value.value, int | float) and value.value <= 0


def _decides(
    machine: Machine, atom: ast.expr, value: Val, places: list[tuple[dict[str, Val], str]], scope: Scope
) -> bool | None:
    """How a test comes out with one value for what it tests; None if that depends on more."""
    before = [container[key] for container, key in places]
    for container, key in places:
        container[key] = value
    found = machine.evaluate(atom, scope)
    for (container, key), old in zip(places, before, strict=True):
        container[key] = old
    return bool(found.value) if isinstance(found, Const) else None


def _atoms(test: ast.expr, holds: bool) -> Iterator[tuple[ast.Name | ast.Attribute, ast.expr, bool]]:
    """The tests of one name or attribute that a test is made of, and whether they hold where it does (or does not)."""
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, holds = test.operand, not holds
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) == holds:
        for part in test.values:
            yield from _atoms(part, holds)
    elif isinstance(test, ast.Name | ast.Attribute):
        yield test, test, holds
    elif isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.left, ast.Name | ast.Attribute):
        yield test.left, test, holds


def _places(machine: Machine, target: ast.Name | ast.Attribute, scope: Scope) -> list[tuple[dict[str, Val], str]]:
    """Where the value of a name is kept, or that of an attribute of the objects that it may be one of."""
    if isinstance(target, ast.Attribute):
        owner = machine.evaluate(target.value, scope)
        objects = (each for each in owner.alternatives() if isinstance(each, Instance | Object))
        return [(each.attributes, target.attr) for each in objects if target.attr in each.attributes]
    level: Scope | None = scope
    while level is not None and target.id not in level.names:
        level = level.outer
    return [(level.names, target.id)] if level is not None else []
