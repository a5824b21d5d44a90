"""Keys that only some releases of a framework know, and fixes that would add one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint import lint

if TYPE_CHECKING:
    from pathlib import Path

FACTORY = """\
model_name_or_path: Qwen/Qwen2-1.5B
stage: sft
do_train: true
finetuning_type: lora
lora_target: all
dataset: identity
template: qwen
output_dir: saves/q
learning_rate: 1.0e-4
{key}
"""
AXOLOTL = """\
base_model: NousResearch/Llama-2-7b-hf
adapter: lora
lora_r: 64
lora_alpha: 16
lora_target_linear: true
datasets:
  - path: tatsu-lab/alpaca
    type: alpaca
learning_rate: 2e-4
micro_batch_size: 1
output_dir: out
"""
SWIFT = "swift rlhf --rlhf_type grpo --model Qwen/Qwen2.5-7B --train_type lora --dataset d.jsonl {option}\n"


def unknown(folder: Path, **files: str) -> list[str]:
    """The messages of LL901 about the files of a project."""
    (folder / ".git").mkdir()
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return [finding.message for finding in lint(folder.as_posix()).findings if finding.code == "LL901"]


@pytest.mark.parametrize(
    "key, pins, says",
    [
        ("train_mm_proj_only: false", {}, "LLaMA-Factory 0.9.2 and newer"),
        ("image_resolution: 512", {"requirements__txt": "llamafactory==0.9.3\n"}, "LLaMA-Factory 0.9.2 and newer"),
        ("enable_liger_kernel: true", {"requirements__txt": "llamafactory==0.8.3\n"}, "LLaMA-Factory before 0.9.0"),
        ("use_swanlab: true", {"Dockerfile": "FROM hiyouga/llamafactory:0.9.1\n"}, "LLaMA-Factory before 0.9.2"),
        (
            "add_tokens: <a>,<b>",
            {"Dockerfile__gpu": 'FROM cuda\nRUN apt update && \\\n pip3 install "llamafactory[torch]==0.9.2"\n'},
            "LLaMA-Factory before 0.9.3",
        ),
    ],
)
def test_a_key_of_another_release_is_unknown(tmp_path: Path, key: str, pins: dict[str, str], says: str) -> None:
    (message,) = unknown(tmp_path, sft__yaml=FACTORY.format(key=key), **pins)
    assert message.startswith(f"`{key.partition(':')[0]}` is not known to {says}")


@pytest.mark.parametrize(
    "key, pins",
    [
        ("train_mm_proj_only: false", {"requirements__txt": "llamafactory==0.9.1\n"}),
        ("train_mm_proj_only: false", {"Dockerfile": "FROM hiyouga/llamafactory:0.9.1\n"}),
        ("enable_liger_kernel: true", {}),
        ("enable_liger_kernel: true", {"requirements__txt": "llamafactory>=0.8.3\n"}),
        ("enable_liger_kernel: true", {"requirements__txt": "llamafactory==0.9.0\n"}),
        ("overwrite_output_dir: true", {"requirements__txt": "llamafactory==0.9.1\n"}),  # transformers had it before
    ],
)
def test_a_key_that_the_release_knows_is_not(tmp_path: Path, key: str, pins: dict[str, str]) -> None:
    assert unknown(tmp_path, sft__yaml=FACTORY.format(key=key), **pins) == []


def test_options_of_a_command_have_releases_too(tmp_path: Path) -> None:
    (message,) = unknown(tmp_path, run__sh="pip install ms-swift==3.6.4\n" + SWIFT.format(option="--log_entropy true"))
    assert "is not known to ms-swift before 3.7.0 (run.sh has `ms-swift==3.6.4`)" in message


def test_a_server_s_image_says_nothing_about_the_training(tmp_path: Path) -> None:
    program = (
        "from peft import LoraConfig, get_peft_model\nfrom transformers import AutoModelForCausalLM\n"
        'model = AutoModelForCausalLM.from_pretrained("gpt2")\n'
        'get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["c_attn"], use_rslora=True))\n'
    )
    assert unknown(tmp_path, train__py=program, Dockerfile="FROM x\nRUN pip install peft==0.5.0\n") == []


def test_an_older_program_may_be_of_any_release(tmp_path: Path) -> None:
    options = "--stage sft --do_train --finetuning_type lora --model_name_or_path gpt2 --dataset d --output_dir o"
    assert unknown(tmp_path, run__sh=f"python src/train_bash.py {options} --visual_inputs true\n") == []


@pytest.mark.parametrize(
    "pin, has_fix",
    [("", True), ("axolotl==0.10.0\n", True), ("axolotl==0.4.0\n", False)],
)
def test_a_fix_adds_no_key_that_the_pinned_release_may_lack(tmp_path: Path, pin: str, has_fix: bool) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "config.yaml").write_text(AXOLOTL, encoding="utf-8")
    (tmp_path / "requirements.txt").write_text(pin, encoding="utf-8")
    (finding,) = (each for each in lint(tmp_path.as_posix()).findings if each.code == "LL102")
    assert (finding.fix is not None) is has_fix
