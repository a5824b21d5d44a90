"""Flair: embeddings that put the adapter on the model which they load.

Source: Flair 0.15.1, embeddings/transformer.py (`TransformerBaseEmbeddings`).
"""

from __future__ import annotations

from lora_lint.libraries import sentence_transformers, transformers
from lora_lint.libraries.convert import is_none
from lora_lint.libraries.effects import ModelRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.interpreter.values import Arguments, Val
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span

_EMBEDDINGS = ("TransformerWordEmbeddings", "TransformerDocumentEmbeddings", "TransformerJointEmbeddings")


def embeddings(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`TransformerWordEmbeddings(name, peft_config=…)`."""
    config = arguments.get("peft_config")
    if config is None or is_none(config):
        return None
    given = sentence_transformers.named(arguments.get("model", 0), span)
    record = ModelRecord(given, sentence_transformers.FEATURES, transformers.quantization_of(arguments, span))
    return context.wrap(context.model(span, name, arguments, record), config, span)


CALLS: dict[str, Handler] = dict.fromkeys(_EMBEDDINGS, embeddings)
