"""Freezing and unfreezing: which parameters a statement touches, from the loop and the conditions around it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from lora_lint.interpreter.values import Const, ListVal, Object
from lora_lint.libraries.effects import Part
from lora_lint.run.events import Fragments, Selected

if TYPE_CHECKING:
    from lora_lint.interpreter.definitions import Condition, Scope
    from lora_lint.interpreter.machine import Machine
    from lora_lint.run.events import Selection

Names = tuple[str, ...] | None
"""None: all parameters; (): a selection that could not be read; else fragments of the names that are selected."""

_HARMLESS = frozenset({"requires_grad", "dtype", "ndim", "shape", "is_floating_point", "numel", "data", "device"})


def selected(names: Names) -> Selection:
    """The run's form of a selection."""
    if names is None:
        return Selected.ALL
    return Fragments(names) if names else Selected.UNREADABLE


def split_conditions(machine: Machine, conditions: tuple[Condition, ...]) -> tuple[Names, tuple[Condition, ...]]:
    """Conditions around a freeze or unfreeze, as the selection of names they make and the flags that remain."""
    names: Names = None
    flags: list[Condition] = []
    for condition in conditions:
        subject = _subject(machine, condition.test, condition.scope)
        if subject is None:
            flags.append(condition)
        elif subject == "name":
            names = _both(names, selection(machine, condition.test, condition.taken, condition.scope))
        elif subject == "part":
            names = ()
    return names, tuple(flags)


def _subject(machine: Machine, test: ast.expr, scope: Scope) -> str | None:
    """What a condition is about: the "name" of a parameter, the "part" itself, only its "state", or None of these."""
    found: str | None = None
    for node in ast.walk(test):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in _HARMLESS:
            if _role(node.value, scope) in ("parameter", "module"):
                found = found or "state"
        elif isinstance(node, ast.Name):
            role = _role(node, scope)
            if role == "name":
                return "name"
            if role in ("parameter", "module") and found is None:
                found = "part"
    if found == "part" and any(isinstance(node, ast.Attribute) and node.attr in _HARMLESS for node in ast.walk(test)):
        return "state"
    return found


def _role(node: ast.Name, scope: Scope) -> str | None:
    level: Scope | None = scope
    while level is not None:
        value = level.names.get(node.id)
        if value is not None:
            return value.data.role if isinstance(value, Object) and isinstance(value.data, Part) else None
        level = level.outer
    return None


def _both(a: Names, b: Names) -> Names:
    if a is None:
        return b
    if b is None or any("lora" in name for name in a):
        return a
    return b


def selection(machine: Machine, test: ast.expr, taken: bool, scope: Scope) -> Names:
    """The name fragments that a test of a parameter's name selects."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return selection(machine, test.operand, not taken, scope)
    if isinstance(test, ast.BoolOp):
        parts = [selection(machine, value, taken, scope) for value in test.values]
        union = isinstance(test.op, ast.Or) == taken
        if union:
            return None if None in parts else tuple(name for part in parts if part for name in part)
        result: Names = None
        for part in parts:
            result = _both(result, part)
        return result
    positive = taken
    fragments: Names = ()
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        operator = test.ops[0]
        if isinstance(operator, ast.NotIn | ast.NotEq):
            positive = not positive
        subject = test.left if isinstance(operator, ast.In | ast.NotIn) else test.comparators[0]
        if isinstance(subject, ast.Name) and _role(subject, scope) == "name":
            subject = test.comparators[0] if subject is test.left else test.left
        fragments = _texts(machine, subject, scope)
    elif isinstance(test, ast.Call):
        fragments = _call_fragments(machine, test, scope)
    if not fragments:
        return ()
    return fragments if positive else None


def _call_fragments(machine: Machine, test: ast.Call, scope: Scope) -> tuple[str, ...]:
    function = test.func
    if isinstance(function, ast.Attribute) and function.attr in ("startswith", "endswith", "search", "match", "find"):
        return _texts(machine, test.args[0], scope) if test.args else ()
    if isinstance(function, ast.Name) and function.id in ("any", "all") and test.args:
        generator = test.args[0]
        if isinstance(generator, ast.GeneratorExp | ast.ListComp) and len(generator.generators) == 1:
            return _texts(machine, generator.generators[0].iter, scope)
    return ()


def _texts(machine: Machine, node: ast.expr, scope: Scope) -> tuple[str, ...]:
    value = machine.evaluate(node, scope)
    items = value.items if isinstance(value, ListVal) and not value.open else [value]
    texts = tuple(item.value for item in items if isinstance(item, Const) and isinstance(item.value, str))
    return texts if len(texts) == len(items) else ()
