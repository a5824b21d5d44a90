"""Megatron-Bridge's `LoRA(dim=16, alpha=32)`, which `libraries.megatron` follows.

Source: Megatron-Bridge 0.7.0 of 2026-08-22, src/megatron/bridge/peft/lora.py.
"""

from __future__ import annotations

from lora_lint.run.framework import Framework

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.interpreter.values import Object
    from lora_lint.source import Span

FRAMEWORK = Framework(
    name="megatron_bridge",
    title="Megatron-Bridge",
    source="Megatron-Bridge",
    version=(0, 7, 0),
    packages=("megatron-bridge",),
    keys={"rank": "dim", "alpha": "alpha", "dropout": "dropout"},
    adapts="Megatron-Bridge",
    every_layer=None,
    own_names=True,
)


def filled(config: Object, here: Span) -> dict[str, Any]:
    """What it calls the settings of an adapter."""
    del config, here
    return {"keys": FRAMEWORK.keys}
