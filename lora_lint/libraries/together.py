"""together: `client.fine_tuning.create(model=…, lora=True, lora_r=16)`, which starts a job of the service.

Source: together 1.5.34 of 2025-12-23, src/together/resources/finetune.py (`FineTuning.create`).
"""

from __future__ import annotations

from lora_lint.interpreter.values import Arguments, Const, ListVal, Object, Opaque
from lora_lint.libraries.context import Manner
from lora_lint.libraries.effects import ModelRecord, TrainingRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.interpreter.values import Val
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.run.run import Method
    from lora_lint.source import Span

CLIENT = "together.Together"
_EVERY_LAYER = "all-linear"
_SETTINGS = {
    "lora_r": "r",
    "lora_alpha": "lora_alpha",
    "lora_dropout": "lora_dropout",
    "lora_trainable_modules": "target_modules",
}
_METHODS: dict[str, Method] = {"sft": "supervised", "dpo": "preference"}
_TRAINING = {"learning_rate": "learning_rate", "epochs": "n_epochs"}


def client(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`Together()`, `AsyncTogether()`"""
    del context, name
    return Object(CLIENT, arguments, span)


def method(context: Context, owner: Object, path: tuple[str, ...], arguments: Arguments, span: Span) -> Val | None:
    """`client.fine_tuning.create(training_file=…, model=…, lora=True)`: LoRA unless it says otherwise."""
    del owner
    lora = arguments.get("lora") or Const(True, span, "framework-default")
    if path != ("fine_tuning", "create") or not (isinstance(lora, Const) and lora.value is True):
        return None
    base = arguments.get("model") or Opaque("a checkpoint decides it", span)
    model = context.model(span, "create", Arguments([], {}, {}), ModelRecord(base))
    settings = {setting: given for key, setting in _SETTINGS.items() if (given := arguments.get(key)) is not None}
    places: dict[str | int, Span] = {
        setting: place for key, setting in _SETTINGS.items() if (place := arguments.span(key)) is not None
    }
    settings["target_modules"] = _targets(settings.get("target_modules"), span)
    rank = settings.setdefault("r", Opaque("it is the largest that the service trains this model with", span))
    settings.setdefault("lora_alpha", _doubled(rank, span))
    settings.setdefault("lora_dropout", Const(0.0, span, "framework-default"))
    config = context.config("LoraConfig", Arguments([], settings, places, arguments.open), span, "together_ai")
    job = context.wrap(model, config, span, Manner("together_ai"))
    asked = arguments.get("training_method") or Const("sft", span)
    how = _METHODS.get(asked.value, "unknown") if isinstance(asked, Const) else "unknown"
    values = {field: given for field, key in _TRAINING.items() if (given := arguments.get(key)) is not None}
    context.trains(model.data.record, TrainingRecord("Together AI", how, span, values=values))
    return job


def _targets(given: Val | None, span: Span) -> Val:
    """The layers: names between commas."""
    if given is None:
        return Const(_EVERY_LAYER, span, "framework-default")
    if not isinstance(given, Const) or not isinstance(given.value, str) or given.value == _EVERY_LAYER:
        return given
    return ListVal([Const(name.strip(), given.span) for name in given.value.split(",")], given.span)


def _doubled(rank: Val, span: Span) -> Val:
    """Alpha where it is left out."""
    if isinstance(rank, Const) and isinstance(rank.value, int):
        return Const(2 * rank.value, span, "framework-default")
    return Opaque("it is twice the rank", span)


CALLS: dict[str, Handler] = {"Together": client, "AsyncTogether": client}
