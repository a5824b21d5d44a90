"""Training Hub's `lora_sft`, which `libraries.training_hub` follows.

Source: training_hub at f793034 of 2026-08-06, algorithms/{lora,peft_extender}.py.
"""

from __future__ import annotations

from lora_lint.run.framework import Framework

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.interpreter.values import Object
    from lora_lint.source import Span

FRAMEWORK = Framework(
    name="training_hub",
    title="Training Hub",
    source="training_hub at f793034",
    packages=("training-hub",),
    keys={
        "rank": "lora_r",
        "alpha": "lora_alpha",
        "dropout": "lora_dropout",
        "target_modules": "target_modules",
        "use_rslora": "use_rslora",
        "use_dora": "use_dora",
        "init_lora_weights": "init_lora_weights",
    },
    adapts="Training Hub",
    every_layer=None,
)


def filled(config: Object, here: Span) -> dict[str, Any]:
    """What it calls the settings of an adapter."""
    del config, here
    return {"keys": FRAMEWORK.keys}
