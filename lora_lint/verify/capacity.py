"""LL301: rank against data. Trains at the run's rank and at the bound on the user's own examples and compares the
best and the final loss on held-out ones.

Rank is only to blame if the *best* loss is worse at the higher rank. A final loss that is worse alone is over-training,
which stopping earlier cures at any rank.
"""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lora_lint.finding import Verdict
from lora_lint.rules.words import number
from lora_lint.run import alternatives
from lora_lint.verify import probe
from lora_lint.verify.bench import Arm, Late, backward, lora_config, on_bench, reset, sequence_length, wrapped
from lora_lint.verify.data import NoTexts, texts_of
from lora_lint.verify.experiment import Skip
from lora_lint.verify.optimizers import optimizer_of
from lora_lint.verify.probe import IGNORED, Batch
from lora_lint.verify.scaling import arm_of
from lora_lint.verify.statistics import Interval, interval

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lora_lint.finding import Status
    from lora_lint.run import Run
    from lora_lint.verify.bench import Bench
    from lora_lint.verify.experiment import Case
    from lora_lint.verify.optimizers import Optimizer

HARM = 0.01
"""Nats by which the held-out loss has to be worse to matter."""
_POINTS = 10  # evaluations of a training
_HELD_OUT = 0.15  # share of the examples
_LEAST_HELD, _MOST_HELD = 8, {"cpu": 48, "cuda": 256}
_LEAST = 24  # examples
_LARGEST_BATCH = 64
_USUAL_BATCH, _USUAL_EPOCHS = 8, 3.0  # of transformers' trainer
_CLIP = 1.0  # gradient norm, as transformers' trainer clips it
_RESERVE = 0.9  # of the time left that a training is planned with


