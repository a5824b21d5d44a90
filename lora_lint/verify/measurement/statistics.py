"""Means with 95% intervals, exponents and verdicts: the statistics behind measured verdicts.

Every seed sees all arms on the same batches, so effects are taken seed by seed, and the interval comes from their
spread over the seeds (Student's t).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

TOLERANCE = math.log(1.5)
"""Effects below a factor of 1.5 do not matter: less than a third of a step in the usual learning-rate grids."""

_NORMAL = 1.959964
# Two-sided 95% quantiles of Student's t for 1 to 10 degrees of freedom.
_STUDENT = (12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281)

Judgement = Literal["confirmed", "refuted", "inconclusive"]


@dataclass(frozen=True)
class Interval:
    """A mean with its 95% interval."""

    mean: float
    low: float
    high: float

    def exp(self) -> Interval:
        """For logarithms: the geometric mean, a factor."""
        return Interval(_exp(self.mean), _exp(self.low), _exp(self.high))

    def negative(self) -> Interval:
        return Interval(-self.mean, -self.high, -self.low)

    def rounded(self) -> list[float]:
        """Rounded for the measurements: four significant digits, no infinities (JSON has none)."""
        return [float(f"{min(max(each, -1e300), 1e300):.4g}") for each in (self.mean, self.low, self.high)]


def quantile(freedom: int) -> float:
    """The two-sided 95% quantile of Student's t. Beyond the table by the Cornish-Fisher expansion (Abramowitz & Stegun
    26.7.5), right to four digits."""
    if freedom < 1:
        return math.inf
    if freedom <= len(_STUDENT):
        return _STUDENT[freedom - 1]
    z = _NORMAL
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def interval(values: Sequence[float]) -> Interval:
    """The mean of some values, one per seed, with its 95% interval; infinitely wide for a single value."""
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return Interval(mean, -math.inf, math.inf)
    variance = math.fsum((each - mean) ** 2 for each in values) / (len(values) - 1)
    half = quantile(len(values) - 1) * math.sqrt(variance / len(values))
    return Interval(mean, mean - half, mean + half)


def slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """The least-squares slope of ys over xs; for logarithms it is an exponent. Needs two different xs."""
    middle = math.fsum(xs) / len(xs)
    centre = math.fsum(ys) / len(ys)
    across = math.fsum((x - middle) * (y - centre) for x, y in zip(xs, ys, strict=True))
    return across / math.fsum((x - middle) ** 2 for x in xs)


def exponent(ranks: Sequence[int], by_seed: Sequence[Sequence[float]]) -> Interval:
    """p in "proportional to r^p": `by_seed` holds, for each seed, the (positive) value at each rank."""
    xs = [math.log(rank) for rank in ranks]
    return interval([slope(xs, [math.log(value) for value in values]) for values in by_seed])


def judge(effect: Interval, tolerance: float = TOLERANCE) -> Judgement:
    """Whether an effect supports the claim that it is above `tolerance`: confirmed if the whole interval lies above,
    refuted if all of it lies below (within the tolerance, or on the other side), inconclusive if it straddles it."""
    if effect.low > tolerance:
        return "confirmed"
    return "refuted" if effect.high < tolerance else "inconclusive"


def _exp(value: float) -> float:
    return math.exp(min(value, 690.0)) if value > -math.inf else 0.0
