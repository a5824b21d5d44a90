"""The experiments that train: ranks, targets and learning rates side by side on the run's own examples."""

from __future__ import annotations

import inspect
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lora_lint.rules.scale import Arm
from lora_lint.run.run import Dataset
from lora_lint.verify.experiment import Skip
from lora_lint.verify.measurement import capacity, rates
from lora_lint.verify.measurement.optimizers import optimizer_of
from lora_lint.verify.measurement.statistics import Interval
from tests.support import small_model
from tests.support.measured import alone, of, settled  # noqa: F401
from tests.support.runs import lit, one

if TYPE_CHECKING:
    from lora_lint.finding import Verdict
    from lora_lint.run.run import Run

pytestmark = pytest.mark.usefixtures("alone")
TINY = str(small_model.tiny())
LOWER, HIGHER = 4, 16
ATTENTION = {"target_modules": lit(("q_proj", "k_proj", "v_proj", "o_proj"))}


def write_data(folder: Path, count: int) -> str:
    """Examples of Python, one line of a standard module each."""
    lines = [line.strip() for line in Path(inspect.getfile(inspect)).read_text().splitlines() if len(line) > 40]
    file = folder / "data.jsonl"
    file.write_text("".join(json.dumps({"text": line}) + "\n" for line in lines[:count]))
    return str(file)


def on_data(rank: int, file: str, count: int, **more: Any) -> Run:
    data = Dataset(name=lit(file), size=lit(count))
    return of(rank, 2 * rank, **{"dataset": data, "learning_rate": lit(2e-3), "batch_size": lit(16), **more})


def follows(verdict: Verdict, names: tuple[str, str]) -> tuple[Interval, Interval]:
    """The differences that a verdict rests on, once it is clear that they are those of curves that start alike."""
    measured = verdict.measurements
    assert set(measured["curves"]) == set(measured["arms"]) == set(names)
    one, other = (measured["curves"][name] for name in names)
    assert one[0] == other[0]  # before the first step an adapter changes nothing
    assert measured["seeds"] == 3
    best, final = (Interval(*measured[name]["difference"]) for name in ("best", "final"))
    return best, final


# --- ranks ------------------------------------------------------------------------------------------------------------


def test_two_ranks_are_trained_on_the_data(tmp_path: Path) -> None:
    """The verdict follows from the curves that are shown, of trainings that learn."""
    trained = on_data(64, write_data(tmp_path, 32), 32, epochs=lit(4.0), model=TINY)
    verdict = settled("LL301", trained, figure=LOWER, seeds=3)
    best, final = follows(verdict, ("r=64", "r=4"))
    measured = verdict.measurements
    alphas = {name: arm["alpha"] for name, arm in measured["arms"].items()}
    assert alphas == {"r=64": 128.0, "r=4": 128.0}  # the same first step under Adam
    assert measured["arms"]["r=64"]["parameters"] == 16 * measured["arms"]["r=4"]["parameters"]
    assert (measured["epochs"], measured["examples"], measured["held_out"]) == (4, 24, 8)
    assert all(curve[-1][1] < curve[0][1] for curve in measured["curves"].values())
    status, told = capacity.judged_as_too_high(best, final, 64, 4)
    assert verdict.status == status
    assert told.rpartition(": ")[2] in verdict.reason


def test_a_low_rank_is_held_against_the_range_of_its_task(tmp_path: Path) -> None:
    trained = on_data(4, write_data(tmp_path, 32), 32, epochs=lit(1.0), model=TINY)
    found = one("LL303", of(4, 8, run={"task": "code"}))
    verdict = settled("LL303", trained, figure=found.figure, seeds=3)
    best, final = follows(verdict, ("r=4", "r=16"))
    status, told = capacity.judged_as_too_low(best, final, 4, 16)
    assert verdict.status == status
    assert told.rpartition(": ")[2] in verdict.reason
    with pytest.raises(Skip, match="not below"):
        settled("LL303", on_data(16, "data", 32), figure=HIGHER)


def test_less_than_an_epoch_is_inconclusive(tmp_path: Path) -> None:
    verdict = settled("LL301", on_data(64, write_data(tmp_path, 400), 400, model=TINY), figure=LOWER, time_budget=0.2)
    assert verdict.status == "inconclusive"
    assert "one epoch of " in verdict.reason


