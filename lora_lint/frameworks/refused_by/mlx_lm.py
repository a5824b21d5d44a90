"""mlx-lm 0.32.2: what `mlx_lm.lora` refuses, mostly by failing once the model is loaded."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_UTILS = "tuner/utils.py"
_LORA = "lora.py"
_DATA = "tuner/datasets.py"
_ARGUMENTS = {"exponential_decay": (2, 2), "step_decay": (3, 3), "cosine_decay": (2, 3), "linear_schedule": (3, 3)}
"""How many arguments each schedule takes, at least and at most (mlx 0.32.4, optimizers/schedulers.py)."""
_ROWS = (
    Refusal(
        "lr_schedule",
        "is_text(lr_schedule)",
        "it is a mapping with `name` and `arguments`",
        "Write `lr_schedule: {name: cosine_decay, arguments: [1e-5, 1000]}`",
        f"{_UTILS}:24",
        late=True,
    ),
    *(
        Refusal(
            "lr_schedule",
            f"is_mapping(lr_schedule) and lr_schedule.{key} is None",
            f"it has no `{key}`",
            f"Give `{key}`",
            f"{_UTILS}:{line}",
            late=True,
        )
        for key, line in (("name", 24), ("arguments", 25))
    ),
    *(
        Refusal(
            "lr_schedule.arguments",
            f"lr_schedule.name == '{name}' and is_list(lr_schedule.arguments)"
            f" and (len(lr_schedule.arguments) < {least} or len(lr_schedule.arguments) > {most})",
            f"{name} takes {least if least == most else f'{least} or {most}'} arguments",
            "Give as many",
            f"{_UTILS}:27",
            ("lr_schedule.name",),
            late=True,
        )
        for name, (least, most) in _ARGUMENTS.items()
    ),
    Refusal(
        "hf_dataset",
        "is_mapping(hf_dataset) and hf_dataset.path is None",
        "it has no `path`",
        "Name the data set in `path`",
        f"{_DATA}:269",
        late=True,
    ),
    Refusal(
        "test",
        "test and is_mapping(hf_dataset) and hf_dataset.test_split is None",
        "without `test_split` all splits are loaded, where one is expected",
        "Give `test_split` in `hf_dataset`, or leave `test` out",
        f"{_DATA}:293",
        ("hf_dataset",),
        late=True,
    ),
    Refusal(
        "learning_rate",
        "lr_schedule.arguments is not None and learning_rate is not None"
        " and learning_rate != first(lr_schedule.arguments)",
        "`lr_schedule` has the rate among its arguments",
        "Set it there",
        f"{_LORA}:286",
        ("lr_schedule.arguments",),
        ignored=True,
    ),
    Refusal(
        "lr_schedule.warmup_init",
        "lr_schedule.warmup_init and not lr_schedule.warmup",
        "without `warmup` there is no warm-up",
        "Give `warmup`, the number of its steps",
        f"{_UTILS}:28",
        ignored=True,
    ),
    Refusal(
        "data",
        "hf_dataset and data is not None",
        "`hf_dataset` replaces it",
        "Leave one of the two out",
        f"{_DATA}:314",
        ("hf_dataset",),
        ignored=True,
    ),
    *(
        Refusal(
            f"optimizer_config.{name}",
            f"optimizer_config.{name} and lower(optimizer) != '{name}'",
            f"it is for `optimizer: {name}`",
            f"Set `optimizer: {name}`, or leave it out",
            f"{_LORA}:289",
            ("optimizer",),
            ignored=True,
        )
        for name in ("adam", "adamw", "muon", "sgd", "adafactor")
    ),
    Refusal(
        "fine_tune_type",
        "fine_tune_type not in (None, 'lora', 'dora', 'full')",
        "there is no such type",
        "Set `fine_tune_type: lora`",
        f"{_LORA}:254",
        late=True,
    ),
    Refusal(
        "project_name",
        "project_name is not None and report_to is None",
        "without `report_to` nothing is reported",
        "Set `report_to`, or leave it out",
        "tuner/callbacks.py:116",
        ("report_to",),
        likely=True,
        ignored=True,
    ),
)
TABLE = Table(
    "mlx-lm",
    "0.32.2",
    {"": _ROWS},
    {"optimizer": "adam"},
    (
        Undecided(
            "layers of the model",
            "which it has is in its own code: DoRA on experts, kinds that LoRA does not support, more layers than it "
            "has",
            ("tuner/", "models/", "convert.py", "quant/", "gguf.py", "utils.py", "fuse.py"),
        ),
        Undecided("rows of the data", "they are there only when it runs", ("tuner/datasets.py", "tuner/trainer.py")),
        Undecided(
            "generation, servers and evaluation",
            "they train nothing",
            ("generate.py", "server.py", "evaluate.py", "cache_prompt.py", "tool_parsers/", "chat.py", "share.py"),
        ),
    ),
)
