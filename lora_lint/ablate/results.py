"""What a study found: one result for each arm, how they compare, and which to take."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from lora_lint.ablate.comparison import LEVEL, contrasts, pareto
from lora_lint.verify.measurement.statistics import Interval, interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lora_lint.ablate.comparison import Contrast
    from lora_lint.ablate.recipes import Recipe
    from lora_lint.ablate.schedule import Stop
    from lora_lint.ablate.study import Study
    from lora_lint.ablate.trial import TrialRecord

Status = Literal["finished", "stopped", "failed", "unfinished"]
"""stopped: early, because it was clearly worse. unfinished: time ran out before two seeds were trained to the end."""


@dataclass(frozen=True)
class ArmResult:
    """One arm. `eval_loss` is comparable with those of the other arms: where an arm has fewer seeds than the baseline,
    it is the baseline's plus their difference.

    `same_as` names an earlier arm that is the same training. `steps` are those that it was trained for.
    """

    recipe: Recipe
    status: Status
    baseline: bool
    first_step: float
    first_step_as_written: float
    reason: str = ""
    steps: int = 0
    records: tuple[TrialRecord, ...] = ()
    eval_loss: Interval | None = None
    versus_baseline: Contrast | None = None
    versus_best: Contrast | None = None
    on_front: bool = False
    recommended: bool = False
    same_as: str | None = None

    @property
    def trainable(self) -> int:
        return self.records[0].trainable if self.records else 0

    @property
    def memory(self) -> int:
        return max((each.memory for each in self.records), default=0)

    @property
    def seconds(self) -> float:
        """The mean time of one training."""
        return _mean([each.seconds for each in self.records])

    @property
    def train_loss(self) -> float:
        return _mean([each.train_loss for each in self.records])

    @property
    def accuracy(self) -> float | None:
        found = [each.accuracy for each in self.records if each.accuracy is not None]
        return _mean(found) if found else None

    @property
    def curve(self) -> list[tuple[int, Interval]]:
        """The held-out loss along the trainings, over the seeds."""
        steps = [{step for step, _ in each.losses} for each in self.records]
        points = sorted(set.intersection(*steps)) if steps else []
        return [(step, interval([each.loss_at(step) for each in self.records])) for step in points]


@dataclass(frozen=True)
class Results:
    """The arms by held-out loss, those that did not finish last. `best` has the lowest loss, `recommended` is the arm
    to take, None where no arm finished."""

    arms: tuple[ArmResult, ...]
    baseline: ArmResult
    best: ArmResult | None
    recommended: ArmResult | None

    @property
    def finished(self) -> list[ArmResult]:
        return [each for each in self.arms if each.status == "finished"]


def results_of(study: Study) -> Results:
    """The results of a study."""
    arms = [_plain(study, recipe, number == 0) for number, recipe in enumerate(study.course.arms)]
    arms += [
        ArmResult(recipe, "failed", False, 0.0, 0.0, study.unfit[recipe.name])
        for recipe in study.asked
        if recipe.name in study.unfit
    ]
    finished = {each.recipe.name: each for each in arms if each.status == "finished"}
    losses = {name: _losses(each) for name, each in finished.items()}
    level = LEVEL / study.course.looks
    base = arms[0].recipe.name
    to_base = _contrasts(losses, base, level) | _when_stopped(study, arms, level)
    comparable = {name: _comparable(each, finished.get(base), to_base.get(name)) for name, each in finished.items()}
    best = min(comparable, key=lambda name: comparable[name].mean, default=None)
    to_best = _contrasts(losses, best, level)
    front = pareto({name: (finished[name].trainable, comparable[name].mean) for name in finished})
    chosen = _chosen(finished, comparable, to_base, to_best, base)
    made = [
        replace(
            each,
            eval_loss=comparable.get(each.recipe.name),
            versus_baseline=to_base.get(each.recipe.name),
            versus_best=to_best.get(each.recipe.name),
            on_front=each.recipe.name in front,
            recommended=each.recipe.name == chosen,
            same_as=_same(study.course.arms, each.recipe),
        )
        for each in arms
    ]
    made.sort(key=lambda each: (each.status != "finished", each.eval_loss.mean if each.eval_loss else math.inf))
    by_name = {each.recipe.name: each for each in made}
    return Results(
        tuple(made),
        by_name[base],
        by_name[best] if best is not None else None,
        by_name[chosen] if chosen is not None else None,
    )


def _plain(study: Study, recipe: Recipe, baseline: bool) -> ArmResult:
    """What was measured of one arm by itself."""
    course, steps = study.course, study.setup.steps
    written, fair = study.first[recipe.name]
    made = ArmResult(recipe, "unfinished", baseline, fair.size, written.size)
    failure = course.failure(recipe)
    if failure is not None:
        return replace(made, status="failed", reason=failure)
    records = tuple(course.of(recipe).values())
    whole = tuple(each for each in records if each.steps == steps)
    if len(whole) > 1:
        return replace(made, status="finished", steps=steps, records=whole)
    stop = course.stopped.get(recipe.key)
    if stop is not None:
        return replace(made, status="stopped", reason=_stopped(stop), steps=stop.steps, records=records)
    done = min((each.steps for each in records), default=0)
    return replace(made, reason="time ran out", steps=done, records=records if len(records) > 1 else ())


def _stopped(stop: Stop) -> str:
    return f"stopped after {stop.steps} steps, {stop.behind:.3f} nats behind {stop.best} (95% at least {stop.low:.3f})"


def _losses(result: ArmResult) -> dict[int, float]:
    return {each.seed: each.loss for each in result.records}


def _contrasts(losses: Mapping[str, Mapping[int, float]], reference: str | None, level: float) -> dict[str, Contrast]:
    return contrasts(losses, reference, level) if reference is not None and reference in losses else {}


def _when_stopped(study: Study, arms: Sequence[ArmResult], level: float) -> dict[str, Contrast]:
    """The arms that were stopped against the baseline, after as many steps."""
    course = study.course
    found: dict[str, Contrast] = {}
    for each in arms:
        if each.status == "stopped":
            name, base = each.recipe.name, course.arms[0]
            losses = {base.name: course.losses(base, each.steps), name: course.losses(each.recipe, each.steps)}
            found |= contrasts(losses, base.name, level)
    return found


def _comparable(result: ArmResult, base: ArmResult | None, contrast: Contrast | None) -> Interval:
    """The held-out loss of an arm as if it had been trained with all seeds of the baseline."""
    own = interval([each.loss for each in result.records])
    if base is None or contrast is None or len(base.records) == len(result.records):
        return own
    shift = interval([each.loss for each in base.records]).mean + contrast.difference.mean - own.mean
    return Interval(own.mean + shift, own.low + shift, own.high + shift)


def _chosen(
    finished: Mapping[str, ArmResult],
    losses: Mapping[str, Interval],
    to_base: Mapping[str, Contrast],
    to_best: Mapping[str, Contrast],
    base: str,
) -> str | None:
    """The arm to take: of those better than the baseline beyond noise, the smallest that is not worse than the best of
    them beyond noise; the baseline if there is none."""
    better = [name for name, contrast in to_base.items() if name in finished and contrast.judged == "better"]
    if not better:
        return base if base in finished else min(losses, key=lambda name: losses[name].mean, default=None)
    as_good = [name for name in better if name not in to_best or to_best[name].judged != "worse"]
    return min(as_good, key=lambda name: (finished[name].trainable, losses[name].mean))


def _same(arms: Sequence[Recipe], recipe: Recipe) -> str | None:
    first = next((each for each in arms if each.key == recipe.key), recipe)
    return first.name if first.name != recipe.name else None


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan


# --- as JSON ----------------------------------------------------------------------------------------------------------


def as_json(results: Results, total: int) -> list[dict[str, Any]]:
    """The arms as plain values; `total` is the number of parameters of the model without an adapter."""
    return [_row(each, total) for each in results.arms]


def _row(result: ArmResult, total: int) -> dict[str, Any]:
    recipe = result.recipe
    settings = recipe.settings()
    return {
        "name": recipe.name,
        "status": result.status,
        "reason": result.reason or None,
        "baseline": result.baseline,
        "recommended": result.recommended,
        "pareto": result.on_front,
        "same_as": result.same_as,
        "config": settings,
        "target_modules": settings["target_modules"],
        "rank": recipe.rank,
        "lora_alpha": settings["lora_alpha"],
        "use_rslora": recipe.rslora,
        "use_dora": recipe.dora,
        "init_lora_weights": settings.get("init_lora_weights", True),
        "loraplus_lr_ratio": recipe.lora_plus,
        "learning_rate": recipe.rate,
        "trainable_params": result.trainable or None,
        "trainable_pct": round(100 * result.trainable / (total + result.trainable), 4) if result.trainable else None,
        "train_loss": _short(result.train_loss),
        "eval_loss": _short(result.eval_loss.mean) if result.eval_loss is not None else None,
        "eval_loss_interval": _ends(result.eval_loss),
        "accuracy": _short(result.accuracy),
        "train_time_seconds": _short(result.seconds),
        "memory_bytes": result.memory or None,
        "steps": result.steps,
        "first_step": _short(result.first_step or None),
        "first_step_as_written": _short(result.first_step_as_written or None),
        "versus_baseline": _contrast(result.versus_baseline),
        "versus_best": _contrast(result.versus_best),
        "seeds": [
            {"seed": each.seed, "eval_loss": each.loss, "train_loss": each.train_loss, "seconds": each.seconds}
            for each in result.records
        ],
        "curve": [[step, *found.rounded()] for step, found in result.curve],
    }


def _contrast(contrast: Contrast | None) -> dict[str, Any] | None:
    if contrast is None:
        return None
    return {
        "difference": _short(contrast.difference.mean),
        "interval": _ends(contrast.difference),
        "p": _short(contrast.p),
        "seeds": contrast.seeds,
        "judged": contrast.judged,
    }


def _ends(found: Interval | None) -> list[float] | None:
    return found.rounded()[1:] if found is not None else None


def _short(value: float | None) -> float | None:
    """Six digits; JSON has no NaN."""
    return float(f"{value:.6g}") if value is not None and math.isfinite(value) else None
