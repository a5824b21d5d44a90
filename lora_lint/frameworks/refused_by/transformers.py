"""transformers 5.23.0: what `TrainingArguments` and the classes on it refuse."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_ARGUMENTS = "training_args.py"
_READ = "5.0.0"
"""Older versions have not been read for these."""
_NO_EVALUATION = "lower(eval_strategy) == 'no' and evaluation_strategy is None"
_ROWS = (
    Refusal(
        "fp16",
        "fp16 == True and bf16 == True",
        "at most one of `fp16` and `bf16` can be true",
        "Leave one of the two out",
        f"{_ARGUMENTS}:1785",
        ("bf16",),
    ),
    Refusal(
        "fp16_full_eval",
        "fp16_full_eval == True and bf16_full_eval == True",
        "at most one of `fp16_full_eval` and `bf16_full_eval` can be true",
        "Leave one of the two out",
        f"{_ARGUMENTS}:1788",
        ("bf16_full_eval",),
    ),
    Refusal(
        "load_best_model_at_end",
        "load_best_model_at_end and evaluation_strategy is None and lower(save_strategy) != 'best'"
        " and lower(eval_strategy) != lower(save_strategy)",
        "the strategies of saving and evaluating must match",
        "Set `eval_strategy` to the value of `save_strategy`",
        f"{_ARGUMENTS}:1751",
        ("eval_strategy", "save_strategy"),
    ),
    Refusal(
        "load_best_model_at_end",
        "load_best_model_at_end and evaluation_strategy is None and lower(save_strategy) == 'steps'"
        " and lower(eval_strategy) == 'steps' and is_whole(save_steps) and is_whole(eval_steps) and eval_steps > 0"
        " and save_steps % eval_steps != 0",
        "`save_steps` must be a multiple of `eval_steps`",
        "Raise one of the two",
        f"{_ARGUMENTS}:1771",
        ("save_steps", "eval_steps"),
    ),
    Refusal(
        "lr_scheduler_type",
        f"lower(lr_scheduler_type) in ('reduce_lr_on_plateau', 'reduce_on_plateau') and {_NO_EVALUATION}",
        "this schedule goes by the evaluation, and there is none",
        "Set `eval_strategy`",
        f"{_ARGUMENTS}:1792",
        ("eval_strategy",),
        _READ,
    ),
    Refusal(
        "dataloader_prefetch_factor",
        "dataloader_prefetch_factor is not None and dataloader_num_workers == 0",
        "data is fetched ahead by worker processes alone",
        "Set `dataloader_num_workers` above 0, or leave it out",
        f"{_ARGUMENTS}:1804",
        ("dataloader_num_workers",),
        _READ,
    ),
)
_CLASSES = (
    *("TrainingArguments", "Seq2SeqTrainingArguments", "SFTConfig", "DPOConfig", "KTOConfig", "GRPOConfig"),
    *("RLOOConfig", "RewardConfig", "ORPOConfig", "CPOConfig"),
)
TABLE = Table(
    "transformers",
    "5.23.0",
    dict.fromkeys(_CLASSES, _ROWS),
    undecided=(
        Undecided(
            "devices, data types that they have, distributed processes, installed packages",
            "they belong to the machine",
            ("trainer.py", "trainer_utils.py", "integrations/", "utils/", "distributed/", "quantizers/"),
        ),
        Undecided(
            "models, tokenizers and processors", "they are loaded when it runs", ("models/", "modeling_utils.py")
        ),
    ),
)
