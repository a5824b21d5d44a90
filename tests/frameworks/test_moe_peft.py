"""MoE-PEFT: several adapters in one file, targets as a mapping, the model on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.linting import engine
from lora_lint.run.problems import InvalidValue, UnknownKey
from lora_lint.settings import Settings
from tests.support.reading import config, edited, only, plain, realistic, shell

if TYPE_CHECKING:
    from pathlib import Path

TWO = realistic("moe_peft", "two_adapters.json")
ONE = '{"cutoff_len": 512, "lora": [{"name": "a", "r": 8, "lora_alpha": 16, "lora_dropout": 0.05, "lr": 2e-4, \
"target_modules": ["dense", "fc1"]}]}'


def test_settings_of_each_adapter() -> None:
    first, second = config(TWO, "a.json").runs
    assert [(plain(run.adapter.rank), plain(run.adapter.alpha)) for run in (first, second)] == [(16, 32), (8, 16)]
    assert plain(first.adapter.target_modules)[:2] == ("q_proj", "k_proj")
    assert plain(second.adapter.target_modules) == ("q_proj", "v_proj", "gate_proj", "down_proj", "up_proj")
    assert (plain(first.training.learning_rate), plain(first.training.batch_size)) == (2e-4, 16)
    assert (first.method, second.method) == ("LoraConfig", "MixLoraConfig")
    assert first.problems == second.problems == ()


def test_a_healthy_file_is_clean() -> None:
    found = engine.lint_text(TWO.encode(), "a.json", Settings()).findings
    assert {finding.code for finding in found} <= {"LL102"}


def test_a_target_that_is_false_is_none() -> None:
    first = config(edited(TWO, ('"k_proj": true', '"k_proj": false')), "a.json").runs[0]
    assert "k_proj" not in plain(first.adapter.target_modules)


@pytest.mark.parametrize(
    ("change", "kind", "key"),
    [
        (('"v_proj": true', '"v_porj": true'), UnknownKey, "v_porj"),
        (('["q_proj"', '["query"'), UnknownKey, "query"),
        (('"lora_alpha": 32', '"lora_alpa": 32'), UnknownKey, "lora_alpa"),
        (('"lora_alpha": 32', '"lora_alpha": 32.5'), InvalidValue, "lora_alpha"),
        (('"r": 16', '"r": 0'), InvalidValue, "r"),
        (('"r": 16', '"r": 16, "lora_init": "kaiming"'), InvalidValue, "lora_init"),
    ],
)
def test_broken_files(change: tuple[str, str], kind: type, key: str) -> None:
    found = [problem for run in config(edited(TWO, change), "a.json").runs for problem in run.problems]
    assert [(type(problem), problem.key) for problem in found] == [(kind, key)]


def test_a_target_that_it_does_not_know_is_passed_over() -> None:
    found = engine.lint_text(edited(TWO, ('"v_proj": true', '"v_porj": true')).encode(), "a.json", Settings()).findings
    message = next(finding.message for finding in found if finding.code == "LL901")
    assert message.startswith("`v_porj` is not known to MoE-PEFT's `target_modules`, so it is ignored")
    assert "`v_proj`" in message


def test_a_fork_with_other_losses() -> None:
    first, second = config(edited(TWO, ('"r": 16', '"r": 16, "loss_type": "dpo"')), "a.json").runs
    assert (first.training.method, second.training.method) == ("unknown", "supervised")


def test_the_command_names_the_model(tmp_path: Path) -> None:
    (tmp_path / "moe_peft.json").write_text(ONE)
    command = "python moe_peft.py --base_model meta-llama/Llama-2-7b-hf --config moe_peft.json --load_4bit"
    run = only(shell(command, tmp_path))
    assert (plain(run.model.name), plain(run.adapter.rank)) == ("meta-llama/Llama-2-7b-hf", 8)
    (tmp_path / "run.sh").write_text(command)
    found = engine.lint_text(command.encode(), (tmp_path / "run.sh").as_posix(), Settings()).findings
    assert [finding.code for finding in found] == ["LL201"]
