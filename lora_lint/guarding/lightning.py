"""`lora_lint.lightning_guard()`: the watch as a callback of Lightning.

Source: lightning 2.5, pytorch/callbacks/callback.py. It is not imported here but found where the program has it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from lora_lint.api import settings_from
from lora_lint.guarding.subject import subject_of
from lora_lint.guarding.watch import TrainingWatch

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from lora_lint.api import Options
    from lora_lint.settings import FailOn

_NAMES = ("lightning.pytorch", "pytorch_lightning")


def lightning_guard(*, fail_on: FailOn = "error", report_to: str | None = None, **options: Unpack[Options]) -> Any:
    """A callback for Lightning's Trainer, which checks before the first step and at it. Raises LoraLintError in the
    training; RuntimeError if the program has not imported Lightning."""
    lightning = next((sys.modules[name] for name in _NAMES if name in sys.modules), None)
    if lightning is None:
        raise RuntimeError("import lightning.pytorch, or pytorch_lightning, before lightning_guard() is called")
    watch = TrainingWatch(settings_from(options), fail_on, report_to)

    class LightningGuard(lightning.Callback):  # type: ignore[misc, name-defined]
        """The watch as Lightning calls it."""

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
            watch.start(subject_of(trainer))

        def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:  # noqa: ARG002
            watch.before_update()

        def on_train_batch_end(self, *_: Any, **__: Any) -> None:
            watch.after_update()

    return LightningGuard()
