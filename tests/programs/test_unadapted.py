"""Quantized models that trainers get without an adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.linting import engine
from lora_lint.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, Trainer
from trl import SFTTrainer
bits = BitsAndBytesConfig(load_in_4bit=True)
lora = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
model = AutoModelForCausalLM.from_pretrained("{name}", quantization_config={bits})
{then}
"""


@pytest.mark.parametrize(
    ("then", "told"),
    [
        ("SFTTrainer(model=model, train_dataset=rows).train()", True),
        ("Trainer(model=model, train_dataset=rows).train()", True),
        ("SFTTrainer(model=model, train_dataset=rows, peft_config=lora).train()", False),
        ("SFTTrainer(model=model, train_dataset=rows, peft_config=made()).train()", False),
        ("SFTTrainer(model=model, train_dataset=rows, **more).train()", False),
        ("model = get_peft_model(model, lora)\nTrainer(model=model, train_dataset=rows).train()", False),
        (
            "if use_lora:\n    model = get_peft_model(model, lora)\nTrainer(model=model, train_dataset=rows).train()",
            False,
        ),
        ("model.add_adapter(lora)\nTrainer(model=model, train_dataset=rows).train()", False),
        ("prepare(model)\nTrainer(model=model, train_dataset=rows).train()", False),
        ("class Own(Trainer):\n    pass\nOwn(model=model, train_dataset=rows).train()", False),
    ],
)
def test_trainers_of_quantized_models(tmp_path: Path, then: str, told: bool) -> None:
    assert ("LL904" in codes(tmp_path, then)) is told


@pytest.mark.parametrize(
    ("name", "bits", "told"),
    [
        ("meta-llama/Llama-2-7b-hf", "bits", True),
        ("meta-llama/Llama-2-7b-hf", "None", False),
        ("meta-llama/Llama-2-7b-hf", "bits if small else None", False),
        ("out/checkpoint-100", "bits", False),
        ("mine/llama-2-7b-lora", "bits", False),
    ],
)
def test_models_that_are_certainly_bare(tmp_path: Path, name: str, bits: str, told: bool) -> None:
    assert ("LL904" in codes(tmp_path, "Trainer(model=model, train_dataset=rows).train()", name, bits)) is told


def codes(folder: Path, then: str, name: str = "meta-llama/Llama-2-7b-hf", bits: str = "bits") -> set[str]:
    (folder / "train.py").write_text(PROGRAM.format(name=name, bits=bits, then=then), encoding="utf-8")
    return {each.code for each in engine.lint([folder.as_posix()], Settings(), jobs=1).findings}
