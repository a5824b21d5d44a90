"""In how many runs each setting is known: the last lines of `inspect` in JSON."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.inspection.runs import Inspection

SETTINGS = ("rank", "alpha", "targets", "model", "architecture", "dataset_size")
"""What `summary` counts. A model is known by its name, or by its class if the program builds it itself; its
architecture if the name reveals it too."""


def summary(inspection: Inspection) -> list[dict[str, Any]]:
    """For each dialect, the most frequent first, and for all: files recognised, runs read, and in how many runs a
    setting is known, with the share. Runs of methods other than LoRA are counted apart, since most have no rank."""
    dialects = dict.fromkeys((*(run["dialect"] for run in inspection.runs), *inspection.recognised))
    groups = {dialect: [run for run in inspection.runs if run["dialect"] == dialect] for dialect in dialects}
    rows = [
        _row(dialect, inspection.recognised.get(dialect, 0), runs)
        for dialect, runs in sorted(groups.items(), key=lambda group: -len(group[1]))
    ]
    return [*rows, _row("all", sum(inspection.recognised.values()), list(inspection.runs))]


def _row(dialect: str, files: int, runs: list[dict[str, Any]]) -> dict[str, Any]:
    of_lora = [run for run in runs if run["method"] == "LoraConfig"]
    unknown = {name: sum(why(run, name) is not None for run in of_lora) for name in SETTINGS}
    return {
        "dialect": dialect,
        "files": files,
        "runs": len(of_lora),
        "other_methods": len(runs) - len(of_lora),
        "known": {name: len(of_lora) - count for name, count in unknown.items()},
        "share": {name: round(1 - count / len(of_lora), 4) for name, count in unknown.items()} if of_lora else {},
    }


def why(run: dict[str, Any], setting: str) -> str | None:
    """Why a setting of a run is not known, one of SETTINGS; None if it is."""
    adapter, model = run["adapter"], run["model"]
    if setting == "alpha" and "unknown" not in run["scale"]:
        return None  # the scale itself is given
    if setting == "architecture":
        return None if "type" in model else model["name"].get("unknown", "this model is not known")
    if setting == "model" and ("type" in model or model["class"]):
        return None
    value = {
        "rank": adapter["rank"],
        "alpha": adapter["alpha"],
        "targets": adapter["target_modules"],
        "model": model["name"],
        "dataset_size": run["dataset"]["size"],
    }[setting]
    reason: str | None = value.get("unknown")
    return reason
