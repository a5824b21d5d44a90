"""InternVL: `internvl_chat_finetune.py --use_llm_lora 16`, whose alpha is twice the rank.

Source: InternVL at 2410d1d of 2025-09-22, internvl_chat/internvl/train/internvl_chat_finetune.py and
internvl_chat/internvl/model/internvl_chat/modeling_internvl_chat.py (`wrap_llm_lora`).
"""

from __future__ import annotations

from lora_lint.run.framework import TRAINER_DEFAULTS, TRAINER_KEYS, CommandLine, Framework

FRAMEWORK = Framework(
    name="internvl_chat",
    title="internvl_chat",
    source="InternVL at 2410d1d",
    keys={"rank": "use_llm_lora"},
    other_keys={**TRAINER_KEYS, "model": "model_name_or_path", "output": "output_dir"},
    defaults={
        "rank": 0,
        "dropout": 0.05,
        "task_type": "CAUSAL_LM",
        **TRAINER_DEFAULTS,
    },
    commands=(CommandLine("script", r"internvl_chat_(?:finetune|dpo)\.py", followed=True),),
    every_layer=None,
    alpha_of_rank=2,
)
