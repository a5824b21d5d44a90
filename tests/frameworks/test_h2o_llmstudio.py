"""H2O LLM Studio: `training.lora: true`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.linting import engine
from lora_lint.run.events import Fragments, Load, Train, Unfreeze, Wrap
from lora_lint.run.problems import InvalidValue, UnknownKey
from lora_lint.run.values import Known
from lora_lint.settings import Settings
from tests.support.reading import config, edited, only, plain, realistic

if TYPE_CHECKING:
    from pathlib import Path

CAUSAL = realistic("h2o_llmstudio", "causal.yaml")
DPO = realistic("h2o_llmstudio", "dpo.yaml")


def test_settings() -> None:
    run = only(config(CAUSAL))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha), plain(run.adapter.dropout)) == (16, 32, 0.1)
    assert plain(run.adapter.target_modules) == ("q_proj", "v_proj")  # they are stripped there
    assert [name for name, _ in run.adapter.target_spans] == ["q_proj", "v_proj"]
    assert (plain(run.model.name), plain(run.model.quantization)) == ("h2oai/h2o-danube2-1.8b-base", "4bit")
    assert (run.training.method, plain(run.training.learning_rate)) == ("supervised", 2e-4)
    assert (plain(run.training.epochs), plain(run.training.batch_size), plain(run.training.accumulation)) == (2, 4, 2)
    assert run.problems == ()


def test_defaults() -> None:
    run = only(config(DPO))
    assert run.adapter.rank == Known(4, None, "framework-default")
    assert (plain(run.adapter.alpha), plain(run.adapter.dropout)) == (16, 0.05)
    assert plain(run.adapter.target_modules) == "all-linear"
    assert plain(run.model.quantization) is None
    assert (run.training.method, plain(run.training.learning_rate)) == ("preference", 1e-4)
    assert [type(event) for event in run.events] == [Load, Wrap, Unfreeze, Train]
    assert run.events[2] == Unfreeze(run.events[2].span, selection=Fragments(("embed_tokens",)))


def test_the_table(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.csv").write_text("instruction,output\n" + "a,b\n" * 500, encoding="utf-8")
    assert plain(only(config(CAUSAL, folder=tmp_path)).dataset.size) == 450
    sample = edited(CAUSAL, ("data_sample: 1.0", "data_sample: 0.1"))
    assert plain(only(config(sample, folder=tmp_path)).dataset.size) == 45
    chats = edited(CAUSAL, ("parent_id_column: None", "parent_id_column: parent_id"))
    assert not isinstance(only(config(chats, folder=tmp_path)).dataset.size, Known)


def test_the_shorthand_of_peft_is_a_name_here() -> None:
    text = edited(CAUSAL, ("q_proj, v_proj", "all-linear"))
    (told,) = [
        found for found in engine.lint_text(text.encode(), "a.yaml", Settings()).findings if found.code == "LL204"
    ]
    assert told.message.endswith('All linear layers are `lora_target_modules=""` here')


@pytest.mark.parametrize(
    "text", [edited(CAUSAL, ("lora: true", "lora: false")), edited(CAUSAL, ("llm_backbone", "backbone"))]
)
def test_no_lora_run(text: str) -> None:
    assert "h2o_llmstudio" not in {run.dialect for run in config(text)}


@pytest.mark.parametrize(
    ("change", "key", "suggestion"),
    [
        (("lora_r: 16", "lora_rank: 16"), "lora_rank", "lora_r"),
        (("lora_alpha: 32", "lora_alfa: 32"), "lora_alfa", "lora_alpha"),
        (("    lora_target_modules", "    target_modules"), "target_modules", "lora_target_modules"),
    ],
)
def test_unknown_keys(change: tuple[str, str], key: str, suggestion: str) -> None:
    (problem,) = only(config(edited(CAUSAL, change))).problems
    assert isinstance(problem, UnknownKey)
    assert (problem.key, problem.suggestions[0]) == (key, suggestion)


@pytest.mark.parametrize("change", [("lora_r: 16", "lora_r: 0"), ("q_proj, v_proj", "[q_proj, v_proj]")])
def test_wrong_values(change: tuple[str, str]) -> None:
    (problem,) = only(config(edited(CAUSAL, change))).problems
    assert isinstance(problem, InvalidValue)
