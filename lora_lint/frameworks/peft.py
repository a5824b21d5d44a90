"""PEFT's own config in a user's program: `LoraConfig(r=8, lora_alpha=16)`. Programs are read in `programs`."""

from __future__ import annotations

from lora_lint.run.framework import Framework

_RENAMED = {"rank": "r", "alpha": "lora_alpha", "dropout": "lora_dropout"}
_SAME = (
    *("target_modules", "exclude_modules", "target_parameters", "layers_to_transform", "layers_pattern"),
    *("rank_pattern", "alpha_pattern", "use_rslora", "use_dora", "bias", "lora_bias", "modules_to_save"),
    *("trainable_token_indices", "init_lora_weights", "inference_mode", "task_type"),
)
KEYS = _RENAMED | {name: name for name in _SAME}
"""The keywords of LoraConfig (PEFT 0.21.2, tuners/lora/config.py)."""

FRAMEWORK = Framework(
    name="peft",
    title="PEFT",
    source="PEFT",
    version=(0, 21, 2),
    keys=KEYS,
    direct=True,
    passes_on=True,
    regex_targets=True,
    names_tokens=True,
    recommended=("rank", "alpha", "target_modules", "target_parameters", "use_rslora", "task_type"),
)
