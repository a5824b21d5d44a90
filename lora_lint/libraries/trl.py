"""TRL: its trainers, their arguments, and functions that give back what they are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.interpreter.values import Arguments, ListVal, Object, Opaque, Val
from lora_lint.libraries import dataclass_options

if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.run.run import Method
    from lora_lint.source import Span


METHODS: dict[str, Method] = {
    "SFTTrainer": "supervised",
    **dict.fromkeys(
        ("DPOTrainer", "KTOTrainer", "ORPOTrainer", "CPOTrainer", "IPOTrainer", "BCOTrainer"), "preference"
    ),
    **dict.fromkeys(("RewardTrainer", "PRMTrainer", "XPOTrainer", "NashMDTrainer", "OnlineDPOTrainer"), "preference"),
    **dict.fromkeys(
        ("PPOTrainer", "PPOv2Trainer", "GRPOTrainer", "RLOOTrainer", "DDPOTrainer", "AlignPropTrainer"), "rl"
    ),
}
"""The kind of training that each trainer does."""

LOADERS = {"RewardTrainer": "AutoModelForSequenceClassification"}
"""What loads a model that a trainer is given by its name, where it is another head (TRL 1.16, reward_trainer.py)."""


def with_tokenizer(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`setup_chat_format(model, tokenizer)` gives both back (TRL, models/utils.py, until it was removed)."""
    model = arguments.get("model", 0) or Opaque("the model is not given", span)
    return ListVal([model, arguments.get("tokenizer", 1) or Object("tokenizer", arguments, span)], span, "tuple")


ARGUMENTS = frozenset(
    "SFTConfig DPOConfig KTOConfig ORPOConfig CPOConfig BCOConfig RewardConfig PPOConfig PPOv2Config GRPOConfig "
    "RLOOConfig OnlineDPOConfig NashMDConfig XPOConfig PRMConfig DDPOConfig AlignPropConfig GKDConfig "
    "IterativeSFTConfig".split()
)
"""Classes of training arguments."""

CALLS: dict[str, Handler] = {
    "TrlParser": dataclass_options.parser,
    "setup_chat_format": with_tokenizer,
    "get_peft_config": lambda context, name, arguments, span: Opaque("TRL's command line gives it", span),
}
