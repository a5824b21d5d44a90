"""What is real and what is noise."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint.ablate.comparison import TOLERANCE, contrasts, holm, p_value, pareto
from lora_lint.verify.measurement.statistics import quantile, two_sided

SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=12)
LOSSES = st.lists(st.floats(-10, 10), min_size=2, max_size=8)


@pytest.mark.parametrize(
    ("t", "freedom", "p"),
    [(1.3, 1, 0.41742880), (1.3, 2, 0.32324703), (1.3, 3, 0.28446751), (2.0, 4, 0.11611652), (9.925, 2, 0.00999969)],
)
def test_students_t_is_that_of_scipy(t: float, freedom: int, p: float) -> None:
    assert two_sided(t, freedom) == pytest.approx(p, abs=1e-8)


@given(st.integers(1, 60))
def test_five_percent_lie_beyond_the_quantile(freedom: int) -> None:
    assert two_sided(quantile(freedom), freedom) == pytest.approx(0.05, abs=2e-5)


@given(st.floats(-1e6, 1e6), st.integers(1, 200))
def test_students_t_is_symmetric_and_falls(t: float, freedom: int) -> None:
    p = two_sided(t, freedom)
    assert 0.0 <= p <= 1.0
    assert p == two_sided(-t, freedom)
    assert two_sided(abs(t) + 1.0, freedom) <= p + 1e-12


@given(LOSSES, st.floats(0.01, 100))
def test_p_depends_on_neither_the_unit_nor_the_sign(values: list[float], unit: float) -> None:
    p = p_value(values)
    assert p_value([-each for each in values]) == pytest.approx(p, abs=1e-9)
    if max(map(abs, values)) > 1e-3 and max(values) - min(values) > 1e-6:
        assert p_value([unit * each for each in values]) == pytest.approx(p, abs=1e-6)


def test_p_of_what_does_not_vary() -> None:
    assert p_value([0.0, 0.0, 0.0]) == 1.0
    assert p_value([0.25, 0.25, 0.25]) == 0.0


@given(SHARES)
def test_holm_only_raises_and_keeps_the_order(values: list[float]) -> None:
    adjusted = holm(values)
    assert all(value <= raised <= 1.0 for value, raised in zip(values, adjusted, strict=True))
    ranked = sorted(zip(values, adjusted, strict=True))
    assert [raised for _, raised in ranked] == sorted(adjusted)
    assert min(adjusted) == pytest.approx(min(min(values) * len(values), 1.0))


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_equal_arms_are_seldom_called_different() -> None:
    """Of studies with six arms that differ by noise alone, at most one in twenty claims any difference."""
    draw = random.Random(0)
    claims = 0
    for _ in range(400):
        losses = {f"arm {number}": {seed: draw.gauss(0, 0.03) for seed in range(3)} for number in range(6)}
        found = contrasts(losses, "arm 0")
        claims += any(each.judged in ("better", "worse") for each in found.values())
    assert claims / 400 <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 400)


def test_a_difference_beyond_noise_is_found() -> None:
    base = {0: 2.00, 1: 2.10, 2: 1.95, 3: 2.02}
    losses = {
        "baseline": base,
        "better": {seed: loss - 0.2 + 0.002 * (seed % 2) for seed, loss in base.items()},
        "worse": {seed: loss + 0.3 - 0.003 * (seed % 2) for seed, loss in base.items()},
        "equal": {seed: loss + 0.001 * (seed % 2) for seed, loss in base.items()},
        "open": {seed: loss + 0.2 * (seed % 2) for seed, loss in base.items()},
    }
    found = contrasts(losses, "baseline")
    assert {name: each.judged for name, each in found.items()} == {
        name: name for name in ("better", "worse", "equal", "open")
    }
    assert found["better"].seeds == 4


def test_what_does_not_matter_is_equal_even_beyond_noise() -> None:
    base = {0: 2.0, 1: 2.1, 2: 1.9}
    small = {seed: loss - TOLERANCE / 3 for seed, loss in base.items()}
    assert contrasts({"baseline": base, "small": small}, "baseline")["small"].judged == "equal"


def test_only_seeds_that_both_have_are_compared() -> None:
    base = {0: 2.0, 1: 2.1, 2: 1.9, 3: 50.0}
    found = contrasts({"baseline": base, "arm": {0: 1.0, 1: 1.1, 2: 0.9}, "one": {0: 1.0}}, "baseline")
    assert found.keys() == {"arm"}
    assert found["arm"].difference.mean == pytest.approx(-1.0)


POINTS = st.dictionaries(st.text(max_size=3), st.tuples(st.floats(1, 9), st.floats(1, 9)), max_size=8)


@given(POINTS)
def test_the_front_is_what_nothing_dominates(points: dict[str, tuple[float, float]]) -> None:
    front = pareto(points)
    for name, (size, loss) in points.items():
        beaten = any(
            other[0] <= size and other[1] <= loss and other != (size, loss)
            for other in map(points.get, points)
            if other
        )
        assert (points[name] in [points[each] for each in front]) is not beaten
