"""Who makes the trials: this process, one after another. `cluster` is the other way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from lora_lint.ablate.trial import perform

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lora_lint.ablate.setup import Setup
    from lora_lint.ablate.trial import Done, TrialTask


class Runner(Protocol):
    """Makes trials and yields each as it ends, in any order. Raises Late where time runs out."""

    def __call__(self, setup: Setup, tasks: Sequence[TrialTask], ends: float) -> Iterator[Done]: ...


def in_this_process(setup: Setup, tasks: Sequence[TrialTask], ends: float) -> Iterator[Done]:
    """The trials one after another."""
    for task in tasks:
        yield perform(setup, task, ends)
