"""fms-hf-tuning: a JSON file, or options, with `"peft_method": "lora"`.

Source: fms-hf-tuning at d3c30a0 of 2026-03-30, tuning/config/peft_config.py, tuning/utils/config_utils.py and
tuning/sft_trainer.py.
"""

from __future__ import annotations

from lora_lint.run.framework import TRAINER_DEFAULTS, TRAINER_KEYS, CommandLine, Framework

FRAMEWORK = Framework(
    name="fms_hf_tuning",
    title="fms-hf-tuning",
    source="fms-hf-tuning at d3c30a0",
    packages=("fms-hf-tuning",),
    keys={
        "rank": "r",
        "alpha": "lora_alpha",
        "dropout": "lora_dropout",
        "target_modules": "target_modules",
        "exclude_modules": "exclude_modules",
        "layers_to_transform": "layers_to_transform",
        "layers_pattern": "layers_pattern",
        "use_rslora": "use_rslora",
        "use_dora": "use_dora",
        "bias": "bias",
        "modules_to_save": "modules_to_save",
    },
    other_keys={
        **TRAINER_KEYS,
        "model": "model_name_or_path",
        "dataset": "training_data_path",
        "output": "output_dir",
    },
    defaults={
        "rank": 8,
        "alpha": 32,
        "dropout": 0.05,
        "task_type": "CAUSAL_LM",
        **TRAINER_DEFAULTS,
    },
    kinds=("json",),
    marks=((b"peft_method", b"model_name_or_path"),),
    commands=(
        CommandLine("module", r"tuning\.sft_trainer"),
        CommandLine("script", r"tuning/sft_trainer\.py"),
    ),
    method="supervised",
    says_lora={"peft_method": "lora"},
    shorthand_in_list=True,
    passes_on=True,
    whole_alpha=True,
)
