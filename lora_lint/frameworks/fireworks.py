"""Fireworks' command `firectl create sftj --lora-rank 16`, which leaves alpha and the layers to the service.

Source: the pages of `firectl create supervised-fine-tuning-job` and `firectl supervised-fine-tuning-job create` in its
documentation, read on 2026-11-30: the program itself is not public.
"""

from __future__ import annotations

from lora_lint.run.framework import CommandLine, Framework

FRAMEWORK = Framework(
    name="fireworks",
    title="Fireworks",
    source="Fireworks' documentation of 2026-11-30",
    keys={"rank": "lora_rank"},
    other_keys={
        "model": "base_model",
        "learning_rate": "learning_rate",
        "epochs": "epochs",
        "batch_size": "batch_size",
    },
    commands=(CommandLine("command", "firectl"),),
    adapts="Fireworks",
    every_layer=None,
)
