"""axolotl 0.20 and 0.21: MixLoRA, the refusals that came, and the version that a project pins."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from lora_lint.discovery import Found
from lora_lint.linting.checker import Checker
from lora_lint.settings import Settings
from tests.support.reading import config, only, plain

if TYPE_CHECKING:
    from pathlib import Path

BASE = """\
base_model: Qwen/Qwen3-8B
adapter: {adapter}
lora_r: 8
lora_alpha: 16
lora_target_modules: [q_proj, v_proj]
datasets: [{{path: a.jsonl, type: alpaca}}]
plugins: [axolotl.integrations.mixlora.MixLoraPlugin]
"""


def refused(text: str, folder: Path | None = None) -> list[str]:
    """The settings that are refused or ignored."""
    path = "a.yaml" if folder is None else (folder / "a.yaml").as_posix()
    found = Checker(Settings(select=("LL904", "LL905"))).check(Found(path, "yaml", text.encode(), True)).findings
    return [
        match[1]
        for finding in found
        if (match := re.search(r"(?:refuses|ignores)(?: this without)? `([^`]*)`", finding.message))
    ]


def test_mixlora_is_read() -> None:
    run = only(config(BASE.format(adapter="mixlora")))
    assert (plain(run.adapter.rank), plain(run.adapter.target_modules)) == (8, ("q_proj", "v_proj"))
    assert run.method == "MixLoraConfig"
    assert refused(BASE.format(adapter="mixlora")) == []


@pytest.mark.parametrize(
    ("adapter", "setting", "key"),
    [
        ("mixlora", "lora_target_linear: true", "lora_target_linear"),
        ("mixlora", "rl: dpo", "rl='dpo'"),
        ("mixlora", "mixlora_top_k: 9", "mixlora_top_k=9"),
        ("mixlora", "mixlora_num_experts: 1", "mixlora_top_k"),
        ("mixlora", "flash_attn_fuse_mlp: true", "flash_attn_fuse_mlp"),
        (
            "lora",
            "lora_target_parameters: [mlp.experts.down_proj]\npeft_init_lora_weights: pissa",
            "peft_init_lora_weights='pissa'",
        ),
        ("lora", "fsdp: [full_shard]", "fsdp"),
        ("lora", "fsdp_version: 1", "fsdp_version=1"),
        ("lora", "use_dft: true\nrl: dpo", "use_dft"),
        ("qlora", "load_in_4bit: true\nbnb_config_kwargs: {blocksize: 128}", "bnb_config_kwargs.blocksize=128"),
        ("qlora", "load_in_4bit: true\nrl: dpo\nfsdp_config: {offload_params: true}", "load_in_4bit"),
    ],
)
def test_refusals_that_came_with_0_20(tmp_path: Path, adapter: str, setting: str, key: str) -> None:
    text = f"{BASE.format(adapter=adapter)}{setting}\n"
    assert any(found.startswith(key) for found in refused(text))
    (tmp_path / "requirements.txt").write_text("axolotl==0.19.0\n")
    assert not any(found.startswith(key) for found in refused(text, tmp_path))


def test_the_generations_of_grpo_are_divided_among_gpus_since_0_21(tmp_path: Path) -> None:
    text = f"{BASE.format(adapter='lora')}rl: grpo\nmicro_batch_size: 1\ngradient_accumulation_steps: 3\n"
    text = text.replace("type: alpaca", "type: rewards.prompts") + "trl: {num_generations: 4}\n"
    assert refused(text) == []
    (tmp_path / "requirements.txt").write_text("axolotl==0.20.0\n")
    assert refused(text, tmp_path) == ["trl.num_generations=4"]


def test_a_layer_of_the_mlps_in_mixlora() -> None:
    text = BASE.format(adapter="mixlora").replace("v_proj]", "up_proj]")
    assert refused(text) == ["lora_target_modules"]


def test_experts_beside_their_number_are_accepted() -> None:
    text = f"{BASE.format(adapter='mixlora')}mixlora_num_experts: 4\nmixlora_top_k: 4\n"
    assert refused(text) == []


@pytest.mark.parametrize(
    ("version", "files"),
    [
        ('version = "0.19.0"\n', {}),
        ('dynamic = ["version"]\n[tool.setuptools.dynamic]\nversion = {file = "VERSION"}\n', {"VERSION": "0.18.0\n"}),
    ],
)
def test_the_frameworks_own_repository_has_its_version(tmp_path: Path, version: str, files: dict[str, str]) -> None:
    text = f"{BASE.format(adapter='lora')}fsdp: [full_shard]\n"
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "axolotl"\n{version}')
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    assert refused(text, tmp_path) == []
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "mine"\nversion = "0.19.0"\n')
    assert refused(text, tmp_path) == ["fsdp"]
