"""How well a model predicts examples that it is not trained on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

from lora_lint.verify.measurement import probe
from lora_lint.verify.measurement.probe import IGNORED, Batch
from lora_lint.verify.weights import out_of_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lora_lint.verify.measurement.bench import Bench

    Rows = Sequence[tuple[int, ...]]

_T = TypeVar("_T")
LOST = 100.0
"""The loss, in nats, that stands for one that is not finite or is larger: guessing costs 12 at most."""


def held_out_loss(bench: Bench, model: Any, held: Rows) -> float:
    """Mean loss on the held-out examples, in nats per token."""

    def loss(logits: Any, targets: Any) -> tuple[float, int]:
        found, answers = probe.loss_of(bench.head, logits, targets)
        return float(found), answers

    parts = of_predictions(bench, model, held, loss)
    mean = sum(total for total, _ in parts) / max(sum(answers for _, answers in parts), 1)
    return min(mean, LOST) if math.isfinite(mean) else LOST


def of_predictions(bench: Bench, model: Any, rows: Rows, measure: Callable[[Any, Any], _T]) -> list[_T]:
    """What `measure` makes of the logits for examples and of the tokens that they should predict, for as many examples
    at once as fit. Raises TooBig where not even one does."""
    import torch

    found: list[_T] = []
    start = 0
    while start < len(rows):
        batch = padded(rows[start : start + bench.micro])
        part = batch.part(0, len(batch), bench.device)
        try:
            with torch.no_grad():
                found.append(measure(probe.answers(bench.head, model(**part.inputs)), part.targets))
        except Exception as error:
            if not out_of_memory(error):
                raise
            bench.halve(error)
        else:
            start += len(batch)
    return found


def padded(rows: Sequence[Sequence[int]]) -> Batch:
    """A batch of examples of different lengths; padding is masked in the attention and in the loss."""
    import torch

    longest = max(len(row) for row in rows)
    ids = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    targets = torch.full_like(ids, IGNORED)
    targets[:, :-1] = ids[:, 1:].masked_fill(mask[:, 1:] == 0, IGNORED)
    return Batch({"input_ids": ids, "attention_mask": mask}, targets)
