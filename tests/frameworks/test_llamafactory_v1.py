"""LLaMA-Factory v1: a `peft_config` with the name of its plugin."""

from __future__ import annotations

from typing import Any

import pytest

from lora_lint.linting import engine
from lora_lint.run.events import LoadAdapter
from lora_lint.run.values import Unknown
from lora_lint.settings import Settings
from tests.support.reading import config, edited, only, plain, realistic

QLORA = realistic("llamafactory_v1", "qlora.yaml")


def findings(text: str) -> dict[str, str]:
    """The messages by code, for an eye that does not care about contested advice."""
    found = engine.lint_text(text.encode(), "a.yaml", Settings()).findings
    return {finding.code: finding.message for finding in found if finding.code != "LL102"}


def test_settings() -> None:
    run = only(config(QLORA))
    adapter, training = run.adapter, run.training
    assert (plain(adapter.rank), plain(adapter.alpha), plain(adapter.dropout)) == (32, 64, 0.05)
    assert plain(adapter.target_modules) == "all-linear"
    assert (plain(run.model.name), plain(run.model.quantization)) == ("Qwen/Qwen3-8B", "4bit")
    assert (plain(training.learning_rate), plain(training.epochs), plain(training.batch_size)) == (1e-4, 2, 2)
    assert run.problems == ()
    assert findings(QLORA) == {}


def test_defaults_of_the_plugin() -> None:
    bare = "model: Qwen/Qwen3-4B\nmodel_class: llm\npeft_config: {name: lora}\n"
    adapter = only(config(bare)).adapter
    assert (plain(adapter.rank), plain(adapter.alpha), plain(adapter.dropout)) == (8, 16, 0.05)
    assert plain(adapter.target_modules) == "all-linear"


@pytest.mark.parametrize(
    ("change", "code", "part"),
    [
        (("r: 32", "lora_rank: 32"), "LL901", "`lora_rank` is not known to LLaMA-Factory's `peft_config`"),
        (("learning_rate: 1.0e-4", "learning_rte: 1.0e-4"), "LL901", "stops LLaMA-Factory with a ValueError"),
        (("target_modules: all", "target_modules: q_proj,v_proj"), "LL201", "`q_proj,v_proj` is not in Qwen/Qwen3-8B"),
        (("target_modules: all", "target_modules: [q_proj, v_porj]"), "LL202", "`v_porj`"),
        (("r: 32", "r: 0"), "LL902", "expects a whole number of at least 1"),
    ],
)
def test_broken_files(change: tuple[str, str], code: str, part: str) -> None:
    assert part in findings(edited(QLORA, change))[code]


@pytest.mark.parametrize(
    "change",
    [
        ("name: lora", "name: freeze"),
        ("  target_modules: all\n", "  adapter_name_or_path: saves/a\n  export_dir: merged\n"),
    ],
)
def test_no_training_of_lora(change: tuple[str, str]) -> None:
    reading = config(edited(QLORA, change))
    assert (reading.runs, reading.recognised) == ((), ("llamafactory_v1",))


def test_a_resumed_adapter_has_its_own_settings() -> None:
    run = only(config(edited(QLORA, ("  target_modules: all\n", "  adapter_name_or_path: saves/a\n"))))
    assert plain(run.adapter.rank) is Unknown
    assert any(isinstance(event, LoadAdapter) for event in run.events)


@pytest.mark.parametrize(
    ("quantization", "bits"),
    [("name: bnb", "4bit"), ("name: auto\n  quantization_bit: 8", "8bit"), ("name: auto", None)],
)
def test_quantization(quantization: str, bits: Any) -> None:
    text = edited(QLORA, ("name: bnb\n  quantization_bit: 4", quantization))
    assert plain(only(config(text)).model.quantization) == bits


def test_a_projects_own_block_is_none() -> None:
    own = "model: a/b\npeft_config:\n  name: lora\n  r: 8\n  lora_alpha: 16\n"
    assert config(own).recognised == ("lora_block",)
