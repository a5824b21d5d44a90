"""wandb 0.31.0: its sweeps are checked by the service; their programs have the settings of an adapter."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Table, Undecided

TABLE = Table(
    "W&B",
    "0.31.0",
    {},
    {},
    (
        Undecided(
            "methods and parameters of a sweep",
            "the service checks them, which is not public",
            (
                *("sdk/", "apis/", "cli/", "wandb_agent.py", "analytics/", "automations/", "integration/", "old/"),
                *("plot/", "proto/", "sandbox/", "vendor/", "errors/", "filesync/", "util.py", "jupyter.py", "env.py"),
                *("beta/", "mpmain/", "sync/", "wandb_controller.py", "wandb_run.py", "data_types.py", "__init__.py"),
            ),
        ),
    ),
)
