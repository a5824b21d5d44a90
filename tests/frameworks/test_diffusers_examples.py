"""diffusers' training scripts, started by shell scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.linting import engine
from lora_lint.run.values import Unknown
from lora_lint.settings import Settings
from tests.support.reading import edited, only, plain, shell

if TYPE_CHECKING:
    from pathlib import Path

HEALTHY = """\
export MODEL_NAME="black-forest-labs/FLUX.1-dev"

accelerate launch train_dreambooth_lora_flux.py \\
  --pretrained_model_name_or_path=$MODEL_NAME \\
  --instance_data_dir=dog \\
  --output_dir=trained-flux-lora \\
  --mixed_precision=bf16 \\
  --instance_prompt="a photo of sks dog" \\
  --rank=8 \\
  --lora_alpha=8 \\
  --lora_layers="attn.to_k,attn.to_q,attn.to_v,attn.to_out.0" \\
  --train_batch_size=1 \\
  --gradient_accumulation_steps=4 \\
  --optimizer=prodigy \\
  --learning_rate=1. \\
  --max_train_steps=500
"""
SDXL = """\
accelerate launch train_text_to_image_lora_sdxl.py \\
  --pretrained_model_name_or_path=stabilityai/stable-diffusion-xl-base-1.0 \\
  --dataset_name=lambdalabs/naruto-blip-captions \\
  --rank=16 --train_batch_size=1 --num_train_epochs=2
"""


def codes(text: str) -> list[str]:
    return [finding.code for finding in engine.lint_text(text.encode(), "run.sh", Settings()).findings]


def test_a_healthy_script_lints_clean() -> None:
    assert codes(HEALTHY) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("attn.to_k,attn.to_q,", "attn.to_k,attn.q_proj,"), "LL202"),
        (("attn.to_out.0", "attn.to_out"), "LL216"),
        (("attn.to_k,attn.to_q,attn.to_v,attn.to_out.0", "q_proj,v_proj"), "LL201"),
        (("--rank=8", "--rank=4096"), "LL302"),
        (("--lora_alpha=8", "--lora_alpha=0"), "LL105"),
        (("--lora_alpha=8", "--lora_alpha=64"), "LL104"),
    ],
)
def test_a_broken_one_is_found(change: tuple[str, str], code: str) -> None:
    assert code in codes(edited(HEALTHY, change))


def test_a_rank_beyond_the_layers_of_sdxl_is_found() -> None:
    assert "LL302" in codes(edited(SDXL, ("--rank=16", "--rank=2048")))


def test_settings() -> None:
    run = only(shell(HEALTHY))
    assert run.dialect == "diffusers_examples"
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (8, 8)
    assert plain(run.adapter.target_modules) == ("attn.to_k", "attn.to_q", "attn.to_v", "attn.to_out.0")
    assert (plain(run.training.learning_rate), plain(run.training.max_steps)) == (1, 500)
    assert plain(run.model.name) == "black-forest-labs/FLUX.1-dev"


def test_the_scripts_defaults() -> None:
    run = only(shell(SDXL))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (16, 16)
    assert plain(run.adapter.target_modules) == ("to_k", "to_q", "to_v", "to_out.0")
    assert plain(run.training.learning_rate) == 1e-4
    assert len(plain(only(shell("python train_dreambooth_lora_flux.py --rank 4")).adapter.target_modules)) == 12
    video = only(shell("python train_cogvideox_lora.py --learning_rate 1e-3"))
    assert (plain(video.adapter.rank), plain(video.adapter.alpha)) == (128, 128)


@pytest.mark.parametrize("model", ["flux", "qwen_image", "z_image"])
def test_an_alpha_that_older_scripts_take_from_the_rank_is_not_known(model: str) -> None:
    run = only(shell(f"python train_dreambooth_lora_{model}.py --rank 16"))
    assert plain(run.adapter.alpha) is Unknown


@pytest.mark.parametrize("script", ["sd3.py --rank 8", "sd3.py --lora_blocks 12,13", "krea2.py --rank 8"])
def test_a_script_with_its_own_list_of_layers(script: str) -> None:
    assert plain(only(shell(f"python train_dreambooth_lora_{script}")).adapter.target_modules) is Unknown


def test_a_copy_in_the_project_is_followed(tmp_path: Path) -> None:
    """It may have been changed: what it does counts."""
    (tmp_path / "train_dreambooth_lora_flux.py").write_text(
        """\
