"""Firefly at e22b406 (2024-10-24): what its training refuses of its file."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_TRAIN = "train.py"
_TEMPLATES = (
    *("default", "internlm", "internlm2", "qwen", "yi", "orion", "deepseek", "chatglm2", "chatglm3", "ziya2"),
    *("xverse", "minicpm", "minicpm3", "zephyr", "mistral", "mixtral", "baichuan", "baichuan2", "vicuna"),
    *("llama2", "llama3", "gemma", "phi3"),
)
_ROWS = (
    Refusal(
        "task_type",
        "is_text(task_type) and task_type not in ('pretrain', 'sft', 'dpo')",
        "there are pretrain, sft and dpo",
        "Set it to sft",
        f"{_TRAIN}:68",
        likely=True,
        sets=(("task_type", "sft"),),
    ),
    Refusal(
        "bf16",
        "train_mode is not None and not fp16 and not bf16",
        "it computes in fp16 or bf16",
        "Set it to true",
        f"{_TRAIN}:70",
        likely=True,
        absent=True,
    ),
    Refusal(
        "template_name",
        f"is_text(template_name) and template_name not in {_TEMPLATES!r} and task_type != 'pretrain'",
        "there is no such template",
        "Name one of `component/template.py`",
        f"{_TRAIN}:342",
        late=True,
        likely=True,
    ),
)
TABLE = Table(
    "Firefly",
    "e22b406 of 2024-10-24",
    {"": _ROWS},
    {"task_type": "sft"},
    (
        Undecided("data and tokenizers", "they decide when they are read", ("component/", "train.py:load_*")),
        Undecided("modes without an adapter", "its files train one", ("train.py:find_all_linear_names",)),
    ),
    hands_on=(("transformers", "TrainingArguments"),),
)
