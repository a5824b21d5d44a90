"""mlx-vlm: `python -m mlx_vlm.lora --lora-rank 16`, which adapts the linear layers of the language model.

Source: mlx-vlm at 9b13f52 of 2026-08-22, mlx_vlm/lora.py and mlx_vlm/trainer/lora.py.
"""

from __future__ import annotations

from lora_lint.run.framework import CommandLine, Framework

FRAMEWORK = Framework(
    name="mlx_vlm",
    title="mlx-vlm",
    source="mlx-vlm at 9b13f52",
    packages=("mlx-vlm",),
    keys={"rank": "lora_rank", "alpha": "lora_alpha", "dropout": "lora_dropout"},
    other_keys={
        "model": "model_path",
        "dataset": "dataset",
        "learning_rate": "learning_rate",
        "epochs": "epochs",
        "max_steps": "iters",
        "batch_size": "batch_size",
        "accumulation": "gradient_accumulation_steps",
    },
    defaults={
        "rank": 8,
        "alpha": 16,
        "dropout": 0.0,
        "optimizer": "adam",
        "learning_rate": 2e-5,
        "max_steps": 1000,
        "batch_size": 4,
        "accumulation": 1,
    },
    commands=(CommandLine("module", r"mlx_vlm\.lora"), CommandLine("script", r"mlx_vlm/lora\.py")),
    adapts="mlx-vlm",
    every_layer=None,
    says_other={"full_finetune": True},
)
