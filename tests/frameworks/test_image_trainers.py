"""ai-toolkit, OneTrainer, diffusion-pipe and SimpleTuner."""

from __future__ import annotations

from typing import Any

import pytest

from lora_lint.linting import engine
from lora_lint.run.values import Known, Unknown
from lora_lint.settings import Settings
from tests.support.reading import config, edited, only, plain, realistic

FLUX_JOB, SDXL_JOB = realistic("ai_toolkit", "flux.yaml"), realistic("ai_toolkit", "sdxl.yaml")
ONETRAINER, PRESET = realistic("onetrainer", "sdxl.json"), realistic("onetrainer", "preset.json")
PIPE = realistic("diffusion_pipe", "wan.toml")
TUNER, DASHES = realistic("simpletuner", "flux.json"), realistic("simpletuner", "dashes.json")
FILES = {
    "a.yaml": (FLUX_JOB, SDXL_JOB),
    "a.json": (ONETRAINER, PRESET, TUNER, DASHES),
    "a.toml": (PIPE,),
}
NAMES = {text: name for name, texts in FILES.items() for text in texts}


def adapter(text: str) -> Any:
    return only(config(text, next(name for known, name in NAMES.items() if known[:40] == text[:40]))).adapter


def codes(text: str, name: str) -> list[str]:
    return [finding.code for finding in engine.lint_text(text.encode(), name, Settings()).findings]


@pytest.mark.parametrize(
    ("text", "rank", "alpha", "rate", "model"),
    [
        (FLUX_JOB, 32, 32, 1e-4, "black-forest-labs/FLUX.1-dev"),
        (SDXL_JOB, 32, 16, 1e-4, "stabilityai/stable-diffusion-xl-base-1.0"),
        (ONETRAINER, 32, 16, 2e-4, "stabilityai/stable-diffusion-xl-base-1.0"),
        (PRESET, 16, 1, 3e-4, "black-forest-labs/FLUX.1-dev"),
        (PIPE, 32, 32, 5e-5, "/models/Wan2.1-T2V-14B"),
        (TUNER, 16, 16, 1e-4, "black-forest-labs/FLUX.1-dev"),
        (DASHES, 32, 16, 8e-5, "stabilityai/stable-diffusion-xl-base-1.0"),
    ],
)
def test_settings(text: str, rank: int, alpha: float, rate: float, model: str) -> None:
    run = only(config(text, NAMES[text]))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (rank, alpha)
    assert (plain(run.training.learning_rate), plain(run.model.name)) == (rate, model)
    assert plain(run.adapter.target_modules) is Unknown


@pytest.mark.parametrize(("text", "name"), NAMES.items())
def test_healthy_files_lint_clean(text: str, name: str) -> None:
    assert codes(text, name) == []


@pytest.mark.parametrize(
    ("text", "change"),
    [
        (FLUX_JOB, ('type: "lora"', 'type: "lokr"')),
        (ONETRAINER, ('"training_method": "LORA"', '"training_method": "FINE_TUNE"')),
        (ONETRAINER, ('"peft_type": "LORA"', '"peft_type": "OFT_2"')),
        (PIPE, ("type = 'lora'", "type = 'lokr'")),
        (TUNER, ('"model_type": "lora"', '"model_type": "full"')),
        (TUNER, ('"lora_type": "standard"', '"lora_type": "lycoris"')),
    ],
)
def test_no_lora_run(text: str, change: tuple[str, str]) -> None:
    assert config(edited(text, change), NAMES[text]).runs == ()


@pytest.mark.parametrize(("architecture", "alpha"), [("sdxl", 16), ("sd1", 16), ("qwen_image", 32), ("flex1:x", 32)])
def test_transformers_of_ai_toolkit_have_no_alpha(architecture: str, alpha: int) -> None:
    """toolkit/lora_special.py: "no alpha for peft"."""
    assert plain(adapter(edited(SDXL_JOB, ("arch: sdxl", f"arch: {architecture}"))).alpha) == alpha


def test_older_names_of_ai_toolkit() -> None:
    found = adapter(edited(SDXL_JOB, ("linear: 32, linear_alpha: 16", "rank: 8, alpha: 4")))
    assert (plain(found.rank), plain(found.alpha)) == (8, 4)


@pytest.mark.parametrize(
    ("text", "change", "rank", "alpha"),
    [
        (SDXL_JOB, ("linear: 32, linear_alpha: 16, ", ""), 4, 1),
        (PRESET, ("LORA", "LORA"), 16, 1),
        (DASHES, ('"--lora_rank": 32,\n  "--lora_alpha": 16,', ""), 16, 16),
    ],
)
def test_defaults(text: str, change: tuple[str, str], rank: int, alpha: float) -> None:
    found = adapter(edited(text, change))
    assert (found.rank, found.alpha) == (
        Known(rank, None, "framework-default"),
        Known(alpha, None, "framework-default"),
    )


@pytest.mark.parametrize(
    ("text", "change"),
    [
        (SDXL_JOB, ("linear: 32, linear_alpha: 16", "linear: 64")),
        (ONETRAINER, ('"lora_rank": 32,\n  "lora_alpha": 16.0', '"lora_rank": 64')),
        (DASHES, ('"--lora_alpha": 16', '"--lora_alpha": 1')),
    ],
)
def test_an_alpha_far_below_the_rank(text: str, change: tuple[str, str]) -> None:
    assert codes(edited(text, change), NAMES[text]) == ["LL104"]


def test_the_scale_of_the_defaults_passes() -> None:
    """OneTrainer's presets leave rank 16 and alpha 1 as they are."""
    assert codes(edited(ONETRAINER, ('"lora_rank": 32,\n  "lora_alpha": 16.0', '"lora_rank": 16')), "a.json") == []


BACKENDS = """\
[{"id": "a", "type": "local", "instance_data_dir": "x", "cache_dir_vae": "y", "crop": false, "resolution": 1024,
  "resolution_type": "pixel", "maximum_image_size": 2048, "target_downsample_size": 1024},
 {"id": "text", "type": "local", "dataset_type": "text_embeds", "default": true, "cache_dir": "z"}]
"""


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ((), ()),
        ((('"crop": false', '"crop": "False"'),), ("crop",)),
        ((('"crop": false', '"crop": "no", "disabled": true'),), ()),
        ((('"crop": false', '"crop": "True"'),), ()),
        ((('"cache_dir_vae": "y"', '"cache_dir": "y"'), ('"crop": false', '"crop": "False"')), ()),
        ((("1024,", "1.0,"), ("2048", "1.0")), ("resolution",)),
        ((("2048", "1.5"),), ("maximum_image_size",)),
        ((("1024}", "0.5}"),), ("target_downsample_size",)),
        ((("1024,", "64,"), ("2048", "64"), ("1024}", "64}")), ()),  # of DeepFloyd
        ((("1024,", "1.0,"), ('"pixel"', '"area"'), ("2048", "1.5"), ("1024}", "1.0}")), ()),
        ((("1024,", "1.0,"), ('"resolution_type": "pixel", ', "")), ()),
        ((('"crop": false', '"crop": "False", "dataset_type": "audio"'),), ()),
    ],
)
def test_data_of_simpletuner(changes: tuple[tuple[str, str], ...], found: tuple[str, ...]) -> None:
    text = edited(BACKENDS, *changes)
    findings = engine.lint_text(text.encode(), "multidatabackend.json", Settings()).findings
    assert [each.code for each in findings] == ["LL902"] * len(found)
    assert tuple(each.message.partition("=")[0].strip("`") for each in findings) == found
