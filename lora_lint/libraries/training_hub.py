"""Training Hub: `lora_sft(model_path=…, lora_r=16)`, which loads, adapts and trains in one call.

Source: training_hub at f793034 of 2026-08-06, algorithms/{lora,peft_extender}.py.
"""

from __future__ import annotations

from lora_lint.interpreter.values import Arguments, Const, Object, Opaque
from lora_lint.libraries import datasets
from lora_lint.libraries.context import Manner
from lora_lint.libraries.effects import ModelRecord, TrainingRecord
from lora_lint.libraries.transformers import quantization_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.interpreter.values import Val
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span

_SETTINGS = {
    "lora_r": ("r", 16),
    "lora_alpha": ("lora_alpha", 32),
    "lora_dropout": ("lora_dropout", 0.0),
    "target_modules": ("target_modules", None),
    "use_rslora": ("use_rslora", False),
    "use_dora": ("use_dora", False),
    "init_lora_weights": ("init_lora_weights", True),
}
"""What it calls PEFT's settings, and its defaults; it finds the layers itself where none are named."""
_TRAINING = {
    "learning_rate": "learning_rate",
    "epochs": "num_epochs",
    "batch_size": "micro_batch_size",
    "accumulation": "gradient_accumulation_steps",
}


def lora_sft(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`lora_sft(model_path=…, data_path=…, ckpt_output_dir=…, lora_r=16)`"""
    context.records.add_checked("training_hub", Object("lora_sft", arguments, span))
    base = arguments.get("model_path", 0) or Opaque("the model's path is not given", span)
    model = context.model(span, name, Arguments([], {}, {}), ModelRecord(base, None, quantization_of(arguments, span)))
    settings: dict[str, Val] = {}
    places: dict[str | int, Span] = {}
    for key, (setting, default) in _SETTINGS.items():
        given = arguments.get(key)
        if given is not None or default is not None:
            settings[setting] = given or Const(default, span, "framework-default")
        if (place := arguments.span(key)) is not None:
            places[setting] = place
    settings.setdefault("target_modules", Opaque("Training Hub chooses the layers itself", span))
    config = context.config("LoraConfig", Arguments([], settings, places, arguments.open), span, "training_hub")
    wrapped = context.wrap(model, config, span, Manner("training_hub"))
    path = arguments.get("data_path", 1)
    data = None if path is None else datasets.from_file(context, name, Arguments([path], {}, {}), span)
    values = {field: given for field, key in _TRAINING.items() if (given := arguments.get(key)) is not None}
    context.trains(model.data.record, TrainingRecord("lora_sft", "supervised", span, None, data, values))
    return wrapped


CALLS: dict[str, Handler] = {"lora_sft": lora_sft}
