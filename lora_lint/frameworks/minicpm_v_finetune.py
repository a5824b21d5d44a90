"""MiniCPM-V: `finetune.py --use_lora true --llm_type qwen`, whose format of conversations goes by the type.

Source: MiniCPM-V at 0dbb566 of 2026-08-04, finetune/finetune.py, finetune/dataset.py and finetune/finetune_lora.sh.
"""

from __future__ import annotations

from lora_lint.run.framework import TRAINER_DEFAULTS, TRAINER_KEYS, CommandLine, Framework

FRAMEWORK = Framework(
    name="minicpm_v_finetune",
    title="MiniCPM-V's fine-tuning",
    source="MiniCPM-V at 0dbb566",
    keys={
        "rank": "lora_r",
        "alpha": "lora_alpha",
        "dropout": "lora_dropout",
        "bias": "lora_bias",
        "target_modules": "lora_target_modules",
        "layers_to_transform": "lora_layers_to_transform",
    },
    other_keys={**TRAINER_KEYS, "model": "model_name_or_path", "output": "output_dir"},
    defaults={
        "rank": 64,
        "alpha": 64,
        "dropout": 0.05,
        "bias": "none",
        "target_modules": r"llm\..*layers\.\d+\.self_attn\.(q_proj|k_proj|v_proj)",
        "task_type": "CAUSAL_LM",
        **TRAINER_DEFAULTS,
    },
    says_lora={"use_lora": True},
    one_is_regex=True,
    commands=(CommandLine("script", r"finetune\.py", needs="--llm_type", followed=True),),
)
