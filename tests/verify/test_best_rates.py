"""LL101 beyond the first step: the best of a few learning rates at two ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lora_lint.verify.measurement import best_rates
from lora_lint.verify.measurement.training import Curve
from tests.support import small_model
from tests.support.measured import alone, of, settled  # noqa: F401
from tests.support.runs import lit
from tests.verify.test_training import on_data, write_data

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint.finding import Verdict

pytestmark = pytest.mark.usefixtures("alone")
TINY = str(small_model.tiny())


def sweep_on_data(folder: Path) -> Verdict:
    data = write_data(folder, 32)
    return settled("LL101", *[on_data(rank, data, 32, model=TINY, batch_size=lit(2)) for rank in (4, 16)], seeds=3)


def test_the_rate_with_the_lowest_loss_is_named_for_each_rank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(best_rates, "STEPS", 3)
    monkeypatch.setattr(best_rates, "SEEDS", 1)
    verdict = sweep_on_data(tmp_path)
    found = verdict.measurements["best_rates"]
    assert set(found) == {"4", "16"}
    for each in found.values():
        assert len(each["losses"]) == 3
        assert f"{each['rate']:g}" == min(each["losses"], key=each["losses"].__getitem__)
    assert "After 3 steps the best of 3 rates is" in verdict.reason


def test_rates_that_differ_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A higher rank that wants a lower rate, planted."""

    def planted(_: Any, __: Any, ___: Any, treatment: Any, *____: Any) -> Curve:
        wanted = 8e-3 if treatment.arm.rank == 4 else 5e-4
        return Curve((3.0, 2.0 + abs(treatment.rate - wanted)), 1.0)

    monkeypatch.setattr(best_rates, "train", planted)
    verdict = sweep_on_data(tmp_path)
    assert "is 0.008 at r=4 and 0.0005 at r=16" in verdict.reason


def test_without_data_the_first_step_stands_alone() -> None:
    verdict = settled("LL101", *[of(rank, 16, model=TINY, batch_size=lit(2)) for rank in (4, 16)], seeds=3)
    assert verdict.measurements["best_rates"].startswith("not measured: the data set is not known")
    assert "best of" not in verdict.reason
