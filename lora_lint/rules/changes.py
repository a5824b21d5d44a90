"""What a fix changes, in terms of a run's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lora_lint.finding import Add, Tie, Write
from lora_lint.run import ABSENT, Known, known

if TYPE_CHECKING:
    from lora_lint.finding import Change
    from lora_lint.run import Adapter, Run
    from lora_lint.source import Span


def put(adapter: Adapter, field: str, value: Any) -> tuple[Change, ...]:
    """An adapter's field gets a value: where it is written, else beside the other settings. None where the field is one
    of several values, is not known, or is written away from the call, where others may use it too."""
    current = getattr(adapter, field)
    if isinstance(current, Known) and current.span is not None:
        return (Write(current.span, value),) if _own(adapter, current.span) else ()
    if isinstance(current, Known) or current is ABSENT:
        return (Add(adapter.span, adapter.key(field), value),)
    return ()


def _own(adapter: Adapter, span: Span) -> bool:
    """Whether a value is written in the adapter's own call; in a config file it always is."""
    here = adapter.span
    if not here.path.endswith((".py", ".ipynb")):
        return span.path == here.path
    return span.path == here.path and here.start <= span.start and span.end <= here.end


def settled(run: Run) -> bool:
    """Whether rank and alpha are one number each, written in the call or left to the default: no sweep's."""
    adapter = run.adapter
    values = (adapter.rank, adapter.alpha)
    return run.dialect != "wandb" and all(
        isinstance(value, Known) and (value.span is None or _own(adapter, value.span)) for value in values
    )


def all_of(*groups: tuple[Change, ...]) -> tuple[Change, ...]:
    """Changes that only make sense together: none if one of them cannot be made."""
    return tuple(change for group in groups for change in group) if all(groups) else ()


def tied(ranked: list[tuple[int, Run]], ratio: float) -> tuple[Change, ...]:
    """The alphas of a sweep become `ratio` times the ranks."""
    first = ranked[0][1].adapter
    spans = [value.span if isinstance(value := run.adapter.alpha, Known) else None for _, run in ranked]
    written = [span for span in spans if span is not None]
    if len(written) < len(spans):
        return ()
    if len(set(written)) == 1:
        return (Tie(written[0], first.key("rank"), ratio),)
    if len(set(written)) < len(written) or any(known(run.adapter.rank) is None for _, run in ranked):
        return ()
    return tuple(Write(span, ratio * rank) for span, (rank, _) in zip(written, ranked, strict=True))
