"""Releases of libraries that a framework's own release does not take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint import lint
from lora_lint.frameworks import registry
from lora_lint.knowledge.own_ranges import ranges
from lora_lint.linting.own_ranges import _module
from lora_lint.run.versions import padded

if TYPE_CHECKING:
    from pathlib import Path

FACTORY = """\
model_name_or_path: {model}
stage: sft
do_train: true
finetuning_type: lora
lora_target: all
dataset: identity
template: qwen
output_dir: saves/q
learning_rate: 1.0e-4
"""
SWIFT = "swift sft --model {model} --train_type lora --dataset d.jsonl --learning_rate 1e-4\n"
OLD, NEW = "Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen3-VL-8B-Instruct"


def refused(folder: Path, requirements: str, *, script: str = "", model: str = OLD) -> list[str]:
    (folder / ".git").mkdir()
    name, text = ("train.sh", script) if script else ("lora.yaml", FACTORY)
    (folder / name).write_text(text.format(model=model))
    (folder / "requirements.txt").write_text(requirements)
    return [each.message for each in lint(folder).findings if each.code == "LL904"]


@pytest.mark.parametrize(
    ("requirements", "says"),
    [
        ("llamafactory==0.9.3\ntransformers==4.57.0\n", "checks for `transformers>=4.45.0,<=4.52.4` as it starts"),
        ("llamafactory==0.9.4\ntransformers==4.49.0\n", "`transformers==4.49.0`: it stops with an ImportError"),
        ("llamafactory==0.9.4\ntrl==0.9.6\n", "checks for `trl>=0.18.0,<=0.24.0`"),
        ("llamafactory==0.9.2\ndatasets==4.0.0\n", "checks for `datasets>=2.16.0,<=3.2.0`"),
        ("llamafactory==0.9.2\npeft==0.15.1\n", "checks for `peft>=0.11.1,<=0.12.0`"),
        ("llamafactory==0.9.4.dev0\ntransformers==4.41.2\n", "`transformers==4.41.2`: it stops"),
    ],
)
def test_what_a_framework_checks(tmp_path: Path, requirements: str, says: str) -> None:
    (message,) = refused(tmp_path, requirements)
    assert says in message


@pytest.mark.parametrize(
    "requirements",
    [
        "llamafactory==0.9.3\ntransformers==4.51.3\npeft==0.15.1\ntrl==0.9.6\n",
        "llamafactory==0.9.4.dev0\ntransformers==4.55.0\ntrl==0.9.6\n",  # between releases
        "llamafactory\ntransformers==4.49.0\n",
        "llamafactory>=0.9.0\ntransformers==4.49.0\n",
        "llamafactory==0.9.3\ntransformers>=4.49\n",
        "llamafactory @ git+https://github.com/hiyouga/LLaMA-Factory.git@a0e9a36\ntransformers==4.48.3\n",
    ],
)
def test_what_goes_together_or_is_not_known(tmp_path: Path, requirements: str) -> None:
    assert refused(tmp_path, requirements) == []


@pytest.mark.parametrize(
    ("requirements", "refuses"),
    [
        ("ms-swift==3.5.1\ntransformers==4.55.0\n", True),
        ("ms-swift==4.0.1\ntransformers==5.0.0\n", False),
        ("ms-swift==3.5.0\ntrl==0.20.0\n", True),
        ("ms-swift==3.7.3\ntransformers==4.55.4\n", False),
    ],
)
def test_what_a_framework_declares(tmp_path: Path, requirements: str, refuses: bool) -> None:
    messages = refused(tmp_path, requirements, script=SWIFT)
    assert len(messages) == refuses
    assert all("pip refuses the two together" in message for message in messages)


@pytest.mark.parametrize(
    ("requirements", "says"),
    [
        ("transformers==4.55.0\n", "transformers before 4.57.0 (requirements.txt has `transformers==4.55.0`)"),
        ("ms-swift==3.7.0\n", "transformers before 4.57.0 (requirements.txt has `ms-swift==3.7.0`) does not know"),
        ("ms-swift==3.9.0\n", ""),
        ("transformers==4.57.0\n", ""),
    ],
)
def test_types_to_come(tmp_path: Path, requirements: str, says: str) -> None:
    messages = refused(tmp_path, requirements, script=SWIFT, model=NEW)
    assert len(messages) == bool(says)
    assert all(says in message for message in messages)


def test_types_that_once_had_code_of_their_own(tmp_path: Path) -> None:
    assert refused(tmp_path, "ms-swift==3.2.0\n", script=SWIFT, model="microsoft/Phi-4-multimodal-instruct") == []


@pytest.mark.parametrize("framework", [each for each in registry.every() if each.requires], ids=repr)
def test_lists_are_in_order(framework: object) -> None:
    lines = _module(getattr(framework, "name", "")).REQUIRES.strip().splitlines()
    releases = [tuple(map(int, line.partition(":")[0].split("."))) for line in lines]
    assert releases == sorted(releases, key=padded)
    assert all(ranges("\n".join(lines), release, release) for release in releases)
