"""The snippets of the README and of docs/guard.md, run on a tiny model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

import lora_lint
from tests.guarding.models import tokenizer

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "guard.md").read_text(encoding="utf-8")
SNIPPETS = [
    *re.findall(r"^```python\n(lora_lint\.check.*?)^```", README, re.MULTILINE | re.DOTALL),
    *re.findall(r"^```python (?:check|guard|loop|small|pytest)\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL),
]
ROWS = [{"input_ids": [5, 6, 7], "labels": [5, 6, 7]}] * 4


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_a_snippet_runs(snippet: str, places: dict[str, Path], tmp_path: Path) -> None:
    base = AutoModelForCausalLM.from_pretrained(places["llama"])
    model = get_peft_model(base, LoraConfig(r=4, lora_alpha=8, target_modules="all-linear"))
    arguments = TrainingArguments("out", max_steps=1, learning_rate=2e-4, report_to="none", use_cpu=True)
    (tmp_path / "train.py").write_text("print('no training here')\n")
    objects: dict[str, Any] = {
        "lora_lint": lora_lint,
        "tokenizer": tokenizer(),
        "model": model,
        "trainer": Trainer(model=model, args=arguments, train_dataset=Dataset.from_list(ROWS)),
        "optimizer": torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], lr=2e-4),
        "loader": [{key: torch.tensor([value]) for key, value in row.items()} for row in ROWS],
    }
    exec(compile(snippet, "snippet.py", "exec"), objects)


def test_all_snippets_are_found() -> None:
    assert len(SNIPPETS) == 6
