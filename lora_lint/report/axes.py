"""The axes of plots: from values to places, and the round numbers along them."""

from __future__ import annotations

import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def axis(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """From a value to its place, where `low` is at `start` and `high` at `end`."""
    span = (high - low) or 1.0
    return lambda value: start + (value - low) / span * (end - start)


def round_numbers(low: float, high: float) -> list[float]:
    """Round numbers between two values, four to eight of them."""
    span = (high - low) or 1.0
    unit = 10.0 ** math.floor(math.log10(span))
    step = next(unit * part for part in (0.2, 0.5, 1.0, 2.0) if span / (unit * part) <= 8)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(place * step, 12) for place in range(first, last + 1)]
