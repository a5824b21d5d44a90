"""LL411 on vision tower layers under reentrant checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.linting import engine
from lora_lint.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForImageTextToText, Trainer, TrainingArguments

model = AutoModelForImageTextToText.from_pretrained("llava-hf/llava-1.5-7b-hf")
model.enable_input_require_grads()
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules={}))
Trainer(model=model, args=TrainingArguments("out", learning_rate=1e-4, {})).train()
"""
TOWER = r'r".*vision_tower.*\.(q|v)_proj"'
TEXT = r'r".*language_model.*\.(q|v)_proj"'
ON = "gradient_checkpointing=True"


@pytest.mark.parametrize(
    ("targets", "arguments", "pin", "told"),
    [
        (TOWER, ON, "transformers==4.56.2", True),
        ('["q_proj", "v_proj"]', ON, "transformers<5", True),
        (TEXT, ON, "transformers==4.56.2", False),
        (TOWER, ON, "transformers>=4.56", False),
        (TOWER, "bf16=True", "transformers==4.56.2", False),
        (TOWER, ON + ", gradient_checkpointing_kwargs={'use_reentrant': False}", "transformers==4.56.2", False),
    ],
)
def test_layers_whose_input_is_an_image(
    targets: str, arguments: str, pin: str, told: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "requirements.txt").write_text(pin + "\n", encoding="utf-8")
    (tmp_path / "train.py").write_text(PROGRAM.format(targets, arguments), encoding="utf-8")
    found = {finding.code for finding in engine.lint(["train.py"], Settings()).findings}
    assert ("LL411" in found) is told
