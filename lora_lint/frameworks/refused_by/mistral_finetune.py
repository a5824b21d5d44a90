"""mistral-finetune at 1943535 (2026-06-12): what its arguments refuse, and the training itself."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_ARGS, _DATA, _TRAIN = "finetune/args.py", "finetune/data/args.py", "train.py"
_FILLED_IN = "is_text(model_id_or_path) and len(model_id_or_path) > 0"
"""Its example leaves the model and other texts empty, to be filled in."""
_ROWS = (
    Refusal(
        "data.instruct.shuffle",
        "data.instruct.shuffle == False and data.instruct.dynamic_chunk_fn_call",
        "calls of functions are chunked only in data that is loaded and shuffled first",
        "Set `data.instruct.dynamic_chunk_fn_call: false`, or leave it out",
        f"{_DATA}:59",
        ("data.instruct.dynamic_chunk_fn_call",),
        sets=(("data.instruct.dynamic_chunk_fn_call", False),),
    ),
    Refusal(
        "no_eval",
        f"no_eval == False and data.eval_instruct_data == '' and {_FILLED_IN}",
        "there is no data to evaluate on",
        "Set `data.eval_instruct_data`, or `no_eval: true`",
        f"{_TRAIN}:156",
        ("data.eval_instruct_data",),
    ),
    Refusal(
        "wandb.project",
        f"wandb.project == '' and {_FILLED_IN}",
        "a project has a name",
        "Name it, or leave it out",
        f"{_ARGS}:35",
    ),
    Refusal(
        "mlflow.tracking_uri",
        "mlflow.tracking_uri is not None and mlflow.experiment_name is None",
        "MLflow needs the name of an experiment",
        "Set `mlflow.experiment_name`",
        f"{_ARGS}:50",
        ("mlflow.experiment_name",),
    ),
    Refusal("num_microbatches", "num_microbatches < 1", "it is at least 1", "Leave it out", f"{_ARGS}:105", drop=True),
    Refusal("num_ckpt_keep", "num_ckpt_keep < 1", "it is at least 1, or empty", "Raise it", f"{_ARGS}:107"),
    Refusal(
        "lora.enable",
        "lora.enable == False and save_adapters and not no_ckpt",
        "there is no adapter to save",
        "Set `save_adapters: false`",
        "finetune/checkpointing.py:111",
        ("save_adapters",),
        late=True,
        sets=(("save_adapters", False),),
    ),
)
TABLE = Table(
    "mistral-finetune",
    "1943535 of 2026-06-12",
    {"": _ROWS},
    {"data.instruct.dynamic_chunk_fn_call": True, "data.eval_instruct_data": "", "save_adapters": True},
    (
        Undecided("data and its format", "they decide when they are read", ("finetune/data/", "utils/")),
        Undecided(
            "devices, folders and checkpoints",
            "they depend on the machine",
            ("finetune/", "model/", "train.py"),
        ),
    ),
)
