"""What a fix changes, in terms of a run's settings."""

from __future__ import annotations

from lora_lint.finding import Add, Drop, Fix, Tie, Write
from lora_lint.knowledge import versions
from lora_lint.run.values import ABSENT, Known, Unknown, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from lora_lint.finding import Change
    from lora_lint.run.run import Adapter, Run
    from lora_lint.source import Span


def put(adapter: Adapter, field: str, value: Any) -> tuple[Change, ...]:
    """Sets an adapter's field, where it is written or else next to the other settings. None if the field has several
    values or an unknown one, or if the program may not read the key."""
    current = getattr(adapter, field)
    if isinstance(current, Known) and current.span is not None:
        return (Write(current.span, value, _taker(adapter, current.span)),)
    if (isinstance(current, Known) or current is ABSENT) and not known(adapter.reader_unknown):
        return (Add(adapter.span, adapter.key(field), value),)
    return ()


def giving_effect(applicability: Literal["safe", "unsafe"], message: str, *changes: Change) -> Fix:
    """A fix that activates a setting that had no effect, so that any rule may report it from then on."""
    return Fix(applicability, f"{message}; other rules may then apply", changes, ("LL",))


def put_targets(adapter: Adapter, left: tuple[str, ...]) -> tuple[Change, ...]:
    """Reduces the targets to those that are left; none if nothing is, which PEFT rejects unless parameters are adapted
    (0.21.2, tuners/tuners_utils.py, inject_adapter)."""
    return put(adapter, "target_modules", left) if left else ()


def settable(run: Run, field: str) -> bool:
    """Whether the run's configuration has a setting of LoraConfig, in the versions that the project pins."""
    adapter = run.adapter
    return (
        run.framework.can(field)
        and (not adapter.keys or field in adapter.keys)
        and versions.without(run, field) is None
    )


def in_four_digits(alpha: float) -> float:
    """Alpha as a fix writes it."""
    return float(f"{alpha:.4g}")


def put_alpha(run: Run, alpha: float) -> tuple[Change, ...]:
    """Sets alpha; none if the framework accepts only integers and this is not one."""
    value = in_four_digits(alpha)
    return put(run.adapter, "alpha", value) if run.framework.takes_alpha(value) else ()


def drop(adapter: Adapter, field: str) -> tuple[Change, ...]:
    """Removes an adapter's field, where it is written."""
    current = getattr(adapter, field)
    if not isinstance(current, Known) or current.span is None:
        return ()
    return (Drop(current.span, adapter.key(field), _taker(adapter, current.span)),)


def drop_given(run: Run, key: str) -> tuple[Change, ...]:
    """Removes a setting of the adapter that has no field, where it is written."""
    adapter = run.adapter
    values = [given.values.get(key, ABSENT) for given in run.given]
    spans = [value.span for value in values if isinstance(value, (Known, Unknown)) and value.span is not None]
    return tuple(Drop(span, key, _taker(adapter, span)) for span in spans)


def beside(adapter: Adapter, changes: tuple[Change, ...], *fields: str) -> tuple[Change, ...]:
    """Changes that depend on other fields staying the same: each of those is written as one value that only this
    adapter uses, and nothing else changes it meanwhile."""
    kept = [getattr(adapter, field) for field in fields] if changes else []
    return (
        *changes,
        *(
            Write(value.span, value.value, _taker(adapter, value.span))
            for value in kept
            if isinstance(value, Known) and value.span is not None
        ),
    )


def _taker(adapter: Adapter, span: Span) -> Span | None:
    """The adapter's call where a value is not written in it, and others may use it too; in a config file it always is
    the adapter's own."""
    here = adapter.span
    if not here.path.endswith((".py", ".ipynb", ".sh")) and span.path == here.path:
        return None
    return None if here.holds(span) else here


def settled(run: Run) -> bool:
    """Whether rank and alpha are one number each, written or default, and so not part of a sweep."""
    adapter = run.adapter
    return not run.framework.searches and all(isinstance(value, Known) for value in (adapter.rank, adapter.alpha))


def uniform(adapter: Adapter) -> bool:
    """Whether all layers have the same rank and alpha, without a pattern."""
    return all(known(pattern) == {} for pattern in (adapter.rank_pattern, adapter.alpha_pattern))


def all_of(*groups: tuple[Change, ...]) -> tuple[Change, ...]:
    """Changes that only make sense together: none if one of them is impossible."""
    return tuple(change for group in groups for change in group) if all(groups) else ()


def tied(ranked: list[tuple[int, Run]], ratio: float) -> tuple[Change, ...]:
    """Sets the alphas of a sweep to `ratio` times the ranks."""
    first = ranked[0][1].adapter
    spans = [value.span if isinstance(value := run.adapter.alpha, Known) else None for _, run in ranked]
    written = [span for span in spans if span is not None]
    if not written and len({run.adapter.span for _, run in ranked}) == 1:
        return (Tie(first.span, first.key("rank"), ratio, first.key("alpha")),)
    if len(written) < len(spans):
        return ()
    if len(set(written)) == 1:
        return (Tie(written[0], first.key("rank"), ratio),)
    if len(set(written)) < len(written) or any(known(run.adapter.rank) is None for _, run in ranked):
        return ()
    if not all(run.framework.takes_alpha(ratio * rank) for rank, run in ranked):
        return ()
    return tuple(Write(span, ratio * rank) for span, (rank, _) in zip(written, ranked, strict=True))
