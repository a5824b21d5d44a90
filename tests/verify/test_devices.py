"""How weights are loaded on machines that are not at hand: GPUs and containers are simulated."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch
import transformers
from safetensors.torch import save_file
from transformers import LlamaConfig

from lora_lint import discovery
from lora_lint.linting.reading import read_file
from lora_lint.project import Project
from lora_lint.run.run import BaseModel
from lora_lint.run.values import Unknown
from lora_lint.settings import Settings
from lora_lint.verify import weights
from lora_lint.verify.configs import config_of
from lora_lint.verify.experiment import Skip
from lora_lint.verify.measurement import bench
from lora_lint.verify.measurement.held_out import held_out_loss, padded
from tests.support import small_model
from tests.support.measured import alone, case, of, settled  # noqa: F401
from tests.support.runs import lit

if TYPE_CHECKING:
    from lora_lint.run.run import Run

pytestmark = pytest.mark.usefixtures("alone")
GIB = 2**30
TINY = str(small_model.tiny())


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two GPUs with 10 and 30 GiB free."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda place=0: ((10 + 20 * place) * GIB, 80 * GIB))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _=0: 0)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _=0: 0)


def loading(**model: Any) -> Run:
    return of(8, 16, run={"model": BaseModel(name=lit(TINY), loader="AutoModelForCausalLM", **model)})


@pytest.mark.parametrize(
    ("model", "device", "exact", "dtypes"),
    [
        ({"dtype": lit("bfloat16")}, "cuda", False, (weights.HALF,)),
        ({"dtype": lit("bfloat16")}, "cuda", True, (weights.FULL, weights.HALF)),
        ({"dtype": lit("float32")}, "cuda", False, (weights.FULL, weights.HALF)),
        ({"dtype": lit("bfloat16")}, "cpu", False, (weights.FULL, weights.HALF)),
        ({"quantization": lit("4bit")}, "cuda", True, (weights.QUARTER,)),
        ({"quantization": lit("4bit")}, "cpu", True, (weights.FULL, weights.HALF)),
        ({}, "cuda", False, (weights.FULL, weights.HALF)),
    ],
)
def test_exponents_take_float32_and_the_rest_the_type_of_the_run(
    monkeypatch: pytest.MonkeyPatch, model: Any, device: str, exact: bool, dtypes: tuple[str, ...]
) -> None:
    monkeypatch.setattr(weights, "_bitsandbytes", lambda: True)
    assert weights.dtypes_for(loading(**model), SimpleNamespace(), device, exact) == dtypes


def test_a_base_that_is_stored_quantized_is_loaded_as_it_is() -> None:
    config = SimpleNamespace(quantization_config={"quant_method": "gptq"})
    assert weights.dtypes_for(loading(), config, "cuda", True) == (weights.STORED,)
    with pytest.raises(weights.NoWeights, match="only a GPU"):
        weights.dtypes_for(loading(), config, "cpu", True)


@pytest.mark.usefixtures("gpus")
@pytest.mark.parametrize(("billions", "where"), [(1.0, {"": 0}), (8.0, "auto")])
def test_a_model_that_does_not_fit_on_the_first_gpu_is_spread(
    monkeypatch: pytest.MonkeyPatch, billions: float, where: Any
) -> None:
    given: dict[str, Any] = {}

    def load(_: Any, **settings: Any) -> Any:
        given.update(settings)
        return SimpleNamespace(config=SimpleNamespace(pad_token_id=0), eval=lambda: "loaded")

    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", load)
    assert weights.free_memory("cuda") == 40 * GIB
    weights.load(weights.Stored(Path(TINY), int(billions * 1e9)), "causal-lm", weights.HALF, "cuda")
    assert given["device_map"] == where
    assert given["dtype"] == torch.bfloat16


@pytest.mark.usefixtures("gpus")
def test_what_fits_on_all_gpus_is_planned_and_what_does_not_is_too_big() -> None:
    config = SimpleNamespace(hidden_size=4096, num_hidden_layers=32, vocab_size=32_000)
    told: dict[str, Any] = {"device": "cuda", "sequences": 16, "length": 256, "rank": 16}
    both = (weights.FULL, weights.HALF)
    assert weights.plan(13 * 10**9, config, dtypes=both, **told).dtype == weights.HALF
    assert weights.plan(10**9, config, dtypes=both, **told).dtype == weights.FULL
    with pytest.raises(weights.TooBig, match=r"36\.0 GiB are free on cuda"):
        weights.plan(70 * 10**9, config, dtypes=both, **told)


def test_a_container_has_less_than_its_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit, used = tmp_path / "memory.max", tmp_path / "memory.current"
    monkeypatch.setattr(weights, "_CONTAINERS", ((str(limit), str(used)),))
    monkeypatch.setattr(weights, "_left_of_machine", lambda: 8 * GIB)
    assert weights.free_memory("cpu") == 8 * GIB  # no control group
    used.write_text(f"{GIB}\n")
    for text, free in (("max\n", 8), (f"{3 * GIB}\n", 2), (f"{64 * GIB}\n", 8)):
        limit.write_text(text)
        assert weights.free_memory("cpu") == free * GIB


def test_weights_that_are_not_here_can_be_downloaded() -> None:
    with pytest.raises(weights.NoWeights, match=r"`hf download Qwen/Qwen3-0\.6B` brings them"):
        weights.stored(of(8, 16, model="Qwen/Qwen3-0.6B"))
    with pytest.raises(weights.NoWeights, match=r"not on this machine$"):
        weights.stored(of(8, 16, model="./folder"))
    part = r"`hf download acme/one --revision v2 --include 'lm/\*'` brings them"
    with pytest.raises(weights.NoWeights, match=part):
        weights.stored(of(8, 16, run={"model": at_revision("v2", "lm")}))


def at_revision(revision: str | None, subfolder: str = "") -> BaseModel:
    return BaseModel(lit("acme/one"), "AutoModelForCausalLM", revision=lit(revision), subfolder=lit(subfolder))


def test_the_revision_and_the_subfolder_of_the_run_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the hub's cache, where a branch is a file that names a commit."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--acme--one"
    commits = {"main": "a" * 40, "v2": "b" * 40}
    for layers, (branch, commit) in enumerate(commits.items(), 1):
        for folder in (".", "lm"):
            made = repository / "snapshots" / commit / folder
            shape = {"hidden_size": 32, "intermediate_size": 32, "num_attention_heads": 2, "vocab_size": 16}
            config = LlamaConfig(num_hidden_layers=layers + 2 * (folder == "lm"), **shape)
            config.save_pretrained(made)
            save_file({"weight": torch.zeros(config.num_hidden_layers)}, made / "model.safetensors")
        (repository / "refs").mkdir(exist_ok=True)
        (repository / "refs" / branch).write_text(commit, encoding="ascii")

    def layers_of(model: BaseModel) -> tuple[int, int]:
        run = of(8, 16, run={"model": model})
        return weights.stored(run).parameters, config_of(run, "acme/one").config.num_hidden_layers

    assert layers_of(at_revision(None)) == (1, 1)
    assert layers_of(at_revision("v2")) == (2, 2)
    assert layers_of(at_revision(commits["v2"])) == (2, 2)
    assert layers_of(at_revision("v2", "lm")) == (4, 4)
    with pytest.raises(weights.NoWeights, match="hf download acme/one --revision v3"):
        layers_of(at_revision("v3"))
    unknown = BaseModel(lit("acme/one"), revision=Unknown("it comes from the network"))
    with pytest.raises(Skip, match="the revision of the model is not known: it comes from the network"):
        layers_of(unknown)


@pytest.mark.parametrize(
    ("arguments", "revision", "subfolder"),
    [
        ("", None, ""),
        (', revision="v2", subfolder="lm"', "v2", "lm"),
        (", revision=None", None, ""),
    ],
)
def test_where_a_program_loads_its_model_from(arguments: str, revision: str | None, subfolder: str) -> None:
    program = f"""\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM
