"""timm: image models with modules of their own.

Source: timm 1.0.31, models/_factory.py (`create_model`).
"""

from __future__ import annotations

from lora_lint.interpreter.values import Arguments, Opaque, Val
from lora_lint.knowledge.timm import LOADER
from lora_lint.libraries.effects import ModelRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span


def create_model(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`timm.create_model(name, pretrained=True, num_classes=10)`."""
    model = arguments.get("model_name", 0) or Opaque("the model's name is not given", span)
    return context.model(span, name, arguments, ModelRecord(model, LOADER))


CALLS: dict[str, Handler] = {"create_model": create_model}
