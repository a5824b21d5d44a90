"""LLM2Vec: JSON files of its three trainings, whose alpha is twice `lora_r`.

Source: LLM2Vec at 312adcf of 2025-01-24, experiments/run_{mntp,simcse,supervised}.py.
"""

from __future__ import annotations

from lora_lint.frameworks.tables import TableReader
from lora_lint.run.framework import TRAINER_DEFAULTS, TRAINER_KEYS, Framework

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.readers.nodes import Mapping

FRAMEWORK = Framework(
    name="llm2vec",
    title="LLM2Vec",
    source="LLM2Vec at 312adcf",
    packages=("llm2vec",),
    keys={"rank": "lora_r", "dropout": "lora_dropout"},
    other_keys={**TRAINER_KEYS, "model": "model_name_or_path", "output": "output_dir"},
    defaults={
        "rank": 8,
        "dropout": 0.05,
        "target_modules": ("q_proj", "v_proj", "k_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
        **TRAINER_DEFAULTS,
    },
    kinds=("json",),
    marks=((b"lora_r", b"pooling_mode"), (b"lora_r", b"mask_token_type")),
    alpha_of_rank=2,
)
_TABLE = TableReader(FRAMEWORK)
_OWN = ("pooling_mode", "mask_token_type")
"""Settings of its trainings that no other has."""


def recognises(document: Mapping) -> bool:
    """Whether a mapping is the settings of one of its trainings."""
    return _TABLE.recognises(document) and any(document.entry(key) is not None for key in _OWN)
