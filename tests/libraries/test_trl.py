"""What TRL makes of what its trainers are given; the releases are those of TRL 0.15.0 to 1.16.0."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lora_lint import discovery
from lora_lint.linting.checker import Checker
from lora_lint.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint.finding import Finding

GRPO = """\
from peft import LoraConfig
from trl import GRPOConfig, GRPOTrainer

lora = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
args = GRPOConfig("out", {})
GRPOTrainer("Qwen/Qwen2.5-7B-Instruct", reward_funcs=score, args=args, train_dataset=data, peft_config=lora).train()
"""
FORMAT = """\
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

lora = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
{}
SFTTrainer("Qwen/Qwen2.5-7B", SFTConfig("out"), train_dataset=data, peft_config=lora, formatting_func=as_text).train()
"""
ZIPPED = "def as_text(rows):\n    return [q + a for q, a in zip(rows['q'], rows['a'])]\n"
INDEXED = """\
def as_text(rows):
    texts = []
    for i in range(len(rows['q'])):
        texts.append(rows['q'][i] + rows['a'][i])
    return texts
"""


def findings(folder: Path, name: str, text: str, **others: str) -> dict[str, Finding]:
    """The findings of a program in a repository with other files, by rule."""
    (folder / ".git").mkdir()
    for other, content in others.items():
        (folder / other.replace("_", ".")).write_text(content, encoding="utf-8")
    path = folder / name
    path.write_text(text, encoding="utf-8")
    kind = "notebook" if name.endswith(".ipynb") else "python"
    found = discovery.Found(path.as_posix(), kind, path.read_bytes(), True)
    return {each.code: each for each in Checker(Settings(root=folder.as_posix())).check(found).findings}


def notebook(text: str) -> str:
    cell = {"cell_type": "code", "metadata": {}, "source": text, "outputs": [], "execution_count": None}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@pytest.mark.parametrize(
    ("settings", "wanted", "told"),
    [
        ("per_device_train_batch_size=1, gradient_accumulation_steps=4", "", True),
        ("per_device_train_batch_size=2, gradient_accumulation_steps=4", "", False),
        ("num_generations=6", "", True),
        ("num_generations=4", "", False),
        ("per_device_train_batch_size=1, gradient_accumulation_steps=4, steps_per_generation=8", "", False),
        ("per_device_train_batch_size=4, gradient_accumulation_steps=2", "trl==0.16.1", True),
        ("per_device_train_batch_size=4, gradient_accumulation_steps=2", "trl==0.17.0", False),
    ],
)
def test_groups_of_generations_fill_a_batch(tmp_path: Path, settings: str, wanted: str, told: bool) -> None:
    found = findings(tmp_path, "train.ipynb", notebook(GRPO.format(settings)), requirements_txt=wanted)
    assert ("LL904" in found) is told


def test_the_processes_that_fill_a_batch_have_to_be_known(tmp_path: Path) -> None:
    settings = "per_device_train_batch_size=1, gradient_accumulation_steps=4"
    (plain := tmp_path / "plain").mkdir()
    assert "LL904" not in findings(plain, "train.py", GRPO.format(settings))
    (enough := tmp_path / "enough").mkdir()
    launch = "accelerate launch --num_processes 8 train.py\n"
    assert "LL904" not in findings(enough, "train.py", GRPO.format(settings), run_sh=launch)
    (few := tmp_path / "few").mkdir()
    assert "LL904" in findings(few, "train.py", GRPO.format(settings), run_sh=launch.replace("8", "3"))
    (patched := tmp_path / "patched").mkdir()
    program = f"from unsloth import FastLanguageModel\n{GRPO.format(settings)}"
    assert "LL904" not in findings(patched, "train.ipynb", notebook(program))


@pytest.mark.parametrize(
    ("settings", "wanted", "told"),
    [
        ("per_device_train_batch_size=1, gradient_accumulation_steps=1, num_generations=16", "", True),
        ("per_device_train_batch_size=1, gradient_accumulation_steps=2, num_generations=16", "", False),
        ("per_device_train_batch_size=2, gradient_accumulation_steps=1, num_generations=14", "", False),
        ("per_device_train_batch_size=1, gradient_accumulation_steps=4, num_generations=16", "trl==0.15.1", True),
        ("per_device_train_batch_size=2, gradient_accumulation_steps=4, num_generations=16", "trl==0.15.1", False),
        ("per_device_train_batch_size=size, gradient_accumulation_steps=1, num_generations=16", "", False),
    ],
)
def test_batches_that_no_machine_fills(tmp_path: Path, settings: str, wanted: str, told: bool) -> None:
    program = GRPO.format(settings)
    (plain := tmp_path / "plain").mkdir()
    found = findings(plain, "train.py", program, requirements_txt=wanted)
    assert ("LL904" in found) is told
    if told:
        assert found["LL904"].confidence == "likely"
    (large := tmp_path / "large").mkdir()
    launch = "accelerate launch --num_processes 16 train.py\n"
    others = {"requirements_txt": wanted, "run_sh": launch}
    assert not told or "LL904" not in findings(large, "train.py", program, **others)
    (patched := tmp_path / "patched").mkdir()
    assert "LL904" not in findings(patched, "train.py", f"import unsloth\n{program}", requirements_txt=wanted)


@pytest.mark.parametrize(
    ("function", "wanted", "told"),
    [
        (ZIPPED, "", True),
        (ZIPPED, "trl==0.17.0", True),
        (ZIPPED, "trl==0.16.1", False),
        (INDEXED, "trl==0.20.0", False),
        (INDEXED, "trl>=0.21", True),
        ("def as_text(row):\n    text = row['q']\n    return [text]\n", "", True),
        ("as_text = lambda row: [row['q']]\n", "", True),
        ("as_text = lambda row: row['q']\n", "", False),
        ("def as_text(row):\n    if row['q']:\n        return row['q']\n    return []\n", "", False),
        ("def as_text(row):\n    parts = [row['q'], row['a']]\n    return ' '.join(parts)\n", "", False),
        ("def as_text(row):\n    parts = []\n    parts = str(parts)\n    return parts\n", "", False),
        ("def as_text(row):\n    def inner():\n        return []\n    return str(inner())\n", "", False),
        (f"import unsloth\n{ZIPPED}", "", False),
    ],
)
def test_rows_are_formatted_one_by_one(tmp_path: Path, function: str, wanted: str, told: bool) -> None:
    found = findings(tmp_path, "train.py", FORMAT.format(function), requirements_txt=wanted)
    assert ("LL902" in found) is told


@pytest.mark.parametrize(
    ("old", "told"),
    [("max_seq_length=512", False), ("dataset_text_field='text'", False), ("processing_class=tokenizer", True)],
)
def test_a_program_for_releases_that_format_batches(tmp_path: Path, old: str, told: bool) -> None:
    program = FORMAT.format(ZIPPED).replace("formatting_func=as_text", f"formatting_func=as_text, {old}")
    assert ("LL902" in findings(tmp_path, "train.py", program)) is told


@pytest.mark.parametrize(
    ("reference", "settings", "wanted", "told"),
    [
        ("reference", "", "trl==0.27.2", True),
        ("reference", "", "trl==0.28.0", False),
        ("reference", "", "", False),
        ("None", "", "trl==0.27.2", False),
        ("given()", "", "trl==0.27.2", False),
        ("reference", ", force_use_ref_model=True", "trl==0.27.2", False),
    ],
)
def test_a_reference_beside_an_adapter(tmp_path: Path, reference: str, settings: str, wanted: str, told: bool) -> None:
    program = (
        "from peft import LoraConfig\nfrom transformers import AutoModelForCausalLM\n"
        "from trl import DPOConfig, DPOTrainer\nfrom mine import given\n"
        "model = AutoModelForCausalLM.from_pretrained('Qwen/Qwen2.5-7B')\n"
        "reference = AutoModelForCausalLM.from_pretrained('Qwen/Qwen2.5-7B')\n"
        "lora = LoraConfig(r=8, lora_alpha=16, target_modules=['q_proj'], task_type='CAUSAL_LM')\n"
        f"args = DPOConfig('out'{settings})\n"
        f"DPOTrainer(model, ref_model={reference}, args=args, train_dataset=data, peft_config=lora).train()\n"
    )
    assert ("LL904" in findings(tmp_path, "train.py", program, requirements_txt=wanted)) is told


REWARDED = """\
from peft import LoraConfig
from trl import GRPOConfig, GRPOTrainer

