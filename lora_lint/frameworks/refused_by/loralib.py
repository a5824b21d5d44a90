"""loralib 0.1.2: its layers check the numbers that programs compute."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Table, Undecided

TABLE = Table(
    "loralib",
    "0.1.2",
    {},
    {},
    (
        Undecided(
            "features and kernels of a layer",
            "programs compute them, and give them by their position",
            ("layers.py",),
        ),
        Undecided("which biases are trained", "a call after the layers decides", ("utils.py",)),
    ),
)
