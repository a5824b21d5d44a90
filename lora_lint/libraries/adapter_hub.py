"""AdapterHub's `adapters`: its own config of LoRA, for models with transformers' names, and configs that it checks.

Source: adapters 1.3.0, configuration/adapter_config.py, wrappers/model.py (`init`) and models/auto/adapter_model.py.
"""

from __future__ import annotations

from lora_lint.interpreter.values import Arguments, Object, Opaque, Val
from lora_lint.libraries.context import config_of, view_of
from lora_lint.libraries.effects import Fact, ModelRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span

_CHECKED = (
    *("DoRAConfig", "BnConfig", "SeqBnConfig", "SeqBnInvConfig", "ParBnConfig"),
    *("DoubleSeqBnConfig", "DoubleSeqBnInvConfig", "CompacterConfig", "CompacterPlusPlusConfig", "AdapterPlusConfig"),
)
"""Other configs whose refusals are known."""
_NAMES = {"r": "r", "alpha": "lora_alpha", "dropout": "lora_dropout", "use_dora": "use_dora"}


def config(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`LoRAConfig(r=8, alpha=16)`."""
    checked(context, name, arguments, span)
    keywords = {other: value for own, other in _NAMES.items() if (value := arguments.get(own)) is not None}
    places: dict[str | int, Span] = {
        other: place for own, other in _NAMES.items() if (place := arguments.span(own)) is not None
    }
    return context.config("LoraConfig", Arguments([], keywords, places, arguments.open), span, "adapter_hub")


def checked(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """A config whose settings `add_adapter` checks."""
    context.records.add_checked("adapter_hub", Object(name.rpartition(".")[2], arguments, span))
    return None


def init(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`adapters.init(model)`: `add_adapter` and `load_adapter` are its own from here on."""
    del name, span
    view = view_of(arguments.get("model", 0))
    if view is not None:
        context.records.note(view.record, Fact.OTHER_METHODS)
    return None


def model(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`AutoAdapterModel.from_pretrained("roberta-base")`: a model with these methods from the start."""
    base = arguments.get("pretrained_model_name_or_path", 0) or Opaque("the model's name is not given", span)
    made = context.model(span, name, arguments, ModelRecord(base))
    view = view_of(made)
    if view is not None:
        context.records.note(view.record, Fact.OTHER_METHODS)
    return made


def union(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`ConfigUnion(LoRAConfig(r=8), SeqBnConfig())`: the config of LoRA among several."""
    del context, name, span
    found = [each for each in arguments.positional if config_of(each) is not None]
    return found[0] if len(found) == 1 else None


CALLS: dict[str, Handler] = {
    "LoRAConfig": config,
    "ConfigUnion": union,
    "AutoAdapterModel.from_pretrained": model,
    "init": init,
    **dict.fromkeys(_CHECKED, checked),
}
