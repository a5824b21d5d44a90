"""The verdicts on the rules about targets, on the meta device, from configs alone; and what would refute them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
import transformers

from lora_lint.verify.structure import coverage
from lora_lint.verify.structure.skeleton import peft_config, wrap
from tests.rules.test_targets_in_peft import base_config
from tests.support.runs import run
from tests.verify.test_structure import verdicts

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint.finding import Verdict
    from lora_lint.run.run import Run

ATTENTION = '["q_proj", "k_proj", "v_proj", "o_proj"]'
SEVEN = '["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]'
PROGRAM = """\
from peft import LoraConfig, get_peft_model
from transformers import {loader}

model = {loader}.from_pretrained("model")
model = get_peft_model(model, LoraConfig({settings}))
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def verdict(
    code: str, folder: Path, model_type: str, settings: str, loader: str = "AutoModelForCausalLM"
) -> Verdict | None:
    """The verdict on one finding of a program on a small model."""
    base_config(model_type).save_pretrained(folder / "model")
    return verdicts(folder, PROGRAM.format(loader=loader, settings=settings)).get(code)


@pytest.mark.parametrize(
    ("code", "model_type", "settings", "told"),
    [
        ("LL106", "llama", 'r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], rank_pattern={"q_proj": 16}',
         "the scale is 1 in 4 layers and 2 in 4 layers"),
        ("LL205", "olmo2", "r=8", "PEFT raises ValueError"),
        ("LL207", "qwen3_moe", f"r=8, lora_dropout=0.1, target_modules={SEVEN}", "PEFT raises ValueError"),
        ("LL209", "llama", 'r=8, target_modules=["q_proj", "lm_head"]', "saves 2,048 values of the base model"),
        ("LL210", "llama", 'r=8, target_modules=["q_proj"], layers_to_transform=[2, 3, 4]',
         "PEFT adapts layers 2 and 3, but not 4"),
        ("LL211", "gpt_neox", 'r=8, target_modules=["query_key_value"], modules_to_save=["embed_tokens"]',
         "PEFT trains no full copy of a module; nothing matches `embed_tokens`"),
        ("LL212", "llama", 'r=8, target_modules=["q_proj", "lm_head"], modules_to_save=["lm_head"]',
         "PEFT trains a full copy of `lm_head` and adapts `q_proj` ×4"),
        ("LL214", "qwen3_next", f"r=8, target_modules={ATTENTION}",
         "in `model.layers` PEFT adapts nothing in 3 layers and self_attn in 1 layer"),
        ("LL215", "qwen3_moe", 'r=8, target_modules="all-linear"', "PEFT adapts 4 routers"),
        ("LL302", "llama", 'r=64, target_modules=["k_proj"]', "4 layers of 4 have a rank above their smaller dimension"),
    ],
)  # fmt: skip
def test_confirmed(code: str, model_type: str, settings: str, told: str, tmp_path: Path) -> None:
    given = verdict(code, tmp_path, model_type, settings)
    assert given is not None
    assert given.status == "confirmed", given.reason
    assert told in given.reason


def test_a_tower(tmp_path: Path) -> None:
    given = verdict("LL208", tmp_path, "gemma3", f"r=8, target_modules={ATTENTION}", "AutoModelForImageTextToText")
    assert given is not None
    assert given.status == "confirmed", given.reason
    assert "in the tower" in given.reason


def asked(code: str, model_type: str, given: Run) -> tuple[bool, str, dict[str, Any]]:
    """What the claim of a rule comes to on a small model."""
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(base_config(model_type))
    return coverage.CLAIMS[code](given, wrap(model, peft_config(given.adapter)))


def test_experts() -> None:
    holds, told, measured = asked("LL206", "qwen2_moe", run(target_modules=("q_proj", "gate_proj")))
    assert holds
    assert "of which none is adapted: PEFT adapts `gate_proj` ×4, `q_proj` ×4" in told
    assert 0 < measured["share"] < 1


@pytest.mark.parametrize(
    ("code", "model_type", "fields"),
    [
        ("LL106", "llama", {"target_modules": ("q_proj",)}),
        ("LL206", "qwen3_moe", {"target_modules": "all-linear"}),
        ("LL208", "llama", {"target_modules": "all-linear"}),
        ("LL209", "llama", {"target_modules": ("q_proj",)}),
        ("LL210", "llama", {"target_modules": ("q_proj",), "layers_to_transform": (1, 2)}),
        ("LL211", "llama", {"target_modules": ("q_proj",), "modules_to_save": ("lm_head",)}),
        ("LL212", "llama", {"target_modules": ("q_proj",), "modules_to_save": ("lm_head",)}),
        ("LL214", "qwen3_next", {"target_modules": ("o_proj", "out_proj")}),
        ("LL215", "qwen3_moe", {"target_modules": ("q_proj", "gate_proj", "up_proj", "down_proj")}),
        ("LL302", "llama", {"target_modules": ("k_proj",)}),
    ],
)
def test_what_is_not_so_is_refuted(code: str, model_type: str, fields: dict[str, Any]) -> None:
    holds, told, _ = asked(code, model_type, run(**fields))
    assert not holds, told
