"""MiniCPM-V at 0dbb566 (2026-08-04): what its fine-tuning refuses of its options."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_DATASET = "dataset.py:126"
_QWEN = "(holds(model_name_or_path, '2_6') or holds(model_name_or_path, '4_5'))"
_LLAMA = "holds(model_name_or_path, 'Llama3-V')"
_ROWS = (
    Refusal(
        "tune_llm",
        "use_lora and tune_llm",
        "it does not train the language model and an adapter on it together",
        "Set it to false",
        "finetune.py:221",
        ("use_lora",),
        late=True,
        sets=(("tune_llm", False),),
    ),
    Refusal(
        "llm_type",
        "is_text(llm_type) and llm_type not in ('minicpm', 'llama3', 'qwen')",
        "there are minicpm, llama3 and qwen, and any other is read as minicpm",
        "Set it to the one of the model: `qwen` from 2.6 on, `llama3` for MiniCPM-Llama3-V-2.5 and MiniCPM-V-4",
        _DATASET,
        ignored=True,
    ),
    Refusal(
        "llm_type",
        f"llm_type in ('minicpm', 'llama3') and is_text(model_name_or_path) and {_QWEN}",
        "its conversations need the format of this model, which is qwen: in another its pictures are not found",
        "Set it to qwen",
        _DATASET,
        ("model_name_or_path",),
        late=True,
        likely=True,
        sets=(("llm_type", "qwen"),),
    ),
    Refusal(
        "llm_type",
        f"llm_type in ('minicpm', 'qwen') and is_text(model_name_or_path) and {_LLAMA}",
        "its conversations need the format of this model, which is llama3",
        "Set it to llama3",
        _DATASET,
        ("model_name_or_path",),
        late=True,
        likely=True,
        sets=(("llm_type", "llama3"),),
    ),
)
TABLE = Table(
    "MiniCPM-V's fine-tuning",
    "0dbb566 of 2026-08-04",
    {"": _ROWS},
    {"llm_type": "minicpm", "use_lora": False, "tune_llm": False},
    (
        Undecided("data and pictures", "they decide when they are read", ("dataset.py", "trainer.py")),
        Undecided("what trains nothing", "they serve or evaluate", ("eval_mm/", "omnilmm/", "web_demos/")),
    ),
    hands_on=(("transformers", "TrainingArguments"),),
)
