"""Cases for the experiments that measure: runs on the small model, and what an experiment says of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import torch

from lora_lint.finding import Finding, Verdict
from lora_lint.run.run import BaseModel, Dataset, Training
from lora_lint.verify.experiment import Effort, FindingCase
from lora_lint.verify.measurement import bench, table
from tests.support import small_model
from tests.support.runs import HERE, lit, run, sweep

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lora_lint.run.run import Run

LLAMA = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@pytest.fixture
def alone() -> Iterator[None]:
    """On one thread, and nothing is kept for the next test."""
    torch.set_num_threads(1)  # the workers of the tests share the processors already
    yield
    bench.release_all()


def of(rank: int, alpha: float, *, rslora: bool = False, model: str = "", loader: str = "", **training: Any) -> Run:
    """A run on the small model, or on another one; `adapter` and `run` hold more fields of those."""
    base = BaseModel(name=lit(model or str(small_model.folder())), loader=loader or "AutoModelForCausalLM")
    told = {"optimizer": lit("adamw_torch"), "learning_rate": lit(2e-4), "batch_size": lit(4), **training}
    targets = lit(LLAMA if not loader else ("query", "key", "value", "dense"))
    data, more = told.pop("dataset", Dataset()), told.pop("run", {})
    fields = {"use_rslora": rslora, "target_modules": targets, **told.pop("adapter", {})}
    made = {"model": base, "training": Training(**told), "dataset": data, **more}
    return run(rank, float(alpha), of=made, **fields)


def case(code: str, runs: Sequence[Run], figure: float | None = None, **options: Any) -> FindingCase:
    """A finding of a rule in a run, or in a sweep over several."""
    told = Effort(**{"device": "cpu", "time_budget": 3600.0, **options})  # more than a busy machine takes
    made = Finding(code, "claimed", HERE, figure=figure)
    tried = sweep(*runs) if len(runs) > 1 else None
    return FindingCase(made, runs[0], tried, told, deadline=time.monotonic() + told.time_budget, say=lambda _: None)


def settled(code: str, *runs: Run, **told: Any) -> Verdict:
    """What the experiment of a rule says of the case."""
    return table.EXPERIMENTS[code](case(code, runs, **told))
