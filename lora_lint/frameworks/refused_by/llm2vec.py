"""LLM2Vec at 312adcf (2025-01-24): what its trainings refuse of their files."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_MNTP = "experiments/run_mntp.py"
_ROWS = (
    Refusal(
        "mask_token_type",
        "is_text(mask_token_type) and mask_token_type not in ('blank', 'eos', 'mask')",
        "there are blank, eos and mask",
        "Set it to blank",
        f"{_MNTP}:683",
        likely=True,  # where the tokenizer has a mask already it is not read
        sets=(("mask_token_type", "blank"),),
    ),
    Refusal(
        "data_collator_type",
        "is_text(data_collator_type) and data_collator_type not in ('all_mask', 'default')",
        "there are all_mask and default",
        "Set it to default",
        f"{_MNTP}:906",
        late=True,
        sets=(("data_collator_type", "default"),),
    ),
    Refusal(
        "pooling_mode",
        "is_text(pooling_mode)"
        " and pooling_mode not in ('mean', 'weighted_mean', 'eos_token', 'last_token', 'bos_token')",
        "there is no such pooling",
        "Set it to mean",
        "llm2vec/llm2vec.py:273",
        late=True,
        sets=(("pooling_mode", "mean"),),
    ),
    Refusal(
        "dataset_name",
        "pooling_mode is not None and is_text(dataset_name) and dataset_name not in ('E5', 'Wiki1M')",
        "there are E5 and Wiki1M",
        "Add a class to `llm2vec/dataset`, or take one of them",
        "llm2vec/dataset/utils.py:20",
        late=True,
        likely=True,
    ),
    Refusal(
        "train_file",
        "mask_token_type is not None and is_text(train_file)"
        " and not (ends(train_file, '.csv') or ends(train_file, '.json') or ends(train_file, '.txt'))",
        "it is a csv, a json or a txt file",
        "Convert it",
        f"{_MNTP}:355",
    ),
    Refusal(
        "config_overrides",
        "config_overrides is not None and (config_name is not None or model_name_or_path is not None)",
        "a config is changed only where the model is new",
        "Leave it out",
        f"{_MNTP}:245",
        ("config_name", "model_name_or_path"),
        drop=True,
    ),
    Refusal(
        "use_auth_token",
        "use_auth_token is not None and token is not None",
        "they are two names of one setting",
        "Leave it out",
        f"{_MNTP}:496",
        ("token",),
        drop=True,
    ),
)
TABLE = Table(
    "LLM2Vec",
    "312adcf of 2025-01-24",
    {"": _ROWS},
    {},
    (
        Undecided("layers", "the model's class decides", ("experiments/run_*:initialize_peft", "llm2vec/models/")),
        Undecided("data and devices", "they decide at run time", ("experiments/", "llm2vec/")),
    ),
    hands_on=(("transformers", "TrainingArguments"),),
)
