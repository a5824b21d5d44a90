"""unsloth: models that are loaded to be adapted, and its adapters."""

from __future__ import annotations

from lora_lint.interpreter.values import Arguments, Const, ListVal, Object, Opaque, Val
from lora_lint.knowledge.saved_adapters import saved_config
from lora_lint.libraries import datasets, tokens
from lora_lint.libraries.context import Context, Manner, record_of, view_of
from lora_lint.libraries.convert import text_of
from lora_lint.libraries.effects import ModelRecord, TrainingRecord
from lora_lint.libraries.transformers import quantization_of
from lora_lint.run.events import LoadAdapter, Resize
from lora_lint.run.values import Known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.libraries.context import Handler
    from lora_lint.source import Span


def load(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`FastLanguageModel.from_pretrained` returns the model and its tokenizer; 4-bit by default."""
    loader = name.split(".")[-2]
    model = arguments.get("model_name", 0) or Opaque("the model's name is not given", span)
    quantization = quantization_of(arguments, span)
    usual = loader != "FastSentenceTransformer" and "load_in_4bit" not in arguments.keywords
    if isinstance(quantization, Const) and quantization.value is None and usual:
        quantization = Const("4bit", span, "framework-default")
    full = arguments.get("full_finetuning")
    whole = isinstance(full, Const) and full.value is True
    record = ModelRecord(model, loader, quantization, arguments.get("dtype"), whole=whole, loader_adapts=True)
    loaded = context.model(span, name, arguments, record)
    folder, project = text_of(model), context.records.project
    if folder and project is not None and saved_config(folder, span.path, project) is not None:
        context.happen(record, LoadAdapter(span, trainable=Known(True, span)))  # the base that its config names
    if loader == "FastSentenceTransformer":
        return loaded
    tokenizer = Object("tokenizer", arguments, span)
    return ListVal([loaded, tokenizer], span, "tuple")


def wrap(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`FastLanguageModel.get_peft_model(model, r=16, …)`: config and wrap in one call.

    A model loaded with `full_finetuning=True` is returned unchanged (unsloth 2026.10.9).
    """
    model = arguments.get("model", 0)
    view = view_of(model)
    if model is not None and view is not None and view.record.whole:
        return model
    config = context.config("LoraConfig", arguments, span, "unsloth", made_by=name.split(".")[-2])
    return context.wrap(model, config, span, Manner("unsloth"))


def add_new_tokens(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`add_new_tokens(model, tokenizer, new_tokens=[…])`: the tokens, and rows for them (unsloth_zoo, tokenizer.py)."""
    view = view_of(arguments.get("model", 0))
    if view is not None:
        added = tokens.token_texts(arguments.get("new_tokens", 2))
        context.happen(view.record, Resize(span, tokens=added, unread=not added))
    return None


def same_trainer(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`train_on_responses_only(trainer, …)` returns the trainer (unsloth_zoo 2026.10.9, dataset_utils.py)."""
    trainer = arguments.get("trainer", 0)
    return trainer if record_of(trainer, TrainingRecord) is not None else None


CALLS: dict[str, Handler] = {
    "add_new_tokens": add_new_tokens,
    "get_peft_model": wrap,
    "from_pretrained": load,
    "train_on_responses_only": same_trainer,
    **dict.fromkeys(
        ("standardize_data_formats", "standardize_sharegpt", "to_sharegpt", "apply_chat_template"), datasets.same_rows
    ),
}
