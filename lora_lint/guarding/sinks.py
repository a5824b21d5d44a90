"""Sends a summary of a report to the experiment trackers that the program itself has started."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lora_lint.api import Report


def send_summary(report: Report) -> None:
    """Sends the number of findings and their codes. A tracker that fails is left out: a training does not end because
    of one."""
    summary = {
        "lora_lint/errors": len(report.of_level("error")),
        "lora_lint/warnings": len(report.of_level("warning")),
        "lora_lint/advice": len(report.of_level("advice")),
        "lora_lint/codes": " ".join(dict.fromkeys(finding.code for finding in report.findings)),
    }
    for name, send in (("wandb", _to_wandb), ("trackio", _to_trackio), ("mlflow", _to_mlflow)):
        module = sys.modules.get(name)
        try:
            if module is not None:
                send(module, summary)
        except Exception:  # each tracker fails in its own way, most by network
            continue


def _to_wandb(wandb: Any, summary: dict[str, Any]) -> None:
    if wandb.run is not None:
        wandb.run.summary.update(summary)


def _to_trackio(trackio: Any, summary: dict[str, Any]) -> None:
    run = trackio.context_vars.current_run.get()
    if run is not None:
        run.config.update(summary)


def _to_mlflow(mlflow: Any, summary: dict[str, Any]) -> None:
    if mlflow.active_run() is not None:
        mlflow.set_tags({key.replace("/", "."): str(value) for key, value in summary.items()})
