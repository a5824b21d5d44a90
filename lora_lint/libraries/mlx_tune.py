"""mlx-tune: unsloth's calls, for MLX.

Source: mlx-tune 0.6.0 of 2026-06-23, mlx_tune/{model,vlm}.py.
"""

from __future__ import annotations

from lora_lint.interpreter.values import ListVal, Object, Opaque
from lora_lint.libraries.context import Manner
from lora_lint.libraries.effects import Fact, ModelRecord
from lora_lint.libraries.transformers import quantization_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.interpreter.values import Arguments, Val
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span

_TRANSFORMERS_NAMES = ("FastLanguageModel", "FastVisionModel")
"""Loaders of models whose layers have the names that transformers gives them. Speech models have their own: Whisper's
attention is `query`, `key`, `value` and `out` (mlx_tune/audio_profiles.py)."""


def load(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`FastLanguageModel.from_pretrained` returns the model and its tokenizer."""
    model = arguments.get("model_name", 0) or Opaque("the model's name is not given", span)
    loader = name.split(".")[-2]
    facts = set() if loader in _TRANSFORMERS_NAMES else {Fact.EDITED}
    record = ModelRecord(model, loader, quantization_of(arguments, span), facts=facts, loader_adapts=True)
    loaded = context.model(span, name, arguments, record)
    return ListVal([loaded, Object("tokenizer", arguments, span)], span, "tuple")


def wrap(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`FastLanguageModel.get_peft_model(model, r=16, …)`: config and wrap in one call."""
    config = context.config("LoraConfig", arguments, span, "mlx_tune", made_by=name.split(".")[-2])
    return context.wrap(arguments.get("model", 0), config, span, Manner("mlx_tune"))


CALLS: dict[str, Handler] = {"from_pretrained": load, "get_peft_model": wrap}
