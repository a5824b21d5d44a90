"""LL411: reentrant checkpoints on vision towers, and on models that are never checkpointed."""

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


@pytest.mark.parametrize(
    ("model", "confidence"),
    [("Qwen/Qwen2.5-0.5B", "certain"), ("someone/unheard-of", "likely"), ("bigcode/gpt_bigcode-santacoder", None)],
)
def test_models_that_may_ignore_checkpointing(
    model: str, confidence: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """transformers 4.54 to 4.57 checkpoint no layer of GPTBigCode, so its training does not fail."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "requirements.txt").write_text("transformers==4.55.2\n", encoding="utf-8")
    program = PROGRAM.replace("model.enable_input_require_grads()\n", "").replace("llava-hf/llava-1.5-7b-hf", model)
    program = program.replace("ImageTextToText", "CausalLM").format('["c_attn", "q_proj"]', ON)
    (tmp_path / "train.py").write_text(program, encoding="utf-8")
    found = [each.confidence for each in engine.lint(["train.py"], Settings()).findings if each.code == "LL411"]
    assert found == ([] if confidence is None else [confidence])


@pytest.mark.parametrize(("given", "off"), [("bf16=True", True), (ON, False)])
def test_what_is_missing_without_preparation(
    given: str, off: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LL405 does not say that checkpointing is off where the trainer enables it."""
    monkeypatch.chdir(tmp_path)
    program = PROGRAM.replace("model.enable_input_require_grads()\n", "").replace(
        '-7b-hf")', '-7b-hf", load_in_8bit=True)'
    )
    (tmp_path / "train.py").write_text(program.format('["q_proj"]', given), encoding="utf-8")
    (found,) = (each for each in engine.lint(["train.py"], Settings()).findings if each.code == "LL405")
    assert ("checkpointing is off" in found.message) is off