@pytest.mark.parametrize("code", ["LL213", "LL301", "LL303", "LL501", "LL502"])
def test_without_its_data_it_is_skipped(code: str) -> None:
    rank, figure, rate = {"LL303": (4, HIGHER, 2e-3), "LL501": (8, None, 2e-5), "LL502": (64, 1e-4, 2e-3)}.get(
        code, (64, LOWER, 2e-3)
    )
    with pytest.raises(Skip, match="the experiment needs the run's own data"):
        settled(code, on_data(rank, "no-such-org/data", 500, learning_rate=lit(rate)), figure=figure)


CERTAIN, SAME, OPEN = (0.05, 0.02, 0.08), (0.0, -0.005, 0.005), (0.02, -0.02, 0.06)


@pytest.mark.parametrize(
    ("best", "final", "status", "words"),
    [
        (CERTAIN, (0.1, 0.05, 0.15), "confirmed", "the lower rank does better"),
        (SAME, (0.1, 0.05, 0.15), "refuted", "over-training, not the rank: stop earlier"),
        ((-0.02, -0.03, -0.01), (-0.02, -0.03, -0.01), "refuted", "no harm from the rank measured"),
        (OPEN, (0.1, 0.05, 0.15), "inconclusive", "whether the rank also does harm is undecided"),
        (OPEN, (0.0, -0.1, 0.1), "inconclusive", "the intervals are too wide to decide"),
        (
            (0.009, 0.001, 0.02),
            (0.0, -0.1, 0.1),
            "inconclusive",
            "the intervals are too wide to decide",
        ),  # not by enough
    ],
)
def test_how_losses_of_a_high_rank_are_judged(best: Any, final: Any, status: str, words: str) -> None:
    found, told = capacity.judged_as_too_high(Interval(*best), Interval(*final), 64, 8)
    assert found == status
    assert words in told


JUDGED = [(CERTAIN, "confirmed", "do"), (SAME, "refuted", "no harm from"), (OPEN, "inconclusive", "too wide")]


@pytest.mark.parametrize(("best", "status", "words"), JUDGED)
def test_how_losses_of_a_low_rank_and_of_attention_alone_are_judged(best: Any, status: str, words: str) -> None:
    found, told = capacity.judged_as_too_low(Interval(*best), Interval(*best), 4, 16)
    assert found == status
    assert words in told and "at r=4 compared with r=16" in told
    found, told = capacity.judged_by_place(Interval(*best), Interval(*best), 1200, 1150, 3)
    assert found == status
    assert words in told and "attention alone (1,200 parameters) compared with all linear layers at r=3 (1,150)" in told


def test_the_first_step_is_equal_at_both_ranks() -> None:
    adam, sgd = optimizer_of(of(64, 128)), optimizer_of(of(64, 128, optimizer=lit("sgd")))
    assert capacity.equal_step(Arm(64, 128.0), 8, adam) == Arm(8, 128.0)
    low = capacity.equal_step(Arm(64, 128.0), 8, sgd)
    assert low.scale**2 * 8 == pytest.approx(2.0**2 * 64)
    assert math.isclose(capacity.equal_step(Arm(64, 16.0, True), 16, adam).scale * 16, 2.0 * 64)


# --- targets ----------------------------------------------------------------------------------------------------------


def test_attention_alone_is_held_against_as_many_parameters_everywhere(tmp_path: Path) -> None:
    trained = on_data(16, write_data(tmp_path, 32), 32, epochs=lit(1.0), adapter=ATTENTION, model=TINY)
    verdict = settled("LL213", trained, seeds=3)
    best, final = follows(verdict, ("attention alone, r=16", "all linear layers, r=7"))
    own, everywhere = (arm["parameters"] for arm in verdict.measurements["arms"].values())
    # Two layers of 4 times 64 by 64, and of 3 times 64 by 160 beside.
    assert own == 2 * 16 * 4 * 2 * 64
    assert everywhere == 2 * 7 * (4 * 2 * 64 + 3 * (64 + 160))
    status, told = capacity.judged_by_place(best, final, own, everywhere, 7)
    assert verdict.status == status
    assert told.rpartition(": ")[2] in verdict.reason


def test_nothing_is_left_to_compare(tmp_path: Path) -> None:
    file = write_data(tmp_path, 32)
    with pytest.raises(Skip, match="all linear layers already"):
        settled("LL213", on_data(16, file, 32, model=TINY))
    with pytest.raises(Skip, match="at r=1 every adapter on all linear layers is larger"):
        settled("LL213", on_data(1, file, 32, adapter=ATTENTION, model=TINY))


# --- learning rates ---------------------------------------------------------------------------------------------------


