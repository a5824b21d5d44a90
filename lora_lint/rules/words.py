"""Words and numbers in messages, and the confidence of findings."""

from __future__ import annotations

from lora_lint.finding import CONFIDENCES, Finding
from lora_lint.records import replace
from lora_lint.run.cases import together
from lora_lint.run.values import Choices, Known, alternatives

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from lora_lint.finding import Confidence, Fix, Level, Related
    from lora_lint.run.events import Event
    from lora_lint.run.values import Value
    from lora_lint.source import Span

_SHOWN = 12
_OPENINGS = frozenset(
    "A All An Any As At Both Each Every Everything For From If In It Its No None Nothing Of On Only Some Targets The "
    "These This Those Under Weights With".split()
)
"""Words at the start of a message that have no capital within a sentence."""


def number(value: float) -> str:
    """A number as people write it: 16, 0.25, 41,943,040; three digits if it has no end."""
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}" if abs(value) < 1e15 else f"{value:.3g}"
    return f"{value:.3g}"


def size_text(count: int) -> str:
    """A number of bytes for people, in powers of 1000."""
    amount = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 999.5:  # which is shown as 1e+03
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} TB"


def listed(items: Iterable[str], word: str = "and") -> str:
    """a, b and c; long lists are shortened. An empty list is "nothing"."""
    shown = list(items) or ["nothing"]
    if len(shown) > _SHOWN:
        shown = [*shown[: _SHOWN - 1], f"{len(shown) - _SHOWN + 1} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {word} {shown[-1]}"


def names(items: Iterable[str], word: str = "and") -> str:
    """`a`, `b` and `c`."""
    every = [f"`{item}`" for item in items]
    if len(every) > _SHOWN:
        return listed([*every[: _SHOWN - 1], f"{len(every) - _SHOWN + 1} more"], word)
    return listed(every, word)


def plural(count: int, noun: str) -> str:
    """1 example, 2,000 examples."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def in_epochs(epochs: float) -> str:
    """A number of passes over the data: `1 epoch`, `2.5 epochs`."""
    return f"{number(epochs)} epoch{'' if epochs == 1 else 's'}"


def least(*confidences: Confidence) -> Confidence:
    """The lowest of some confidences."""
    return CONFIDENCES[max(CONFIDENCES.index(each) for each in confidences)]


def surety(*values: Value[Any]) -> Confidence:
    """certain if all values are explicit or fixed, likely if one is only a default that a caller may override."""
    overridable = any(known.origin == "cli-default" for value in values for known in alternatives(value))
    return "likely" if overridable else "certain"


def happening(*events: Event, flagged: Confidence = "likely") -> Confidence:
    """certain if all events happen whenever the program runs, `flagged` if one depends on a condition."""
    return "certain" if all(event.flag is None for event in events) else flagged


def every_case(*values: Value[Any]) -> Iterator[tuple[Any, ...]]:
    """Every combination that the values may have; none if one of them is unknown."""
    return (tuple(known.value for known in found) for found in together(*values))


def some_case(value: Value[Any]) -> Iterator[tuple[Known[Any], Confidence]]:
    """Each alternative of a value with its confidence: for problems that do not depend on another value."""
    for known in alternatives(value):
        doubtful = isinstance(value, Choices) or known.origin == "cli-default"
        yield known, "likely" if doubtful else "certain"


def in_case(finding: Finding, said: str) -> Finding:
    """A finding that holds where callers choose so, "with `--phi`"; with "" where they do not choose otherwise."""
    message = finding.message
    if said:
        first, rest = message[:1], message[1:]
        plain = message.partition(" ")[0] in _OPENINGS
        message = f"{said[:1].upper()}{said[1:]}, {first.lower() if plain else first}{rest}"
    return replace(finding, message=message, confidence=least(finding.confidence, "likely"))


def place(*values: Value[Any] | Known[Any], otherwise: Span) -> Span:
    """Where the first explicit value is written."""
    for value in values:
        for known in alternatives(value):
            if known.span is not None:
                return known.span
    return otherwise


def subjects(*values: Value[Any]) -> tuple[Known[Any], ...]:
    """The explicit values that a finding rests on."""
    return tuple(known for value in values for known in alternatives(value) if known.span or known.written)


def resting(
    code: str,
    message: str,
    *values: Value[Any],
    otherwise: Span,
    span: Span | None = None,
    also: tuple[Value[Any], ...] = (),
    doubt: Confidence = "certain",
    level: Level | None = None,
    related: tuple[Related, ...] = (),
    fix: Fix | None = None,
    figure: float | None = None,
) -> Finding:
    """A finding that rests on values, the first of which is wrong: it points there, or at `otherwise` if that is not
    explicit, and has the lowest confidence of them and `doubt`.

    `span` is a more precise place. `also` are values that the message mentions, but that could differ without making it
    wrong.
    """
    return Finding(
        *(code, message, span or place(*values[:1], otherwise=otherwise), least(doubt, surety(*values))),
        *(level, related, fix, figure),
        subjects=subjects(*values, *also),
    )


def setting(key: str, value: Any) -> str:
    """`lora_r=8`, as Python or a config would have it."""
    return f"`{key}={number(value) if isinstance(value, float) else value}`"


def spread(ranks: Sequence[int]) -> str:
    """8, 16 and 32; the ends of a long range."""
    return listed([str(rank) for rank in ranks]) if len(ranks) <= 5 else f"{ranks[0]} to {ranks[-1]}"
