"""Sends a summary of a report to the experiment trackers that the program itself has started."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lora_lint.api import Report


def send_summary(report: Report) -> tuple[str, ...]:
    """Sends the number of findings and their codes; gives the trackers that took it. A tracker that fails is left out:
    a training does not end because of one."""
    summary = {
        "lora_lint/errors": len(report.of_level("error")),
        "lora_lint/warnings": len(report.of_level("warning")),
        "lora_lint/advice": len(report.of_level("advice")),
        "lora_lint/codes": " ".join(dict.fromkeys(finding.code for finding in report.findings)),
    }
    taken = []
    for name, send in (("wandb", _to_wandb), ("trackio", _to_trackio), ("mlflow", _to_mlflow)):
        module = sys.modules.get(name)
        try:
            if module is not None and send(module, summary):
                taken.append(name)
        except Exception:  # each tracker fails in its own way, most by network
            continue
    return tuple(taken)


def _to_wandb(wandb: Any, summary: dict[str, Any]) -> bool:
    if wandb.run is None:
        return False
    wandb.run.summary.update(summary)
    return True


def _to_trackio(trackio: Any, summary: dict[str, Any]) -> bool:
    run = trackio.context_vars.current_run.get()
    if run is None:
        return False
    run.config.update(summary)
    return True


def _to_mlflow(mlflow: Any, summary: dict[str, Any]) -> bool:
    if mlflow.active_run() is None:
        return False
    mlflow.set_tags({key.replace("/", "."): str(value) for key, value in summary.items()})
    return True
