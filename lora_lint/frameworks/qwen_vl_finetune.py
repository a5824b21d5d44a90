"""qwen-vl-finetune: `train_qwen.py --lora_enable True --lora_r 64`, on the attention of the language model.

Source: QwenLM/Qwen3-VL at 9658872 of 2026-01-30, qwen-vl-finetune/qwenvl/train/argument.py and train_qwen.py.
"""

from __future__ import annotations

from lora_lint.run.framework import TRAINER_DEFAULTS, TRAINER_KEYS, CommandLine, Framework

FRAMEWORK = Framework(
    name="qwen_vl_finetune",
    title="qwen-vl-finetune",
    source="Qwen3-VL at 9658872",
    keys={"rank": "lora_r", "alpha": "lora_alpha", "dropout": "lora_dropout"},
    other_keys={**TRAINER_KEYS, "model": "model_name_or_path", "output": "output_dir"},
    defaults={
        "rank": 64,
        "alpha": 128,
        "dropout": 0.05,
        "target_modules": ("q_proj", "k_proj", "v_proj", "o_proj"),
        "task_type": "CAUSAL_LM",
        **TRAINER_DEFAULTS,
    },
    says_lora={"lora_enable": True},
    every_layer=None,
    commands=(CommandLine("script", r"qwenvl/train/train_qwen\.py", followed=True),),
)
