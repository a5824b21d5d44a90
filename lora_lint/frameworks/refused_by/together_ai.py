"""together 1.5.34: what the client refuses of a job before it asks the service."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_JOB, _CLI = "resources/finetune.py", "cli/api/finetune.py"
_METHOD = ("training_method",)


def _of_dpo(key: str, when: str, line: int) -> Refusal:
    return Refusal(
        key,
        f"{when} and training_method != 'dpo'",
        "it is for DPO",
        "Leave it out, or add `--training-method dpo`",
        f"{_JOB}:{line}",
        _METHOD,
        cause="options of DPO",
    )


def _share(key: str, line: int) -> Refusal:
    return Refusal(key, f"{key} < 0 or {key} > 1", "it is from 0 to 1", "Set it to 0.1", f"{_JOB}:{line}")


def _not_negative(key: str, line: int) -> Refusal:
    return Refusal(key, f"{key} < 0", "it is at least 0", "Leave it out", f"{_JOB}:{line}", drop=True)


_ROWS = (
    Refusal(
        "from_checkpoint",
        "model is not None and from_checkpoint is not None",
        "a job starts from a model, or from a checkpoint",
        "Leave one of the two out",
        f"{_JOB}:96",
        ("model",),
    ),
    Refusal(
        "from_hf_model",
        "from_checkpoint is not None and from_hf_model is not None",
        "a job starts from a model on the Hub, or from a checkpoint",
        "Leave one of the two out",
        f"{_JOB}:104",
        ("from_checkpoint",),
    ),
    Refusal(
        "from_hf_model",
        "from_hf_model is not None and model is None and from_checkpoint is None",
        "the base model is named too",
        "Add `--model`",
        f"{_JOB}:110",
        likely=True,
    ),
    Refusal(
        "training_method",
        "is_text(training_method) and training_method not in ('sft', 'dpo')",
        "there are sft and dpo",
        "Set it to sft",
        f"{_JOB}:186",
    ),
    Refusal(
        "train_on_inputs",
        "train_on_inputs is not None and training_method == 'dpo'",
        "it is for supervised training",
        "Leave it out",
        f"{_JOB}:191",
        _METHOD,
        drop=True,
    ),
    _of_dpo("dpo_beta", "dpo_beta is not None", 200),
    _of_dpo("dpo_normalize_logratios_by_length", "dpo_normalize_logratios_by_length", 202),
    _of_dpo("rpo_alpha", "rpo_alpha is not None", 207),
    _of_dpo("simpo_gamma", "simpo_gamma is not None", 213),
    _not_negative("rpo_alpha", 209),
    _not_negative("simpo_gamma", 215),
    _share("warmup_ratio", 170),
    _share("min_lr_ratio", 173),
    _not_negative("max_grad_norm", 178),
    _not_negative("weight_decay", 183),
    Refusal(
        "scheduler_num_cycles",
        "scheduler_num_cycles <= 0 and lr_scheduler_type != 'linear'",
        "a cosine has cycles",
        "Leave it out",
        f"{_JOB}:220",
        drop=True,
    ),
    Refusal(
        "n_evals",
        "n_evals > 0 and not validation_file",
        "there is no file to evaluate on",
        "Add `--validation-file`",
        f"{_CLI}:367",
        ("validation_file",),
        likely=True,
    ),
    Refusal(
        "validation_file",
        "validation_file and not n_evals",
        "it is evaluated only with `--n-evals` above 0",
        "Add it",
        f"{_CLI}:362",
        ("n_evals",),
        ignored=True,
        likely=True,
    ),
)
TABLE = Table(
    "Together AI",
    "1.5.34",
    {"": _ROWS},
    {"training_method": "sft"},
    (
        Undecided(
            "what a model allows",
            "the service says which models, batches and vision parts it trains",
            ("resources/", "cli/", "client.py", "abstract/", "together_response.py", "lib/"),
        ),
        Undecided("data and downloads", "they decide when they are read", ("utils/", "filemanager.py", "types/")),
        Undecided("full trainings", "they have no adapter", ("cli/api/finetune.py:create",)),
    ),
)