def test_a_rate_for_full_finetuning_learns_less(tmp_path: Path) -> None:
    """A twentieth of the usual rate moves the adapter a twentieth as far, where few steps are made."""
    trained = on_data(16, write_data(tmp_path, 32), 32, epochs=lit(4.0), learning_rate=lit(1e-5), model=TINY)
    verdict = settled("LL501", trained, seeds=3)
    best, final = follows(verdict, ("at 1e-05", "at 0.0002"))
    assert verdict.status == "confirmed", verdict.reason
    status, told = rates.judged_as_too_low(best, final, "at 1e-05", "at 0.0002", 8, 8)
    assert verdict.status == status
    assert told.rpartition(": ")[2] in verdict.reason
    assert verdict.reason.startswith("after 8 steps best held-out loss +")


def test_a_rate_that_is_far_too_high_diverges(tmp_path: Path) -> None:
    few = {"batch_size": lit(2), "max_steps": lit(3)}
    trained = on_data(16, write_data(tmp_path, 32), 32, learning_rate=lit(0.5), **few)
    verdict = settled("LL502", trained, figure=one("LL502", trained).figure, seeds=3)
    follows(verdict, ("at 0.5", "at 0.002"))
    assert verdict.status == "confirmed"
    assert "at 0.5 the loss ends above where it began in all 3 seeds, at 0.002 in none" in verdict.reason
    assert verdict.measurements["diverged"] == {"at 0.5": 3, "at 0.002": 0}


def test_a_rate_that_is_no_worse_is_refuted(tmp_path: Path) -> None:
    """A model that knows nothing yet bears more than the rule allows."""
    trained = on_data(16, write_data(tmp_path, 32), 32, epochs=lit(1.0), learning_rate=lit(4e-3), model=TINY)
    verdict = settled("LL502", trained, figure=0.002, seeds=3)
    follows(verdict, ("at 0.004", "at 0.002"))
    assert verdict.status == "refuted", verdict.reason


def test_a_loss_that_is_no_number_is_lost(tmp_path: Path) -> None:
    """Numbers stay numbers, which JSON can hold."""
    few = {"batch_size": lit(4), "max_steps": lit(3), "optimizer": lit("sgd")}
    trained = on_data(16, write_data(tmp_path, 32), 32, learning_rate=lit(1e30), model=TINY, **few)
    verdict = settled("LL502", trained, figure=0.002, seeds=3)
    assert verdict.status == "confirmed"
    assert verdict.measurements["curves"]["at 1e+30"][-1][1] == 100
    json.dumps(verdict.measurements, allow_nan=False)


def test_a_rate_without_another_is_not_compared(tmp_path: Path) -> None:
    file = write_data(tmp_path, 32)
    with pytest.raises(Skip, match="not below the usual"):
        settled("LL501", on_data(16, file, 32))
    with pytest.raises(Skip, match="suggests no other rate"):
        settled("LL502", on_data(16, file, 32))


@pytest.mark.parametrize(("best", "status", "words"), JUDGED)
def test_how_losses_of_a_low_rate_are_judged(best: Any, status: str, words: str) -> None:
    told = rates.judged_as_too_low(Interval(*best), Interval(*best), "at 2e-05", "at 0.0002", 50, 200)
    assert told[0] == status
    assert words in told[1] and "after 50 steps" in told[1] and "at 2e-05 compared with 0.0002" in told[1]
    assert ("the remaining steps may close the gap" in told[1]) is (status == "confirmed")


@pytest.mark.parametrize(
    ("best", "diverged", "an_epoch", "status", "words"),
    [
        (OPEN, (3, 0), False, "confirmed", "the loss ends above where it began in all 3 seeds, at 0.001 in none"),
        (CERTAIN, (0, 0), True, "confirmed", "the suggested rate does better"),
        (CERTAIN, (3, 3), True, "confirmed", "the suggested rate does better"),
        (SAME, (0, 0), True, "refuted", "no harm from the rate measured"),
        (SAME, (0, 0), False, "inconclusive", "less than an epoch"),
        (SAME, (3, 3), True, "inconclusive", "in 3 of 3 seeds, at 0.001 in 3"),  # over-training, at either
        (SAME, (1, 0), True, "inconclusive", "in 1 of 3 seeds, at 0.001 in 0"),
        (OPEN, (0, 0), True, "inconclusive", "the intervals are too wide to decide"),
    ],
)
def test_how_losses_of_a_high_rate_are_judged(
    best: Any, diverged: Any, an_epoch: bool, status: str, words: str
) -> None:
    interval, rates_told = Interval(*best), ("at 0.1", "at 0.001")
    found, told = rates.judged_as_too_high(interval, interval, diverged, 3, rates_told, an_epoch)
    assert found == status
    assert words in told
