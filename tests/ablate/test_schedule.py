"""Which trials are made: on losses that are made up, without any training."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from lora_lint.ablate.journal import StudyJournal
from lora_lint.ablate.recipes import Recipe
from lora_lint.ablate.schedule import Course, Schedule, rungs
from lora_lint.ablate.setup import Host, Setup
from lora_lint.ablate.trial import Done, TrialRecord, TrialTask
from lora_lint.run.run import Adapter
from lora_lint.source import Span
from lora_lint.verify.measurement.bench import Late
from lora_lint.verify.measurement.optimizers import Optimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

STEPS = 40
HOST = Host("small", "small", 1, "causal-lm", "cpu", "float32", 8, 1)
SETUP = Setup(HOST, Adapter(Span("", 0, 0)), Optimizer("adam", "AdamW", 2e-4), 8, (), 8, STEPS, (0, 10, 20, 40))
ARMS = [Recipe(f"r={rank}", ("q_proj",), rank, 16.0) for rank in (4, 8, 16, 32)]


class MadeUp:
    """A runner whose trials take no time: `loss` gives the loss of an arm with a seed after a number of steps."""

    def __init__(self, loss: Callable[[Recipe, int, int], float], patience: int = 10**6, order: int = 0) -> None:
        self.loss = loss
        self.patience = patience
        self.order = order
        self.tasks: list[TrialTask] = []

    def __call__(self, setup: Setup, tasks: Sequence[TrialTask], ends: float) -> Iterator[Done]:
        del ends
        shuffled = list(tasks)
        random.Random(self.order).shuffle(shuffled)
        for task in shuffled:
            if len(self.tasks) == self.patience:
                raise Late
            self.tasks.append(task)
            points = [point for point in setup.points if point <= task.until]
            losses = tuple((point, self.loss(task.recipe, task.seed, point)) for point in points)
            made = TrialRecord(task.recipe.key, task.seed, task.until, losses, 1.0)
            if losses[-1][1] > 900:
                made = TrialRecord(task.recipe.key, task.seed, failure="out of memory")
            yield Done(task, made, b"paused" if task.until < setup.steps else None)


def noise(recipe: Recipe, seed: int, size: float = 0.001) -> float:
    return size * random.Random(f"{recipe.rank} {seed}").gauss(0, 1)


def followed(folder: Path, runner: MadeUp, arms: Sequence[Recipe] = ARMS, **more: Any) -> Course:
    journal = StudyJournal(folder, {"study": "made up"})
    try:
        asked: dict[str, Any] = {"seeds": None, "tune": False, **more}
        return Schedule(SETUP, journal, runner, 0.0, lambda _: None).follow(arms, **asked)
    finally:
        journal.close()


def apart(recipe: Recipe, seed: int, step: int) -> float:
    """r=32 learns nothing, the others differ by more than noise, but not much."""
    rate = {4: 1.0, 8: 1.02, 16: 1.04, 32: 0.0}[recipe.rank]
    return 3.0 - rate * step / STEPS + noise(recipe, seed)


def test_an_arm_that_is_clearly_worse_is_stopped(tmp_path: Path) -> None:
    runner = MadeUp(apart)
    course = followed(tmp_path, runner)
    assert set(course.stopped) == {ARMS[3].key}
    stop = course.stopped[ARMS[3].key]
    assert stop.steps == rungs(STEPS)[0] == 10
    assert stop.behind > stop.low > 0
    assert [task.until for task in runner.tasks if task.recipe is ARMS[3]] == [10, 10, 10]
    assert {len(course.losses(each, STEPS)) for each in ARMS[:3]} == {3}


def test_the_baseline_is_never_stopped(tmp_path: Path) -> None:
    arms = [ARMS[3], *ARMS[:3]]
    course = followed(tmp_path, MadeUp(apart), arms)
    assert not course.stopped
    assert len(course.losses(ARMS[3], STEPS)) == 3


def test_a_trial_goes_on_where_it_was_paused(tmp_path: Path) -> None:
    runner = MadeUp(apart)
    followed(tmp_path, runner)
    first = [task for task in runner.tasks if task.recipe is ARMS[0] and task.seed == 0]
    assert [(task.start, task.until) for task in first] == [(0, 10), (10, 20), (20, 40)]


def test_close_arms_get_more_seeds(tmp_path: Path) -> None:
    course = followed(tmp_path, MadeUp(lambda recipe, seed, step: 3.0 - step / STEPS + noise(recipe, seed, 0.05)))
    assert [len(course.losses(each, STEPS)) for each in ARMS[:1]] == [6]
    assert max(len(course.losses(each, STEPS)) for each in ARMS[1:]) == 6


def test_the_number_of_seeds_can_be_given(tmp_path: Path) -> None:
    loss = MadeUp(lambda recipe, seed, step: 3.0 - step / STEPS + noise(recipe, seed, 0.05))
    course = followed(tmp_path, loss, seeds=4)
    assert {len(course.losses(each, STEPS)) for each in ARMS} == {4}


def test_arms_that_are_one_training_are_trained_once(tmp_path: Path) -> None:
    twin = replace(ARMS[0], name="twin", alpha=8.0, rslora=True)  # 16/4 = 8/sqrt(4)
    runner = MadeUp(apart)
    course = followed(tmp_path, runner, [ARMS[0], twin, ARMS[1]])
    assert course.of(twin) == course.of(ARMS[0])
    assert {task.recipe.name for task in runner.tasks} == {"r=4", "r=8"}


def test_an_arm_that_fails_leaves_the_others(tmp_path: Path) -> None:
    course = followed(tmp_path, MadeUp(lambda *trial: 1000.0 if trial[0].rank == 16 else apart(*trial)))
    assert course.failure(ARMS[2]) == "out of memory"
    assert {len(course.losses(each, STEPS)) for each in ARMS[:2]} == {3}


@pytest.mark.parametrize("patience", [1, 5, 12, 14, 22])
@pytest.mark.parametrize("order", [1, 2])
def test_a_study_that_was_interrupted_ends_alike(tmp_path: Path, patience: int, order: int) -> None:
    """Wherever it was interrupted, and in whichever order the trials come in."""
    whole = followed(tmp_path / "whole", MadeUp(apart))
    first = followed(tmp_path / "parts", MadeUp(apart, patience, order))
    assert first.late
    again = MadeUp(apart, order=order + 1)
    second = followed(tmp_path / "parts", again)
    assert second.records == whole.records
    assert second.stopped == whole.stopped
    assert len(again.tasks) < 4 * 3 * 3


def test_tuning_picks_the_best_rate_and_judges_on_other_seeds(tmp_path: Path) -> None:
    def loss(recipe: Recipe, seed: int, step: int) -> float:
        best = {4: 2e-4, 8: 6e-4, 16: 6.67e-5, 32: 2e-4}[recipe.rank]
        return 3.0 - (1.0 if abs(recipe.rate / best - 1) < 0.01 else 0.5) * step / STEPS + noise(recipe, seed)

    course = followed(tmp_path, MadeUp(loss), tune=True)
    assert [each.rate for each in course.arms] == pytest.approx([2e-4, 6e-4, 6.67e-5, 2e-4])
    assert all(seed < 6 for each in course.arms for seed in course.of(each))
