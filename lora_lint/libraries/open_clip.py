"""OpenCLIP: models of images and texts with modules of their own.

Source: open_clip 3.3.0, factory.py.
"""

from __future__ import annotations

from lora_lint.interpreter.values import Arguments, ListVal, Opaque, Val
from lora_lint.knowledge.open_clip import LOADER
from lora_lint.libraries.effects import ModelRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span

_TRANSFORMS = {"create_model": 0, "create_model_from_pretrained": 1, "create_model_and_transforms": 2}
"""How many transforms of images each call returns after the model."""


def _create(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`open_clip.create_model_and_transforms("ViT-B-32", pretrained="openai")`."""
    named = arguments.get("model_name", 0) or Opaque("the model's name is not given", span)
    model = context.model(span, name, arguments, ModelRecord(named, LOADER))
    rest: list[Val] = [Opaque("a transform of images", span)] * _TRANSFORMS[name.rpartition(".")[2]]
    return ListVal([model, *rest], span, "tuple") if rest else model


CALLS: dict[str, Handler] = dict.fromkeys(_TRANSFORMS, _create)
