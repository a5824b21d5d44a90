"""SetFit: a sentence-transformer under a classifier.

Source: SetFit 1.2.0, modeling.py (`SetFitModel.model_body`).
"""

from __future__ import annotations

from lora_lint.interpreter.values import Arguments, Object, Val
from lora_lint.libraries import sentence_transformers
from lora_lint.libraries.effects import ModelRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span

_BODY = "sentence_transformers.SentenceTransformer"


def from_pretrained(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`SetFitModel.from_pretrained(name)`."""
    given = arguments.get("pretrained_model_name_or_path", 0) or arguments.get("model_id")
    model = sentence_transformers.named(given, span)
    return context.model(span, name, arguments, ModelRecord(model, sentence_transformers.FEATURES))


def part(owner: Object, name: str, span: Span) -> Object | None:
    """`model.model_body`, which is a sentence-transformer."""
    return Object(_BODY, Arguments([], {}, {}), span, owner.data) if name == "model_body" else None


CALLS: dict[str, Handler] = {"SetFitModel.from_pretrained": from_pretrained}