lora = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")


def asked(row):
    return {0}


{1}

data = load().map(asked)
args = GRPOConfig("out")
GRPOTrainer("Qwen/Qwen2.5-7B-Instruct", [score], args, train_dataset=data, peft_config=lora).train()
"""
MESSAGES = "{'prompt': [{'role': 'user', 'content': row['question']}]}"
SEARCHED = "def score(completions, **kwargs):\n    return [float(re.match('a', c) is not None) for c in completions]\n"


@pytest.mark.parametrize(
    ("prompt", "function", "told"),
    [
        (MESSAGES, SEARCHED, True),
        ("{'prompt': row['question']}", SEARCHED, False),
        ("{'prompt': tokenizer.apply_chat_template(row['messages'], tokenize=False)}", SEARCHED, False),
        (f"{MESSAGES} if row else {{'prompt': 'Hello'}}", SEARCHED, False),
        ("{'question': row['question']}", SEARCHED, False),
        (MESSAGES, SEARCHED.replace("'a', c)", "'a', c[0]['content'])"), False),
        (MESSAGES, SEARCHED.replace("    return", "    completions = texts(completions)\n    return"), False),
        (MESSAGES, f"@on_texts\n{SEARCHED}", False),
        (MESSAGES, "def score(prompts, completions):\n    return [len(c) for c in completions]\n", False),
        (
            MESSAGES,
            "def score(completions, answer, **kwargs):\n    found = []\n    for c, a in zip(completions, answer):\n"
            "        found.append(float(c.strip() == a))\n    return found\n",
            True,
        ),
        (
            MESSAGES,
            "def score(completions, answer, **kwargs):\n    found = []\n    for i, c in enumerate(completions):\n"
            "        if isinstance(c, list):\n            c = c[0]['content']\n"
            "        found.append(float(c.strip() == answer[i]))\n    return found\n",
            False,
        ),
        (
            MESSAGES,
            "def score(completions, **kwargs):\n    found = []\n    for c in completions:\n        c = text(c)\n"
            "        found.append(float(c.strip() == ''))\n    return found\n",
            False,
        ),
    ],
)
@pytest.mark.parametrize("name", ["train.py", "train.ipynb"])
def test_rewards_of_messages(tmp_path: Path, prompt: str, function: str, told: bool, name: str) -> None:
    program = f"import re\n{REWARDED.format(prompt, function)}"
    found = findings(tmp_path, name, notebook(program) if name.endswith("nb") else program)
    assert ("LL902" in found) is told
