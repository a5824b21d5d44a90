"""MoE-PEFT at 40f8cb7 (2025-01-20): what it refuses of an adapter and its training."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_CONFIG, _TRAINER = "moe_peft/common/config.py", "moe_peft/trainer.py"
_MIXED, _LINEAR = "moe_peft/adapters/mixlora/config.py", "moe_peft/common/lora_linear.py"
_ROWS = (
    Refusal(
        "batch_size",
        "batch_size % micro_batch_size != 0 or batch_size < micro_batch_size",
        "it is a multiple of `micro_batch_size`",
        "Change one of them",
        f"{_TRAINER}:158",
        ("micro_batch_size",),
        late=True,
    ),
    Refusal(
        "optim",
        "is_text(optim) and optim not in ('sgd', 'adamw')",
        "there are sgd and adamw",
        "Set it to adamw",
        f"{_TRAINER}:189",
        late=True,
        sets=(("optim", "adamw"),),
    ),
    Refusal(
        "loraplus_lr_ratio",
        "loraplus_lr_ratio < 1",
        "it is at least 1",
        "Raise it",
        f"{_TRAINER}:107",
        late=True,
    ),
    Refusal(
        "lora_init",
        "is_text(lora_init) and lora_init not in ('original', 'gaussian')",
        "there are original and gaussian",
        "Set it to original",
        f"{_CONFIG}:148",
        sets=(("lora_init", "original"),),
    ),
    Refusal(
        "lora_dropout",
        "lora_dropout == 0",
        "it is above 0",
        "Set it to 0.05",
        f"{_LINEAR}:249",
        late=True,
        sets=(("lora_dropout", 0.05),),
    ),
    Refusal(
        "num_experts",
        "routing_strategy is not None and num_experts < 1",
        "there is at least one expert",
        "Raise it",
        f"{_MIXED}:53",
        ("routing_strategy",),
    ),
    Refusal(
        "top_k",
        "routing_strategy == 'mixlora' and top_k < 1",
        "each token has at least one expert",
        "Raise it",
        f"{_MIXED}:58",
        ("routing_strategy",),
    ),
    Refusal(
        "top_p",
        "routing_strategy == 'mixlora-dynamic' and (top_p <= 0 or top_p > 1)",
        "it is above 0, and at most 1",
        "Set it to 0.8",
        f"{_MIXED}:60",
        ("routing_strategy",),
    ),
)
TABLE = Table(
    "MoE-PEFT",
    "40f8cb7 of 2025-01-20",
    {"": _ROWS},
    {},
    (
        Undecided(
            "types that its other tools write",
            "a file that was written by hand has them from JSON",
            (
                *("moe_peft/common/config.py", "moe_peft/adapters/", "moe_peft/common/lora_linear.py"),
                "moe_peft/common/cache.py",
            ),
        ),
        Undecided(
            "devices, models and tasks",
            "they are named on the command line",
            ("moe_peft/models/", "moe_peft/model", "moe_peft/executors/", "moe_peft/tasks/", "launch.py", "moe_peft/"),
        ),
        Undecided("chats and evaluations", "they train nothing", ("inference.py", "generate.py", "evaluator.py")),
    ),
)
