"""The experiments on what a step costs: LL304 in memory, LL504 in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, LlamaConfig

from lora_lint.run.run import BaseModel
from lora_lint.verify import weights
from lora_lint.verify.experiment import Skip
from lora_lint.verify.measurement import bench, memory, probe, timing
from lora_lint.verify.measurement.memory import Needed
from tests.support import small_model
from tests.support.measured import alone, case, of, settled  # noqa: F401
from tests.support.runs import lit

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("alone")
TINY = str(small_model.tiny())
GIB = 2**30

# --- time -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slow", "status", "words"),
    [
        ((1.30, 1.28, 1.33, 1.31), "confirmed", "1.30 times as long (95% 1.2"),
        ((1.02, 1.01, 1.03, 1.02), "refuted", "less than 10% more"),
        ((0.95, 0.97, 0.96, 0.95), "refuted", "less than 10% more"),
        ((1.0, 1.4, 0.9, 1.3), "inconclusive", "the interval does not settle whether it is 10% more"),
    ],
)
def test_how_times_are_judged(slow: Any, status: str, words: str) -> None:
    found, told = timing.decided([(2 * each, 2.0) for each in slow])
    assert found == status
    assert words in told


def test_steps_with_and_without_dora_are_timed() -> None:
    """Nothing is said of the times themselves: other work on the machine makes them what they are."""
    run = of(8, 16, model=TINY, adapter={"use_dora": True, "dropout": 0.05}, accumulation=lit(4))
    verdict = settled("LL504", run, seeds=3)
    measured = verdict.measurements
    assert verdict.status in ("confirmed", "refuted", "inconclusive")
    assert [len(measured["seconds"][name]) for name in ("DoRA", "LoRA")] == [3, 3]
    assert all(each > 0 for times in measured["seconds"].values() for each in times)
    low, high = measured["ratio"][1:]
    assert low <= measured["ratio"][0] <= high
    assert measured["tokens"] == 4 * 128  # one part of the accumulated batch
    assert "512 tokens a step" in verdict.reason


def test_without_time_nothing_is_timed() -> None:
    verdict = settled("LL504", of(8, 16, model=TINY, adapter={"use_dora": True}), time_budget=0.0)
    assert verdict.status == "inconclusive"
    assert "time ran out after 0 of 5 turns" in verdict.reason


def test_times_have_no_proxy() -> None:
    with pytest.raises(Skip, match=r"the weights of Qwen/Qwen3-0\.6B are not on this machine"):
        settled("LL504", of(8, 16, model="Qwen/Qwen3-0.6B", adapter={"use_dora": True}))


# --- memory -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("peak", "limit", "status", "words"),
    [
        (None, 12, "confirmed", "13 GiB are needed at least; the `gpu-memory` setting is 12 GiB"),
        (None, 14, "inconclusive", "a sequence of 512 tokens leaves about 3.0 GiB more"),
        (None, 17, "refuted", "10.0 GiB of weights, 1.0 of gradients, 2.0 of the optimizer"),
        (18.0, 17, "confirmed", "one step takes 18.0 GiB at its peak"),
        (16.5, 17, "refuted", "one step takes 16.5 GiB at its peak"),
    ],
)
def test_how_memory_is_judged(peak: float | None, limit: float, status: str, words: str) -> None:
    needed = Needed(10.0 * GIB, 1.0 * GIB, 2.0 * GIB, 3.0 * GIB, "a model")
    found, told = memory.judged(needed, None if peak is None else peak * GIB, limit)
    assert found == status
    assert words in told.replace("13.0", "13")


def test_what_a_step_needs_is_counted_as_torch_and_peft_have_it() -> None:
    """On the meta device, against the same adapter on the weights themselves."""
    needed = memory.counted(of(8, 16, adapter={"modules_to_save": ("lm_head",)}))
    base = AutoModelForCausalLM.from_pretrained(small_model.folder(), dtype=torch.bfloat16)
    targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    model = get_peft_model(base, LoraConfig(r=8, target_modules=targets, modules_to_save=["lm_head"]))
    kept: dict[int, int] = {}
    own = {each.untyped_storage().data_ptr() for each in model.parameters()}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    ids = torch.zeros((1, 512), dtype=torch.long)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda each: each):
        loss = probe.loss_of("causal-lm", model(input_ids=ids).logits.float(), ids)[0]
    loss.backward()
    trained = [each for each in model.parameters() if each.requires_grad]
    stepper = torch.optim.AdamW(trained)
    stepper.step()
    states = [value for state in stepper.state.values() for value in state.values()]
    assert needed.weights == sum(each.numel() * each.element_size() for each in model.parameters())
    assert needed.gradients == sum(each.grad.numel() * each.grad.element_size() for each in trained)  # type: ignore[union-attr]
    assert needed.states == sum(each.numel() * each.element_size() for each in states)
    assert needed.activations == pytest.approx(sum(kept.values()), rel=0.05)


@pytest.mark.parametrize(
    ("bits", "optimizer", "weight", "state"),
    [(None, "adamw_torch", 2.0, 8), ("8bit", "adamw_8bit", 1.0, 2), ("4bit", "paged_adamw_8bit", 0.5, 0)],
)
def test_bits_and_optimizers_are_counted(bits: str | None, optimizer: str, weight: float, state: int) -> None:
    model = BaseModel(name=lit(str(small_model.folder())), quantization=lit(bits))
    needed = memory.counted(of(8, 16, run={"model": model}, optimizer=lit(optimizer)))
    linear = 6 * (4 * 192 * 192 + 3 * 192 * 480)
    rest = 256 * 192 + 13 * 192  # embeddings, which the head shares, and norms
    adapter = 6 * 8 * (4 * 2 * 192 + 3 * (192 + 480))
    assert needed.weights == weight * linear + 2 * rest + 4 * adapter
    assert needed.gradients == 4 * adapter
    assert needed.states == pytest.approx(state * adapter, rel=0.001)  # and a count of steps for each tensor


def test_a_model_that_does_not_fit(tmp_path: Path) -> None:
    """From its config alone."""
    LlamaConfig().save_pretrained(tmp_path)
    of_llama = {"model": BaseModel(name=lit(str(tmp_path)), loader="AutoModelForCausalLM")}
    verdict = settled(
        "LL304",
        of(8, 16, run={**of_llama, "gpu_memory": 12.0}),
        figure=12.8,
        device="meta",
    )
    assert verdict.status == "confirmed"
    assert verdict.device == "meta"
    assert verdict.measurements["weights_gib"] == pytest.approx(6_738_415_616 * 2 / GIB, abs=0.1)
    assert verdict.measurements["estimated_gib"] == 12.8
    assert "counted on the meta device, not measured" in verdict.reason
    roomy = settled("LL304", of(8, 16, run={**of_llama, "gpu_memory": 80.0}))
    assert roomy.status == "refuted"


def test_a_step_is_made() -> None:
    """What the peak is measured of on CUDA, here on the CPU."""
    told = case("LL304", [of(8, 16, run={"gpu_memory": 1.0})])
    stored = weights.stored(of(8, 16))
    model = weights.load(stored, "causal-lm", weights.HALF, "cpu")
    before = {name: each.detach().clone() for name, each in model.named_parameters()}
    at = bench.Bench("small", "causal-lm", model, "cpu", weights.HALF, 1, 1, probe.encoder(None, 256))
    memory.one_step(told, at)
    assert all(torch.equal(each, before[name]) for name, each in model.named_parameters())
    assert at.micro == 1
