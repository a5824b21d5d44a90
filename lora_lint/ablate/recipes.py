"""What one arm of a study trains with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lora_lint.rules.scale import Arm
from lora_lint.run.values import Known

if TYPE_CHECKING:
    from typing import TypeAlias

    from lora_lint.run.run import Adapter

Targets: TypeAlias = "tuple[str, ...] | str"

DEFAULT_INIT = "default"


@dataclass(frozen=True)
class Recipe:
    """One arm. `targets` are names of the model's modules, a regex or "all-linear"; `lora_plus` is the ratio of the
    learning rate of lora_B to that of lora_A, None without LoRA+; `init` is PEFT's `init_lora_weights`."""

    name: str
    targets: Targets
    rank: int
    alpha: float
    rslora: bool = False
    dora: bool = False
    init: str = DEFAULT_INIT
    lora_plus: float | None = None
    rate: float = 2e-4

    @property
    def arm(self) -> Arm:
        return Arm(self.rank, self.alpha, self.rslora)

    @property
    def key(self) -> str:
        """Equal for arms that are the same training: rsLoRA only divides alpha by another number, so it is left out,
        and the scale is taken to three digits."""
        scale = f"{self.arm.scale:.3g}"
        parts = (self.targets, self.rank, scale, self.dora, self.init, self.lora_plus, f"{self.rate:.6g}")
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    def scaled(self, scale: float) -> Recipe:
        """The arm with the alpha that gives this factor on the adapter's output."""
        return replace(self, alpha=scale * self.alpha / self.arm.scale)

    def on(self, adapter: Adapter) -> Adapter:
        """The adapter of a run with the arm's targets. Ranks and alphas by pattern are the run's own and would override
        the arm's: they are dropped."""
        return replace(
            adapter,
            target_modules=Known(self.targets),
            use_dora=Known(self.dora),
            rank_pattern=Known({}),
            alpha_pattern=Known({}),
        )

    def settings(self) -> dict[str, Any]:
        """The arm as keywords of `peft.LoraConfig`, without those at their defaults."""
        targets = list(self.targets) if isinstance(self.targets, tuple) else self.targets
        alpha = int(self.alpha) if float(self.alpha).is_integer() else self.alpha
        found: dict[str, Any] = {"r": self.rank, "lora_alpha": alpha, "target_modules": targets}
        if self.rslora:
            found["use_rslora"] = True
        if self.dora:
            found["use_dora"] = True
        if self.init != DEFAULT_INIT:
            found["init_lora_weights"] = self.init
        return found
