"""xtuner: `dict(type=LoraConfig, r=64, …)` in a program of such dicts, which `libraries.xtuner` reads."""

from __future__ import annotations

from lora_lint.frameworks.peft import KEYS
from lora_lint.run.framework import Framework

FRAMEWORK = Framework(
    name="xtuner",
    title="xtuner",
    source="xtuner",
    version=(0, 2, 0),
    keys=KEYS,
    defaults={"target_modules": "all-linear"},
    regex_targets=True,
)
