"""The plots behind a verdict."""

from __future__ import annotations

import re

import pytest

from lora_lint.finding import Verdict
from lora_lint.report.evidence import evidence


@pytest.mark.parametrize("least", [1e-9, 2.61e-4, 0.0123, 7.0])
def test_numbers_beside_an_axis_are_short(least: float) -> None:
    step = {str(rank): [least * rank, least * rank * 0.9, least * rank * 1.1] for rank in (4, 16, 64)}
    drawn = evidence(Verdict("confirmed", "it grows", device="cpu", measurements={"step": step}))
    beside = re.findall(r'text-anchor="end">([^<]+)</text>', drawn)
    assert len(beside) == 3
    assert all(len(number) <= 6 for number in beside), beside
    assert float(beside[0]) == pytest.approx(least * 4 * 0.9, rel=0.05)
