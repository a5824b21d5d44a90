"""One trial: one arm trained with one seed, from its start or from where it was paused."""

from __future__ import annotations

import io
import itertools
import math
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from lora_lint.ablate.adapted import parameter_groups, with_adapter
from lora_lint.ablate.examples import batches, have_answers, split
from lora_lint.ablate.setup import opened
from lora_lint.verify import weights
from lora_lint.verify.experiment import Skip
from lora_lint.verify.measurement.bench import Late, backward
from lora_lint.verify.measurement.held_out import held_out_loss, of_predictions, padded
from lora_lint.verify.measurement.kept import KeptTensors
from lora_lint.verify.structure.skeleton import trainable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lora_lint.ablate.examples import Example
    from lora_lint.ablate.recipes import Recipe
    from lora_lint.ablate.setup import Setup
    from lora_lint.verify.measurement.bench import Bench

_CLIP = 1.0  # gradient norm, as transformers' trainer clips it


@dataclass(frozen=True)
class TrialRecord:
    """What a trial has measured after `steps` steps.

    `losses` are (step, held-out loss in nats per token), the first before any step. `train_loss` is the mean over all
    steps, `accuracy` the share of final answers that are predicted, None where the data has none. `memory` is in bytes:
    the peak on CUDA, otherwise counted. A trial that failed has the reason and nothing else.
    """

    key: str
    seed: int
    steps: int = 0
    losses: tuple[tuple[int, float], ...] = ()
    train_loss: float = math.nan
    accuracy: float | None = None
    seconds: float = 0.0
    memory: int = 0
    trainable: int = 0
    failure: str | None = None

    @property
    def loss(self) -> float:
        """The held-out loss at the end."""
        return self.losses[-1][1]

    def loss_at(self, step: int) -> float:
        return dict(self.losses)[step]

    def as_json(self) -> dict[str, Any]:
        found = asdict(self)
        if self.failure is not None:
            return {"key": self.key, "seed": self.seed, "failure": self.failure}
        return found

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> TrialRecord:
        """Raises TypeError and ValueError for what is no record."""
        losses = tuple((int(step), float(loss)) for step, loss in fields.get("losses", ()))
        return cls(**{**fields, "losses": losses})


@dataclass(frozen=True)
class TrialTask:
    """A trial to make: train `recipe` with `seed` up to the step `until`, from where `before` ended, if it is given
    together with its snapshot."""

    recipe: Recipe
    seed: int
    until: int
    before: TrialRecord | None = None
    snapshot: bytes | None = None

    @property
    def start(self) -> int:
        """The step at which it starts."""
        return self.before.steps if self.before is not None else 0


@dataclass(frozen=True)
class Done:
    """A trial's record, and what is needed to go on with it where it has not trained all steps."""

    task: TrialTask
    record: TrialRecord
    snapshot: bytes | None = None


def perform(setup: Setup, task: TrialTask, ends: float) -> Done:
    """Makes a trial. What goes wrong in it is recorded, out of memory included; raises Late if it is not done by the
    `time.time()` of `ends`."""
    try:
        return _trained(setup, task, ends)
    except Late:
        raise
    except Exception as error:
        return Done(task, TrialRecord(task.recipe.key, task.seed, failure=reason_of(error)))


def reason_of(error: BaseException) -> str:
    """Why a trial failed, in a few words."""
    if isinstance(error, weights.NoWeights) and error.__cause__ is not None and weights.out_of_memory(error.__cause__):
        return "out of memory"
    if weights.out_of_memory(error):
        return "out of memory"
    if isinstance(error, (Skip, weights.NoWeights)):
        return str(error)
    return f"{type(error).__name__}: {weights.in_one_line(error)}"


