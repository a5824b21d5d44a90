"""A run in the cases that callers choose by options: the values that go together.

`if args.model == "phi": targets = [...]` leaves a target list that holds in one case only. The case travels with the
value (`Known.under`), so that a run can be read as it is in each case: its model with the targets that belong to it.
"""

from __future__ import annotations

from itertools import chain, combinations, product

from lora_lint.records import replace
from lora_lint.run.choices import caller, exclude
from lora_lint.run.values import Choices, Known, Reason, Unknown, alternatives

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from lora_lint.run.choices import Case
    from lora_lint.run.run import Run
    from lora_lint.run.values import Value

_MOST = 8
"""The most cases of a run that are looked at."""


def within(run: Run, case: Case) -> Run:
    """The run in one case: of values that depend on a choice, those that go together with it."""
    changed: dict[str, Any] = {}
    for part in ("adapter", "model", "dataset", "training"):
        record = getattr(run, part)
        kept = {name: _within(value, case) for name, value in _values(record) if _under(value)}
        if kept:
            changed[part] = replace(record, **kept)
    return replace(run, **changed) if changed else run


def together(*values: Value[Any]) -> Iterator[tuple[Known[Any], ...]]:
    """Every combination of what some values may be, but for those that no call of the program leads to."""
    for found in product(*map(alternatives, values)):
        if not any(exclude(one.under, other.under) for one, other in combinations(found, 2)):
            yield found


def each_case(run: Run) -> Iterator[tuple[Run, str]]:
    """The run in the cases that callers choose: first as it is by default, then in each case that has another model or
    other targets; each with how callers choose it. None where nothing depends on an option."""
    chosen = (*_options(run.model.name), *_options(run.adapter.target_modules))
    every = chain.from_iterable(_options(value) for part in _parts(run) for _, value in _values(part))
    usual = next((each.under for each in every if each.under and caller(each.under) == ""), None)
    found = {"": usual} if usual is not None else {}
    for each in chosen:
        said = caller(each.under)
        if said and len(found) <= _MOST:
            found.setdefault(said, each.under)
    for said, case in found.items():
        yield _sure(within(run, case), said), said


def _sure(run: Run, said: str) -> Run:
    """A run in a case, without a model or targets that are computed from the default of some option: it may be the one
    that the case gives another value."""
    if not said:
        return run
    name, targets = (_computed(value) for value in (run.model.name, run.adapter.target_modules))
    return replace(run, model=replace(run.model, name=name), adapter=replace(run.adapter, target_modules=targets))


def _computed(value: Value[Any]) -> Value[Any]:
    if isinstance(value, Known) and value.origin == "cli-default" and not value.under:
        return Unknown("it depends on an option", value.span, Reason.OPTIONAL)
    return value


def _parts(run: Run) -> tuple[Any, ...]:
    return run.adapter, run.model, run.dataset, run.training


def _values(record: Any) -> list[tuple[str, Any]]:
    return [(name, getattr(record, name)) for name in type(record).__match_args__]


def _under(value: Any) -> bool:
    """Whether a value, or one of its alternatives, depends on a choice."""
    return bool(value.under) if isinstance(value, Known) else any(each.under for each in _options(value))


def _options(value: Any) -> tuple[Known[Any], ...]:
    return value.options if isinstance(value, Choices) else ()


def _within(value: Value[Any], case: Case) -> Value[Any]:
    alternatives = (value,) if isinstance(value, Known) else _options(value)
    left = tuple(each for each in alternatives if not exclude(each.under, case))
    if not left:
        return Unknown("it depends on an option", reason=Reason.OPTIONAL)
    return left[0] if len(left) == 1 else Choices(left)