import argparse

from diffusers import FluxTransformer2DModel
from peft import LoraConfig

parser = argparse.ArgumentParser()
parser.add_argument("--rank", type=int, default=4)
args = parser.parse_args()
transformer = FluxTransformer2DModel.from_pretrained("black-forest-labs/FLUX.1-dev", subfolder="transformer")
transformer.add_adapter(LoraConfig(r=args.rank, lora_alpha=2 * args.rank, target_modules=["to_q"]))
""",
        encoding="utf-8",
    )
    run = only(shell("python train_dreambooth_lora_flux.py --rank 16", tmp_path))
    assert (run.dialect, plain(run.adapter.rank), plain(run.adapter.alpha)) == ("peft", 16, 32)


@pytest.mark.parametrize(
    ("launcher", "script", "half"),
    [
        ("--mixed_precision=fp16", "", True),
        ("--mixed_precision fp16", "--mixed_precision=fp16", False),
        ("--mixed_precision=bf16", "", False),
        ("", "--mixed_precision=fp16", False),
        ("--config_file fp16.yaml", "", True),
    ],
)
def test_mixed_precision_of_the_launcher_alone(tmp_path: Path, launcher: str, script: str, half: bool) -> None:
    """diffusers 0.42, examples: `cast_training_params` only if the script's own option is fp16."""
    (tmp_path / "fp16.yaml").write_text("distributed_type: 'NO'\nmixed_precision: fp16\n")
    text = SDXL.replace("launch", f"launch {launcher}").replace("--rank=16", f"--rank=16 {script}")
    (tmp_path / "run.sh").write_text(text)
    findings = engine.lint([(tmp_path / "run.sh").as_posix()], Settings(), jobs=1).findings
    assert ("LL806" in {each.code for each in findings}) == half


@pytest.mark.parametrize(
    ("option", "unknown"),
    [
        ("--instance_prompt=dog", ["instance_prompt"]),
        ("--leraning_rate=1e-4", ["leraning_rate"]),
        ("--enable_xformers", []),  # argparse takes the beginning of an option
        ("--an_option_of_tomorrow=1", []),
    ],
)
def test_options_that_a_script_does_not_have(option: str, unknown: list[str]) -> None:
    findings = engine.lint_text(
        SDXL.replace("--rank=16", f"--rank=16 {option}").encode(), "run.sh", Settings()
    ).findings
    assert [each.message.split("`")[1] for each in findings if each.code == "LL901"] == unknown


@pytest.mark.parametrize(
    ("script", "options", "refused"),
    [
        ("dreambooth_lora_flux", "--dataset_name=a/b --caption_column=text", True),
        ("dreambooth_lora_flux", "--dataset_name=a/b --instance_prompt='a dog'", False),
        ("dreambooth_lora_flux", "--dataset_name=a/b $MORE", False),
        ("dreambooth_lora_flux_kontext", "--dataset_name=a/b --caption_column=text", False),
        ("dreambooth_lora_flux2_klein_img2img", "--dataset_name=a/b --caption_column=text", False),
        ("dreambooth_lora_sdxl_advanced", "--dataset_name=a/b --caption_column=text", True),
        ("dreambooth_lora", "--instance_prompt='a dog' --train_batch_size=1", True),
        ("dreambooth_lora", "--instance_prompt='a dog' --instance_data_dir=dogs", False),
        ("text_to_image_lora", "--dataset_name=a/b", False),
    ],
)
def test_options_that_a_script_requires(script: str, options: str, refused: bool) -> None:
    command = f"accelerate launch train_{script}.py --pretrained_model_name_or_path=a/b --rank=8 {options}\n"
    assert ("LL904" in codes(command)) == refused


def test_a_script_requires_a_model() -> None:
    assert "LL904" in codes("python train_text_to_image_lora.py --dataset_name=a/b --rank=8\n")
