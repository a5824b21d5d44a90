"""A planted truth is found: one repetition of what `benchmarks/ablate.py truth` repeats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks import ablate
from scripts import train_small_model
from tests.support.measured import alone  # noqa: F401

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.usefixtures("alone"), pytest.mark.slow]


def test_the_planted_order_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("HIDDEN", "LAYERS", "HEADS", "INNER"):  # a shape is set for good
        monkeypatch.setattr(train_small_model, name, getattr(train_small_model, name))
    monkeypatch.chdir(tmp_path)
    model = ablate.trained(next(iter(ablate.SHAPES)), tmp_path)
    ablate.truth(range(1), model, steps=20)
    told = capsys.readouterr().out
    assert "found in 1 of 1 repetitions" in told, told
