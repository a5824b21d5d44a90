"""Megatron-Bridge's LoRA: the settings of an adapter for models that Megatron builds with modules of its own, and
configs of a training that it checks.

Source: Megatron-Bridge 0.7.0 of 2026-08-22, src/megatron/bridge/peft/{lora,dora,canonical_lora}.py and
training/config.py. Recipes change the object afterwards, so that a setting without a value is not known.
"""

from __future__ import annotations

from lora_lint.interpreter.values import Arguments, Const, Object, Opaque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.interpreter.values import Val
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span

_SETTINGS = {"dim": "r", "alpha": "lora_alpha", "dropout": "lora_dropout"}
_PACKAGE = "megatron.bridge."
_CHECKED = ("SchedulerConfig", "CheckpointConfig", "TrainingConfig", "ProfilingConfig")


def lora(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`LoRA(target_modules=["linear_qkv", "linear_proj"], dim=16, alpha=32)`"""
    if not name.startswith(f"{_PACKAGE}peft."):
        return None
    checked(context, name, arguments, span)
    settings: dict[str, Val] = {"target_modules": Opaque("Megatron builds its modules itself", span)}
    places: dict[str | int, Span] = {}
    for key, setting in _SETTINGS.items():
        settings[setting] = arguments.get(key) or Opaque(f"`{key}` is not given here", span)
        if (place := arguments.span(key)) is not None:
            places[setting] = place
    if name.endswith(".DoRA"):
        settings["use_dora"] = Const(True, span)
    return context.config("LoraConfig", Arguments([], settings, places, arguments.open), span, "megatron_bridge")


def checked(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """An adapter, or a part of a training's config."""
    if name.startswith(_PACKAGE):
        context.records.add_checked("megatron_bridge", Object(name.rpartition(".")[2], arguments, span))
    return None


CALLS: dict[str, Handler] = {
    **dict.fromkeys(("LoRA", "DoRA", "CanonicalLoRA", "VLMLoRA"), lora),
    **dict.fromkeys(_CHECKED, checked),
}
