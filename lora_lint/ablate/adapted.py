"""The model with the adapter of one arm on it, fresh from a seed, and as it was before when the arm is done."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from lora_lint.ablate.recipes import DEFAULT_INIT
from lora_lint.verify import weights
from lora_lint.verify.measurement.bench import lora_config
from lora_lint.verify.structure.skeleton import adapted, skipping, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.ablate.recipes import Recipe
    from lora_lint.run.run import Adapter
    from lora_lint.verify.measurement.bench import Bench

_CHANGING = ("pissa", "olora", "corda", "loftq", "lora_ga", "eva")
"""The starts of the initialisations that move a part of the base weights into the adapter (PEFT 0.21.2,
tuners/lora/layer.py)."""


@contextlib.contextmanager
def with_adapter(bench: Bench, adapter: Adapter, recipe: Recipe, seed: int) -> Iterator[Any]:
    """The model with a fresh adapter, which depends on the seed alone. Raises Skip with PEFT's reason."""
    import torch

    config = lora_config(recipe.on(adapter), recipe.arm, bench)
    if recipe.init != DEFAULT_INIT:
        config.init_lora_weights = recipe.init
    kept = _targeted(bench, config) if recipe.init.startswith(_CHANGING) else {}
    torch.manual_seed(seed)
    with skipping():
        model = wrap(bench.model, config)
    try:
        yield model.eval()
    finally:
        with weights.quiet():
            model.unload()
        with torch.no_grad():
            for name, before in kept.items():
                bench.model.get_parameter(name).copy_(before)


def _targeted(bench: Bench, config: Any) -> dict[str, Any]:
    """Copies of the base weights that the adapter will change, on the CPU."""
    import copy

    plain = copy.copy(config)
    plain.init_lora_weights = True
    model = wrap(bench.model, plain)
    names = [f"{path}.weight" for path in adapted(model)]
    with weights.quiet():
        model.unload()
    return {name: bench.model.get_parameter(name).detach().to("cpu", copy=True) for name in names}


def parameter_groups(model: Any, recipe: Recipe) -> list[dict[str, Any]]:
    """The trainable parameters as groups for the optimizer: one, or under LoRA+ two, in which lora_B learns at a higher
    rate (peft/optimizers/loraplus.py)."""
    trained = [(name, each) for name, each in model.named_parameters() if each.requires_grad]
    if recipe.lora_plus is None:
        return [{"params": [each for _, each in trained], "lr": recipe.rate}]
    fast = [each for name, each in trained if "lora_B" in name]
    slow = [each for name, each in trained if "lora_B" not in name]
    return [{"params": slow, "lr": recipe.rate}, {"params": fast, "lr": recipe.rate * recipe.lora_plus}]
