"""AdapterHub's `adapters`: `model.add_adapter("name", config=LoRAConfig(r=8, alpha=16))`. Programs are read in
`programs`."""

from __future__ import annotations

from lora_lint.run.framework import Framework

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.interpreter.values import Object
    from lora_lint.source import Span

FRAMEWORK = Framework(
    name="adapter_hub",
    title="AdapterHub",
    source="adapters, configuration/adapter_config.py",
    version=(1, 3, 0),
    keys={"rank": "r", "alpha": "alpha", "dropout": "dropout", "use_dora": "use_dora"},
    defaults={"rank": 8, "alpha": 8, "dropout": 0.0},
    adapts="AdapterHub",
    every_layer=None,
)


def filled(config: Object, here: Span) -> dict[str, Any]:
    """What the settings are called."""
    del config, here
    return {"keys": FRAMEWORK.keys}