@dataclass(frozen=True)
class Plan:
    """What is trained: `steps` are made of the `whole` that the run would make."""

    train: tuple[tuple[int, ...], ...]
    held: tuple[tuple[int, ...], ...]
    batch: int
    whole: int
    steps: int

    @property
    def an_epoch(self) -> int:
        return -(-len(self.train) // self.batch)

    @property
    def points(self) -> list[int]:
        """After which steps the held-out loss is taken."""
        return sorted({round(self.steps * point / _POINTS) for point in range(_POINTS + 1)})


@dataclass(frozen=True)
class Curve:
    """Held-out loss (nats a token) after some steps of one training."""

    losses: tuple[float, ...]

    @property
    def best(self) -> float:
        return min(self.losses)

    @property
    def final(self) -> float:
        return self.losses[-1]


def rank_against_data(case: Case) -> Verdict:
    """LL301"""
    high = arm_of(case.run)
    bound = _bound(case, high.rank)
    low = equal_step(high, bound, optimizer_of(case.run))
    sizes = [each.value for each in alternatives(case.run.dataset.size) if isinstance(each.value, int)]
    try:
        texts = texts_of(case.run, sizes[0] if sizes else None)
    except NoTexts as error:
        raise Skip(f"it takes the run's own data: {error}") from error
    return on_bench(case, lambda bench: _compare(case, bench, high, low, texts), high.rank, proxies=False)


def equal_step(arm: Arm, rank: int, optimizer: Optimizer) -> Arm:
    """The setting of another rank whose first step is as large: it goes as scale * r where the optimizer divides the
    size of the gradient out (Adam and its kin), and as scale^2 * r under SGD."""
    share = arm.rank / rank
    scale = arm.scale * (math.sqrt(share) if optimizer.family == "sgd" else share)
    return Arm(rank, scale * (math.sqrt(rank) if arm.rslora else rank), arm.rslora)


def _bound(case: Case, rank: int) -> int:
    """The bound that the finding names; its options are known to the rule alone, so it is read from the fix."""
    told = re.search(r"(\d+)$", case.finding.fix.message) if case.finding.fix is not None else None
    bound = int(told[1]) if told else 8
    if not 0 < bound < rank:
        raise Skip(f"rank {rank} is not above the bound of {bound}")
    return bound


def _compare(case: Case, bench: Bench, high: Arm, low: Arm, texts: Any) -> Verdict:
    if bench.head not in ("causal-lm", "image-text-to-text"):
        raise Skip(f"rank against data is measured on causal language models, and this is {bench.head}")
    optimizer = optimizer_of(case.run)
    plan = prepared(case.run, bench, texts.texts)
    begun = time.monotonic()
    with wrapped(bench, case.run.adapter, high) as model:
        _train(case, bench, model, high, optimizer, replace(plan, steps=2), 0, timing=True)
    seeds = bench.seeds(case)
    step = (time.monotonic() - begun) / 4  # two steps, and two evaluations about as dear as a step each
    evaluations = (_POINTS + 1) * step * max(len(plan.held) / (3 * plan.batch), 1 / 3)
    left = (case.deadline - time.monotonic()) * _RESERVE
    steps = min(plan.whole, int((left / (2 * seeds) - evaluations) / step))
    if steps < plan.an_epoch and steps < plan.whole:
        takes = 2 * seeds * (plan.an_epoch * step + evaluations) / _RESERVE
        why = (
            f"one epoch of {len(plan.train):,} examples at two ranks and {seeds} seeds takes about {takes:,.0f} s here"
        )
        measured = {"model": bench.described(), "data": texts.source, "seeds": 0}
        return Verdict("inconclusive", f"{why}, and {max(left, 0):,.0f} s are left", measured, bench.device)
    plan = replace(plan, steps=max(steps, 1))
    curves: dict[Arm, list[Curve]] = {high: [], low: []}
    try:
        _trainings(case, bench, plan, optimizer, curves, seeds)
        verdict = _settle(bench, plan, optimizer, curves, texts.source)
        spent = time.monotonic() - begun
        if verdict.status == "inconclusive" and case.options.seeds is None and case.deadline - time.monotonic() > spent:
            _trainings(case, bench, plan, optimizer, curves, 2 * seeds)
    except Late:
        whole = len(curves[low])
        if whole < seeds:
            why = f"the time was used up after {whole} of {seeds} seeds"
            return Verdict("inconclusive", why, {"model": bench.described()}, bench.device)
        curves[high] = curves[high][:whole]
    return _settle(bench, plan, optimizer, curves, texts.source)


def _trainings(
    case: Case, bench: Bench, plan: Plan, optimizer: Optimizer, curves: dict[Arm, list[Curve]], seeds: int
) -> None:
    """Trains each arm with each seed that it lacks. Raises Late."""
    for seed in range(len(next(iter(curves.values()))), seeds):
        for arm, made in curves.items():
            case.say(f"training at r={arm.rank}, seed {seed + 1} of {seeds}")
            with wrapped(bench, case.run.adapter, arm) as model:
                made.append(_train(case, bench, model, arm, optimizer, plan, seed))


def prepared(run: Run, bench: Bench, texts: Sequence[str]) -> Plan:
    """Examples as tokens, the held-out ones aside, and how many steps the run makes. Raises Skip."""
    length = sequence_length(bench)
    examples = [tuple(bench.encode(text)[:length]) for text in texts]
    examples = [each for each in examples if len(each) > 1]
    if len(examples) < _LEAST:
        raise Skip(f"{len(examples)} examples are too few to hold some out")
    held = min(max(round(_HELD_OUT * len(examples)), _LEAST_HELD), _MOST_HELD[bench.device])
    every = len(examples) // held
    aside = [each for place, each in enumerate(examples) if place % every == every - 1][:held]
    kept_aside = set(aside)
    train = [each for each in examples if each not in kept_aside]
    if not train:
        raise Skip("all examples are alike")

    def of(value: Any, usual: float) -> float:
        numbers = [each.value for each in alternatives(value) if isinstance(each.value, (int, float))]
        return float(numbers[0]) if numbers and numbers[0] > 0 else usual

    batch = int(of(run.training.batch_size, _USUAL_BATCH) * of(run.training.accumulation, 1))
    batch = max(min(batch, _LARGEST_BATCH, len(train)), 1)
    epochs = of(run.training.epochs, _USUAL_EPOCHS)
    whole = int(of(run.training.max_steps, 0)) or max(math.ceil(epochs * -(-len(train) // batch)), 1)
    return Plan(tuple(train), tuple(aside), batch, whole, whole)


def _train(
    case: Case,
    bench: Bench,
    model: Any,
    arm: Arm,
    optimizer: Optimizer,
    plan: Plan,
    seed: int,
    timing: bool = False,
) -> Curve:
    """One training from a fresh adapter; the rate falls linearly to 0 over the run's steps, as transformers' trainer
    has it by default. Raises Late."""
    import torch

    config = lora_config(case.run.adapter, arm, bench)
    reset(model, config, seed, {})
    trained = [each for each in model.parameters() if each.requires_grad]
    stepper = optimizer.make(trained)
    schedule = torch.optim.lr_scheduler.LambdaLR(stepper, lambda step: max(1 - step / plan.whole, 0.0))
    generator = torch.Generator().manual_seed(seed)
    order: list[int] = []
    points = {0, plan.steps} if timing else set(plan.points)
    losses = [_held_out(bench, model, plan)]
    for step in range(1, plan.steps + 1):
        if case.late() and not timing:
            raise Late
        if len(order) < plan.batch:
            order += torch.randperm(len(plan.train), generator=generator).tolist()
        chosen, order = order[: plan.batch], order[plan.batch :]
        backward(bench, model, _padded([plan.train[place] for place in chosen]))
        torch.nn.utils.clip_grad_norm_(trained, _CLIP)
        stepper.step()
        schedule.step()
        stepper.zero_grad(set_to_none=True)
        if step in points:
            losses.append(_held_out(bench, model, plan))
    return Curve(tuple(losses))


def _padded(rows: Sequence[Sequence[int]]) -> Batch:
    """Examples of several lengths side by side; what is padding is neither seen nor answered."""
    import torch

    longest = max(len(row) for row in rows)
    ids = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    targets = torch.full_like(ids, IGNORED)
    targets[:, :-1] = ids[:, 1:].masked_fill(mask[:, 1:] == 0, IGNORED)
    return Batch({"input_ids": ids, "attention_mask": mask}, targets)


def _held_out(bench: Bench, model: Any, plan: Plan) -> float:
    """Mean loss on the held-out examples, nats a token."""
    import torch

    total, count = 0.0, 0
    with torch.no_grad():
        for start in range(0, len(plan.held), bench.micro):
            batch = _padded(plan.held[start : start + bench.micro])
            part = batch.part(0, len(batch), bench.device)
            loss, answers = probe.loss_of(bench.head, probe.answers(bench.head, model(**part.inputs)), part.targets)
            total, count = total + float(loss), count + answers
    return total / max(count, 1)


def _settle(bench: Bench, plan: Plan, optimizer: Optimizer, curves: dict[Arm, list[Curve]], source: str) -> Verdict:
    high, low = curves
    best = _difference(curves[high], curves[low], lambda curve: curve.best)
    final = _difference(curves[high], curves[low], lambda curve: curve.final)
    status, told = judged(best, final, high.rank, low.rank)
    epochs = plan.steps / plan.an_epoch
    over = f"{len(plan.train):,} examples, {number(round(epochs, 1))} epochs, {len(curves[high])} seeds"
    if plan.steps < plan.whole:
        over += f", stopped by the time after {plan.steps:,} of {plan.whole:,} steps"
    notes = list(optimizer.notes)
    told += f" ({'; '.join([over, *notes])})"
    measured = {
        "curves": {f"r={arm.rank}": _curve(plan, made) for arm, made in curves.items()},
        "best": _ends(curves, lambda curve: curve.best, best),
        "final": _ends(curves, lambda curve: curve.final, final),
        "alphas": {f"r={arm.rank}": arm.alpha for arm in curves},
        "examples": len(plan.train),
        "held_out": len(plan.held),
        "steps": plan.steps,
        "epochs": round(epochs, 2),
        "optimizer": optimizer.label,
        "learning_rate": optimizer.rate,
        "seeds": len(curves[high]),
        "model": bench.described(),
        "data": source,
        "notes": notes,
    }
    return Verdict(status, told, measured, bench.device)


def judged(best: Interval, final: Interval, high: int, low: int) -> tuple[Status, str]:
    """The status, and what to say: the differences are those of the higher rank's held-out loss minus the lower's."""
    lowest = (
        f"best held-out loss {best.mean:+.3f} nats at r={high} against r={low} "
        f"(95% {best.low:+.3f} to {best.high:+.3f})"
    )
    last = f"final {final.mean:+.3f} ({final.low:+.3f} to {final.high:+.3f})"
    if best.low > 0 and best.mean > HARM:
        return "confirmed", f"{lowest}, {last}: the lower rank does better"
    worse_at_the_end = final.low > 0 and final.mean > HARM
    if best.high < HARM:
        if worse_at_the_end:
            return "refuted", f"over-training, not rank: stop earlier; {last}, but {lowest}"
        return "refuted", f"{lowest}, {last}: no harm of the rank measured"
    if worse_at_the_end:
        return (
            "inconclusive",
            f"over-training for certain: stop earlier; {last}; whether rank harms too is open: {lowest}",
        )
    return "inconclusive", f"{lowest}, {last}: too uncertain to tell"


def _difference(high: Sequence[Curve], low: Sequence[Curve], of: Callable[[Curve], float]) -> Interval:
    return interval([of(one) - of(other) for one, other in zip(high, low, strict=True)])


def _curve(plan: Plan, made: Sequence[Curve]) -> list[list[float]]:
    """[step, mean, low, high] of the held-out loss over the seeds."""
    return [
        [point, *interval([curve.losses[place] for curve in made]).rounded()] for place, point in enumerate(plan.points)
    ]


def _ends(curves: dict[Arm, list[Curve]], of: Callable[[Curve], float], difference: Interval) -> dict[str, list[float]]:
    by_arm = {f"r={arm.rank}": interval([of(curve) for curve in made]).rounded() for arm, made in curves.items()}
    return by_arm | {"difference": difference.rounded()}
