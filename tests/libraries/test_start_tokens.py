"""LL425: which programs tokenize what a chat template has written with another start token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.knowledge.names import starts_twice
from lora_lint.linting import engine
from lora_lint.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """\
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling, Trainer
from transformers import TrainingArguments
from trl import SFTConfig, SFTTrainer

name = "{name}"
tokenizer = AutoTokenizer.from_pretrained(name)
model = AutoModelForCausalLM.from_pretrained(name)
config = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear")
data = load_dataset("json", data_files="chats.jsonl", split="train")
{functions}
{trainer}.train()
"""
LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
COLUMN = 'data = data.map(lambda row: {"text": tokenizer.apply_chat_template(row["messages"], tokenize=False)})\n'
TEMPLATE = "tokenizer.apply_chat_template(row['messages'], tokenize=False)"
SFT = 'SFTTrainer(model, args=SFTConfig("out"{settings}), train_dataset=data, peft_config=config{arguments})'
PLAIN = (
    'Trainer(get_peft_model(model, config), TrainingArguments("out"), '
    "DataCollatorForLanguageModeling(tokenizer, mlm=False), data)"
)


def sft(settings: str = "", arguments: str = "") -> str:
    return SFT.format(settings=settings, arguments=arguments)


def twice(tmp_path: Path, functions: str, trainer: str, name: str = LLAMA) -> bool:
    """Whether a program is found."""
    program = tmp_path / "train.py"
    program.write_text(PROGRAM.format(name=name, functions=functions, trainer=trainer))
    outcome = engine.lint([str(program)], Settings(root=str(tmp_path), select=frozenset({"LL425"})), jobs=1)
    return [finding.code for finding in outcome.findings] == ["LL425"]


def function(*lines: str) -> str:
    """A function that the data is mapped with."""
    return "\ndef change(row):\n" + "".join(f"    {line}\n" for line in lines) + "data = data.map(change)\n"


@pytest.mark.parametrize(
    ("functions", "trainer"),
    [
        (COLUMN, sft()),
        (COLUMN.replace('"text"', '"chat"'), sft(', dataset_text_field="chat"')),
        (function(f"text = {TEMPLATE}", "return {'text': text}"), sft()),
        (function(f"row['text'] = {TEMPLATE}", "return row"), sft()),
        (f"\ndef written(row):\n    return {TEMPLATE}\n", sft("", ", formatting_func=written")),
        ("", sft("", f", formatting_func=lambda row: {TEMPLATE}")),
        (function(f"text = {TEMPLATE}", "return tokenizer(text, truncation=True)"), PLAIN),
        (function(f"return tokenizer({TEMPLATE})"), PLAIN),
        (COLUMN + function("return tokenizer(row['text'], truncation=True)"), PLAIN),
    ],
)
def test_two_start_tokens(tmp_path: Path, functions: str, trainer: str) -> None:
    assert twice(tmp_path, functions, trainer)
    assert not twice(tmp_path, functions, trainer, "Qwen/Qwen2.5-3B-Instruct")
    assert not twice(tmp_path, functions, trainer, "meta-llama/Llama-3.1-8B")


@pytest.mark.parametrize(
    ("functions", "trainer"),
    [
        (COLUMN, sft(', dataset_text_field="other"')),
        (COLUMN, sft(', dataset_kwargs={"add_special_tokens": False}')),
        ("tokenizer.add_bos_token = False\n" + COLUMN, sft()),
        ("tokenizer.chat_template = ours\n" + COLUMN, sft()),
        (COLUMN.replace("tokenize=False", "tokenize=True"), sft()),
        (COLUMN.replace("tokenize=False", "tokenize=False, add_generation_prompt=True"), sft()),
        (function(f"return tokenizer({TEMPLATE}, add_special_tokens=False)"), PLAIN),
        (f"\ndef asked(row):\n    return tokenizer({TEMPLATE})\n", sft()),  # for an answer, not for the training
        ("from unsloth import FastLanguageModel\n" + COLUMN, sft()),
    ],
)
def test_one_start_token(tmp_path: Path, functions: str, trainer: str) -> None:
    assert not twice(tmp_path, functions, trainer)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("meta-llama/Meta-Llama-3-8B-Instruct", True),
        ("meta-llama/Llama-2-7b-chat-hf", True),
        ("google/gemma-3-4b-it", True),
        ("google/gemma-2b-it", True),
        ("mistralai/Mistral-7B-Instruct-v0.3", True),
        ("google/gemma-2-2b", False),
        ("TinyLlama/TinyLlama-1.1B-Chat-v1.0", False),
        ("microsoft/Phi-3-mini-4k-instruct", False),
    ],
)
def test_models(name: str, expected: bool) -> None:
    assert starts_twice(name) is expected
