"""KerasHub: `backbone.enable_lora(rank=4)`. Programs are read in `programs`."""

from __future__ import annotations

from lora_lint.run.framework import Framework

FRAMEWORK = Framework(
    name="keras_hub",
    title="KerasHub",
    source="keras-hub, models/backbone.py",
    version=(0, 32, 0),
    packages=("keras-hub", "keras-nlp"),
    keys={"rank": "rank"},
    adapts="KerasHub",
    every_layer=None,
)
