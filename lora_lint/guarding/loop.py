"""`with lora_lint.guard(model, optimizer):`, the watch for a loop of the program's own."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lora_lint.api import settings_from
from lora_lint.guarding.steps import before_step
from lora_lint.guarding.subject import subject_of
from lora_lint.guarding.watch import TrainingWatch
from lora_lint.records import replace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Unpack

    from lora_lint.api import Options
    from lora_lint.settings import FailOn


@contextmanager
def guard(
    target: Any,
    optimizer: Any,
    *,
    tokenizer: Any = None,
    fail_on: FailOn = "error",
    report_to: str | None = None,
    **options: Unpack[Options],
) -> Iterator[TrainingWatch]:
    """Watches a training loop: checks the model, `target`, and its optimizer now, and the loop's first step.

    Both may come from `accelerator.prepare`. Call `saved(folder, batch)` on what it gives to compare a saved adapter.
    `options` are those of `lora_lint.lint`. Raises LoraLintError, with the report, also out of `optimizer.step()`.
    """
    watch = TrainingWatch(settings_from(options), fail_on, report_to)
    subject = replace(subject_of(target, optimizer), tokenizer=tokenizer)
    watch.start(subject)
    hooks = [
        hook
        for each in subject.optimizers
        for hook in (
            each.register_step_pre_hook(lambda _, given, named: before_step(given, named, watch.before_update)),
            each.register_step_post_hook(lambda *_: watch.after_update()),
        )
    ]
    try:
        yield watch
    finally:
        for hook in hooks:
            hook.remove()
