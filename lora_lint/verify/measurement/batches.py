"""How many examples a run has in a step, and which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.run.values import alternatives

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.run.run import Run

LARGEST = 64
"""Examples in a step of a training, at most."""
USUAL = 8
"""The batch size of transformers' trainer."""


def batch_size(run: Run) -> int:
    """The number of examples in a step of the run: the usual one where the run does not give it."""
    size = 1
    for value, usual in ((run.training.batch_size, USUAL), (run.training.accumulation, 1)):
        numbers = [int(each.value) for each in alternatives(value) if isinstance(each.value, int | float)]
        size *= numbers[0] if numbers and numbers[0] > 0 else usual
    return size


def shuffled(count: int, size: int, seed: int) -> Iterator[list[int]]:
    """The places of the examples of one step after another: all of them once, in a new order, before any comes again.
    The same for the same seed, whatever else is drawn."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    order: list[int] = []
    while True:
        while len(order) < size:
            order += torch.randperm(count, generator=generator).tolist()
        yield order[:size]
        order = order[size:]
