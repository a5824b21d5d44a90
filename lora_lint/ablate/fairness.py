"""Equal chances: the alpha with which each arm's first optimizer step is as large as the baseline's.

At one learning rate the usual arms of a study differ many times in their first step, and the study compares step sizes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from lora_lint.ablate.adapted import parameter_groups, with_adapter
from lora_lint.ablate.examples import batches, split
from lora_lint.ablate.setup import opened
from lora_lint.rules.scale import stated
from lora_lint.verify import weights
from lora_lint.verify.measurement.bench import backward, forward
from lora_lint.verify.measurement.held_out import padded

if TYPE_CHECKING:
    from lora_lint.ablate.recipes import Recipe
    from lora_lint.ablate.setup import Setup
    from lora_lint.run.framework import Framework

Fair = Literal["step", "ratio", "as-written"]
"""step: the measured first steps are equal. ratio: alpha/r is equal. as-written: alpha as it is given."""

_SEEDS = (0, 1)
_CLOSE = math.log(1.05)
"""How far from each other steps may be to count as equal."""
_ROUNDS = 6
_SMALLEST = {weights.FULL: 1e-4}
_SMALLEST_ROUNDED = 2e-2
"""The smallest relative change of the logits that survives rounding (verify/measurement/bench.py)."""


@dataclass(frozen=True)
class FirstStep:
    """||logits after - before|| / ||before|| of an arm's first step, the geometric mean over some seeds; `seconds` is
    what one step takes."""

    size: float
    seconds: float


def first_step(setup: Setup, recipe: Recipe, factor: float = 1.0) -> FirstStep:
    """Measures the first step of an arm at `factor` times its learning rate. Raises Skip, NoWeights."""
    import time

    bench = opened(setup.host)
    sizes, seconds = [], math.inf
    recipe = replace(recipe, rate=factor * recipe.rate)
    for seed in _SEEDS:
        data = split(setup.examples, setup.held, seed)
        [chosen] = batches(len(data.train), setup.batch, 1, seed)
        batch = padded([data.train[place].tokens for place in chosen])
        with with_adapter(bench, setup.adapter, recipe, seed) as model:
            begun = time.monotonic()
            before, _ = backward(bench, model, batch)
            setup.optimizer.make(parameter_groups(model, recipe), recipe.rate).step()
            model.zero_grad(set_to_none=True)
            after = forward(bench, model, batch)
            sizes.append(float((after - before).double().norm() / before.double().norm()))
            seconds = min(seconds, time.monotonic() - begun)  # a little more than a step: with one forward pass
    size = math.exp(math.fsum(math.log(max(each, 1e-12)) for each in sizes) / len(sizes))
    return FirstStep(size, seconds)


def visible_factor(setup: Setup, smallest: float) -> float:
    """The factor on all learning rates with which the smallest first step is not lost in rounding."""
    floor = _SMALLEST.get(setup.host.dtype, _SMALLEST_ROUNDED)
    return max(1.0, 1.5 * floor / max(smallest, 1e-12))


def with_equal_ratio(recipe: Recipe, base: Recipe, framework: Framework) -> Recipe:
    """The arm with the baseline's alpha/r."""
    return replace(recipe, alpha=stated(base.alpha / base.rank * recipe.rank, framework))


def with_equal_step(
    setup: Setup, recipe: Recipe, base: Recipe, wanted: float, framework: Framework, factor: float
) -> tuple[Recipe, FirstStep]:
    """The arm with the alpha that makes its first step as large as `wanted`, and the step that it then takes. An arm
    with another learning rate is measured at the baseline's: to take another step is what it is for.

    The logarithm of the step is nearly linear in that of the scale, so a few secants find it.
    """
    trial = replace(recipe, rate=base.rate)
    slope = 2.0 if setup.optimizer.family == "sgd" else 1.0
    trial = trial.scaled(base.arm.scale * base.rank / recipe.rank)
    step = first_step(setup, trial, factor)
    for _ in range(_ROUNDS):
        gap = math.log(wanted / step.size)
        if abs(gap) < _CLOSE / 2:
            break
        again = trial.scaled(trial.arm.scale * math.exp(gap / slope))
        after = first_step(setup, again, factor)
        moved = math.log(again.arm.scale / trial.arm.scale)
        slope = min(max(math.log(after.size / step.size) / moved, 0.25), 3.0)
        trial, step = again, after
    alpha = _short(stated(trial.alpha, framework), framework)
    return replace(recipe, alpha=alpha), step


def _short(alpha: float, framework: Framework) -> float:
    """Alpha in three digits, as people write it."""
    return stated(float(f"{alpha:.3g}"), framework)
