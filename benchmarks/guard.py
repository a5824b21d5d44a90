"""What the guard costs: the CPU time of a step with it and without, and of the check before the first step.

    python benchmarks/guard.py [--rounds 9] [--steps 14]

Trains a Llama of 6 M parameters on one thread of the CPU with transformers' Trainer, TRL's SFTTrainer, Lightning where
it is installed, and a loop. Each round trains with the guard and without, in turns; the ratio of a round is that of its
two medians over the steps after the second, which are those that a long training consists of. Other work on the machine
makes the ratios spread, so the last column has the time inside the guard itself. The exit status is 1 if that is more
than 1% of a step, or if the ratio is more than 1.01 and its interval leaves out 1.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import statistics
import sys
import tempfile
import time
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402
from datasets import Dataset  # noqa: E402
from peft import LoraConfig, get_peft_model  # noqa: E402
from transformers import (  # noqa: E402
    LlamaConfig,
    LlamaForCausalLM,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

import lora_lint  # noqa: E402
from lora_lint.guarding.watch import TrainingWatch  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 1.01
SHAPE = {"hidden_size": 256, "intermediate_size": 640, "num_hidden_layers": 8, "num_attention_heads": 4}
ROW = list(range(5, 133))


class Inside:
    """The CPU time in the guard's methods that run at each step, once the first steps are over."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.calls = 0
        for name in ("before_update", "after_update"):
            setattr(TrainingWatch, name, self._timed(getattr(TrainingWatch, name)))

    def _timed(self, method: Any) -> Any:
        def timed(watch: TrainingWatch) -> None:
            if watch.is_watching:
                method(watch)
                return
            start = time.perf_counter()
            method(watch)
            self.seconds += time.perf_counter() - start
            self.calls += 1

        return timed

    def per_step(self) -> float:
        """The seconds of both methods since the last call."""
        found = 2 * self.seconds / self.calls
        self.seconds, self.calls = 0.0, 0
        return found


class Clock(TrainerCallback):  # type: ignore[misc]
    """The CPU time at the end of each step."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def tick(self) -> None:
        self.ends.append(time.process_time())

    def on_step_end(self, args: Any, state: Any, control: Any, **objects: Any) -> None:  # noqa: ARG002
        self.tick()

    @property
    def step(self) -> float:
        """The median of the steps but the first two."""
        return statistics.median(end - start for start, end in pairwise(self.ends[1:]))


def model_with_adapter() -> Any:
    torch.manual_seed(0)
    base = LlamaForCausalLM(LlamaConfig(vocab_size=512, **SHAPE))
    return get_peft_model(base, LoraConfig(r=8, lora_alpha=16, target_modules="all-linear"))


def with_trainer(steps: int, guarded: bool) -> float:
    """The seconds of a step of transformers' Trainer."""
    return _step_of(Trainer, TrainingArguments, steps, guarded)


def with_trl(steps: int, guarded: bool) -> float:
    """The seconds of a step of TRL's SFTTrainer."""
    from trl import SFTConfig, SFTTrainer

    from tests.guarding.models import tokenizer

    return _step_of(SFTTrainer, SFTConfig, steps, guarded, bf16=False, tokenizer=tokenizer())


def _step_of(kind: Any, settings: Any, steps: int, guarded: bool, tokenizer: Any = None, **more: Any) -> float:
    rows = Dataset.from_list([{"input_ids": ROW, "labels": ROW}] * 64)
    quiet = {"report_to": "none", "use_cpu": True, "disable_tqdm": True, "save_strategy": "no", "logging_steps": 10_000}
    arguments = settings("out", max_steps=steps, per_device_train_batch_size=4, learning_rate=2e-4, **quiet, **more)
    clock = Clock()
    callbacks = [clock, lora_lint.Guard()] if guarded else [clock]
    given = {} if tokenizer is None else {"processing_class": tokenizer}
    trainer = kind(model=model_with_adapter(), args=arguments, train_dataset=rows, callbacks=callbacks, **given)
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return clock.step


def with_loop(steps: int, guarded: bool) -> float:
    """The seconds of a step of a plain loop."""
    model, clock = model_with_adapter(), Clock()
    optimizer = torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], lr=2e-4)
    batch = torch.tensor([ROW] * 4)
    with lora_lint.guard(model, optimizer) if guarded else contextlib.nullcontext():
        for _ in range(steps):
            model(input_ids=batch, labels=batch).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            clock.tick()
    return clock.step


def with_lightning(steps: int, guarded: bool) -> float:
    """The seconds of a step of Lightning's Trainer."""
    import lightning.pytorch as pl

    class Module(pl.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = model_with_adapter()

        def training_step(self, batch: Any, _: int) -> Any:
            return self.model(input_ids=batch, labels=batch).loss

        def configure_optimizers(self) -> Any:
            return torch.optim.AdamW([each for each in self.parameters() if each.requires_grad], lr=2e-4)

    class Ticks(pl.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, *_: Any) -> None:
            clock.tick()

    clock = Clock()
    callbacks = [Ticks(), lora_lint.lightning_guard()] if guarded else [Ticks()]
    off = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = pl.Trainer(max_steps=steps, accelerator="cpu", callbacks=callbacks, **off)
    trainer.fit(Module(), torch.utils.data.DataLoader(torch.tensor([ROW] * 4 * steps), batch_size=4))
    return clock.step


WAYS: dict[str, Callable[[int, bool], float]] = {
    "Trainer": with_trainer,
    "SFTTrainer": with_trl,
    "Lightning": with_lightning,
    "loop": with_loop,
}


def check_time() -> float:
    """The seconds of one check of the model."""
    model = model_with_adapter()
    lora_lint.check(model)  # imports what is needed
    start = time.process_time()
    lora_lint.check(model)
    return time.process_time() - start


def interval(ratios: list[float]) -> tuple[float, float]:
    """The second smallest and the second largest, which of nine leave the median out in 1 of 26 cases."""
    ordered = sorted(ratios)
    return ordered[1], ordered[-2]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=14)
    given = parser.parse_args()
    torch.set_num_threads(1)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    inside, slow = Inside(), False
    print("| way | a step | with the guard | interval | inside it |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, step in WAYS.items():
            if name == "Lightning" and find_spec("lightning") is None:
                print(f"| {name} | not installed |")
                continue
            plain, ratios = [], []
            for number in range(given.rounds):
                times = {guarded: step(given.steps, guarded) for guarded in (bool(number % 2), not number % 2)}
                plain.append(times[False])
                ratios.append(times[True] / times[False])
            low, high = interval(ratios)
            whole, middle, own = statistics.median(plain), statistics.median(ratios), inside.per_step()
            slow |= own / whole > MOST - 1 or (middle > MOST and low > 1)
            print(f"| {name} | {1000 * whole:.1f} ms | {middle:.3f} x | {low:.3f} to {high:.3f} | {1e6 * own:.1f} µs |")
        print(f"\nThe check before the first step: {check_time() * 1000:.0f} ms, once")
        os.chdir(ROOT)
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
