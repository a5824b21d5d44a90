"""Qwen-VL-Series-Finetune: `src/train/train_sft.py --lora_enable True --lora_rank 64`.

Source: 2U1/Qwen-VL-Series-Finetune at 93fef86 of 2025-10-22, src/params.py and src/train/train_sft.py.
"""

from __future__ import annotations

from lora_lint.frameworks.fields import Fields
from lora_lint.frameworks.tables import TableReader
from lora_lint.run.framework import TRAINER_DEFAULTS, TRAINER_KEYS, CommandLine, Framework
from lora_lint.run.values import known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.readers.nodes import Mapping as Document

FRAMEWORK = Framework(
    name="qwen_vl_series",
    title="Qwen-VL-Series-Finetune",
    source="Qwen-VL-Series-Finetune at 93fef86",
    keys={"rank": "lora_rank", "alpha": "lora_alpha", "dropout": "lora_dropout", "bias": "lora_bias"},
    other_keys={**TRAINER_KEYS, "model": "model_id", "output": "output_dir"},
    defaults={
        "rank": 64,
        "alpha": 16,
        "dropout": 0.05,
        "bias": "none",
        **TRAINER_DEFAULTS,
    },
    says_lora={"lora_enable": True},
    every_layer=None,
    commands=(
        CommandLine(
            "script", r"src/train(?:ing)?/train(?:_(?:sft|dpo|grpo|cls))?\.py", needs="--model_id", followed=True
        ),
    ),
)
_TABLE = TableReader(FRAMEWORK)


def recognises(document: Document) -> bool:
    """Whether options are for a model of Qwen's: sister repositories for others have such scripts with other rules."""
    model = known(Fields(document).text("model_id"))
    return _TABLE.recognises(document) and model is not None and "qwen" in model.lower()


read = _TABLE.read
