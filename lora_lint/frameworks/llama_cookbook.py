"""llama-cookbook, earlier llama-recipes: `python -m llama_cookbook.finetuning --use_peft --lora_config.r 16`.

Source: llama-cookbook at 0e00335 of 2025-10-27, src/llama_cookbook/configs/{peft,training}.py, finetuning.py and
utils/config_utils.py.
"""

from __future__ import annotations

from lora_lint.run.framework import CommandLine, Framework

FRAMEWORK = Framework(
    name="llama_cookbook",
    title="llama-cookbook",
    source="llama-cookbook at 0e00335",
    packages=("llama-cookbook", "llama-recipes"),
    keys={
        "rank": "lora_config.r",
        "alpha": "lora_config.lora_alpha",
        "dropout": "lora_config.lora_dropout",
        "target_modules": "lora_config.target_modules",
    },
    other_keys={
        "model": "model_name",
        "learning_rate": "lr",
        "epochs": "num_epochs",
        "max_steps": "max_train_step",
        "batch_size": "batch_size_training",
        "accumulation": "gradient_accumulation_steps",
        "output": "output_dir",
    },
    defaults={
        "rank": 8,
        "alpha": 32,
        "dropout": 0.05,
        "target_modules": ("q_proj", "v_proj"),
        "task_type": "CAUSAL_LM",
        "optimizer": "adamw",
        "learning_rate": 1e-4,
        "epochs": 3,
        "batch_size": 4,
        "accumulation": 1,
    },
    commands=(CommandLine("module", r"llama_(?:cookbook|recipes)\.finetuning", implied={"peft_method": "lora"}),),
    method="supervised",
    says_lora={"use_peft": True, "peft_method": "lora"},
    whole_alpha=True,
)
