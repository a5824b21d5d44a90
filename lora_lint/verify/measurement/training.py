"""Two trainings side by side on the run's own examples: the same examples in the same order, the same seeds, and the
held-out loss of both along the way.

The *best* loss decides. If only the final loss is worse, the cause is over-training, which stopping earlier cures.
"""

from __future__ import annotations

import itertools
import math
import random
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lora_lint.finding import Verdict
from lora_lint.rules.words import number
from lora_lint.run.values import alternatives
from lora_lint.verify.experiment import Skip
from lora_lint.verify.measurement.batches import LARGEST, batch_size, shuffled
from lora_lint.verify.measurement.bench import Late, backward, lora_config, on_bench, reset, sequence_length, wrapped
from lora_lint.verify.measurement.data import NoTexts, texts_of
from lora_lint.verify.measurement.held_out import LOST, held_out_loss, padded
from lora_lint.verify.measurement.optimizers import optimizer_of
from lora_lint.verify.measurement.statistics import (
    FIRST_LOOK,
    SECOND_LOOK,
    USUAL,
    Interval,
    deciding_difference,
    interval,
    judge,
)
from lora_lint.verify.structure.skeleton import trainable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lora_lint.finding import Status
    from lora_lint.rules.scale import Arm
    from lora_lint.run.run import Adapter, Run
    from lora_lint.verify.experiment import FindingCase
    from lora_lint.verify.measurement.bench import Bench
    from lora_lint.verify.measurement.data import Texts
    from lora_lint.verify.measurement.held_out import Rows
    from lora_lint.verify.measurement.optimizers import Optimizer

    Pair = tuple["Treatment", "Treatment"]
    Judge = Callable[["Trial"], tuple[Status, str]]

HARM = 0.01
"""The difference in held-out loss, in nats, that matters."""
_POINTS = 10  # evaluations per training
_HELD_OUT = 0.15  # share of the examples
_LEAST_HELD, _MOST_HELD = 8, {"cpu": 48, "cuda": 256}
_LEAST = 24  # examples
_USUAL_EPOCHS = 3.0  # transformers' trainer
_CLIP = 1.0  # gradient norm, as transformers' trainer clips it
_RESERVE = 0.9  # share of the time left to plan a training with


@dataclass(frozen=True)
class Treatment:
    """One way to train. `name` labels its curve: "r=64"."""

    name: str
    adapter: Adapter
    arm: Arm
    rate: float


