"""Which trials are made, and in which order: short ones of all arms, longer ones of those that are not clearly worse,
more seeds where arms are close.

Every decision rests on the records alone, never on the order in which they come in, so a study on many machines, or one
that was killed, makes the same ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lora_lint.ablate.comparison import LEVEL, TOLERANCE, contrasts
from lora_lint.ablate.trial import TrialTask
from lora_lint.verify.measurement.bench import Late
from lora_lint.verify.measurement.statistics import interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from lora_lint.ablate.journal import StudyJournal
    from lora_lint.ablate.recipes import Recipe
    from lora_lint.ablate.runner import Runner
    from lora_lint.ablate.setup import Setup
    from lora_lint.ablate.trial import TrialRecord

SEEDS = 3
_TUNING_SEED = 10_000
"""Rates are chosen on examples and starts that the study itself does not see again as such."""
TUNED = (1 / 3, 1.0, 3.0)
"""The factors on its learning rate that each arm tries."""
_FAR = 5 * TOLERANCE
"""Nats: an arm that is less far behind may catch up."""
_CLEARLY = 2.0
"""How many half-widths of the 95% interval an arm must be behind the best to be stopped: 8.6 standard errors for three
seeds."""


@dataclass(frozen=True)
class Work:
    """Work in steps of training: done, and known to be ahead."""

    doing: str
    done: int
    ahead: int


@dataclass(frozen=True)
class Stop:
    """Why an arm was stopped early: how far it was behind the best after `steps` steps."""

    steps: int
    behind: float
    low: float
    best: str


@dataclass
class Course:
    """What has become of a study: records by (key, seed), and the arms that failed, were stopped or got more seeds."""

    arms: list[Recipe]
    records: dict[tuple[str, int], TrialRecord] = field(default_factory=dict)
    stopped: dict[str, Stop] = field(default_factory=dict)
    looks: int = 1
    late: bool = False

    def of(self, recipe: Recipe) -> dict[int, TrialRecord]:
        """The records of an arm by seed, without those of the tuning."""
        found = {seed: record for (key, seed), record in self.records.items() if key == recipe.key}
        return {seed: found[seed] for seed in sorted(found) if seed < _TUNING_SEED}

    def failure(self, recipe: Recipe) -> str | None:
        """Why an arm failed; None if it did not."""
        return next((each.failure for each in self.of(recipe).values() if each.failure is not None), None)

    def losses(self, recipe: Recipe, step: int) -> dict[int, float]:
        """The held-out losses of an arm after a number of steps, by seed."""
        records = self.of(recipe).items()
        return {seed: record.loss_at(step) for seed, record in records if record.steps >= step}

    @property
    def running(self) -> list[Recipe]:
        """The arms that neither failed nor were stopped, each training once."""
        different = {each.key: each for each in reversed(self.arms)}
        return [
            each
            for each in self.arms
            if different[each.key] is each and each.key not in self.stopped and self.failure(each) is None
        ]


def rungs(steps: int) -> tuple[int, ...]:
    """The steps after which arms that are clearly worse are stopped."""
    return tuple(sorted({max(steps // 4, 1), max(steps // 2, 1)} - {steps}))


class Schedule:
    """Makes the trials of a study with a runner and records them in a journal."""

    def __init__(
        self, setup: Setup, journal: StudyJournal, runner: Runner, ends: float, show: Callable[[Work], None]
    ) -> None:
        self._setup = setup
        self._journal = journal
        self._runner = runner
        self._ends = ends
        self._show = show
        self._done = 0

    def follow(self, arms: Sequence[Recipe], seeds: int | None, tune: bool) -> Course:
        """The whole study: the first arm is the baseline. `seeds` None: at least three, and twice as many for arms that
        are close. Where time runs out, what is there so far."""
        course = Course(list(arms))
        try:
            if tune:
                self._tune(course)
            for until in rungs(self._setup.steps):
                self._train(course, course.running, range(seeds or SEEDS), until)
                self._stop(course, until)
            self._train(course, course.running, range(seeds or SEEDS), self._setup.steps)
            close = [] if seeds is not None else close_arms(course, self._setup.steps)
            if seeds is None:
                course.looks = 2
            if close:
                self._train(course, close, range(SEEDS, 2 * SEEDS), self._setup.steps)
        except Late:
            course.late = True
        return course

    def _tune(self, course: Course) -> None:
        """Gives each arm the best of a few learning rates."""
        tried = {
            each.key: [replace(each, rate=float(f"{factor * each.rate:.3g}")) for factor in TUNED]
            for each in course.running
        }
        every = [each for options in tried.values() for each in options]
        self._train(course, every, [_TUNING_SEED], self._setup.steps)
        tuned = []
        for recipe in course.arms:
            options = tried.get(recipe.key, [])
            records = [(course.records[option.key, _TUNING_SEED], option) for option in options]
            losses = [(record.loss, option.rate) for record, option in records if record.failure is None]
            tuned.append(replace(recipe, rate=min(losses)[1]) if losses else recipe)
        course.arms = tuned

    def _train(self, course: Course, arms: Iterable[Recipe], seeds: Iterable[int], until: int) -> None:
        """Makes the trials of some arms and seeds up to a step, as far as the journal lacks them. Raises Late."""
        tasks = []
        different = {each.key: each for each in arms}.values()
        for seed in seeds:
            for recipe in different:
                before = self._journal.trial(recipe.key, seed)
                if before is not None:
                    course.records[recipe.key, seed] = before
                if before is None or (before.failure is None and before.steps < until):
                    tasks.append(self._task(recipe, seed, until, before))
        ahead = sum(task.until - task.start for task in tasks)
        for done in self._runner(self._setup, tasks, self._ends) if tasks else ():
            record = done.record
            self._journal.add(record, done.snapshot)
            course.records[record.key, record.seed] = record
            self._done += until - done.task.start
            ahead -= until - done.task.start
            name = done.task.recipe.name
            self._show(Work(f"{name}, seed {record.seed}, step {until}", self._done, ahead))

    def _task(self, recipe: Recipe, seed: int, until: int, before: TrialRecord | None) -> TrialTask:
        snapshot = self._journal.snapshot(recipe.key, seed, before.steps) if before is not None else None
        return TrialTask(recipe, seed, until, before if snapshot is not None else None, snapshot)

    def _stop(self, course: Course, step: int) -> None:
        """Stops the arms in the worse half that are clearly behind the best; never the baseline."""
        running = course.running
        if len(running) < 2:
            return
        losses = {each.key: course.losses(each, step) for each in running}
        ranked = sorted(running, key=lambda each: math.fsum(losses[each.key].values()) / len(losses[each.key]))
        best = ranked[0]
        for recipe in ranked[-(-len(ranked) // 2) :]:
            if recipe.key == course.arms[0].key:
                continue
            behind = interval([losses[recipe.key][seed] - losses[best.key][seed] for seed in losses[best.key]])
            if behind.mean > max(_FAR, _CLEARLY * (behind.mean - behind.low)):
                course.stopped[recipe.key] = Stop(step, behind.mean, behind.low, best.name)
                self._journal.forget_snapshots([recipe.key])


def close_arms(course: Course, steps: int) -> list[Recipe]:
    """The arms that more seeds may separate: those whose difference from the best, or from the baseline, is open;
    with them the best and the baseline."""
    running = [each for each in course.running if len(course.losses(each, steps)) > 1]
    losses = {each.key: course.losses(each, steps) for each in running}
    base = course.arms[0].key
    if len(running) < 2 or base not in losses:
        return []
    best = min(losses, key=lambda key: math.fsum(losses[key].values()) / len(losses[key]))
    open_ = {
        key
        for reference in {best, base}
        for key, contrast in contrasts(losses, reference, LEVEL / 2).items()
        if contrast.judged == "open"
    }
    return [each for each in running if each.key in open_ | {best, base}] if open_ else []
