"""sentence-transformers: encoders around a model of transformers, which gets the adapter.

Source: sentence-transformers 6.2.0, base/{model,peft_mixin}.py, base/modules/transformer.py, cross_encoder/model.py.
"""

from __future__ import annotations

from lora_lint.interpreter.values import NO_ARGUMENTS, Arguments, Const, DictVal, ListVal, Object, Opaque, Val
from lora_lint.libraries import transformers
from lora_lint.libraries.context import view_of
from lora_lint.libraries.effects import ModelRecord, ModelView

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span

FEATURES = "AutoModel"
"""The class of transformers that loads a model for its features."""
_ORGANIZATION = "sentence-transformers"
"""That of models without one in their names."""
_ENCODER_ALONE = frozenset({"t5", "mt5", "umt5", "longt5", "t5gemma", "t5gemma2"})
"""Types of which only the encoder is loaded (base/modules/transformer.py), whose modules are not in the tables."""


def named(given: Val | None, span: Span) -> Val:
    """A model's name with its organisation; unknown where only a part of the model is loaded."""
    from lora_lint.knowledge.models import Clue, identify

    if not isinstance(given, Const) or not isinstance(given.value, str):
        return given or Opaque("the model's name is not given", span)
    full = f"{_ORGANIZATION}/{given.value}"
    model = identify(full) if "/" not in given.value else None
    name = full if model is not None and model.how is Clue.TABLE else given.value
    kind = identify(name)
    if kind is not None and kind.model_type in _ENCODER_ALONE:
        return Opaque("only its encoder is loaded", span)
    return Const(name, given.span, given.origin)


def _loader(loader: str) -> Handler:
    def load(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
        listed = arguments.get("modules")
        if isinstance(listed, ListVal | DictVal):
            around = (each for each in listed.content() if view_of(each) is not None)
            return _wrapper(next(around, None), name, arguments, span)
        given = named(arguments.get("model_name_or_path", 0) or arguments.get("model_name"), span)
        settings = arguments.get("model_kwargs") or arguments.get("automodel_args") or arguments.get("model_args")
        inner = Arguments([], dict(settings.items), {}) if isinstance(settings, DictVal) else NO_ARGUMENTS
        dtype = inner.get("dtype") or inner.get("torch_dtype")
        record = ModelRecord(given, loader, transformers.quantization_of(inner, span), dtype)
        return context.model(span, name, arguments, record)

    return load


def _wrapper(module: Val | None, name: str, arguments: Arguments, span: Span) -> Val | None:
    """An encoder that is put together from modules, of which one holds the model."""
    view = view_of(module)
    return None if view is None else Object(name, arguments, span, view)


_MODULE = "sentence_transformers.Transformer"
_INSIDE = {"0": _MODULE, "_first_module()": _MODULE}
_MODELS = frozenset({"auto_model", "transformers_model"})


def part(owner: Object, name: str, span: Span) -> Object | None:
    """The first module of an encoder, or the model in it."""
    view: ModelView = owner.data
    kind = owner.callee.rpartition(".")[2]
    if name in _INSIDE:
        return Object(_INSIDE[name], NO_ARGUMENTS, span, view)
    if name in _MODELS or (name == "model" and kind in ("CrossEncoder", "Transformer")):
        return Object("model", NO_ARGUMENTS, span, view)
    return None


CALLS: dict[str, Handler] = {
    "SentenceTransformer": _loader(FEATURES),
    "Transformer": _loader(FEATURES),
    "CrossEncoder": _loader("AutoModelForSequenceClassification"),
}
