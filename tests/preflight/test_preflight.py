"""`lora-lint preflight` as a process: what it finds in programs, and that nothing is trained or saved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
TRAINER = """\
import sys
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

model = AutoModelForCausalLM.from_pretrained(sys.argv[1])
targets = sys.argv[2].split(",")
model = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules=targets))
rows = [{"input_ids": [5, 6, 7, 8], "labels": [5, 6, 7, 8]}] * 8
arguments = TrainingArguments("out", max_steps=2, learning_rate=2e-4, use_cpu=True)
trainer = Trainer(model=model, args=arguments, train_dataset=Dataset.from_list(rows))
print("the program speaks")
try:
    trainer.train()
finally:
    trainer.save_model("saved")
"""
LOOP = """\
import sys
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained(sys.argv[1])
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)
model = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules="all-linear"))
open("log.txt", "w").close()


def closure():
    loss = model(input_ids=torch.tensor([[5, 6, 7]]), labels=torch.tensor([[5, 6, 7]])).loss
    loss.backward()
    return loss


for _ in range(3):
    optimizer.step(closure=closure)
open("trained.txt", "w").close()
"""


CELLS = ["%matplotlib inline\n!pip install -q peft", LOOP.replace("optimizer = ", "import os\noptimizer = ", 1)]
BROKEN = LOOP.replace("for _ in", "model.peft_config['default'].target_modules = 3\nfor _ in").replace(
    "    optimizer.step(closure=closure)",
    "    try:\n        optimizer.step(closure=closure)\n    except Exception:\n        pass",
)
ELSEWHERE = """\
import torch
from datasets import load_dataset
from transformers import TrainingArguments

arguments = TrainingArguments("out", fp16=True, tf32=True)
print("use_cpu", arguments.use_cpu, arguments.fp16)
load_dataset("some-org/some-data")
"""


def preflight(*arguments: str | Path, expected: int, search: Path = ROOT) -> tuple[list[Any], str]:
    """The findings, none for a call that makes no sense, and what stands on stderr."""
    line = [sys.executable, "-m", "lora_lint", "preflight", "--output-format", "json", *map(str, arguments)]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, {search: None, ROOT: None})),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }
    done = subprocess.run(line, capture_output=True, text=True, timeout=400, check=False, env=environment)
    assert done.returncode == expected, done.stderr
    return json.loads(done.stdout)["findings"] if done.stdout else [], done.stderr


@pytest.mark.process
def test_a_trainer_under_a_launcher(places: dict[str, Path], tmp_path: Path) -> None:
    """Two processes: what both find is reported once, nothing is trained, and not even `finally` runs."""
    (tmp_path / "train.py").write_text(TRAINER)
    launch = f"{sys.executable} -m torch.distributed.run --standalone --nproc_per_node 2"
    found, said = preflight("--launch", launch, "train.py", "--", places["llama"], "q_proj,query", expected=1)
    [finding] = found
    assert (finding["code"], finding["path"], finding["line"]) == ("LL202", "train.py", 8)
    assert "runs train.py" in said
    assert "the program speaks" in said
    assert sorted(each.name for each in tmp_path.iterdir()) == ["train.py"]


@pytest.mark.process
def test_a_loop(places: dict[str, Path], tmp_path: Path) -> None:
    """The place of the optimizer is the finding's; files that cannot be led elsewhere are named. The closure, as
    Lightning has one, computes the gradients of the step."""
    (tmp_path / "loop.py").write_text(LOOP)
    [finding], said = preflight("loop.py", "--", places["llama"], expected=1)
    assert (finding["code"], finding["path"], finding["line"]) == ("LL417", "loop.py", 7)
    assert "the program wrote log.txt" in said
    assert not (tmp_path / "trained.txt").exists()


@pytest.mark.process
def test_processes_that_the_program_starts(places: dict[str, Path], tmp_path: Path) -> None:
    """They train as little as the program itself, and it does not go on as if they had."""
    (tmp_path / "loop.py").write_text(LOOP)
    (tmp_path / "sitecustomize.py").write_text("open('customized.txt', 'w').close()\n")
    start = "import subprocess, sys\nsubprocess.run([sys.executable, 'loop.py', sys.argv[1]], check=True)\n"
    (tmp_path / "start.py").write_text(start + "open('trained.txt', 'w').close()\n")
    [finding], _ = preflight("start.py", "--", places["llama"], expected=1, search=tmp_path)
    assert (finding["code"], finding["path"], finding["line"]) == ("LL417", "loop.py", 7)
    assert not (tmp_path / "trained.txt").exists()
    assert (tmp_path / "customized.txt").exists()


@pytest.mark.process
def test_a_notebook(places: dict[str, Path], tmp_path: Path) -> None:
    """Its cells are one program, without magics and shell lines; lines are those of the code cells."""
    cells = [{"cell_type": "code", "source": text, "metadata": {}, "outputs": []} for text in CELLS]
    (tmp_path / "loop.ipynb").write_text(
        json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})
    )
    [finding], _ = preflight("loop.ipynb", "--", places["llama"], expected=1)
    assert (finding["code"], finding["path"], finding["cell"], finding["line"]) == ("LL417", "loop.ipynb", 2, 8)


@pytest.mark.process
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_what_the_machine_does_not_have(tmp_path: Path) -> None:
    """Without a GPU and without the hub: what was changed, what is missing and how to give it."""
    (tmp_path / "train.py").write_text(ELSEWHERE)
    _, said = preflight("train.py", expected=2)
    assert "use_cpu True False" in said
    assert "This machine has no GPU: `fp16` is left out" in said
    assert "some-org/some-data did not come from the hub. A small one of the same type is enough" in said


@pytest.mark.process
def test_an_error_of_ours_does_not_let_the_program_train(places: dict[str, Path], tmp_path: Path) -> None:
    """The program catches all errors, and would go on."""
    (tmp_path / "loop.py").write_text(BROKEN)
    _, said = preflight("loop.py", "--", places["llama"], expected=2)
    assert "lora-lint cannot look at the training of loop.py: TypeError" in said
    assert not (tmp_path / "trained.txt").exists()


@pytest.mark.process
def test_programs_that_do_not_come_to_a_step(tmp_path: Path) -> None:
    (tmp_path / "over.py").write_text("print('nothing to do')\n")
    found, said = preflight("over.py", expected=2)
    assert (found, "over.py ended without a training step" in said) == ([], True)
    (tmp_path / "raises.py").write_text("raise ValueError('no such model')\n")
    found, said = preflight("raises.py", expected=2)
    assert "raises.py failed before its first training step: ValueError: no such model" in said
    assert "Traceback" in said  # the program's own
    (tmp_path / "exits.py").write_text("try:\n    open('rows.json')\nexcept OSError:\n    raise SystemExit(1)\n")
    _, said = preflight("exits.py", expected=2)
    assert "exits.py failed before its first training step: FileNotFoundError" in said
    _, said = preflight("absent.py", expected=2)
    assert "absent.py: no such file" in said
    _, said = preflight("--launch", "no-such-launcher", "over.py", expected=2)
    assert "no-such-launcher cannot be started" in said
    (tmp_path / "plain.py").write_text(
        "import torch\nweight = torch.nn.Parameter(torch.ones(2))\nweight.sum().backward()\n"
        "torch.optim.SGD([weight], lr=1.0).step()\n"
    )
    _, said = preflight("plain.py", expected=2)
    assert "no model has an adapter of PEFT" in said
