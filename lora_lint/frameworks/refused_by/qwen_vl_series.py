"""Qwen-VL-Series-Finetune at 93fef86 (2025-10-22): what its training refuses of its options."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_TRAIN = "src/train/train_sft.py"
_ROWS = (
    Refusal(
        "freeze_llm",
        "lora_enable and not freeze_llm",
        "the language model under an adapter has to be frozen; the adapter trains anyway",
        "Set it to True",
        f"{_TRAIN}:122",
        ("lora_enable",),
        absent=True,
        sets=(("freeze_llm", True),),
    ),
    Refusal(
        "vision_lora",
        "vision_lora and not lora_enable",
        "the vision tower has an adapter only with `lora_enable`",
        "Set `lora_enable` to True as well, or leave it out",
        f"{_TRAIN}:125",
        ("lora_enable",),
    ),
    Refusal(
        "freeze_vision_tower",
        "vision_lora and lora_enable and not freeze_vision_tower",
        "the vision tower under an adapter has to be frozen; the adapter trains anyway",
        "Set it to True",
        f"{_TRAIN}:129",
        ("vision_lora",),
        absent=True,
        sets=(("freeze_vision_tower", True),),
    ),
    Refusal(
        "use_liger",
        "use_liger and is_text(model_id) and holds(model_id, 'Qwen3')",
        "Liger's kernels are not there for Qwen3",
        "Set it to False",
        f"{_TRAIN}:109",
        ("model_id",),
        likely=True,
        sets=(("use_liger", False),),
    ),
    Refusal(
        "use_dora",
        "lora_enable and use_dora",
        "the adapter's config does not get it",
        "Leave it out",
        f"{_TRAIN}:210",
        ignored=True,
        likely=True,
    ),
)
TABLE = Table(
    "Qwen-VL-Series-Finetune",
    "93fef86 of 2025-10-22",
    {"": _ROWS},
    {
        "lora_enable": False,
        "vision_lora": False,
        "use_dora": False,
        "freeze_llm": False,
        "freeze_vision_tower": False,
        "use_liger": None,
    },
    (
        Undecided("data and pictures", "they decide when they are read", ("src/dataset/", "src/trainer/")),
        Undecided("models and their layers", "they are in the model", ("src/model/", "src/train/", "src/")),
    ),
    hands_on=(("transformers", "TrainingArguments"),),
)
