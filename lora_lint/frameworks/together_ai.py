"""Together AI's command `together fine-tuning create --lora-r 16`, and its client (`libraries.together`).

Source: together 1.5.34 of 2025-12-23, src/together/cli/api/finetune.py.
"""

from __future__ import annotations

from lora_lint.run.framework import CommandLine, Framework

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.interpreter.values import Object
    from lora_lint.source import Span

FRAMEWORK = Framework(
    name="together_ai",
    title="Together AI",
    source="together",
    version=(1, 5, 34),
    packages=("together",),
    keys={
        "rank": "lora_r",
        "alpha": "lora_alpha",
        "dropout": "lora_dropout",
        "target_modules": "lora_trainable_modules",
    },
    other_keys={
        "model": "model",
        "learning_rate": "learning_rate",
        "epochs": "n_epochs",
        "batch_size": "batch_size",
    },
    defaults={
        "rank": 8,
        "dropout": 0.0,
        "target_modules": "all-linear",
        "learning_rate": 1e-5,
        "epochs": 1,
    },
    commands=(CommandLine("command", "together", tasks=("fine-tuning",)),),
    adapts="Together AI",
    commas=True,
    says_other={"no_lora": True},
    alpha_of_rank=2,
)


def filled(config: Object, here: Span) -> dict[str, Any]:
    """What its client calls the settings of an adapter."""
    del config, here
    return {"keys": FRAMEWORK.keys}
