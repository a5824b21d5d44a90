"""Commands that merge, serve or chat with an adapter, and take fewer settings than a training's file has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint import lint

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint import ReportedFinding

TRAIN = """\
model_name_or_path: Qwen/Qwen2.5-7B-Instruct
stage: sft
do_train: true
finetuning_type: lora
lora_target: all
dataset: identity
template: qwen
output_dir: out/sft
learning_rate: 1.0e-4
"""
MERGE = """\
model_name_or_path: Qwen/Qwen2.5-7B-Instruct
adapter_name_or_path: out/sft
template: qwen
finetuning_type: lora
export_dir: merged
"""


def findings(folder: Path, **files: str) -> list[ReportedFinding]:
    (folder / ".git").mkdir()
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return list(lint(folder.as_posix()).findings)


@pytest.mark.parametrize("task", ["export", "chat", "webchat", "api"])
def test_the_file_of_a_training_is_refused(tmp_path: Path, task: str) -> None:
    script = f"CUDA_VISIBLE_DEVICES=0 llamafactory-cli {task} sft.yaml\n"
    (finding,) = findings(tmp_path, sft__yaml=TRAIN, run__sh=script)
    assert finding.code == "LL901"
    assert finding.column == script.index("sft.yaml") + 1
    assert f"`do_train` is not known to `llamafactory-cli {task}`" in finding.message


def test_a_merge_with_an_argument_of_a_training_is_refused(tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, merge__yaml=MERGE + "warmup_ratio: 0.1\n", run__sh="lmf export merge.yaml\n")
    assert "`warmup_ratio` is not known to `lmf export`" in finding.message


@pytest.mark.parametrize(
    "script",
    [
        "llamafactory-cli train sft.yaml\nllamafactory-cli export merge.yaml\n",
        "llamafactory-cli train sft.yaml learning_rate=2e-4\nllamafactory-cli chat merge.yaml infer_backend=vllm\n",
        "ALLOW_EXTRA_ARGS=1 llamafactory-cli export sft.yaml\n",
        "llamafactory-cli webui\nllamafactory-cli export --model_name_or_path Qwen/Qwen2.5-7B-Instruct "
        "--adapter_name_or_path out/sft --template qwen --finetuning_type lora --export_dir merged\n",
    ],
)
def test_files_of_their_own_are_taken(tmp_path: Path, script: str) -> None:
    assert findings(tmp_path, sft__yaml=TRAIN, merge__yaml=MERGE, run__sh=script) == []


def test_an_export_in_options_is_read_like_its_file(tmp_path: Path) -> None:
    options = "--adapter_name_or_path out/a --template qwen --finetuning_type lora --export_dir merged"
    script = f"llamafactory-cli export --model_name_or_path Qwen/Qwen2-7B-Instruct-GPTQ-Int8 {options}\n"
    (finding,) = findings(tmp_path, run__sh=script)
    assert (finding.code, "refuses `model_name_or_path`" in finding.message) == ("LL904", True)


def test_an_export_names_the_base_of_the_training_above_it(tmp_path: Path) -> None:
    train = "llamafactory-cli train --stage sft --finetuning_type lora --dataset d --template llama2 --output_dir out/a"
    merge = "llamafactory-cli export --adapter_name_or_path out/a --template llama2 --export_dir merged"
    script = f"{train} --model_name_or_path me/llama-2-7b-50k\n{merge} --model_name_or_path meta-llama/Llama-2-7b-hf\n"
    assert "LL707" in [finding.code for finding in findings(tmp_path, run__sh=script)]
