"""A worker that dies once, in the middle of a study."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from lora_lint.ablate.trial import perform

if TYPE_CHECKING:
    from lora_lint.ablate.setup import Setup
    from lora_lint.ablate.trial import Done, TrialTask

MARK = "LORA_LINT_TEST_DIES"
"""The variable with the path of the file that shows that it has died."""


def perform_or_die(setup: Setup, task: TrialTask, ends: float) -> Done:
    """Makes the trial; the first trial of the second seed kills its process, once."""
    if task.seed == 1:
        try:
            Path(os.environ[MARK]).touch(exist_ok=False)
        except FileExistsError:
            pass
        else:
            os.kill(os.getpid(), signal.SIGKILL)
    return perform(setup, task, ends)
