"""What was read from PEFT itself: data/peft.json of the newest (written by scripts/generate_peft_facts.py), and
data/peft_versions.json of all releases (scripts/generate_peft_versions.py)."""

from __future__ import annotations

import json
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lora_lint.run import Version

_DATA = os.path.join(os.path.dirname(__file__), "data")


@lru_cache(maxsize=1)
def facts() -> dict[str, Any]:
    """The whole file: `default_targets`, `moe`, `mamba`, `layer_kinds`, `lora_config`, …, with the versions read in
    `peft` and `transformers`."""
    return _read("peft.json")


@lru_cache(maxsize=1)
def history() -> dict[str, Any]:
    """Since which release what is there: settings of LoraConfig (`added`, `removed`), texts that `init_lora_weights`
    knows (`initialisations`), `default_targets` by model type."""
    return _read("peft_versions.json")


def _read(name: str) -> dict[str, Any]:
    with open(os.path.join(_DATA, name), "rb") as file:
        data: dict[str, Any] = json.load(file)
    return data


def default_targets(model_type: str, below: Version | None = None) -> tuple[str, ...] | str | None:
    """What PEFT, or the PEFTs before a version, target when `target_modules` is not given: names, or a regex for a few
    model types; None where it has no default and raises."""
    if below is not None:
        from lora_lint.knowledge.versions import old_default_targets

        return old_default_targets(model_type, below)
    targets = facts()["default_targets"].get(model_type)
    return tuple(targets) if isinstance(targets, list) else targets
