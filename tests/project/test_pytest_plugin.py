"""The pytest plugin on files; on models it is tested with the guard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.pytest_plugin import assert_lints_clean

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules="all-linear"))
Trainer(model=model, args=TrainingArguments("out", learning_rate=2e-4)).train()
"""


def test_a_clean_file(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(GOOD)
    assert_lints_clean(tmp_path / "train.py")


def test_a_file_with_a_finding(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(GOOD.replace("lora_alpha=16", "lora_alpha=160"))
    with pytest.raises(pytest.fail.Exception, match=r"train\.py:5:\d+: warning LL104 scale-out-of-range"):
        assert_lints_clean(tmp_path / "train.py")
    assert_lints_clean(tmp_path / "train.py", ignore=["LL104"])


def test_advice_counts_unless_it_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(GOOD.replace("r=8, lora_alpha=16", "r=32, lora_alpha=32"))
    with pytest.raises(pytest.fail.Exception, match="LL102"):
        assert_lints_clean(tmp_path / "train.py")
    assert_lints_clean(tmp_path / "train.py", level="warning")
