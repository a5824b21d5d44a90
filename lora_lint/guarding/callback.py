"""`lora_lint.Guard`: the watch as a callback of transformers' Trainer and of TRL's trainers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback

from lora_lint.api import settings_from
from lora_lint.guarding.quiet import same_randomness
from lora_lint.guarding.subject import subject_of, trainer_of_arguments
from lora_lint.guarding.watch import TrainingWatch
from lora_lint.records import replace

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from lora_lint.api import Options
    from lora_lint.guarding.checking import LiveReport
    from lora_lint.settings import FailOn


class Guard(TrainerCallback):  # type: ignore[misc]
    """`trainer.add_callback(lora_lint.Guard())`: checks the objects before the first step, the first step, the first
    checkpoint and the last.

    A finding at or above `fail_on` raises LoraLintError, with the report; all go to the log `lora_lint`, and a summary
    to trackio, W&B and MLflow where a run is active. `report_to` is the path of a report, `.html` or JSON. `options`
    are those of `lora_lint.lint`.
    """

    def __init__(self, *, fail_on: FailOn = "error", report_to: str | None = None, **options: Unpack[Options]) -> None:
        self._watch = TrainingWatch(settings_from(options), fail_on, report_to)
        self._has_saved = False

    @property
    def report(self) -> LiveReport:
        """What was found so far."""
        return self._watch.report

    def on_train_begin(self, args: Any, state: Any, control: Any, **objects: Any) -> None:  # noqa: ARG002
        """Judges the training before its first step. Raises LoraLintError."""
        subject = subject_of(objects["model"], objects.get("optimizer"))
        loader = objects.get("train_dataloader")
        self._has_saved = False
        self._watch.start(
            replace(
                subject,
                trainer=trainer_of_arguments(type(args)),
                arguments=args,
                tokenizer=objects.get("processing_class") or objects.get("tokenizer"),
                dataset=getattr(loader, "dataset", None),
            )
        )

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **objects: Any) -> None:  # noqa: ARG002
        """Looks at the gradients of the first step. Raises LoraLintError."""
        self._watch.before_update()

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **objects: Any) -> None:  # noqa: ARG002
        """Sees what the first step has moved."""
        self._watch.after_update()

    def on_save(self, args: Any, state: Any, control: Any, **objects: Any) -> None:  # noqa: ARG002
        """Compares the first checkpoint with what is trained. Raises LoraLintError."""
        if not self._has_saved:
            self._has_saved = True
            self._watch.saved(_checkpoint(args, state))

    def on_train_end(self, args: Any, state: Any, control: Any, **objects: Any) -> None:  # noqa: ARG002
        """Compares the last checkpoint, and what it computes for a batch. Raises LoraLintError."""
        folder = _checkpoint(args, state)
        if os.path.isdir(folder):
            self._watch.saved(folder, _first_batch(objects.get("train_dataloader"), objects["model"]))


def _checkpoint(args: Any, state: Any) -> str:
    return os.path.join(args.output_dir, f"checkpoint-{state.global_step}")


def _first_batch(loader: Any, model: Any) -> Mapping[str, Any] | None:
    """A batch that a model takes; None if it is not one. Iterating draws random numbers, which are put back."""
    try:
        with same_randomness():
            batch = next(iter(loader))
    except (TypeError, StopIteration):
        return None
    if not isinstance(batch, Mapping) or "input_ids" not in batch:
        return None
    device = next(model.parameters()).device
    return {key: each.to(device) if hasattr(each, "to") else each for key, each in batch.items()}
