"""unsloth: what its models do with adapters, and its vLLM.

Source: unsloth 2026.10.9, models/_utils.py and save.py.
"""

from __future__ import annotations

from lora_lint.interpreter.values import Arguments, Const, Object, Opaque
from lora_lint.libraries.convert import text_of
from lora_lint.libraries.effects import ServedAdapter
from lora_lint.run.events import PutOn, Save, SaveMerged
from lora_lint.run.run import Unserved

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from lora_lint.libraries.context import Context
    from lora_lint.libraries.effects import ModelView
    from lora_lint.source import Span


def load_lora(context: Context, view: ModelView, arguments: Arguments, span: Span) -> None:
    """`model.load_lora("folder")`: a request of vLLM for an adapter. Only `get_peft_model` gives a model this method,
    and only where vLLM's engine was loaded with it (unsloth 2025.2.4 to 2026.10.9, models/llama.py, later
    models/_utils.py, patch_peft_fast_inference)."""
    folder = arguments.get("save_directory", 0) or Opaque("no folder is given", span)
    if not view.record.loader_adapts:
        return
    if _lacks_engine(view):
        context.records.add_served(ServedAdapter(folder, span, unserved=Unserved.ENGINELESS))
    elif not any(isinstance(each.event, PutOn) for each in view.record.events):
        context.records.add_served(ServedAdapter(folder, span, unserved=Unserved.UNWRAPPED))


def _lacks_engine(view: ModelView) -> bool:
    """Whether a model is certainly loaded without vLLM's engine."""
    loading = view.record.loading
    given = loading.get("fast_inference") if loading is not None else None
    off = given is None or (isinstance(given, Const) and not given.value)
    return loading is not None and not loading.open and off


def fast_generate(context: Context, view: ModelView, arguments: Arguments, span: Span) -> None:
    """`model.fast_generate(…)`: vLLM's answers, which has the base model's weights and takes an adapter by request (its
    attribute `vllm_engine` is vLLM's `LLM`). Programs that name a request anywhere know it."""
    asked = arguments.open or arguments.get("lora_request", 2) or b"lora_request" in context.records.text
    if view.record.loader_adapts and view.wrapped and view.record.trainings and not asked:
        context.records.add_served(ServedAdapter(Opaque("vLLM has none", span), span, unserved=Unserved.UNASKED))


def save(context: Context, view: ModelView, arguments: Arguments, span: Span) -> None:
    """`model.save_lora("folder")`, and `model.save_pretrained_merged("folder", tokenizer, save_method="lora")`: the
    adapter alone."""
    folder = arguments.get("save_directory", 0)
    if view.wrapped:
        context.happen(view.record, Save(span, wrapped=not view.inside), () if folder is None else (folder,))


def save_merged(context: Context, view: ModelView, arguments: Arguments, span: Span) -> None:
    """`save_pretrained_merged`, which merges unless it is asked for the adapter (unsloth 2026.10.9, save.py)."""
    check_merge(context, view, arguments, span)
    if text_of(arguments.get("save_method", 2) or Opaque("it merges", span)) == "lora":
        save(context, view, arguments, span)
    elif view.wrapped:
        context.happen(view.record, SaveMerged(span))


def check_merge(context: Context, view: ModelView, arguments: Arguments, span: Span) -> None:
    """What `save_pretrained_merged` and `push_to_hub_merged` are given by name."""
    _check(context, view, arguments, span, "save_pretrained_merged")


def check_gguf(context: Context, view: ModelView, arguments: Arguments, span: Span) -> None:
    """What `save_pretrained_gguf` and `push_to_hub_gguf` are given by name."""
    _check(context, view, arguments, span, "save_pretrained_gguf")


def _check(context: Context, view: ModelView, arguments: Arguments, span: Span, owner: str) -> None:
    if view.record.loader_adapts and arguments.keywords:
        named = Arguments([], arguments.keywords, arguments.spans, arguments.open)
        context.records.add_checked("unsloth", Object(owner, named, span))


MODEL_METHODS: dict[str, Callable[[Context, ModelView, Arguments, Span], None]] = {
    "load_lora": load_lora,
    "fast_generate": fast_generate,
    "save_lora": save,
    "save_pretrained_merged": save_merged,
    "push_to_hub_merged": check_merge,
    **dict.fromkeys(("save_pretrained_gguf", "push_to_hub_gguf"), check_gguf),
}
