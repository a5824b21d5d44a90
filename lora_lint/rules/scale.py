"""The scale of an adapter's output, and the first optimizer step that follows from it.

Every rule on rank, alpha and rsLoRA uses these formulas. Sources: PEFT 0.21.2, tuners/lora/layer.py (`update_layer`)
for the scale, docs/verify.md for the measured exponents of the step.
"""

from __future__ import annotations

from math import sqrt

from lora_lint.records import dataclass
from lora_lint.rules.words import every_case
from lora_lint.run.values import known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from lora_lint.run.framework import Framework
    from lora_lint.run.run import Run

    Law = Literal["adam", "sgd"]
    """How the first step depends on rank and scale at one learning rate: rank * scale under Adam-type optimizers, which
    divide the size of the gradient out, rank * scale^2 under SGD."""

SLACK = 1.001
"""Alpha is written to four digits, so a scale within a thousandth of its limit counts as at the limit."""


@dataclass(frozen=True)
class Arm:
    """One setting of rank, alpha and rsLoRA."""

    rank: int
    alpha: float
    rslora: bool = False

    @property
    def scale(self) -> float:
        """The factor on the adapter's output."""
        return self.alpha / divisor(self.rank, self.rslora)

    def step(self, law: Law) -> float:
        """The first step, up to a factor common to adapters on the same modules at the same learning rate."""
        return self.rank * (self.scale if law == "adam" else self.scale**2)

    def alpha_for_step(self, step: float, law: Law) -> float:
        """The alpha that gives this first step at the arm's rank."""
        scale = step / self.rank if law == "adam" else sqrt(step / self.rank)
        return scale * divisor(self.rank, self.rslora)


def divisor(rank: int, rslora: bool) -> float:
    """The divisor of alpha: the rank, or its square root under rsLoRA."""
    return sqrt(rank) if rslora else float(rank)


def arm_of(run: Run) -> Arm | None:
    """The run's setting; None if there is not one known setting that can be trained."""
    found = arms_of(run)
    return found[0] if len(found) == 1 else None


def arms_of(run: Run) -> list[Arm]:
    """Every setting that the run may have; none if one of them is unknown or cannot be trained."""
    adapter = run.adapter
    if run.trained is False:
        return []
    arms = [Arm(*case) for case in every_case(adapter.rank, adapter.alpha, adapter.use_rslora)]
    return arms if all(arm.rank >= 1 and arm.alpha > 0 for arm in arms) else []


def law_of(run: Run) -> Law | None:
    """The law of the run's optimizer. Every framework's default is of Adam's type; None for optimizers that follow
    neither law."""
    name = (known(run.training.optimizer) or "adam").lower().rpartition(".")[2]
    if name.startswith("sgd"):
        return "sgd"
    return "adam" if "adam" in name or "lion" in name else None


def stated(alpha: float, framework: Framework) -> float:
    """Alpha as a config states it: four digits, or an integer if the framework accepts nothing else (rounded down, to
    keep a limit on the scale)."""
    value = float(f"{alpha:.4g}")
    return value if framework.takes_alpha(value) else float(max(1, int(alpha)))


def spelling(alpha: float) -> str:
    """Alpha as a fix writes it, so that messages give the number that the file has afterwards."""
    return str(int(alpha)) if float(alpha).is_integer() else repr(alpha)