def _trained(setup: Setup, task: TrialTask, ends: float) -> Done:
    import torch

    bench = opened(setup.host)
    bench.micro = setup.host.micro
    recipe, before = task.recipe, task.before
    data = split(setup.examples, setup.held, task.seed)
    held = [each.tokens for each in data.held]
    order = batches(len(data.train), setup.batch, task.until, task.seed)
    begun = time.monotonic()
    _reset_peak(bench)
    with with_adapter(bench, setup.adapter, recipe, task.seed) as model:
        stepper = setup.optimizer.make(parameter_groups(model, recipe), recipe.rate)
        rates = [group["lr"] for group in stepper.param_groups]
        trained = [each for each in model.parameters() if each.requires_grad]
        if before is None:
            before = TrialRecord(recipe.key, task.seed, losses=((0, held_out_loss(bench, model, held)),))
            total = 0.0
        else:
            assert task.snapshot is not None
            _restore(model, stepper, task.snapshot)
            total = before.train_loss * before.steps
        losses, memory = list(before.losses), before.memory
        for step in range(before.steps + 1, task.until + 1):
            if time.time() > ends:
                raise Late
            for group, rate in zip(stepper.param_groups, rates, strict=True):
                group["lr"] = rate * (1 - (step - 1) / setup.steps)
            batch = padded([data.train[place].tokens for place in order[step - 1]])
            with KeptTensors(model) if memory == 0 and bench.device == "cpu" else _nothing() as kept:
                _, loss = backward(bench, model, batch)
            total += loss
            torch.nn.utils.clip_grad_norm_(trained, _CLIP)
            stepper.step()
            if isinstance(kept, KeptTensors):
                memory = kept.bytes + _held_by(model, stepper)
            stepper.zero_grad(set_to_none=True)
            if step in setup.points:
                losses.append((step, held_out_loss(bench, model, held)))
        accuracy = _accuracy(bench, model, data.held) if have_answers(setup.examples) else None
        snapshot = _snapshot(model, stepper) if task.until < setup.steps else None
        record = TrialRecord(
            recipe.key,
            task.seed,
            task.until,
            tuple(losses),
            total / task.until,
            accuracy,
            round(before.seconds + time.monotonic() - begun, 3),
            max(memory, _peak(bench)),
            sum(trainable(model).values()),
        )
    return Done(task, record, snapshot)


def _accuracy(bench: Bench, model: Any, held: Sequence[Example]) -> float:
    """The share of the final answers of which every token is the most likely one after all text before it."""
    asked = [each for each in held if each.answer is not None]
    parts = of_predictions(
        bench, model, [each.tokens for each in asked], lambda logits, targets: logits.argmax(-1) == targets
    )
    right = 0
    for each, row in zip(asked, itertools.chain.from_iterable(parts), strict=True):
        start, end = each.answer or (1, 1)
        right += bool(row[start - 1 : end - 1].all())
    return right / max(len(asked), 1)


# --- pausing ----------------------------------------------------------------------------------------------------------


def _snapshot(model: Any, stepper: Any) -> bytes:
    import torch

    trained = {name: each.detach().cpu() for name, each in model.named_parameters() if each.requires_grad}
    buffer = io.BytesIO()
    torch.save({"parameters": trained, "optimizer": stepper.state_dict()}, buffer)
    return buffer.getvalue()


def _restore(model: Any, stepper: Any, snapshot: bytes) -> None:
    """Nothing but tensors, numbers and their containers is read."""
    import torch

    state = torch.load(io.BytesIO(snapshot), map_location="cpu", weights_only=True)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                parameter.copy_(state["parameters"][name])
    stepper.load_state_dict(state["optimizer"])


# --- memory -----------------------------------------------------------------------------------------------------------


def _nothing() -> Any:
    import contextlib

    return contextlib.nullcontext()


def _held_by(model: Any, stepper: Any) -> int:
    """The bytes of weights, gradients and the optimizer's states."""
    import torch

    size = 0
    for each in model.parameters():
        size += each.numel() * each.element_size() * (1 if each.grad is None else 2)
    for state in stepper.state.values():
        size += sum(each.numel() * each.element_size() for each in state.values() if isinstance(each, torch.Tensor))
    return size


def _reset_peak(bench: Bench) -> None:
    if bench.device == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats()


def _peak(bench: Bench) -> int:
    if bench.device != "cuda":
        return 0
    import torch

    return int(torch.cuda.max_memory_allocated())