@dataclass(frozen=True)
class Plan:
    """What to train on and for how long: each seed holds out `held` of the examples, and makes `steps` of the `whole`
    number of steps that the run would make."""

    examples: tuple[tuple[int, ...], ...]
    held: int
    batch: int
    whole: int
    steps: int
    optimizer: Optimizer

    @property
    def an_epoch(self) -> int:
        """The steps in one epoch."""
        return -(-self.trained_on // self.batch)

    @property
    def trained_on(self) -> int:
        """The number of examples that are not held out."""
        return len(self.examples) - self.held

    def split(self, seed: int) -> tuple[Rows, Rows]:
        """The examples to train on and the held-out ones. Each seed holds out others, so that the spread over the seeds
        covers the choice of examples too; equal examples are never on both sides."""
        distinct = list(dict.fromkeys(self.examples))
        aside = random.Random(seed).sample(distinct, self.held)
        kept_aside = set(aside)
        return [each for each in self.examples if each not in kept_aside], aside

    @property
    def points(self) -> list[int]:
        """The steps after which the held-out loss is taken."""
        return sorted({round(self.steps * point / _POINTS) for point in range(_POINTS + 1)})


@dataclass(frozen=True)
class Curve:
    """Held-out losses (nats per token) along one training, the first of them before any step; and the mean training
    loss of the last steps."""

    losses: tuple[float, ...]
    ended: float = math.inf

    @property
    def best(self) -> float:
        return min(self.losses)

    @property
    def final(self) -> float:
        return self.losses[-1]

    @property
    def diverged(self) -> bool:
        """Whether the training ends worse than it began on what it trains on too. If it ends worse on held-out examples
        alone, that is over-training."""
        return self.final > self.losses[0] + HARM and not self.ended < self.losses[0]


@dataclass(frozen=True)
class Trial:
    """The curves of two treatments, the one that a finding blames and the one that it suggests, with one per seed;
    `parameters` are the numbers of trainable parameters."""

    plan: Plan
    blamed: Treatment
    proposed: Treatment
    curves: dict[str, list[Curve]]
    parameters: dict[str, int]
    level: float

    @property
    def seeds(self) -> int:
        return len(self.curves[self.proposed.name])

    @property
    def best(self) -> Interval:
        """How much worse the lowest loss of the blamed treatment is, seed by seed."""
        return self._difference(lambda curve: curve.best)

    @property
    def final(self) -> Interval:
        """How much worse the last loss of the blamed treatment is."""
        return self._difference(lambda curve: curve.final)

    def diverged(self, treatment: Treatment) -> int:
        """The number of seeds in which a training diverged."""
        return sum(curve.diverged for curve in self.curves[treatment.name])

    def _difference(self, of: Callable[[Curve], float]) -> Interval:
        return interval(self.by_seed(of), self.level)

    def by_seed(self, of: Callable[[Curve], float]) -> list[float]:
        """A loss of the blamed treatment minus that of the proposed one, for each seed."""
        pairs = zip(self.curves[self.blamed.name], self.curves[self.proposed.name], strict=True)
        return [of(one) - of(other) for one, other in pairs]


def status_of(best: Interval) -> Status:
    """Whether the best loss is worse by enough to matter."""
    return judge(best, HARM)


def worse_at_the_end(final: Interval) -> bool:
    """Whether the final loss is worse by enough to matter."""
    return judge(final, HARM) == "confirmed"


def losses_in_words(best: Interval, final: Interval, blamed: str, proposed: str) -> tuple[str, str]:
    """The differences of the best and the final losses in words."""
    lowest = f"best held-out loss {best.mean:+.3f} nats {blamed} compared with {proposed} ({best.limits('+.3f')})"
    return lowest, f"final {final.mean:+.3f} ({final.low:+.3f} to {final.high:+.3f})"


def side_by_side(
    case: FindingCase, rank: int, pair: Callable[[Bench], Pair], judged: Judge, few: int | None = None
) -> Verdict:
    """Trains the blamed and the suggested treatment and compares them. `rank` is the highest that is tried.

    If there is no time for all steps of the run, it makes fewer, but at least an epoch, or `few` where that is less.
    Raises Skip, also where the run's own data is not here.
    """
    sizes = [each.value for each in alternatives(case.run.dataset.size) if isinstance(each.value, int)]
    try:
        texts = texts_of(case.run, sizes[0] if sizes else None)
    except NoTexts as error:
        raise Skip(f"the experiment needs the run's own data: {error}") from error

    def experiment(bench: Bench) -> Verdict:
        if bench.head not in ("causal-lm", "image-text-to-text"):
            raise Skip(f"held-out losses are measured on causal language models only, and this is {bench.head}")
        return _compare(case, bench, pair(bench), judged, texts, few)

    return on_bench(case, experiment, rank, proxies=False)


def _compare(case: FindingCase, bench: Bench, pair: Pair, judged: Judge, texts: Texts, few: int | None) -> Verdict:
    plan = prepared(case.run, bench, texts.texts)
    blamed, proposed = pair
    if bench.device == "cuda":  # the first step compiles kernels: it is not timed
        rehearsal(case, bench, blamed, plan)
    begun = time.monotonic()
    parameters = {each.name: rehearsal(case, bench, each, plan) for each in pair}
    seeds = bench.seeds(case)
    # Two rehearsals, each of two steps and two evaluations; an evaluation costs about as much as a step.
    step = (time.monotonic() - begun) / 8
    evaluations = (_POINTS + 1) * step * max(plan.held / (3 * plan.batch), 1 / 3)
    left = (case.deadline - time.monotonic()) * _RESERVE
    steps = min(plan.whole, int((left / (2 * seeds) - evaluations) / step))
    least = min(plan.an_epoch, plan.whole, few or plan.an_epoch)
    if steps < least:
        takes = 2 * seeds * (least * step + evaluations) / _RESERVE
        what = "one epoch of" if least == plan.an_epoch else f"{least} steps on"
        why = (
            f"{what} {plan.trained_on:,} examples, with both settings and {seeds} seeds, takes about {takes:,.0f} s "
            "here"
        )
        measured = {"model": bench.described(), "data": texts.source, "seeds": 0}
        return Verdict("inconclusive", f"{why}, but only {max(left, 0):,.0f} s are left", measured, bench.device)
    plan = replace(plan, steps=max(steps, 1))
    once = case.options.seeds is not None
    curves: dict[str, list[Curve]] = {each.name: [] for each in pair}
    trial = Trial(plan, blamed, proposed, curves, parameters, USUAL if once else FIRST_LOOK)
    try:
        _trainings(case, bench, trial, seeds)
        verdict = _settled(bench, trial, judged, texts.source)
        spent = time.monotonic() - begun
        if verdict.status != "inconclusive" or once or case.deadline - time.monotonic() < spent:
            return verdict
        trial = replace(trial, level=SECOND_LOOK)
        _trainings(case, bench, trial, 2 * seeds)
    except Late:
        whole = trial.seeds
        if whole < seeds:
            why = f"time ran out after {whole} of {seeds} seeds"
            return Verdict("inconclusive", why, {"model": bench.described()}, bench.device)
        del trial.curves[blamed.name][whole:]
    return _settled(bench, trial, judged, texts.source)


def rehearsal(case: FindingCase, bench: Bench, treatment: Treatment, plan: Plan) -> int:
    """Trains two steps, even past the deadline, to time them; gives the number of trainable parameters."""
    with wrapped(bench, treatment.adapter, treatment.arm) as model:
        train(case, bench, model, treatment, replace(plan, steps=2), 0, timing=True)
        return sum(trainable(model).values())


def _trainings(case: FindingCase, bench: Bench, trial: Trial, seeds: int) -> None:
    """Trains both ways with each missing seed. Raises Late."""
    for seed in range(trial.seeds, seeds):
        for treatment in (trial.blamed, trial.proposed):
            case.say(f"training {treatment.name}, seed {seed + 1} of {seeds}")
            with wrapped(bench, treatment.adapter, treatment.arm) as model:
                curve = train(case, bench, model, treatment, trial.plan, case.options.seed + seed)
            trial.curves[treatment.name].append(curve)


def prepared(run: Run, bench: Bench, texts: Sequence[str]) -> Plan:
    """The examples as tokens with some held out, and the number of steps that the run makes. Raises Skip."""
    length = sequence_length(bench)
    examples = [tuple(bench.encode(text)[:length]) for text in texts]
    examples = [each for each in examples if len(each) > 1]
    if len(examples) < _LEAST:
        raise Skip(f"{len(examples)} examples are too few to hold some out")
    held = min(max(round(_HELD_OUT * len(examples)), _LEAST_HELD), _MOST_HELD[bench.device])
    held = min(held, len(set(examples)) // 2)
    if held == 0:
        raise Skip("all examples are the same")

    def of(value: Any, usual: float) -> float:
        numbers = [each.value for each in alternatives(value) if isinstance(each.value, (int, float))]
        return float(numbers[0]) if numbers and numbers[0] > 0 else usual

    count = len(examples) - held
    batch = min(batch_size(run), LARGEST, count)
    epochs = of(run.training.epochs, _USUAL_EPOCHS)
    whole = int(of(run.training.max_steps, 0)) or max(math.ceil(epochs * -(-count // batch)), 1)
    return Plan(tuple(examples), held, batch, whole, whole, optimizer_of(run))


def train(
    case: FindingCase,
    bench: Bench,
    model: Any,
    treatment: Treatment,
    plan: Plan,
    seed: int,
    timing: bool = False,
) -> Curve:
    """One training from a fresh adapter. The rate falls linearly to 0 over the run's steps, the default of
    transformers' trainer, without a warm-up. Raises Late."""
    import torch

    reset(model, lora_config(treatment.adapter, treatment.arm, bench), seed, {})
    trained = [each for each in model.parameters() if each.requires_grad]
    stepper = plan.optimizer.make(trained, treatment.rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(stepper, lambda step: max(1 - step / plan.whole, 0.0))
    points = {0, plan.steps} if timing else set(plan.points)
    train, held = plan.split(seed)
    losses, last = [held_out_loss(bench, model, held)], []
    batches = itertools.islice(shuffled(len(train), plan.batch, seed), plan.steps)
    for step, chosen in enumerate(batches, 1):
        if case.late() and not timing:
            raise Late
        _, loss = backward(bench, model, padded([train[place] for place in chosen]))
        if step > plan.steps * (1 - 1 / _POINTS):
            last.append(loss if math.isfinite(loss) else LOST)
        torch.nn.utils.clip_grad_norm_(trained, _CLIP)
        stepper.step()
        schedule.step()
        stepper.zero_grad(set_to_none=True)
        if step in points:
            losses.append(held_out_loss(bench, model, held))
    return Curve(tuple(losses), math.fsum(last) / len(last))


def _settled(bench: Bench, trial: Trial, judged: Judge, source: str) -> Verdict:
    plan = trial.plan
    status, reason = judged(trial)
    epochs = plan.steps / plan.an_epoch
    over = f"{plan.trained_on:,} examples, {number(round(epochs, 1))} epochs, {trial.seeds} seeds"
    if plan.steps < plan.whole:
        over += f", stopped by the time budget after {plan.steps:,} of {plan.whole:,} steps"
    notes = list(plan.optimizer.notes)
    reason += f" ({'; '.join([over, *notes])})"
    pair = (trial.blamed, trial.proposed)
    measured = {
        "curves": {name: _curve(trial, made) for name, made in trial.curves.items()},
        "best": _ends(trial, lambda curve: curve.best, trial.best),
        "final": _ends(trial, lambda curve: curve.final, trial.final),
        "arms": {
            each.name: {
                "rank": each.arm.rank,
                "alpha": each.arm.alpha,
                "learning_rate": each.rate,
                "parameters": trial.parameters[each.name],
            }
            for each in pair
        },
        "deciding": deciding_difference(
            f"best held-out loss {trial.blamed.name} minus that {trial.proposed.name}, in nats per token",
            trial.by_seed(lambda curve: curve.best),
            trial.best,
            HARM,
        ),
        "diverged": {each.name: trial.diverged(each) for each in pair},
        "examples": plan.trained_on,
        "held_out": plan.held,
        "steps": plan.steps,
        "epochs": round(epochs, 2),
        "optimizer": plan.optimizer.label,
        "seeds": trial.seeds,
        "level": trial.level,
        "model": bench.described(),
        "data": source,
        "notes": notes,
    }
    return Verdict(status, reason, measured, bench.device)


def _curve(trial: Trial, made: Sequence[Curve]) -> list[list[float]]:
    """[step, mean, low, high] of the held-out loss over the seeds."""
    return [
        [point, *interval([curve.losses[place] for curve in made], trial.level).rounded()]
        for place, point in enumerate(trial.plan.points)
    ]


def _ends(trial: Trial, of: Callable[[Curve], float], difference: Interval) -> dict[str, list[float]]:
    by_arm = {
        name: interval([of(curve) for curve in made], trial.level).rounded() for name, made in trial.curves.items()
    }
    return by_arm | {"difference": difference.rounded()}
