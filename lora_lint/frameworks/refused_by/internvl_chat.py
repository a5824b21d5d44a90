"""internvl_chat at 2410d1d (2025-09-22): what its training refuses of its options."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_ROWS = (
    Refusal(
        "loss_reduction",
        "is_text(loss_reduction) and loss_reduction not in ('token', 'sample', 'square') and use_packed_ds",
        "there are token, sample and square",
        "Set it to token",
        "internvl/train/internvl_chat_finetune.py:795",
        ("use_packed_ds",),
        late=True,
        sets=(("loss_reduction", "token"),),
    ),
)
TABLE = Table(
    "internvl_chat",
    "2410d1d of 2025-09-22",
    {"": _ROWS},
    {},
    (
        Undecided(
            "data and pictures",
            "they decide when they are read",
            ("internvl/train/", "internvl/patch/", "internvl/dist_utils.py"),
        ),
        Undecided("models and their layers", "they are in the model", ("internvl/model/", "internvl/conversation.py")),
        Undecided("evaluations and tools", "they train nothing", ("eval/", "tools/", "internvl/serve/")),
    ),
    hands_on=(("transformers", "TrainingArguments"),),
)
