"""Recipes of SageMaker HyperPod at 2631995 (2026-06-23): what the launcher refuses of those for Amazon Nova."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_LAUNCHERS = "launcher/nova/launchers.py"
_ROWS = tuple(
    Refusal(
        f"run.{field}",
        f"training_config.rollout is not None and run.{field} < 1",
        "it is a whole number above 0",
        "Raise it",
        f"{_LAUNCHERS}:1323",
    )
    for field in ("replicas", "generation_replicas", "rollout_worker_replicas")
)
TABLE = Table(
    "Amazon Nova's recipes",
    "2631995 of 2026-06-23",
    {"": _ROWS},
    {},
    (
        Undecided(
            "the cluster, its region and its volumes",
            "another file has them",
            ("main.py", "launcher/", "launcher_scripts/", "validations_wrapper.py", "utils/"),
        ),
        Undecided(
            "recipes for other models",
            "they have settings of their own",
            ("template/", "scripts/", "hyperpod_recipes/"),
        ),
    ),
)
