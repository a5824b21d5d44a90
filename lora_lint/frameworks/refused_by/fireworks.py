"""fireworks-ai 1.2.30: its client sends a job as it is given, and the command `firectl` is not public."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Table, Undecided

TABLE = Table(
    "Fireworks",
    "1.2.30",
    {},
    {},
    (
        Undecided(
            "ranks, models and data of a job",
            "the service checks them, which is not public",
            ("types/", "resources/", "lib/", "_", "training/", "control_plane/", "client/", "llm/", "dataset/"),
        ),
    ),
)
