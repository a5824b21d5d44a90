"""DeepSpeed's marks on parameters, where it takes gradients and weights away from them.

DeepSpeed 0.18.2 compiles an extension for minutes before it starts on a CPU, so its optimizers are imitated here:
`DeepSpeedZeroOptimizer` (runtime/zero/stage_1_and_2.py) trains a flat copy and clears each gradient as it comes;
ZeRO-3 (runtime/zero/partition_parameters.py) leaves an empty tensor in the place of each parameter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

import lora_lint

if TYPE_CHECKING:
    from pathlib import Path

BATCH = {"input_ids": torch.tensor([[5, 6, 7, 8]]), "labels": torch.tensor([[5, 6, 7, 8]])}


class ZeroOptimizer:
    """Trains flat copies of parameters, or of the parts that this process holds of them."""

    def __init__(self, model: Any) -> None:
        trained = [each for each in model.parameters() if each.requires_grad]
        self.parts = [getattr(each, "ds_tensor", each.data) for each in trained]
        self.flat = torch.cat([each.flatten() for each in self.parts])
        self.flat.grad = torch.zeros_like(self.flat)
        self.optimizer = torch.optim.AdamW([self.flat], lr=2e-4)

    def step(self) -> None:
        """One step: the parameters follow after that of the inner optimizer."""
        self.optimizer.step()
        for part, new in zip(self.parts, self.flat.split([each.numel() for each in self.parts]), strict=True):
            part.copy_(new.view_as(part))


def zero2(model: Any) -> ZeroOptimizer:
    """ZeRO-2, and ZeRO-1: each gradient moves to the flat copy when it is complete."""
    optimizer = ZeroOptimizer(model)
    trained = [each for each in model.parameters() if each.requires_grad]
    places = optimizer.flat.grad.split([each.numel() for each in trained])
    for each, place in zip(trained, places, strict=True):

        def take(parameter: Any, place: Any = place) -> None:
            place.copy_(parameter.grad.flatten())
            parameter.grad = None

        each.register_post_accumulate_grad_hook(take)
    return optimizer


def zero3(model: Any) -> ZeroOptimizer:
    """The marks of ZeRO-3 in the first of two processes."""
    for number, each in enumerate(model.parameters()):
        each.ds_id, each.ds_shape, each.ds_numel, each.ds_status = number, each.shape, each.numel(), "NOT_AVAILABLE"
        each.ds_tensor = each.data.flatten()[: (each.numel() + 1) // 2].clone()
        each.data = torch.empty(0, dtype=each.dtype)
    return ZeroOptimizer(model)


@pytest.fixture
def model(places: dict[str, Path]) -> Any:
    base = AutoModelForCausalLM.from_pretrained(places["llama"])
    return get_peft_model(base, LoraConfig(r=4, lora_alpha=8, target_modules="all-linear"))


def test_zero2_takes_the_gradients(model: Any) -> None:
    """A parameter without a gradient is no fault; the weights change after the inner optimizer's step."""
    optimizer = zero2(model)
    with lora_lint.guard(model, optimizer) as watch:
        for _ in range(3):
            model(**BATCH).loss.backward()
            optimizer.step()
    assert (watch.report.findings, watch.report.notes) == ((), ())
    assert watch.report.facts["first_step"] == {"step": 2, "lora_B": 14, "moved": 14}


def test_an_optimizer_of_deepspeed_that_moves_nothing_is_noted(model: Any) -> None:
    optimizer = zero2(model)
    with lora_lint.guard(model, optimizer) as watch:
        for _ in range(10):
            model(**BATCH).loss.backward()
            optimizer.optimizer.step()
    assert watch.report.notes == ("None of 14 `lora_B` has moved in 10 steps",)


def test_zero3_takes_the_weights(model: Any) -> None:
    """Sizes, targets and scales are those of the whole model; each process watches its own part."""
    whole = lora_lint.check(model)
    optimizer = zero3(model)
    with lora_lint.guard(model, optimizer) as watch:
        for _ in range(3):
            optimizer.flat.grad.fill_(1.0)
            optimizer.step()
    assert (watch.report.findings, watch.report.notes) == ((), ())
    assert watch.report.facts["adapters"] == whole.facts["adapters"]
    assert watch.report.facts["first_step"] == {"step": 2, "lora_B": 14, "moved": 14}
    watch.saved("anywhere")  # the tensors of others cannot be compared
    assert "saved" not in watch.report.facts


def test_a_fault_shows_through_zero3(places: dict[str, Path]) -> None:
    base = AutoModelForCausalLM.from_pretrained(places["llama"])
    model = get_peft_model(base, LoraConfig(r=4, lora_alpha=64, target_modules=["q_proj", "query"]))
    optimizer = zero3(model)
    with pytest.raises(lora_lint.LoraLintError, match="only `q_proj` \\(1,024 parameters\\)") as caught:
        lora_lint.check(model, optimizer)
    assert [each.code for each in caught.value.report.findings] == ["LL104", "LL202"]
