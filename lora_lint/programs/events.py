"""The events of a run: what happens to its model, except in branches that exclude it."""

from __future__ import annotations

import ast

from lora_lint.records import replace
from lora_lint.run.events import Save, SetAdapter, Train, Unfreeze

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lora_lint.interpreter.definitions import Condition
    from lora_lint.libraries.effects import Happening, ModelRecord
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
    """Whether conditions contradict each other: one test of the same names, taken both ways."""
    for one in some:
        for other in others:
            if one.scope is other.scope:
                opposite = {(text, not holds) for text, holds in _parts(one.test, one.taken)}
                if not opposite.isdisjoint(_parts(other.test, other.taken)):
                    return True
    return False


def _parts(test: ast.expr, taken: bool) -> Iterator[tuple[str, bool]]:
    """A test and those that hold or fail with it, each without its `not`, and its outcome."""
    yield _positive(test, taken)
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, taken = test.operand, not taken
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) is taken:
        for part in test.values:
            yield from _parts(part, taken)


def besides(conditions: tuple[Condition, ...], common: tuple[Condition, ...]) -> list[Condition]:
    """The conditions that do not follow from those of `common`."""
    others = [each for each in conditions if each not in common]
    if not others or not common:
        return others
    held = [(condition.scope, _positive(condition.test, condition.taken)) for condition in common]
    return [each for each in others if (each.scope, _positive(each.test, each.taken)) not in held]


def _positive(test: ast.expr, taken: bool) -> tuple[str, bool]:
    """A test without its `not`, and its outcome."""
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, taken = test.operand, not taken
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        positive = _OPPOSITES.get(type(test.ops[0]))
        if positive is not None:
            return ast.dump(ast.Compare(test.left, [positive()], test.comparators)), not taken
    return ast.dump(test), taken
