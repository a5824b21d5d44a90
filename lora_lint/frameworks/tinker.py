"""Tinker: its client (`libraries.tinker`), and its cookbook: `python -m tinker_cookbook.recipes.math_rl.train
lora_rank=32`. The service chooses alpha and the layers; each recipe has a rank of its own, mostly 32. Servers that
imitate the service train without an adapter at 0.

Source: tinker-cookbook at 9dfcc3a of 2026-08-19, tinker_cookbook/{supervised,rl}/train.py and its recipes.
"""

from __future__ import annotations

from lora_lint.run.framework import CommandLine, Framework

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.interpreter.values import Object
    from lora_lint.source import Span

FRAMEWORK = Framework(
    name="tinker",
    title="Tinker",
    source="tinker-cookbook at 9dfcc3a",
    packages=("tinker", "tinker-cookbook"),
    keys={"rank": "lora_rank"},
    other_keys={
        "model": "model_name",
        "learning_rate": "learning_rate",
        "epochs": "num_epochs",
        "max_steps": "max_steps",
        "batch_size": "batch_size",
    },
    commands=(
        CommandLine(
            "module",
            r"tinker_cookbook\.(?:.+\.)?(?:train\w*|\w+_train|[rs]l_\w+|sweep|o(?:n|ff)_policy_\w+)",
            alone="dotted",
        ),
    ),
    adapts="Tinker",
    every_layer=None,
    says_other={"lora_rank": 0},
)


def filled(config: Object, here: Span) -> dict[str, Any]:
    """What its client calls the settings of an adapter."""
    del config, here
    return {"keys": {"rank": "rank"}}
