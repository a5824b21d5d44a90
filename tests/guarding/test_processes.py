"""A guard in two processes: each looks at its own model, or at its own part of one, and one reports."""

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
said = open(f"said-{rank}", "w")
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
    print("raised", rank, [each.code for each in error.report.findings], file=said, flush=True)
report = train(["q_proj", "v_proj"])
print("done", rank, [each.code for each in report.findings], report.facts["first_step"]["moved"], file=said, flush=True)
torch.distributed.destroy_process_group()
"""

SHARDED = """\
import sys
import torch
from peft import LoraConfig, get_peft_model
from torch.distributed import device_mesh, fsdp
from transformers import AutoModelForCausalLM

import lora_lint

torch.distributed.init_process_group("gloo")
rank = torch.distributed.get_rank()
said = open(f"said-{rank}", "w")
mesh = device_mesh.init_device_mesh("cpu", (2,))


def fsdp1(model):
    return fsdp.FullyShardedDataParallel(model, use_orig_params=True, device_id=torch.device("cpu"))


def fsdp2(model):
    for layer in model.base_model.model.model.layers:
        fsdp.fully_shard(layer, mesh=mesh)
    return fsdp.fully_shard(model, mesh=mesh)


def train(shard, targets):
    model = AutoModelForCausalLM.from_pretrained(sys.argv[1])
    model = shard(get_peft_model(model, LoraConfig(r=4, lora_alpha=64, target_modules=targets)))
    optimizer = torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], lr=2e-4)
    batch = torch.tensor([[5, 6, 7, 8]])
    with lora_lint.guard(model, optimizer) as watch:
        for _ in range(2):
            model(input_ids=batch, labels=batch).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    return watch.report


for shard in (fsdp1, fsdp2):
    try:
        train(shard, ["q_proj", "query"])
    except lora_lint.LoraLintError as error:
        print("raised", shard.__name__, rank, [each.code for each in error.report.findings], file=said, flush=True)
    report = train(shard, ["q_proj", "v_proj"])
    step = report.facts["first_step"]
    held = step["lora_B"]
    codes = [each.code for each in report.findings]
    print("done", shard.__name__, rank, codes, held, step["moved"], report.notes, file=said, flush=True)
torch.distributed.destroy_process_group()
"""


def run_in_two_processes(program: str, model: Path, folder: Path) -> tuple[list[str], str]:
    """The lines that two processes write to files of their own, in order, and what they print on stderr."""
    (folder / "train.py").write_text(program)
    line = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "train.py"]
    done = subprocess.run([*line, str(model)], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    said = sorted(line for file in folder.glob("said-*") for line in file.read_text().splitlines())
    assert said, done.stderr
    return said, done.stderr


@pytest.mark.process
def test_two_processes_report_once(places: dict[str, Path], tmp_path: Path) -> None:
    """A fault that one process alone has ends both of them; each finding is logged by one."""
    said, stderr = run_in_two_processes(PROGRAM, places["llama"], tmp_path)
    assert said == [
        "done 0 ['LL104'] 4",
        "done 1 ['LL104'] 4",
        "raised 0 ['LL104', 'LL202']",
        "raised 1 ['LL104', 'LL202']",
    ], stderr
    assert stderr.count("LL202 unmatched-target-module") == 1
    assert stderr.count("LL104 scale-out-of-range") == 2


@pytest.mark.process
def test_each_process_looks_at_its_own_shard(places: dict[str, Path], tmp_path: Path) -> None:
    """FSDP 1 splits the four `lora_B` one after another: what another process holds has no gradient here, and that is
    no fault. FSDP 2 splits each of them."""
    said, stderr = run_in_two_processes(SHARDED, places["llama"], tmp_path)
    assert said == [
        "done fsdp1 0 ['LL104'] 2 2 ()",
        "done fsdp1 1 ['LL104'] 2 2 ()",
        "done fsdp2 0 ['LL104'] 4 4 ()",
        "done fsdp2 1 ['LL104'] 4 4 ()",
        *(f"raised {way} {rank} ['LL104', 'LL202']" for way in ("fsdp1", "fsdp2") for rank in (0, 1)),
    ], stderr
    assert stderr.count("LL202 unmatched-target-module") == 2, "once for each training"
