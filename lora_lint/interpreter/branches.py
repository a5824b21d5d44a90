"""What the condition of a branch says about options: which way is taken by default, and their values in a branch."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeAlias

from lora_lint.interpreter.definitions import Condition, Instance
from lora_lint.interpreter.values import Const, Either, Object, Opaque, Val, either, left_open
from lora_lint.run.values import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.interpreter.definitions import Scope
    from lora_lint.interpreter.machine import Machine


Replaced: TypeAlias = "list[tuple[dict[str, Val], str, Val, Val]]"
"""Where a branch narrows options: the container and the key, the value before and the value in the branch."""


def usual_branch(machine: Machine, test: ast.expr, scope: Scope) -> int | None:
    """The branch that is taken unless a caller gives an option, 0 if the condition holds; None for other conditions."""
    taken = 1
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, taken = test.operand, 1 - taken
    if isinstance(test, ast.Call):
        # `if isinstance(config, dict): config = Config(**config)`: otherwise it is such an object already.
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


def enter(machine: Machine, test: ast.expr, taken: bool, scope: Scope) -> Replaced:
    """Begins a branch: notes its condition, and narrows options whose defaults do not lead to it.

    In `if args.rank > 0:` the rank is not 0, and in `if args.model == "gpt2":` the model is gpt2. Returns what `leave`
    needs at the end of the branch.
    """
    narrowed: list[tuple[Val, Val]] = []
    replaced: Replaced = []
    for target, atom, holds in _atoms(test, taken):
        places = _places(machine, target, scope)
        for container, key in places:
            value = container.get(key)
            if not isinstance(value, Const | Either):
                continue
            options = value.alternatives()
            out = [
                each
                for each in options
                if _may_be_ruled_out(each) and _decides(machine, atom, each, places, scope) is (not holds)
            ]
            if out:
                left = [each for each in options if each not in out]
                known = either(left) if left else _in_branch(machine, target, atom, holds, scope)
                narrowed += [(each, known) for each in out]
                machine.journal.set_item(container, key, known)
                if isinstance(known, Const):
                    replaced.append((container, key, value, known))
    machine.conditions.append(Condition(test, taken, scope, tuple(narrowed)))
    return replaced


def leave(machine: Machine, replaced: Replaced) -> None:
    """Ends a branch: an option that was compared with a value returns to its default, unless the branch has set it."""
    for container, key, before, inside in replaced:
        if container.get(key) is inside:
            machine.journal.set_item(container, key, before)


def _in_branch(machine: Machine, target: ast.expr, atom: ast.expr, holds: bool, scope: Scope) -> Val:
    """The value of an option in a branch that none of its defaults leads to: the value that it is compared with, if for
    equality."""
    if holds and isinstance(atom, ast.Compare) and isinstance(atom.ops[0], ast.Eq) and atom.left is target:
        equal = machine.evaluate(atom.comparators[0], scope)
        if isinstance(equal, Const) and isinstance(equal.value, str):
            return equal.overridable()
    return Opaque("this branch requires it to be set", machine.span(target, scope), Reason.RULED_OUT)


def _may_be_ruled_out(value: Val) -> bool:
    """Whether a default is a string, or zero or below, like those of options that are not given."""
    if not isinstance(value, Const) or value.origin != "cli-default" or isinstance(value.value, bool):
        return False
    return isinstance(value.value, str) or (isinstance(value.value, int | float) and value.value <= 0)


def _decides(
    machine: Machine, atom: ast.expr, value: Val, places: list[tuple[dict[str, Val], str]], scope: Scope
) -> bool | None:
    """The outcome of a condition with one value for the tested name; None if it depends on more."""
    before = [container[key] for container, key in places]
    for container, key in places:
        container[key] = value
    found = machine.evaluate(atom, scope)
    for (container, key), old in zip(places, before, strict=True):
        container[key] = old
    return bool(found.value) if isinstance(found, Const) else None


def _atoms(test: ast.expr, holds: bool) -> Iterator[tuple[ast.Name | ast.Attribute, ast.expr, bool]]:
    """The tests of one name or attribute in a condition, and whether they hold where the condition does (or
    does not)."""
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, holds = test.operand, not holds
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) == holds:
        for part in test.values:
            yield from _atoms(part, holds)
    elif (target := _target(test)) is not None:
        yield target, test, holds


_SPELLINGS = frozenset({"lower", "upper", "casefold", "strip"})
_TEXT_TESTS = frozenset({"startswith", "endswith", *_SPELLINGS})


def _target(test: ast.expr) -> ast.Name | ast.Attribute | None:
    """The name or attribute that a condition tests: `rank` in `rank > 0`, `args.model` in `"phi" in args.model.lower()`
    and in `args.model.startswith("phi")`."""
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        test = test.comparators[0] if isinstance(test.left, ast.Constant) else test.left
        methods = _SPELLINGS
    else:
        methods = _TEXT_TESTS
    while isinstance(test, ast.Call) and isinstance(test.func, ast.Attribute) and test.func.attr in methods:
        test = test.func.value
    return test if isinstance(test, ast.Name | ast.Attribute) else None


def _places(machine: Machine, target: ast.Name | ast.Attribute, scope: Scope) -> list[tuple[dict[str, Val], str]]:
    """The place where the value of a name is stored, or that of an attribute of the possible objects."""
    if isinstance(target, ast.Attribute):
        owner = machine.evaluate(target.value, scope)
        objects = (each for each in owner.alternatives() if isinstance(each, Instance | Object))
        return [(each.attributes, target.attr) for each in objects if target.attr in each.attributes]
    level: Scope | None = scope
    while level is not None and target.id not in level.names:
        level = level.outer
    return [(level.names, target.id)] if level is not None else []
