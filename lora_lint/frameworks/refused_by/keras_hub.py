"""KerasHub 0.32.0: its `enable_lora` takes a rank and the names of layers, and checks neither."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Table, Undecided

TABLE = Table(
    "KerasHub",
    "0.32.0",
    {},
    {},
    (
        Undecided(
            "files of saved adapters",
            "a training goes on without them",
            ("models/backbone.py:Backbone.*", "models/task.py:Task.*"),
        ),
        Undecided(
            "presets, layers and quantization",
            "they are in the model",
            ("models/", "layers/", "utils/", "tokenizers/", "samplers/", "metrics/", "export/"),
        ),
    ),
)
