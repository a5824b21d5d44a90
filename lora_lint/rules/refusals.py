"""LL904, LL905: what the framework's own code rejects, and what it accepts but then ignores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lora_lint.finding import Drop, Finding, Fix, Related
from lora_lint.frameworks import refusals
from lora_lint.knowledge.versions import named, number
from lora_lint.rules.words import place
from lora_lint.run.problems import InvalidValue
from lora_lint.run.values import ABSENT, Known, alternatives

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lora_lint.frameworks.refusals import Hit, Refusal, Table
    from lora_lint.run.given import Given
    from lora_lint.run.run import Run
    from lora_lint.run.values import Value
    from lora_lint.run.versions import Pin
    from lora_lint.source import Span

_LONGEST = 40


def refused_combination(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL904"""
    for given in run.given:
        yield from _findings("LL904", given, run)


def setting_without_effect(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL905"""
    for given in run.given:
        yield from _findings("LL905", given, run)


def refused_settings(given: Given, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL904 for settings that train no LoRA."""
    return _findings("LL904", given)


def ignored_settings(given: Given, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL905 for settings that train no LoRA."""
    return _findings("LL905", given)


def _findings(code: str, given: Given, run: Run | None = None) -> Iterator[Finding]:
    """The rows of a framework that apply to its settings; the first of several that point at one place."""
    table = refusals.table(given.framework)
    if table is None:
        return
    facts: dict[str, Value[Any]] = {"bits": run.model.quantization, "base_model_name": run.model.name} if run else {}

    def holds(row: Refusal) -> bool:
        return row.ignored == (code == "LL905") and _in_version(row, given)

    places: set[Span] = set()
    wrong = {each.span for each in run.problems if isinstance(each, InvalidValue)} if run is not None else set()
    for match in refusals.matches(given, facts, holds):
        span = _span(given.values.get(match.row.key, ABSENT), given)
        rests = {_span(given.values[name], given) for name in match.row.settings if name in given.values}
        if span not in places and wrong.isdisjoint(rests):  # LL902 speaks of a value that is wrong by itself
            places.add(span)
            yield _finding(code, match, given, table)


def _finding(code: str, match: Hit, given: Given, table: Table) -> Finding:
    row, value, title = match.row, given.values.get(match.row.key, ABSENT), _title(table, given.pin)
    what = "ignores" if row.ignored else "refuses"
    when = ", once the model is loaded" if row.late else ""
    setting = (
        f"{_as_set(row.key, value)} here" if row.key in given.values else f"{given.owner or 'this'} without `{row.key}`"
    )
    source = f"{row.source} of {table.version}" if table.version not in title else row.source
    message = f"{title} {what} {setting}{when}: {row.says} ({source}). {row.instead}"
    span = _span(value, given)
    related = tuple(
        Related(other, f"`{name}` is set here")
        for name in row.others
        if name in given.values and (other := _span(given.values[name], given)) != span
    )
    return Finding(
        code, message, span, match.confidence, None, related, _fix(match, given), subjects=alternatives(value)
    )


def _fix(match: Hit, given: Given) -> Fix | None:
    """Leaving the setting out: of one that has no effect, the framework does so itself."""
    row, value = match.row, given.values.get(match.row.key)
    if not isinstance(value, Known) or value.span is None or match.confidence != "certain" or given.beside is not None:
        return None
    name = row.key.rpartition(".")[2]
    changes = (Drop(value.span, name),)
    if row.ignored:
        return Fix("safe", f"Remove `{name}`, which has no effect", changes)
    return Fix("unsafe", f"Remove `{name}`", changes) if row.drop else None


def _in_version(row: Refusal, given: Given) -> bool:
    """Whether the version in use has a row: the newest, unless the project pins an older one."""
    pin = given.pin
    if pin is None:
        return not row.until
    if (since := refusals.since(given.framework, row)) and pin.lacks(number(since)):
        return False
    return not row.until or pin.lacks(number(row.until))


def _title(table: Table, pin: Pin | None) -> str:
    """The framework with its version."""
    return f"{table.title} {table.version}" if pin is None else f"{table.title} before {named(pin.below)} ({pin})"


def _as_set(key: str, value: Value[Any]) -> str:
    """`key=value`; the key alone where its value is long, or not one."""
    plain = isinstance(value, Known) and isinstance(value.value, bool | int | float | str)
    text = f"{key}={value.value!r}" if isinstance(value, Known) and plain else key
    return f"`{text if len(text) <= _LONGEST else key}`"


def _span(value: Value[Any], given: Given) -> Span:
    """Where a setting is written."""
    return place(value, otherwise=getattr(value, "span", None) or given.span)
