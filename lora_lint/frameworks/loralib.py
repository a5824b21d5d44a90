"""loralib: layers with an adapter in them, `lora.Linear(64, 64, r=8, lora_alpha=16)`. Programs are read in
`programs`."""

from __future__ import annotations

from lora_lint.run.framework import Framework

FRAMEWORK = Framework(
    name="loralib",
    title="loralib",
    source="loralib, layers.py",
    version=(0, 1, 2),
    packages=("loralib",),
    keys={"rank": "r", "alpha": "lora_alpha", "dropout": "lora_dropout"},
    defaults={"alpha": 1, "dropout": 0.0},
    adapts="loralib",
    every_layer=None,
)
