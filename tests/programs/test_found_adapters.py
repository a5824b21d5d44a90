"""Adapters that the loader of a base model finds in the folder that it is given."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

import lora_lint
from tests.support.programs import found_in

if TYPE_CHECKING:
    from pathlib import Path

FIRST = """\
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
from trl import SFTTrainer

base = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
lora = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
model = get_peft_model(base, lora)
trainer = Trainer(model=model, args=TrainingArguments("out", learning_rate=2e-4), train_dataset=first)
trainer.train()
"""
TRAIN = 'Trainer(model=again, args=TrainingArguments("out2", learning_rate=2e-4), train_dataset=second).train()\n'
AGAIN = 'again = AutoModelForCausalLM.from_pretrained("out/adapter")\n'


def test_transformers_freezes_the_adapter_that_it_finds(tmp_path: Path) -> None:
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    LlamaForCausalLM(LlamaConfig(**sizes, vocab_size=32)).save_pretrained(tmp_path / "base")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "base")
    get_peft_model(model, LoraConfig(r=4, target_modules=["q_proj"])).save_pretrained(tmp_path / "adapter")
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "adapter")
    adapters = [each for name, each in again.named_parameters() if "lora_" in name]
    assert adapters
    assert not any(each.requires_grad for each in again.parameters())


@pytest.mark.parametrize(
    ("saving", "loading", "code"),
    [
        ('model.save_pretrained("out/adapter")', AGAIN + TRAIN, "LL402"),
        ('trainer.save_model("out/adapter")', AGAIN + TRAIN, "LL402"),
        (
            'folder = "out/adapter"\nmodel.save_pretrained(folder)',
            AGAIN.replace('"out/adapter"', "folder") + TRAIN,
            "LL402",
        ),
        ('model.save_pretrained("out/adapter")', AGAIN + "again = get_peft_model(again, lora)\n" + TRAIN, "LL414"),
        ('model.save_pretrained("out/other")', AGAIN + TRAIN, None),
        ('model.merge_and_unload().save_pretrained("out/adapter")', AGAIN + TRAIN, None),
        (
            'model.save_pretrained("out/adapter")\nmodel.merge_and_unload().save_pretrained("out/adapter")',
            AGAIN + TRAIN,
            None,
        ),
        ('base.save_pretrained("out/base")', AGAIN.replace("adapter", "base") + TRAIN, None),
        (
            'model.save_pretrained("out/adapter")',
            'again = PeftModel.from_pretrained(base2, "out/adapter", is_trainable=True)\n' + TRAIN,
            None,
        ),
    ],
)
def test_training_what_was_found(saving: str, loading: str, code: str | None) -> None:
    codes = found_in(f"{FIRST}{saving}\n{loading}") & {"LL402", "LL414"}
    assert codes == ({code} if code is not None else set())


def test_a_model_that_may_have_no_adapter() -> None:
    program = FIRST.replace(
        "model = get_peft_model(base, lora)", "model = get_peft_model(base, lora) if args.lora else base"
    )
    assert "LL402" not in found_in(f'{program}model.save_pretrained("out/adapter")\n{AGAIN}{TRAIN}')
    branch = textwrap.indent('model = get_peft_model(base, lora)\nmodel.save_pretrained("out/adapter")\n', "    ")
    program = FIRST.replace("model = get_peft_model(base, lora)\n", f"model = base\nif args.lora:\n{branch}")
    assert "LL402" in found_in(f"{program}{AGAIN}{TRAIN}")


UNSLOTH = """\
from unsloth import FastLanguageModel
from trl import SFTConfig, SFTTrainer

"""
ROUND = """\
model, tokenizer = FastLanguageModel.from_pretrained("{model}", load_in_4bit=True)
model = FastLanguageModel.get_peft_model(model, r=16, lora_alpha={alpha}, target_modules=["q_proj", "v_proj"])
trainer = SFTTrainer(model=model, train_dataset=rows, args=SFTConfig("{out}", learning_rate=2e-4))
trainer.train()
"""
FIRST_ROUND = ROUND.format(model="unsloth/llama-3-8b-bnb-4bit", alpha=16, out="outputs")


@pytest.mark.parametrize("one_file", [True, False])
@pytest.mark.parametrize(
    ("save", "folder", "alpha", "found"),
    [
        ('model.save_pretrained("lora_model")', "lora_model", 32, True),
        ("", "outputs/checkpoint-60", 32, True),
        ('model.save_pretrained("lora_model")', "lora_model", 16, False),
        ('model.save_pretrained("lora_model")', "another_model", 32, False),
        ('model.save_pretrained_merged("stage_one", tokenizer)', "stage_one", 32, False),
    ],
)
def test_unsloth_refuses_another_adapter_over_the_one_that_it_finds(
    tmp_path: Path, one_file: bool, save: str, folder: str, alpha: int, found: bool
) -> None:
    again = ROUND.format(model=folder, alpha=alpha, out="outputs2")
    first = FIRST_ROUND + save + "\n"
    place = tmp_path / "again.py"
    place.write_text(UNSLOTH + (first if one_file else "") + again)
    if not one_file:
        (tmp_path / "train.py").write_text(UNSLOTH + first)
    report = lora_lint.lint(place)
    assert ("LL414" in {finding.code for finding in report.findings}) is found


def test_unsloth_finds_the_adapter_of_a_program_with_plain_training_arguments(tmp_path: Path) -> None:
    first = FIRST_ROUND.replace("SFTConfig(", "TrainingArguments(") + 'model.save_pretrained("lora_model")\n'
    head = UNSLOTH.replace(
        "import SFTConfig, SFTTrainer", "import SFTTrainer\nfrom transformers import TrainingArguments"
    )
    (tmp_path / "train.py").write_text(head + first)
    for alpha, found in ((32, True), (16, False)):
        place = tmp_path / "again.py"
        place.write_text(UNSLOTH + ROUND.format(model="lora_model", alpha=alpha, out="outputs2"))
        assert ("LL414" in {finding.code for finding in lora_lint.lint(place).findings}) is found
