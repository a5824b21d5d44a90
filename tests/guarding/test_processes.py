"""A guard in two processes: each looks at its own model, one reports."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import torch  # noqa: F401  (marks the module as one that needs it)

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """\
import os
import sys
import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

import lora_lint

rank = int(os.environ["RANK"])
rows = [{"input_ids": [5, 6, 7, 8], "labels": [5, 6, 7, 8]}] * 8


def train(targets):
    model = AutoModelForCausalLM.from_pretrained(sys.argv[1])
    model = get_peft_model(model, LoraConfig(r=4, lora_alpha=64, target_modules=targets))
    arguments = TrainingArguments("out", max_steps=2, learning_rate=2e-4, report_to="none", use_cpu=True, save_steps=2)
    guard = lora_lint.Guard(report_to="report.json")
    Trainer(model=model, args=arguments, train_dataset=Dataset.from_list(rows), callbacks=[guard]).train()
    return guard.report


try:
    train(["q_proj", "query"] if rank == 1 else ["q_proj"])
except lora_lint.LoraLintError as error:
    print("raised", rank, [each.code for each in error.report.findings], flush=True)
report = train(["q_proj", "v_proj"])
print("done", rank, [each.code for each in report.findings], report.facts["first_step"]["moved"], flush=True)
torch.distributed.destroy_process_group()
"""


@pytest.mark.process
def test_two_processes_report_once(places: dict[str, Path], tmp_path: Path) -> None:
    """A fault that one process alone has ends both of them; each finding is logged by one."""
    (tmp_path / "train.py").write_text(PROGRAM)
    line = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "train.py"]
    done = subprocess.run([*line, str(places["llama"])], capture_output=True, text=True, timeout=300, check=False)
    said = sorted(each for each in done.stdout.splitlines() if each.startswith(("raised", "done")))
    assert said == [
        "done 0 ['LL104'] 4",
        "done 1 ['LL104'] 4",
        "raised 0 ['LL104', 'LL202']",
        "raised 1 ['LL104', 'LL202']",
    ], done.stderr
    assert done.stderr.count("LL202 unmatched-target-module") == 1
    assert done.stderr.count("LL104 scale-out-of-range") == 2
