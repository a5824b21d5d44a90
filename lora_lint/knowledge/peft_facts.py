"""What was read from PEFT itself (data/peft.json, written by scripts/generate_peft_facts.py)."""

from __future__ import annotations

import json
import os
from functools import lru_cache
from typing import Any

_DATA = os.path.join(os.path.dirname(__file__), "data", "peft.json")


@lru_cache(maxsize=1)
def facts() -> dict[str, Any]:
    """The whole file: `default_targets`, `moe`, `mamba`, `layer_kinds`, `lora_config`, …, with the versions read in
    `peft` and `transformers`."""
    with open(_DATA, "rb") as file:
        data: dict[str, Any] = json.load(file)
    return data


def default_targets(model_type: str) -> tuple[str, ...] | str | None:
    """What PEFT targets when `target_modules` is not given: names, or a regex for a few model types; None where it
    has no default and raises."""
    targets = facts()["default_targets"].get(model_type)
    return tuple(targets) if isinstance(targets, list) else targets
