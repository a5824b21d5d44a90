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


IMAGE = "modelscope:ubuntu22.04-cuda12.4.0-py310-torch2.6.0-vllm0.8.5.post1-modelscope1.28.1-swift3.6.4"


def test_the_tag_of_an_image_lists_what_is_in_it(tmp_path: Path) -> None:
    image = f"FROM registry.example.com/modelscope-repo/{IMAGE}\n"
    (message,) = unknown(tmp_path, run__sh=SWIFT.format(option="--log_entropy true"), Dockerfile=image)
    assert f"before 3.7.0 (Dockerfile has `{IMAGE}`)" in message


@pytest.mark.parametrize(
    ("tag", "told"), [("0.9.1-cu124", True), ("v0.9.1.post1", True), ("0.9.3-npu-a2", False), ("main-20250101", False)]
)
def test_the_tag_of_an_image_starts_with_its_release(tmp_path: Path, tag: str, told: bool) -> None:
    found = unknown(
        tmp_path, sft__yaml=FACTORY.format(key="use_swanlab: true"), Dockerfile=f"FROM hiyouga/llamafactory:{tag}\n"
    )
    assert bool(found) is told


def test_exports_of_adapters_have_options_of_releases(tmp_path: Path) -> None:
    command = "pip install ms-swift==3.6.1\nswift export --model a --mcore_adapters b --to_hf true\n"
    (message,) = unknown(tmp_path, run__sh=command)
    assert "`mcore_adapters` is not known to ms-swift before 3.7.0" in message


MLX = """\
model: mlx-community/Llama-3.2-3B-Instruct-4bit
train: true
fine_tune_type: lora
data: data
num_layers: 16
iters: 100
learning_rate: 1e-5
lora_parameters: {rank: 8, scale: 20.0, dropout: 0.0}
grad_accumulation_steps: 4
"""


@pytest.mark.parametrize(("pin", "told"), [("0.26.0", True), ("0.28.3", False), ("0.20.1", True), ("0.3.0", False)])
def test_keys_of_mlx_lm_have_releases(tmp_path: Path, pin: str, told: bool) -> None:
    assert bool(unknown(tmp_path, lora__yaml=MLX, requirements__txt=f"mlx-lm=={pin}\n")) is told


def test_what_an_older_mlx_lm_saved_is_no_mistake(tmp_path: Path) -> None:
    text = '{"model": "a", "train": true, "fine_tune_type": "lora", "num_layers": 8, "wandb": null, "iters": 9'
    lora = ', "lora_parameters": {"rank": 8, "scale": 20.0, "dropout": 0.0}}'
    assert unknown(tmp_path, adapter_config__json=text + lora) == []


GONE = "actor_rollout_ref.rollout.update_weights_bucket_megabytes"
VERL = (
    "python3 -m verl.trainer.main_ppo algorithm.adv_estimator=grpo actor_rollout_ref.model.path=Qwen/Qwen2.5-7B "
    "actor_rollout_ref.model.lora_rank=32 {}\n"
)


@pytest.mark.parametrize(
    ("option", "pins", "told"),
    [
        (f"{GONE}=512", "", "is not known to verl 0.7.1 and newer"),
        (f"+{GONE}=512", "", ""),
        (f"{GONE}=512 --config-path=$PWD/config", "", ""),
        (f"{GONE}=512", "verl==0.6.1\n", ""),
        (f"{GONE}=512", "verl==0.4.1\n", "is not known to verl before 0.5.0"),
        ("actor_rollout_ref.rollout.name=vllm", "", ""),
    ],
)
def test_overrides_have_releases(tmp_path: Path, option: str, pins: str, told: str) -> None:
    found = unknown(tmp_path, run__sh=VERL.format(option), requirements__txt=pins)
    assert [told in message for message in found] == ([True] if told else [])


def test_a_copy_of_unknown_release_may_have_any_key(tmp_path: Path) -> None:
    (tmp_path / "verl/trainer").mkdir(parents=True)
    (tmp_path / "verl/__init__.py").write_text("")
    (tmp_path / "verl/trainer/main_ppo.py").write_text("")
    assert unknown(tmp_path, run__sh=VERL.format(f"{GONE}=512")) == []


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
