"""LoRA's variants with what they need: one of them at a time, and the function that fills in the first weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.discovery import Found
from lora_lint.linting.checker import Checker
from lora_lint.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """\
from peft import ArrowConfig, EvaConfig, KasaConfig, LoraConfig, VeloraConfig, get_peft_model
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj"], {}))
"""


def findings(folder: Path, settings: str, more: str = "") -> dict[str, str]:
    """The messages about refused and ignored settings, by code."""
    text = PROGRAM.format(settings) + more
    found = Found((folder / "train.py").as_posix(), "python", text.encode(), True)
    checker = Checker(Settings(select=("LL904", "LL905"), root=folder.as_posix()))
    return {finding.code: finding.message for finding in checker.check(found).findings}


@pytest.mark.parametrize(
    "settings",
    [
        "use_dora=True, velora_config=VeloraConfig()",
        "use_dora=True, kasa_config=KasaConfig()",
        'use_dora=True, alora_invocation_tokens=[1, 2], task_type="CAUSAL_LM"',
        "arrow_config=ArrowConfig(), kasa_config=KasaConfig()",
        'use_dora=True, init_lora_weights="mica"',
    ],
)
def test_two_variants_at_once(tmp_path: Path, settings: str) -> None:
    assert "a layer has one variant of LoRA" in findings(tmp_path, settings)["LL904"].lower().replace("lora", "LoRA")


@pytest.mark.parametrize(
    "settings",
    [
        "use_dora=True",
        "use_dora=False, velora_config=VeloraConfig()",
        "kasa_config=KasaConfig()",
        "arrow_config=None, use_dora=True",
        'alora_invocation_tokens=[1, 2], task_type="CAUSAL_LM"',
        'init_lora_weights="mica"',
        'init_lora_weights="pissa"',
    ],
)
def test_one_variant(tmp_path: Path, settings: str) -> None:
    assert findings(tmp_path, settings) == {}


def test_alora_needs_a_causal_model(tmp_path: Path) -> None:
    message = findings(tmp_path, 'alora_invocation_tokens=[1, 2], task_type="SEQ_CLS"')["LL905"]
    assert "is never invoked" in message


CALLS = {"corda": "preprocess_corda", "eva": "initialize_lora_eva_weights", "lora_ga": "preprocess_loraga"}


@pytest.mark.parametrize(("start", "call"), CALLS.items())
def test_what_an_initialisation_needs(tmp_path: Path, start: str, call: str) -> None:
    settings = f'init_lora_weights="{start}"'
    code = "LL904" if start == "corda" else "LL905"
    assert f"`{call}" in findings(tmp_path, settings)[code]
    assert findings(tmp_path, settings, f"{call}(model, data)\n") == {}
    (tmp_path / "start.py").write_text(f"from peft.tuners.lora import {call}\n")
    assert findings(tmp_path, settings) == {}, "another program around it may call it"
