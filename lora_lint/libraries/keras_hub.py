"""KerasHub: models of presets, and LoRA on the layers of their backbones.

Source: keras-hub 0.32.0, models/{backbone,task}.py. The adapter's output is not scaled: alpha is the rank (Keras 3,
layers/core/dense.py).
"""

from __future__ import annotations

from lora_lint.interpreter.values import Arguments, Object, Opaque, Val
from lora_lint.libraries.context import Context, Manner, nothing
from lora_lint.libraries.effects import ModelRecord, ModelView

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.libraries.context import Handler
    from lora_lint.source import Span

_DIALECT = "keras_hub"


def from_preset(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`GemmaCausalLM.from_preset("gemma2_2b_en")`; a preset has a name of its own."""
    return context.model(span, name, arguments, ModelRecord(Opaque("it is a preset of KerasHub", span), name))


def part(owner: Object, name: str, span: Span) -> Object | None:
    """`model.backbone`."""
    return Object(owner.callee, Arguments([], {}, {}), span, owner.data) if name == "backbone" else None


def enable(context: Context, owner: Object, arguments: Arguments, span: Span) -> Val:
    """`backbone.enable_lora(rank, target_layer_names)`."""
    view: ModelView = owner.data
    rank = arguments.get("rank", 0) or Opaque("the rank is not given", span)
    place = arguments.span("rank", 0) or span
    given = Arguments([], {"r": rank, "lora_alpha": rank}, {"r": place, "lora_alpha": place})
    config = context.config("LoraConfig", given, span, _DIALECT)
    context.wrap(Object("model", arguments, span, view), config, span, Manner(_DIALECT))
    return nothing(span)


CALLS: dict[str, Handler] = {"from_preset": from_preset}
