"""What follows from a study: on losses that are made up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lora_lint.ablate import grid, table
from lora_lint.ablate.fairness import FirstStep
from lora_lint.ablate.results import Results, as_json, results_of
from lora_lint.ablate.study import Request, Study, _as_requested
from lora_lint.run.run import BaseModel
from lora_lint.verify.weights import part_of
from tests.ablate.test_schedule import ARMS, SETUP, STEPS, MadeUp, apart, followed, noise
from tests.support.runs import lit, run

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint.ablate.recipes import Recipe


def made(folder: Path, runner: MadeUp, **more: Any) -> tuple[Study, Results]:
    course = followed(folder, runner, **more)
    steps = {each.name: (FirstStep(0.01 * each.rank, 1.0), FirstStep(0.01, 1.0)) for each in ARMS}
    names = grid.Names(lambda group: (group,), {})
    study = Study(Request(), run(8, 16.0), tuple(ARMS), SETUP, course, steps, {}, "data.jsonl", ("a note",), names, 1.0)
    return study, results_of(study)


def told(study: Study, results: Results) -> str:
    return table.text_of(study, results)


def test_a_better_arm_is_recommended(tmp_path: Path) -> None:
    """r=16 is the best; r=8 is worse than it by more than noise."""
    study, results = made(tmp_path, MadeUp(apart))
    assert results.recommended is not None
    assert results.recommended.recipe.name == "r=16"
    assert [each.recipe.name for each in results.arms] == ["r=16", "r=8", "r=4", "r=32"]
    text = told(study, results)
    assert "Take r=16: 0.04" in text
    assert "Better than the baseline beyond noise: r=16; r=8" in text
    assert "r=32: stopped after 10 steps" in text
    assert "First steps: 8.0-fold apart at the baseline's alpha, 1.00-fold" in text
    assert "a note" in text


def test_without_a_better_arm_the_baseline_stays(tmp_path: Path) -> None:
    study, results = made(tmp_path, MadeUp(lambda recipe, seed, step: 3.0 - step / STEPS + noise(recipe, seed)))
    assert results.recommended is results.baseline
    text = told(study, results)
    assert "No arm is better than the baseline beyond noise: keep it" in text
    assert "The same as the baseline (within 0.01 nats): " in text


def test_of_equally_good_arms_the_smallest_is_taken(tmp_path: Path) -> None:
    def loss(recipe: Recipe, seed: int, step: int) -> float:
        return 3.0 - (0.5 if recipe.rank == 4 else 1.0) * step / STEPS + noise(recipe, seed)

    _, results = made(tmp_path, MadeUp(loss))
    assert results.recommended is not None
    assert results.recommended.recipe.rank == min(
        (each.recipe.rank for each in results.finished if each.recipe.rank != 4),
        key=lambda rank: next(
            each.eval_loss.mean for each in results.finished if each.eval_loss and each.recipe.rank == rank
        ),
    )  # trials that are made up have no parameters, so the loss decides


def test_a_study_without_time_says_so(tmp_path: Path) -> None:
    study, results = made(tmp_path, MadeUp(apart, patience=2))
    assert results.recommended is None
    text = told(study, results)
    assert "time ran out before all trainings were made" in text
    assert "No arm finished, so nothing can be recommended" in text
    assert {row["status"] for row in as_json(results, 1000)} == {"unfinished"}


def test_a_study_whose_arms_all_fail_says_why(tmp_path: Path) -> None:
    study, results = made(tmp_path, MadeUp(lambda *_: 1000.0))
    assert results.recommended is None
    assert told(study, results).count("failed, out of memory") == len(ARMS)


def test_seeds_that_only_some_arms_have_do_not_shift_the_losses(tmp_path: Path) -> None:
    """The later seeds are harder by 1 nat. An arm that lacks them is shown as if it had been trained on them too."""

    def loss(recipe: Recipe, seed: int, step: int) -> float:
        worse = 0.2 if recipe.rank == 8 else 0.0
        return 3.0 + worse + (1.0 if seed > 2 else 0.0) - step / STEPS + noise(recipe, seed, 0.02)

    _, results = made(tmp_path, MadeUp(loss))
    seeds = {each.recipe.rank: len(each.records) for each in results.finished}
    losses = {each.recipe.rank: each.eval_loss.mean for each in results.finished if each.eval_loss is not None}
    assert seeds[4] == 6
    assert all(abs(losses[rank] - losses[4]) < 0.05 for rank in losses if rank != 8)


def test_another_model_has_no_revision_of_the_program_s_own() -> None:
    model = BaseModel(name=lit("acme/one"), revision=lit("v2"), subfolder=lit("lm"))
    asked = _as_requested(run(8, 16.0, of={"model": model}), Request(model="./folder"))
    assert part_of(asked) == (None, "")
