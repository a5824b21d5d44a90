"""mlx-tune's `get_peft_model`, which has unsloth's settings, and which `libraries.mlx_tune` follows.

Source: mlx-tune 0.6.0 of 2026-06-23, mlx_tune/model.py.
"""

from __future__ import annotations

from lora_lint.run.framework import Framework

FRAMEWORK = Framework(
    name="mlx_tune",
    title="mlx-tune",
    source="mlx-tune",
    version=(0, 6, 0),
    packages=("mlx-tune",),
    keys={
        "rank": "r",
        "alpha": "lora_alpha",
        "dropout": "lora_dropout",
        "target_modules": "target_modules",
        "use_rslora": "use_rslora",
        "bias": "bias",
    },
    adapts="mlx-tune",
    every_layer=None,
    signature="FastLanguageModel.get_peft_model",
)
