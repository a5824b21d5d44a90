"""Unsloth's command line and studio: `training` and `lora`, and files named by their model."""

from __future__ import annotations

import pytest

from lora_lint.run.values import Unknown
from tests.support.reading import config, edited, only, plain, realistic

NAMED = "model_defaults/unsloth_Qwen3-4B-Instruct-2507.yaml"
TEXT, DEFAULTS = realistic("unsloth_studio", "text.yaml"), realistic("unsloth_studio", NAMED)


def test_settings() -> None:
    run = only(config(TEXT))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha), plain(run.adapter.use_rslora)) == (16, 32, False)
    assert plain(run.adapter.target_modules) == ("q_proj", "k_proj", "v_proj", "o_proj")
    assert [name for name, _ in run.adapter.target_spans] == ["q_proj", "k_proj", "v_proj", "o_proj"]
    assert (plain(run.model.name), run.model.loader) == ("unsloth/Qwen2.5-0.5B", "FastLanguageModel")
    assert (plain(run.model.quantization), plain(run.dataset.size)) == ("4bit", 52_002)
    assert run.problems == ()


def test_settings_for_a_model_are_named_by_it() -> None:
    run = only(config(DEFAULTS, NAMED))
    assert plain(run.model.name) == "unsloth/Qwen3-4B-Instruct-2507"
    assert plain(run.adapter.use_rslora) is True
    assert plain(only(config(DEFAULTS, "elsewhere/unsloth_Qwen3.yaml")).model.name) is Unknown


def test_targets() -> None:
    vision = edited(TEXT, ('"q_proj,k_proj,v_proj,o_proj"', '""\n  vision_all_linear: true'))
    assert plain(only(config(vision)).adapter.target_modules) == "all-linear"
    part = edited(vision, ("vision_all_linear: true", "vision_all_linear: true\n  finetune_vision_layers: false"))
    assert plain(only(config(part)).adapter.target_modules) is Unknown
    listed = edited(DEFAULTS, ('    - "q_proj"\n    - "v_proj"', '    - "all-linear"'))
    assert plain(only(config(listed)).adapter.target_modules) == "all-linear"


@pytest.mark.parametrize("change", [("training_type: lora", "training_type: full"), ("lora:\n", "adapter:\n")])
def test_no_lora_run(change: tuple[str, str]) -> None:
    assert config(edited(TEXT, change)).runs == ()


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (("  lora_r: 16", "  lora_rank: 16"), "lora_rank"),
        (("use_rslora", "use_rs_lora"), "use_rs_lora"),
        (("  lora_r: 16", "  lora_r: -1"), "lora_r"),
        (("lora_dropout: 0.0", "lora_dropout: none at all"), "lora_dropout"),
    ],
)
def test_broken_files(change: tuple[str, str], key: str) -> None:
    (problem,) = only(config(edited(TEXT, change))).problems
    assert problem.key == key


def test_another_projects_file() -> None:
    """A section `model` shows that the file is the project's own: Unsloth's `model` is a name."""
    own = edited(
        TEXT, ("model: unsloth/Qwen2.5-0.5B", "model:\n  name: unsloth/Qwen2.5-0.5B"), ("use_rslora", "lora_rs")
    )
    assert config(own).runs == () or all(run.framework.name != "unsloth_studio" for run in config(own).runs)
