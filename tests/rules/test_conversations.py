"""LL421 and LL422: what writes conversations, and the order of imports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.linting import engine
from lora_lint.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

BASE = "meta-llama/Llama-3.2-1B"
PROGRAM = """\
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments

tokenizer = AutoTokenizer.from_pretrained("{tokenizer}")
model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.2-1B")
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj"], task_type="CAUSAL_LM"))


def write(row):
{body}


rows = load_dataset("json", data_files="chats.jsonl", split="train").map(write)
{more}
Trainer(model=model, args=TrainingArguments("out", learning_rate=2e-4), train_dataset=rows).train()
"""
APPLIED = "    return tokenizer(tokenizer.apply_chat_template(row['messages'], tokenize=False))"
VERL = (
    "python3 -m verl.trainer.main_ppo algorithm.adv_estimator=grpo data.train_files=a.parquet "
    f"actor_rollout_ref.model.lora_rank=8 actor_rollout_ref.model.path={BASE}"
)
RLHF = f"deepspeed --module openrlhf.cli.train_sft --pretrain {BASE} --dataset a/b --lora_rank 8 --apply_chat_template"


def codes(folder: Path) -> list[str]:
    found = engine.lint([folder.as_posix()], Settings(select=("LL421", "LL422")), jobs=1).findings
    return [each.code for each in found]


@pytest.mark.parametrize(
    ("tokenizer", "body", "more", "found"),
    [
        (BASE, APPLIED, "", True),
        (f"{BASE}-Instruct", APPLIED, "", False),
        (BASE, "    return tokenizer(row['text'])", "", False),
        (BASE, "    return tokenizer(row['text'])", "def chat(row):\n    tokenizer.apply_chat_template(row)\n", False),
        (BASE, APPLIED, "tokenizer.chat_template = open('a.jinja').read()", False),
        (BASE, f"    if row['chat']:\n    {APPLIED}", "", False),
        (BASE, APPLIED, f"other = AutoTokenizer.from_pretrained('{BASE}-Instruct')", False),
    ],
)
def test_programs(tmp_path: Path, tokenizer: str, body: str, more: str, found: bool) -> None:
    (tmp_path / "train.py").write_text(PROGRAM.format(tokenizer=tokenizer, body=body, more=more))
    assert codes(tmp_path) == ["LL421"] * found


@pytest.mark.parametrize(("version", "found"), [("4.43.4", False), ("4.44.0", True)])
def test_older_releases_have_templates_of_their_own(tmp_path: Path, version: str, found: bool) -> None:
    (tmp_path / "requirements.txt").write_text(f"transformers=={version}\n")
    (tmp_path / "train.py").write_text(PROGRAM.format(tokenizer=BASE, body=APPLIED, more=""))
    assert codes(tmp_path) == ["LL421"] * found


@pytest.mark.parametrize(
    ("command", "found"),
    [
        (VERL, True),
        (f"{VERL}-Instruct", False),
        (f"{VERL} +actor_rollout_ref.model.custom_chat_template=x", False),
        (RLHF, True),
        (f"{RLHF} --tokenizer_chat_template x", False),
        (RLHF.replace(" --apply_chat_template", ""), False),
    ],
)
def test_commands(tmp_path: Path, command: str, found: bool) -> None:
    (tmp_path / "run.sh").write_text(f"{command}\n")
    assert codes(tmp_path) == ["LL421"] * found


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ('{"messages": [{"role": "user", "content": "a"}]}', True),
        ('{"prompt": "a", "completion": "b"}', True),
        ('{"text": "a b"}', False),
    ],
)
def test_rows_of_mlx(tmp_path: Path, row: str, found: bool) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.jsonl").write_text(f"{row}\n")
    (tmp_path / "run.sh").write_text(f"mlx_lm.lora --model {BASE} --train --data data --iters 500\n")
    assert codes(tmp_path) == ["LL421"] * found


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ("", True),
        ("chat_template: tokenizer_default", True),
        ("chat_template: chatml", False),
        ("chat_template_jinja: a", False),
        (f"tokenizer_config: {BASE}-Instruct", False),
    ],
)
def test_axolotl(tmp_path: Path, settings: str, found: bool) -> None:
    (tmp_path / "a.yaml").write_text(
        f"base_model: {BASE}\nadapter: lora\nlora_r: 8\nlora_alpha: 16\nlora_target_linear: true\n"
        f"datasets: [{{path: a.jsonl, type: chat_template}}]\nmicro_batch_size: 2\nlearning_rate: 2e-4\n{settings}\n"
    )
    assert codes(tmp_path) == ["LL421"] * found


UNSLOTH = """\
{imports}

model, tokenizer = FastLanguageModel.from_pretrained("unsloth/Qwen2.5-3B")
model = FastLanguageModel.get_peft_model(model, r=8)
SFTTrainer(model=model, train_dataset=rows, args=SFTConfig("out", learning_rate=2e-4)).train()
"""


@pytest.mark.parametrize(
    ("imports", "found"),
    [
        ("from trl import SFTConfig, SFTTrainer\nfrom unsloth import FastLanguageModel", True),
        ("from trl import SFTConfig\nfrom unsloth import FastLanguageModel\nfrom trl import SFTTrainer", False),
        ("import unsloth\nfrom trl import SFTConfig, SFTTrainer\nfrom unsloth import FastLanguageModel", False),
        ("import mine\nfrom trl import SFTConfig, SFTTrainer\nfrom unsloth import FastLanguageModel", False),
        ("import os\nfrom trl.trainer.sft_trainer import SFTTrainer\nfrom unsloth import FastLanguageModel", True),
    ],
)
def test_the_order_of_imports(tmp_path: Path, imports: str, found: bool) -> None:
    (tmp_path / "train.py").write_text(UNSLOTH.format(imports=imports))
    assert codes(tmp_path) == ["LL422"] * found
