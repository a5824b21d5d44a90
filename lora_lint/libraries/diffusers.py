"""diffusers: pipelines, whose UNet or transformer gets the adapter.

Source: diffusers 0.42.1, loaders/peft.py and loaders/lora_base.py.
"""

from __future__ import annotations

from lora_lint.interpreter.values import Arguments, Object, Opaque, Val
from lora_lint.libraries import transformers
from lora_lint.libraries.context import Context, adapter_names, nothing
from lora_lint.libraries.effects import DENOISERS, ModelRecord, ModelView, PipelineRecord
from lora_lint.run.events import LoadAdapter, SetAdapter, Unwrap
from lora_lint.run.values import Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.libraries.context import Handler
    from lora_lint.source import Span


def from_pretrained(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`FluxPipeline.from_pretrained(name)` with its transformer, or a single model."""
    loader = name.split(".")[-2]
    if not loader.endswith("Pipeline") and not loader.startswith("AutoPipeline"):
        return transformers.from_pretrained(context, name, arguments, span)
    given = next((arguments.keywords[part] for part in DENOISERS if part in arguments.keywords), None)
    if isinstance(given, Object) and isinstance(given.data, ModelView):
        return Object(name, arguments, span, PipelineRecord(given))
    model = arguments.get("pretrained_model_name_or_path", 0) or Opaque("the pipeline's name is not given", span)
    quantization = transformers.quantization_of(arguments, span)
    denoiser = context.model(span, name, arguments, ModelRecord(model, loader, quantization))
    return Object(name, arguments, span, PipelineRecord(denoiser))


def method(context: Context, pipeline: Object, name: str, arguments: Arguments, span: Span) -> Val | None:
    """A method of a pipeline that concerns its adapters."""
    record: ModelRecord = pipeline.data.denoiser.data.record
    if name == "to":
        return pipeline
    if name == "load_lora_weights":
        adapters = adapter_names(arguments.get("adapter_name"))
        trainable = Unknown("the pipeline decides", span)
        context.happen(record, LoadAdapter(span, adapters=adapters, trainable=trainable, integrated=True))
        return nothing(span)
    if name == "set_adapters":
        trainable = Unknown("the pipeline decides", span)
        adapters = adapter_names(arguments.get("adapter_names", 0))
        context.happen(record, SetAdapter(span, adapters=adapters, trainable=trainable))
        return nothing(span)
    if name == "unload_lora_weights":
        context.happen(record, Unwrap(span))
        return nothing(span)
    return nothing(span) if name in ("fuse_lora", "unfuse_lora", "delete_adapters") else None


CALLS: dict[str, Handler] = {"from_pretrained": from_pretrained}
