"""Training Hub at f793034 (2026-08-06): what `lora_sft` ignores; unsloth and TRL refuse the rest."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_ROWS = (
    Refusal(
        "eval_steps",
        "eval_steps is not None and eval_data_path is None",
        "there is no data to evaluate on",
        "Set `eval_data_path`, or leave it out",
        "algorithms/lora.py:173",
        ("eval_data_path",),
        ignored=True,
    ),
)
TABLE = Table(
    "Training Hub",
    "f793034 of 2026-08-06",
    {"lora_sft": _ROWS},
    {},
    (
        Undecided(
            "packages and models", "they depend on the machine", ("algorithms/lora.py", "adapters/", "profiling/")
        ),
        Undecided(
            "its other algorithms", "they have settings of their own", ("algorithms/", "visualization.py", "utils.py")
        ),
    ),
)
