"""mistral-finetune: LoRA unless told otherwise, `scaling` in place of alpha."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.run.values import ABSENT, Known, Unknown
from tests.support.reading import config, edited, only, plain, realistic

if TYPE_CHECKING:
    from pathlib import Path

GIVEN, USUAL = realistic("mistral_finetune", "7b.yaml"), realistic("mistral_finetune", "defaults.yaml")


def test_settings() -> None:
    run = only(config(GIVEN))
    assert (plain(run.adapter.rank), run.adapter.alpha) == (64, ABSENT)
    assert run.adapter.scale == Known(2.0, None, "framework-default")
    assert len(plain(run.adapter.target_modules)) == 7
    assert plain(run.model.name) == "/models/mistral-7B-v0.3"
    assert (plain(run.training.learning_rate), plain(run.training.max_steps)) == (6e-5, 300)
    assert run.problems == ()


def test_lora_is_the_default() -> None:
    assert plain(only(config(USUAL)).adapter.rank) == 16


def test_mixtral_has_experts_of_its_own() -> None:
    run = only(config(edited(GIVEN, ("/models/mistral-7B-v0.3", "mistralai/Mixtral-8x7B-v0.1"))))
    assert plain(run.adapter.target_modules) is Unknown


def test_data(tmp_path: Path) -> None:
    for name, rows in (("rows.jsonl", 3), ("more.jsonl", 2)):
        (tmp_path / name).write_text('{"a": 1}\n' * rows)
    assert plain(only(config(GIVEN, folder=tmp_path)).dataset.size) == 3
    both = edited(GIVEN, ('"rows.jsonl"', '"rows.jsonl:2,more.jsonl:1"'))
    assert plain(only(config(both, folder=tmp_path)).dataset.size) == 5


@pytest.mark.parametrize("change", [("  rank: 64", "  enable: false"), ("model_id_or_path", "model")])
def test_no_lora_run(change: tuple[str, str]) -> None:
    assert config(edited(GIVEN, change)).runs == ()


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (("  rank: 64", "  r: 64"), "r"),
        (("  rank: 64", "  rank: 64\n  scale: 2"), "scale"),
        (("  rank: 64", "  rank: 64\n  scaling: high"), "scaling"),
        (("  rank: 64", "  rank: eight"), "rank"),
        (("max_steps", "num_steps"), "num_steps"),
    ],
)
def test_broken_files(change: tuple[str, str], key: str) -> None:
    (problem,) = only(config(edited(GIVEN, change))).problems
    assert problem.key == key
