"""LL401 of a config that nothing uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.linting import engine
from lora_lint.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """\
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, Trainer, TrainingArguments
from trl import SFTConfig, SFTTrainer

bits = BitsAndBytesConfig(load_in_4bit=True)
model = AutoModelForCausalLM.from_pretrained({model})
config = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear")
{between}
{trainer}
"""
TRAINER = 'Trainer(model=model, args=TrainingArguments("out", learning_rate=2e-4), train_dataset=rows).train()'
PLAIN = '"Qwen/Qwen2.5-0.5B"'


def told(tmp_path: Path, model: str = PLAIN, between: str = "", trainer: str = TRAINER) -> list[str]:
    """The messages of LL401 about a program."""
    program = tmp_path / "train.py"
    program.write_text(PROGRAM.format(model=model, between=between, trainer=trainer))
    settings = Settings(root=str(tmp_path), select=frozenset({"LL401"}))
    return [finding.message for finding in engine.lint([str(program)], settings, jobs=1).findings]


def test_all_parameters_train(tmp_path: Path) -> None:
    [message] = told(tmp_path)
    assert "every parameter of the model trains" in message and "`get_peft_model`" in message


def test_transformers_refuses_a_quantized_model(tmp_path: Path) -> None:
    program = tmp_path / "train.py"
    model = PLAIN + ", quantization_config=bits"
    program.write_text(PROGRAM.format(model=model, between="", trainer=TRAINER))
    found = engine.lint([str(program)], Settings(root=str(tmp_path)), jobs=1).findings
    assert [finding.code for finding in found if finding.level == "error"] == ["LL904"], "one cause, one finding"


def test_trl_takes_the_config_itself(tmp_path: Path) -> None:
    [message] = told(tmp_path, trainer='SFTTrainer(model=model, args=SFTConfig("out"), train_dataset=rows).train()')
    assert "`peft_config` of SFTTrainer" in message


@pytest.mark.parametrize(
    ("model", "between", "trainer"),
    [
        (PLAIN, "model = get_peft_model(model, config)", TRAINER),
        (PLAIN, "print(config)", TRAINER),  # perhaps more than that where another file is not read
        (PLAIN, "model = ours.prepared(model)", TRAINER),
        (PLAIN, "ours.prepare(model)", TRAINER),
        (PLAIN, "model.add_adapter(LoraConfig(r=4))", TRAINER),
        ('"./merged"', "", TRAINER),
        ('"someone/qwen-lora"', "", TRAINER),  # transformers loads an adapter with its base model
        ('"unsloth/Qwen2.5-7B-bnb-4bit"', "", TRAINER),
        (PLAIN, "if full:\n    model.train()", "if full:\n    " + TRAINER),
        (PLAIN, "", ""),
        (PLAIN, "class Ours(Trainer):\n    pass", TRAINER.replace("Trainer(", "Ours(")),
    ],
)
def test_something_may_use_it(tmp_path: Path, model: str, between: str, trainer: str) -> None:
    assert told(tmp_path, model, between, trainer) == []
