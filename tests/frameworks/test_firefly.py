"""Firefly: flat JSON, its modes, and data that is found from the file's folder upwards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lora_lint.run.events import Load, PrepareKbit, Train, Wrap
from lora_lint.run.values import Known
from tests.support.reading import config, edited, only, plain, realistic

if TYPE_CHECKING:
    from pathlib import Path

QLORA, OLD = realistic("firefly", "qlora.json"), realistic("firefly", "before_modes.json")


def test_settings() -> None:
    run = only(config(QLORA, "a.json"))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha), plain(run.adapter.dropout)) == (64, 16, 0.05)
    assert plain(run.adapter.target_modules) == "all-linear"
    assert (plain(run.model.name), plain(run.model.quantization)) == ("Qwen/Qwen2.5-7B-Instruct", "4bit")
    assert (run.training.method, plain(run.training.optimizer)) == ("supervised", "paged_adamw_32bit")
    assert [type(event) for event in run.events] == [Load, PrepareKbit, Wrap, Train]
    assert run.problems == ()


def test_without_a_mode_it_is_qlora() -> None:
    run = only(config(OLD, "a.json"))
    assert plain(run.model.quantization) == "4bit"
    assert run.adapter.dropout == Known(0.05, None, "framework-default")


def test_lora_and_preferences() -> None:
    text = edited(QLORA, ('"train_mode": "qlora"', '"train_mode": "lora", "task_type": "dpo"'))
    run = only(config(text, "a.json"))
    assert (plain(run.model.quantization), run.training.method) == (None, "preference")
    assert [type(event) for event in run.events] == [Load, Wrap, Train]


def test_data_is_looked_for_upwards(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows.jsonl").write_text('{"a": 1}\n{"a": 2}\n')
    (tmp_path / "args" / "sft").mkdir(parents=True)
    run = only(config(QLORA, "args/sft/a.json", tmp_path))
    assert plain(run.dataset.size) == 2


@pytest.mark.parametrize(
    "text",
    [
        edited(QLORA, ('"qlora"', '"full"')),
        '{"model_name_or_path": "m", "train_file": "d", "template_name": "t"}',
        '{"model_name_or_path": "m", "finetuning_type": "full", "train_mode": "lora"}',
        '{"train_mode": "lora", "lora_rank": 8}',
        '{"model_name_or_path": "m", "train_mode": "online", "lora_rank": 8}',
        '{"model_name_or_path": "m", "train_type": "lora", "train_mode": "lora"}',
    ],
)
def test_no_lora_run(text: str) -> None:
    assert config(text, "a.json").runs == ()


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (('"lora_alpha"', '"lora_aplha"'), "lora_aplha"),
        (('"lora_rank": 64', '"lora_r": 64'), "lora_r"),
        (('"lora_rank": 64', '"lora_rank": "big"'), "lora_rank"),
    ],
)
def test_broken_files(change: tuple[str, str], key: str) -> None:
    (problem,) = only(config(edited(QLORA, change), "a.json")).problems
    assert problem.key == key


def test_a_file_from_before_there_were_modes() -> None:
    whole = {"model_name_or_path": "m", "lora_rank": 8, "train_file": "a.jsonl", "template_name": "llama3"}
    assert plain(only(config(json.dumps(whole), "a.json")).adapter.rank) == 8
    for key in ("train_file", "template_name"):
        assert config(json.dumps({name: value for name, value in whole.items() if name != key}), "a.json").runs == ()
