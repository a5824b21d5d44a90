"""The first step of a training: which `lora_B` get a gradient, and which move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lora_lint.finding import Finding
from lora_lint.guarding.findings import some
from lora_lint.guarding.modules import base_of, is_checkpointing
from lora_lint.guarding.shards import local_part
from lora_lint.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from lora_lint.guarding.places import Places
    from lora_lint.guarding.state import State
    from lora_lint.guarding.subject import Subject

PATIENCE = 10
"""How many steps may pass until one moves the adapter: warmup starts at a rate of 0, and a loss scaler skips steps."""


@dataclass(frozen=True)
class Gradients:
    """The `lora_B` that train, by what the first backward pass gave them."""

    every: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    zero: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    """NaN or infinite."""

    @property
    def facts(self) -> dict[str, list[str]]:
        """Those that are odd, for a report."""
        return {
            "without_gradient": list(self.without),
            "zero_gradient": list(self.zero),
            "broken_gradient": list(self.broken),
        }


def trained_matrices(state: State) -> dict[str, Any]:
    """What this process holds of the `lora_B` of the active adapters that require a gradient."""
    return {
        name: part
        for adapter in state.adapters
        if adapter.active
        for name, each in adapter.matrices.items()
        if each.requires_grad and (part := local_part(each)).numel()
    }


def gradients_of(state: State) -> Gradients | None:
    """What the gradients of the `lora_B` are; None where they are not on the parameters of this process."""
    import torch

    if state.sharded or state.optimizer.has_copies:
        return None
    matrices = trained_matrices(state)
    without, zero, broken = [], [], []
    with torch.no_grad():
        for name, each in matrices.items():
            if each.grad is None:
                without.append(name)
            elif not bool(torch.isfinite(each.grad).all()):
                broken.append(name)
            elif not bool(each.grad.any()):
                zero.append(name)
    return Gradients(tuple(matrices), tuple(without), tuple(zero), tuple(broken))


def before_step(arguments: Sequence[Any], keywords: Mapping[str, Any], look: Callable[[], None]) -> Any:
    """Calls `look` once the gradients of an optimizer's step are there: now, or after its closure, which computes them.
    `arguments` and `keywords` are those of `step`, with the optimizer; gives what a hook before the step returns."""
    closure = keywords.get("closure", arguments[1] if len(arguments) > 1 else None)
    if closure is None:
        look()
        return None

    def looked_at() -> Any:
        loss = closure()
        look()
        return loss

    others = {name: value for name, value in keywords.items() if name != "closure"}
    return (arguments[0], looked_at, *arguments[2:]), others


def marks_of(matrices: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Two sums over each matrix, which a step changes."""
    import torch

    with torch.no_grad():
        return {
            name: (float(each.double().sum()), float(each.double().square().sum())) for name, each in matrices.items()
        }


def findings_of(gradients: Gradients, subject: Subject, places: Places) -> Iterator[Finding]:
    """LL411, LL416: no `lora_B` gets a gradient."""
    if not gradients.every or len(gradients.without) < len(gradients.every):
        return
    count = len(gradients.every)
    start = (
        f"After the first backward pass no `lora_B` of {count} has a gradient: the loss does not depend on the adapter"
    )
    if is_checkpointing(base_of(subject.model)):
        message = (
            f"{start}. Gradient checkpointing is on, and the inputs of the layers require no gradient. Call "
            '`model.enable_input_require_grads()`, or set `gradient_checkpointing_kwargs={"use_reentrant": False}`'
        )
        yield Finding("LL411", message, places.train)
        return
    message = (
        f"{start}. Look for `disable_adapter`, `torch.no_grad()` or `detach()` around the forward pass, and for a loss "
        "that another model computes"
    )
    yield Finding("LL416", message, places.train)


def notes_of(gradients: Gradients, scaled: bool = False) -> Iterator[str]:
    """What is odd about a first step and may be meant. `scaled`: a loss scaler still looks for its scale, and infinite
    gradients are part of that."""
    lacking = gradients.without if len(gradients.without) < len(gradients.every) else ()
    for names, what in (
        (lacking, "got no gradient in the first step: nothing of the loss passes through them"),
        (gradients.zero, "got a gradient of 0 in the first step"),
        (() if scaled else gradients.broken, "got a NaN or infinite gradient in the first step"),
    ):
        if names:
            yield f"{len(names)} of {len(gradients.every)} `lora_B` {what} ({some(names)})"
