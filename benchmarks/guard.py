"""What the guard costs: the time of a step with it and without, and the check before the first step.

    python benchmarks/guard.py

A Llama of 20 M parameters on one thread of the CPU, its steps timed in turns so that both see the same machine. The
steps after the first are those that a long training consists of.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402
from datasets import Dataset  # noqa: E402
from peft import LoraConfig, get_peft_model  # noqa: E402
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainerCallback, TrainingArguments  # noqa: E402

import lora_lint  # noqa: E402

STEPS = 30
ROUNDS = 5
SHAPE = {"hidden_size": 384, "intermediate_size": 960, "num_hidden_layers": 12, "num_attention_heads": 6}


class Clock(TrainerCallback):  # type: ignore[misc]
    """The time between the ends of steps."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **objects: Any) -> None:  # noqa: ARG002
        self.ends.append(time.perf_counter())


def step_times(guarded: bool) -> list[float]:
    """The seconds of each step of one training but the first two."""
    torch.manual_seed(0)
    base = LlamaForCausalLM(LlamaConfig(vocab_size=512, **SHAPE))
    model = get_peft_model(base, LoraConfig(r=8, lora_alpha=16, target_modules="all-linear"))
    row = list(range(5, 133))
    rows = Dataset.from_list([{"input_ids": row, "labels": row}] * 64)
    settings = {"report_to": "none", "use_cpu": True, "disable_tqdm": True, "save_strategy": "no"}
    arguments = TrainingArguments("out", max_steps=STEPS, per_device_train_batch_size=4, learning_rate=2e-4, **settings)
    clock = Clock()
    callbacks = [clock, lora_lint.Guard()] if guarded else [clock]
    Trainer(model=model, args=arguments, train_dataset=rows, callbacks=callbacks).train()
    return [end - start for start, end in zip(clock.ends[1:], clock.ends[2:], strict=False)]


def check_time() -> float:
    """The seconds of one check of the model."""
    base = LlamaForCausalLM(LlamaConfig(vocab_size=512, **SHAPE))
    model = get_peft_model(base, LoraConfig(r=8, lora_alpha=16, target_modules="all-linear"))
    lora_lint.check(model)  # imports what is needed
    start = time.perf_counter()
    lora_lint.check(model)
    return time.perf_counter() - start


def main() -> None:
    torch.set_num_threads(1)
    plain: list[float] = []
    guarded: list[float] = []
    for _ in range(ROUNDS):
        plain += step_times(False)
        guarded += step_times(True)
    one, other = statistics.median(plain), statistics.median(guarded)
    print(f"a step without the guard   {one * 1000:8.2f} ms")
    print(f"a step with it             {other * 1000:8.2f} ms, {other / one:.4f} x")
    print(f"the check before the first {check_time() * 1000:8.2f} ms, once")


if __name__ == "__main__":
    main()
