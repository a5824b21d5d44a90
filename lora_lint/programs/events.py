"""The events of a run: what happens to its model, except in branches that exclude it."""

from __future__ import annotations

import ast
from functools import lru_cache

from lora_lint.interpreter.values import Const
from lora_lint.readers.python import without_not
from lora_lint.records import replace
from lora_lint.run import choices
from lora_lint.run.events import Save, SetAdapter, Train, Unfreeze

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lora_lint.interpreter.definitions import Condition, Scope
    from lora_lint.interpreter.values import Val
    from lora_lint.libraries.effects import Happening, ModelRecord
    from lora_lint.run.choices import Case
    from lora_lint.run.events import Event
    from lora_lint.source import Span

_OPPOSITES: Mapping[type[ast.cmpop], type[ast.cmpop]] = {ast.IsNot: ast.Is, ast.NotEq: ast.Eq, ast.NotIn: ast.In}


def events_of(model: ModelRecord, common: tuple[Condition, ...]) -> tuple[Event, ...]:
    """The events of a run that is created under the conditions `common`, without those of other branches."""
    own = (happening for happening in model.events if not exclude(happening.conditions, common))
    return tuple(_once(_event(happening, common, _repeats(happening, model)) for happening in own))


def _once(events: Iterable[Event]) -> Iterator[Event]:
    """Events without repeats: the turns of a loop repeat the same ones. Trainings and saves of another adapter, which a
    turn has activated before them, are not the same."""
    seen: set[Event] = set()
    for event in events:
        if event in seen:
            continue
        if isinstance(event, SetAdapter):
            seen = {earlier for earlier in seen if not isinstance(earlier, Train | Save)}
        seen.add(event)
        yield event


def _event(happening: Happening, common: tuple[Condition, ...], loop: Span | None) -> Event:
    flags = besides(happening.conditions, common)
    flag = None
    if flags:
        text = ast.unparse(flags[-1].test)
        flag = text if flags[-1].taken else f"not ({text})"
    event = replace(happening.event, flag=flag, loop=loop)
    if isinstance(event, Unfreeze) and any(choice.usual is False for each in flags for choice in each.case):
        return replace(event, asked=True)
    return event


def _repeats(happening: Happening, model: ModelRecord) -> Span | None:
    """The loop in which something happens to the same model again and again."""
    step = happening.loop
    if step is None:
        return None
    alike = (other for other in model.events if isinstance(other.event, type(happening.event)))
    others = (other.loop for other in alike if other.loop is not None)
    again = any(other.span == step.span and other.turn != step.turn for other in others)
    return step.span if step.kind == "vague" or again else None


def exclude(some: tuple[Condition, ...], others: tuple[Condition, ...]) -> bool:
    """Whether conditions contradict each other: one test of the same names, taken both ways, two different values of
    one name, or what callers choose to get to both."""
    if any(_opposed(one, other) and _of_same_values(one, other) for one in some for other in others):
        return True
    return choices.exclude(_case(some), _case(others))


def _case(conditions: tuple[Condition, ...]) -> Case:
    """What callers choose to get where some conditions hold."""
    return tuple(choice for condition in conditions for choice in condition.case)


def _opposed(one: Condition, other: Condition) -> bool:
    """Whether two conditions, as they are written, contradict each other if their names mean the same."""
    mine, theirs = _parts(one.test, one.taken), _parts(other.test, other.taken)
    if any((text, not holds) in theirs for text, holds in mine):
        return True
    (values, not_mine), (others, not_theirs) = (
        (_values(each.test, each.taken), _values(each.test, each.taken, named=False)) for each in (one, other)
    )
    apart = any(left in others and _differ(named, others[left]) for left, named in values.items())
    return apart or _ruled_out(values, not_theirs) or _ruled_out(others, not_mine)


def _of_same_values(one: Condition, other: Condition) -> bool:
    """Whether the names in two conditions mean the same: in one scope, or because functions were given the same
    settings."""
    if one.scope is other.scope:
        return True
    names = _names(one.test)
    pairs = [(_value(name, one.scope), _value(name, other.scope)) for name in names]
    return bool(names) and names == _names(other.test) and all(_is_one(*pair) for pair in pairs)


