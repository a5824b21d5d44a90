"""unsloth: models that are loaded to be adapted, and its adapters."""

from __future__ import annotations

from lora_lint.interpreter.values import Arguments, Const, ListVal, Object, Opaque, Val
from lora_lint.knowledge.saved_adapters import saved_config
from lora_lint.libraries import datasets, tokens
from lora_lint.libraries.context import Context, Manner, record_of, view_of, views_of
from lora_lint.libraries.convert import is_text, text_of, to_value
from lora_lint.libraries.effects import ModelRecord, TokenizerRecord, TrainingRecord
from lora_lint.libraries.transformers import quantization_of
from lora_lint.run.events import LoadAdapter, MaskLabels, Resize
from lora_lint.run.values import ABSENT, Known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.libraries.context import Handler
    from lora_lint.run.values import Value
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


def with_template(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`get_chat_template(tokenizer, chat_template="chatml")` returns the tokenizer with that template (unsloth
    2026.10.9, chat_templates.py)."""
    template = arguments.get("chat_template", 1) or Const("chatml", span, "framework-default")
    return Object("tokenizer", arguments, span, TokenizerRecord(template))


def mask_labels(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`train_on_responses_only(trainer, response_part="…")` returns the trainer, which then trains nothing but what
    follows the marker (unsloth_zoo 2026.10.9, dataset_utils.py)."""
    trainer = arguments.get("trainer", 0)
    if not isinstance(trainer, Object) or record_of(trainer, TrainingRecord) is None:
        return None
    given = trainer.arguments.get("processing_class") or trainer.arguments.get("tokenizer")
    template = _template_of(arguments.get("tokenizer", 4) or given, span)
    marker = to_value(arguments.get("response_part", 2), span, ABSENT, is_text)
    if isinstance(marker, Known) and not _is_written(marker.value, context.records.text):
        for view in views_of(trainer.attributes.get("model")):
            context.happen(view.record, MaskLabels(span, marker=marker, template=template))
    return trainer


def _template_of(tokenizer: Val | None, span: Span) -> Value[str]:
    """The name of the chat template that a tokenizer was given, unless another took its place."""
    record = record_of(tokenizer, TokenizerRecord)
    if record is None or not isinstance(tokenizer, Object) or "chat_template" in tokenizer.attributes:
        return ABSENT
    return to_value(record.template, span, ABSENT, is_text)


def _is_written(marker: str, program: bytes) -> bool:
    """Whether a program has a marker in another place as well: it may write the text itself."""
    return any(program.count(line.encode()) > 1 for line in marker.split("\n") if line.strip())


CALLS: dict[str, Handler] = {
    "add_new_tokens": add_new_tokens,
    "get_peft_model": wrap,
    "from_pretrained": load,
    "get_chat_template": with_template,
    "train_on_responses_only": mask_labels,
    **dict.fromkeys(
        ("standardize_data_formats", "standardize_sharegpt", "to_sharegpt", "apply_chat_template"), datasets.same_rows
    ),
}
