"""The run's optimizer and learning rate, as torch has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from lora_lint.run.values import alternatives, is_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lora_lint.run.run import Run

USUAL_RATE = 2e-4
"""The most common learning rate in public LoRA configs (42% of 1,127)."""

Family = Literal["adam", "sgd", "sign", "adafactor", "rmsprop", "adagrad"]

_NAMES: tuple[tuple[str, Family, str], ...] = (
    ("adafactor", "adafactor", "Adafactor"),
    ("lion", "sign", "Lion"),
    ("sgd", "sgd", "SGD"),
    ("rmsprop", "rmsprop", "RMSprop"),
    ("adagrad", "adagrad", "Adagrad"),
    ("adam", "adam", "AdamW"),
)
_ROUNDED = ("8bit", "4bit", "fp8")


@dataclass(frozen=True)
class Optimizer:
    """How a run steps. `label` is for people; `notes` say what was assumed."""

    family: Family
    label: str
    rate: float
    notes: tuple[str, ...] = ()

    def make(self, parameters: Iterable[Any], rate: float | None = None) -> Any:
        """The torch optimizer, without weight decay: lora_B starts at 0 and has none in its first step."""
        from torch import optim

        rate = self.rate if rate is None else rate
        parameters = list(parameters)
        if self.family == "sgd":
            return optim.SGD(parameters, lr=rate)
        if self.family == "rmsprop":
            return optim.RMSprop(parameters, lr=rate)
        if self.family == "adagrad":
            return optim.Adagrad(parameters, lr=rate)
        if self.family == "adafactor":
            from transformers.optimization import Adafactor

            # As transformers' trainer sets it up.
            return Adafactor(parameters, lr=rate, scale_parameter=False, relative_step=False)
        if self.family == "sign":
            # Lion's first step follows the sign of (1 - b)*g, because m starts at 0: Adam without momentum does the
            # same.
            return optim.Adam(parameters, lr=rate, betas=(0.0, 0.0))
        return optim.AdamW(parameters, lr=rate, weight_decay=0.0)


def optimizer_of(run: Run) -> Optimizer:
    """The optimizer of a run. What the file does not say is assumed, with a note."""
    notes: list[str] = []
    rates = [
        each.value for each in alternatives(run.training.learning_rate) if is_number(each.value) and each.value > 0
    ]
    if not rates:
        notes.append(f"the learning rate is not known; {USUAL_RATE:g} is assumed")
    rate = float(rates[0]) if rates else USUAL_RATE
    names = [str(each.value) for each in alternatives(run.training.optimizer)]
    if not names:
        return Optimizer("adam", "AdamW", rate, ("the optimizer is not known; AdamW is assumed", *notes))
    plain = names[0].lower().rpartition(".")[2]
    for word, family, label in _NAMES:
        if word in plain:
            if any(mark in plain for mark in _ROUNDED):
                notes.append(f"{names[0]} is measured without its quantized states")
            return Optimizer(family, label, rate, tuple(notes))
    notes.append(f"{names[0]} is measured as AdamW")
    return Optimizer("adam", "AdamW", rate, tuple(notes))
