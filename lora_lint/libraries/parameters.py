"""Freezing and unfreezing: which parameters a statement touches, from the loop and the conditions around it."""

from __future__ import annotations

import ast

from lora_lint.interpreter.values import Object
from lora_lint.libraries.convert import as_list, text_of
from lora_lint.libraries.effects import Part
from lora_lint.records import replace
from lora_lint.run.events import Fragments, Selected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from lora_lint.interpreter.definitions import Condition, Scope
    from lora_lint.interpreter.machine import Machine
    from lora_lint.libraries.effects import Role
    from lora_lint.run.events import Selection

_TRAINED = Fragments(("lora_",), by_state=True)
"""What trains in a model that has an adapter, if nothing else was made trainable."""
_HARMLESS = frozenset({"requires_grad", "dtype", "ndim", "shape", "is_floating_point", "numel", "data", "device"})


def split_conditions(
    machine: Machine, conditions: tuple[Condition, ...], selected: Selection = Selected.ALL
) -> tuple[Selection, tuple[Condition, ...]]:
    """Conditions around a freeze or unfreeze of some parameters, as the selection of names that is left and the flags
    that remain."""
    flags: list[Condition] = []
    for condition in conditions:
        left = _left_of(machine, selected, condition.test, condition.taken, condition.scope)
        if left is None:
            flags.append(condition)
        else:
            selected = left
    return selected, tuple(flags)


def _left_of(machine: Machine, selected: Selection, test: ast.expr, taken: bool, scope: Scope) -> Selection | None:
    """What a condition leaves of a selection; None if it is about something else."""
    subject = _subject(machine, test, scope)
    if subject == "name":
        return _both(selected, selection(machine, test, taken, scope))
    if subject == "part":
        return Selected.UNREADABLE
    return selected if subject == "state" else None


def choice(machine: Machine, element: Object, tests: list[ast.expr], scope: Scope) -> Object:
    """The parameters of a model that the conditions of a comprehension keep: `[p for p in … if p.requires_grad]`."""
    part = element.data
    if not isinstance(part, Part) or part.role != "parameter":
        return element
    selected = part.selection
    for test in tests:
        trained = only_trained(test, True, scope)
        selected = _TRAINED if trained else _left_of(machine, selected, test, True, scope) or Selected.UNREADABLE
    return Object(element.callee, element.arguments, element.span, replace(part, selection=selected))


def only_trained(test: ast.expr, taken: bool, scope: Scope) -> bool:
    """Whether a condition leaves only parameters that train already, as `if parameter.requires_grad:` does."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return only_trained(test.operand, not taken, scope)
    if isinstance(test, ast.BoolOp):
        return isinstance(test.op, ast.And) == taken and any(only_trained(each, taken, scope) for each in test.values)
    if not isinstance(test, ast.Attribute) or test.attr != "requires_grad" or not isinstance(test.value, ast.Name):
        return False
    return taken and _role(test.value, scope) == "parameter"


def _subject(machine: Machine, test: ast.expr, scope: Scope) -> Literal["name", "part", "state"] | None:
    """What a condition is about: the "name" of a parameter, the "part" itself, only its "state", or none of these."""
    found: Literal["part", "state"] | None = None
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


def _role(node: ast.Name, scope: Scope) -> Role | None:
    level: Scope | None = scope
    while level is not None:
        value = level.names.get(node.id)
        if value is not None:
            return value.data.role if isinstance(value, Object) and isinstance(value.data, Part) else None
        level = level.outer
    return None


def _both(a: Selection, b: Selection) -> Selection:
    """The intersection of two selections, as far as fragments can express it."""
    if b is Selected.ALL or (isinstance(a, Fragments) and any("lora" in name for name in a.names)):
        return a
    return b


def selection(machine: Machine, test: ast.expr, taken: bool, scope: Scope) -> Selection:
    """The name fragments that a condition on a parameter's name selects."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return selection(machine, test.operand, not taken, scope)
    if isinstance(test, ast.BoolOp):
        parts = [selection(machine, value, taken, scope) for value in test.values]
        union = isinstance(test.op, ast.Or) == taken
        if union:
            named = [name for part in parts if isinstance(part, Fragments) for name in part.names]
            return Selected.ALL if Selected.ALL in parts else _named(tuple(named))
        result: Selection = Selected.ALL
        for part in parts:
            result = _both(result, part)
        return result
    positive = taken
    fragments: tuple[str, ...] = ()
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
    return _named(fragments) if positive or not fragments else Selected.ALL


def _named(fragments: tuple[str, ...]) -> Selection:
    return Fragments(fragments) if fragments else Selected.UNREADABLE


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
    items = as_list(value)
    texts = tuple(text for item in items if (text := text_of(item)) is not None)
    return texts if len(texts) == len(items) else ()