def _is_one(mine: Val | None, theirs: Val | None) -> bool:
    """Whether two values are one object; equal constants may come from anywhere."""
    return mine is theirs and mine is not None and not isinstance(mine, Const)


def _value(name: str, scope: Scope | None) -> Val | None:
    while scope is not None and name not in scope.names:
        scope = scope.outer
    return None if scope is None else scope.names[name]


@lru_cache(maxsize=4096)
def _names(test: ast.expr) -> frozenset[str]:
    return frozenset(node.id for node in ast.walk(test) if isinstance(node, ast.Name))


@lru_cache(maxsize=4096)
def _parts(test: ast.expr, taken: bool) -> frozenset[tuple[str, bool]]:
    """What `_all_parts` gives, as texts that can be compared."""
    return frozenset(_positive(*part) for part in _all_parts(test, taken))


def _all_parts(test: ast.expr, taken: bool) -> Iterator[tuple[ast.expr, bool]]:
    """A test and those that hold or fail with it, each without its `not`, and its outcome."""
    test, taken = without_not(test, taken)
    yield test, taken
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) is taken:
        for part in test.values:
            yield from _all_parts(part, taken)


@lru_cache(maxsize=4096)
def _values(test: ast.expr, taken: bool, named: bool = True) -> Mapping[str, tuple[ast.expr, ...]]:
    """What a test says that things are (or are not), by how these are written: `mode == "eval"`,
    `mode in ("train", "resume")`."""
    found: dict[str, tuple[ast.expr, ...]] = {}
    for part, holds in _all_parts(test, taken):
        if isinstance(part, ast.Compare) and len(part.ops) == 1 and type(part.ops[0]) in _EQUALS[holds is named]:
            right = part.comparators[0]
            listed = isinstance(part.ops[0], ast.In | ast.NotIn)
            if not listed:
                found[ast.dump(part.left)] = (right,)
            elif isinstance(right, ast.Tuple | ast.List | ast.Set):
                found[ast.dump(part.left)] = tuple(right.elts)
    return found


def _ruled_out(values: Mapping[str, tuple[ast.expr, ...]], left_out: Mapping[str, tuple[ast.expr, ...]]) -> bool:
    """Whether something is none of the values that are asked for."""
    return any(left in left_out and _among(named, left_out[left]) for left, named in values.items())


def _among(some: Iterable[ast.expr], others: Iterable[ast.expr]) -> bool:
    named = {ast.dump(each) for each in others}
    return all(ast.dump(each) in named for each in some)


_EQUALS = ((ast.NotEq, ast.NotIn), (ast.Eq, ast.In))
"""The comparisons that name a value where they fail, and where they hold."""


def _differ(some: Iterable[ast.expr], others: Iterable[ast.expr]) -> bool:
    """Whether no value is among others: of constants, or of members of one enumeration."""
    return all(_are_different(one, other) for one in some for other in others)


def _are_different(one: ast.expr, other: ast.expr) -> bool:
    if isinstance(one, ast.Constant) and isinstance(other, ast.Constant):
        return bool(one.value != other.value)
    if isinstance(one, ast.Attribute) and isinstance(other, ast.Attribute):
        return one.attr != other.attr and one.attr.isupper() and ast.dump(one.value) == ast.dump(other.value)
    return False


def besides(conditions: tuple[Condition, ...], common: tuple[Condition, ...]) -> list[Condition]:
    """The conditions that do not follow from those of `common`."""
    others = [each for each in conditions if each not in common]
    if not others or not common:
        return others
    held = [(condition.scope, _positive(condition.test, condition.taken)) for condition in common]
    return [each for each in others if (each.scope, _positive(each.test, each.taken)) not in held]


def _positive(test: ast.expr, taken: bool) -> tuple[str, bool]:
    """A test without its `not`, and its outcome."""
    test, taken = without_not(test, taken)
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        positive = _OPPOSITES.get(type(test.ops[0]))
        if positive is not None:
            return ast.dump(ast.Compare(test.left, [positive()], test.comparators)), not taken
    return ast.dump(test), taken
