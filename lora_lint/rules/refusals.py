"""LL904, LL905: what the framework's own code rejects, and what it accepts but then ignores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lora_lint.finding import Drop, Finding, Fix, Related
from lora_lint.frameworks import refusals
from lora_lint.knowledge.versions import named, number
from lora_lint.rules.words import listed, place
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
    found: dict[str | Span, list[Hit]] = {}
    wrong = {each.span for each in run.problems if isinstance(each, InvalidValue)} if run is not None else set()
    for match in refusals.matches(given, facts, holds):
        span = _span(given.values.get(match.row.key, ABSENT), given)
        rests = {_span(given.values[name], given) for name in match.row.settings if name in given.values}
        if span not in places and wrong.isdisjoint(rests):  # LL902 speaks of a value that is wrong by itself
            places.add(span)
            found.setdefault(match.row.cause or span, []).append(match)
    for matches in found.values():
        yield _finding(code, matches, given, table)


def _finding(code: str, matches: list[Hit], given: Given, table: Table) -> Finding:
    """What rows of one cause say: at the first one's setting, with those of the others, and what they collide with, as
    related places."""
    row, title = matches[0].row, _title(table, given.pin)
    what = "ignores" if row.ignored else "refuses"
    when = ", once the model is loaded" if row.late else ""
    keys = [match.row.key for match in matches]
    values = [given.values.get(key, ABSENT) for key in keys]
    setting = (
        f"{listed(_as_set(key, value) for key, value in zip(keys, values, strict=True))} here"
        if row.key in given.values
        else f"{given.owner or 'this'} without `{row.key}`"
    )
    source = f"{row.source} of {table.version}" if table.version not in title else row.source
    message = f"{title} {what} {setting}{when}: {row.says} ({source}). {row.instead}"
    span = _span(values[0], given)
    others = dict.fromkeys((*keys[1:], *(other for match in matches for other in match.row.others)))
    related = tuple(
        Related(place, f"`{name}` is set here")
        for name in others
        if name in given.values and (place := _span(given.values[name], given)) != span
    )
    known = tuple(known for value in values for known in alternatives(value))
    return Finding(code, message, span, matches[0].confidence, None, related, _fix(matches, given), subjects=known)


def _fix(matches: list[Hit], given: Given) -> Fix | None:
    """Leaving the settings out: of one that has no effect, the framework does so itself."""
    changes: list[Drop] = []
    for match in matches:
        value = given.values.get(match.row.key)
        certain = match.confidence == "certain" and given.beside is None
        if not certain or not isinstance(value, Known) or value.span is None:
            return None
        if not match.row.drop and not match.row.ignored:
            return None
        changes.append(Drop(value.span, match.row.key.rpartition(".")[2]))
    names = listed(f"`{change.key}`" for change in changes)
    if matches[0].row.ignored:
        return Fix("safe", f"Remove {names}, which {'has' if len(changes) == 1 else 'have'} no effect", tuple(changes))
    return Fix("unsafe", f"Remove {names}", tuple(changes))


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