model = AutoModelForCausalLM.from_pretrained("acme/one"{arguments})
model = get_peft_model(model, LoraConfig(r=4))
"""
    found = discovery.Found("train.py", "python", program.encode(), True)
    [run] = read_file(found, Settings(), Project("")).reading.runs
    assert weights.part_of(run) == (revision, subfolder)


@pytest.mark.parametrize("place", ["forward", "held-out"])
def test_memory_that_runs_out_without_gradients_halves_the_batch(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    at = bench._real(case("LL101", [of(8, 16, model=TINY)]), 8)
    at.micro = 4
    rows = [tuple(range(1, 9))] * 4
    real = type(at.model).forward

    def tight(self: Any, *given: Any, **named: Any) -> Any:
        if len(named["input_ids"]) > 1:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return real(self, *given, **named)

    monkeypatch.setattr(type(at.model), "forward", tight)
    if place == "forward":
        assert len(bench.forward(at, at.model, padded(rows))) == 4
    else:
        assert held_out_loss(at, at.model, rows) > 0
    assert at.micro == 1


def test_memory_that_runs_out_anywhere_else_is_stood_in_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the optimizer makes its states, for one."""
    real, failed = torch.optim.AdamW.step, []

    def step(self: Any, *given: Any) -> Any:
        if not failed:
            failed.append(True)
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return real(self, *given)

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    verdict = settled("LL104", of(64, 4, model=TINY, batch_size=lit(2)))
    assert verdict.proxy and "memory ran out" in verdict.reason
