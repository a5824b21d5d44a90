"""Facts read from PEFT itself: data/peft.json from the newest version (written by scripts/generate_peft_facts.py), and
data/peft_versions.json from all releases (scripts/generate_peft_versions.py)."""

from __future__ import annotations

import json
from functools import lru_cache

from lora_lint.knowledge import edition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@lru_cache(maxsize=1)
def facts() -> dict[str, Any]:
    """The whole file: `default_targets`, `moe`, `mamba`, `layer_kinds`, `lora_config`, …, with the versions read in
    `peft` and `transformers`."""
    return _read("peft.json")


@lru_cache(maxsize=1)
def history() -> dict[str, Any]:
    """The first release with each feature: settings of LoraConfig (`added`, `removed`), strings that
    `init_lora_weights` accepts (`initialisations`), `default_targets` by model type."""
    return _read("peft_versions.json")


PROMPT_LEARNING = frozenset(
    (
        *("PromptTuningConfig", "MultitaskPromptTuningConfig", "PrefixTuningConfig", "PromptEncoderConfig"),
        *("CPTConfig", "CartridgeConfig"),
    )
)
"""Config classes of methods that leave the layers as they are, with the adapters in them (PEFT 0.21.2, config.py)."""

PREPARED_BY = {"corda": "preprocess_corda", "eva": "initialize_lora_eva_weights", "lora_ga": "preprocess_loraga"}
"""Initialisations that look at data, and the function that does so (PEFT 0.21.2, tuners/lora/{corda,eva,loraga}.py)."""


def bias_words(method: str) -> tuple[str, ...]:
    """The values that `bias` of a config class can have. In addition to "none" and "all" each method has its own word
    (PEFT 0.21.2, tuners/tuners_utils.py, `_mark_only_adapters_as_trainable`, accepts any that ends in `_only`)."""
    own = "lora" if method in ("LoraConfig", "AdaLoraConfig") else method.removesuffix("Config").lower()
    return ("none", "all", f"{own}_only")


def is_bias(method: str, value: Any) -> bool:
    """Whether a config class accepts `value` as its `bias`."""
    if method in ("LoraConfig", "AdaLoraConfig"):
        return value in bias_words(method)
    return value in ("none", "all") or (isinstance(value, str) and value.endswith("_only"))


_ANY_CASE = frozenset({"gaussian", "olora", "mica"})
_BEGUN = ("pissa_niter_", "corda")
"""What PEFT 0.21.2 looks for in `init_lora_weights` (tuners/lora/layer.py); other texts raise."""


def starts() -> tuple[str, ...]:
    """The texts that `init_lora_weights` takes."""
    return (*sorted({*history()["initialisations"], "lora_ga"}),)


def is_start(value: Any) -> bool:
    """Whether PEFT takes a value as `init_lora_weights`."""
    if not isinstance(value, str):
        return True
    return value in starts() or value.lower() in _ANY_CASE or value.startswith(_BEGUN)


def _read(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(edition.read(name))
    return data
