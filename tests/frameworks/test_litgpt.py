"""LitGPT: `lora_r` and the switches of what is adapted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lora_lint.run.problems import InvalidValue, UnknownKey
from lora_lint.run.values import Known
from tests.support.reading import config, edited, only, plain, realistic

if TYPE_CHECKING:
    from pathlib import Path

LORA = realistic("litgpt", "lora.yaml")
PHI = realistic("litgpt", "phi.yaml")


def test_settings() -> None:
    run = only(config(LORA))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha), plain(run.adapter.dropout)) == (32, 16, 0.1)
    assert plain(run.adapter.target_modules) == ("q_proj", "v_proj")
    assert (plain(run.model.name), plain(run.model.quantization)) == ("meta-llama/Llama-3.2-1B", None)
    assert (plain(run.training.learning_rate), plain(run.training.optimizer)) == (2e-4, "adamw")
    assert (plain(run.training.epochs), plain(run.training.batch_size), plain(run.training.accumulation)) == (2, 2, 4)
    assert run.problems == ()


def test_defaults() -> None:
    run = only(config(PHI))
    assert run.adapter.rank == Known(8, None, "framework-default")
    assert (plain(run.adapter.alpha), plain(run.adapter.dropout)) == (16, 0.05)
    assert plain(run.model.quantization) == "4bit"
    assert (plain(run.training.learning_rate), plain(run.training.epochs)) == (1e-3, 5)
    assert plain(run.dataset.size) == 1900


def test_names_of_the_model() -> None:
    attention = ("q_proj", "k_proj", "v_proj")
    assert plain(only(config(PHI)).adapter.target_modules) == (*attention, "dense", "fc1", "fc2", "lm_head")
    llama = edited(PHI, ("microsoft/phi-2", "checkpoints/meta-llama/Llama-3.1-8B"))
    mlp = ("gate_proj", "up_proj", "down_proj")
    assert plain(only(config(llama)).adapter.target_modules) == (*attention, "o_proj", *mlp, "lm_head")


@pytest.mark.parametrize("model", ["tiiuae/falcon-7b", "microsoft/Phi-3-mini-4k-instruct", "out/my/model"])
def test_a_model_without_modules_of_these_kinds(model: str) -> None:
    run = only(config(edited(PHI, ("microsoft/phi-2", model))))
    switches = ("lora_query", "lora_key", "lora_value", "lora_projection", "lora_mlp", "lora_head")
    assert plain(run.adapter.target_modules) == switches  # shown, and judged by no rule
    assert not isinstance(run.judged().adapter.target_modules, Known)


def test_experts_have_no_names() -> None:
    text = edited(PHI, ("microsoft/phi-2", "mistralai/Mixtral-8x7B-v0.1"))
    assert not isinstance(only(config(text)).judged().adapter.target_modules, Known)
    attention = edited(text, ("lora_mlp: true", "lora_mlp: false"))
    names = only(config(attention)).judged().adapter.target_modules
    assert plain(names) == ("q_proj", "k_proj", "v_proj", "o_proj", "lm_head")


def test_own_data(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    rows = [{"instruction": str(number), "output": ""} for number in range(200)]
    (tmp_path / "data" / "train.json").write_text(json.dumps(rows), encoding="utf-8")
    assert plain(only(config(LORA, folder=tmp_path)).dataset.size) == 180


def test_several_devices() -> None:
    assert plain(only(config(edited(LORA, ("devices: 1", "devices: 2")))).training.accumulation) == 2
    assert not isinstance(only(config(edited(LORA, ("devices: 1", "devices: auto")))).training.accumulation, Known)


def test_the_rate_before_there_was_an_optimizer() -> None:
    older = LORA.split("optimizer:\n")[0].replace("  epochs: 2\n", "  epochs: 2\n  learning_rate: 0.0003\n")
    assert plain(only(config(older)).training.learning_rate) == 3e-4


@pytest.mark.parametrize(
    "text",
    [
        "checkpoint_dir: checkpoints/meta-llama/Llama-3.2-1B\nout_dir: out\n",
        edited(LORA, ("checkpoint_dir", "base_model")),
    ],
)
def test_no_file_of_the_recipe(text: str) -> None:
    assert config(text).runs == ()


@pytest.mark.parametrize(
    ("change", "key", "suggestion"),
    [
        (("lora_r: 32", "lora_rank: 32"), "lora_rank", "lora_r"),
        (("lora_projection", "lora_proj"), "lora_proj", "lora_projection"),
        (("lora_query", "lora_querry"), "lora_querry", "lora_query"),
        (("  micro_batch_size: 2", "  micro_batchsize: 2"), "micro_batchsize", "micro_batch_size"),
    ],
)
def test_unknown_keys(change: tuple[str, str], key: str, suggestion: str) -> None:
    (problem,) = only(config(edited(LORA, change))).problems
    assert isinstance(problem, UnknownKey)
    assert (problem.key, problem.suggestions[0]) == (key, suggestion)


@pytest.mark.parametrize(
    ("change", "value"),
    [(("lora_r: 32", "lora_r: 0"), 0), (("lora_query: true", "lora_query: q_proj"), "q_proj")],
)
def test_wrong_values(change: tuple[str, str], value: Any) -> None:
    (problem,) = only(config(edited(LORA, change))).problems
    assert isinstance(problem, InvalidValue)
    assert problem.value == value
