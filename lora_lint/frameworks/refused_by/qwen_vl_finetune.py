"""qwen-vl-finetune of Qwen3-VL at 9658872 (2026-01-30): what its training leaves aside of its options."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_ROWS = tuple(
    Refusal(
        key,
        f"lora_enable and {key}",
        "with an adapter everything else is frozen, and the adapter is on the language model's attention alone",
        "Leave it out, or train without `lora_enable`",
        "qwenvl/train/train_qwen.py:163",
        ("lora_enable",),
        ignored=True,
    )
    for key in ("tune_mm_vision", "tune_mm_mlp")
)
TABLE = Table(
    "qwen-vl-finetune",
    "9658872 of 2026-01-30",
    {"": _ROWS},
    {"lora_enable": False, "tune_mm_vision": False, "tune_mm_mlp": False},
    (
        Undecided("data and pictures", "they decide when they are read", ("qwenvl/data/", "tools/")),
        Undecided("models and their layers", "they are in the model", ("qwenvl/train/",)),
    ),
    hands_on=(("transformers", "TrainingArguments"),),
)
