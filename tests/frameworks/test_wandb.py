"""W&B sweep files that start a program of the project: read together with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.reading import config, plain

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint.run.run import Sweep

OPTIONS = """\
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--lora_r", type=int, default=8)
parser.add_argument("--lora_alpha", type=int, default=16)
args = parser.parse_args()
"""
CONFIGURED = "import wandb\nrun = wandb.init()\nargs = wandb.config\n"
TRAIN = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

{source}
model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
model = get_peft_model(model, LoraConfig(r=args.lora_r, lora_alpha={alpha}, target_modules=["c_attn"]))
Trainer(model=model, args=TrainingArguments("out")).train()
"""
SWEEP = "program: train.py\nmethod: grid\nparameters:\n  lora_r:\n    values: [8, 32]\n"


def swept(folder: Path, source: str, alpha: str, text: str = SWEEP) -> Sweep:
    (folder / "train.py").write_text(TRAIN.format(source=source, alpha=alpha), encoding="utf-8")
    (sweep,) = config(text, "sweep.yaml", folder).sweeps
    return sweep


def points(sweep: Sweep) -> list[tuple[object, object]]:
    return [(plain(run.adapter.rank), plain(run.adapter.alpha)) for run in sweep.runs]


@pytest.mark.parametrize("source", [OPTIONS, CONFIGURED], ids=["options", "wandb.config"])
@pytest.mark.parametrize(
    ("alpha", "expected"),
    [("16", [(8, 16), (32, 16)]), ("2 * args.lora_r", [(8, 16), (32, 64)])],
    ids=["fixed", "tied"],
)
def test_alpha_is_what_the_program_makes_of_it(source: str, alpha: str, expected: list[object], tmp_path: Path) -> None:
    sweep = swept(tmp_path, source, alpha)
    assert sweep.kind.phrase == "W&B sweep"
    assert points(sweep) == expected
    assert sweep.runs[0].adapter.key("rank") == "lora_r"
    rank = sweep.runs[1].adapter.rank
    assert rank.span is not None and rank.span.path.endswith("sweep.yaml")  # type: ignore[union-attr]


def test_a_default_of_the_program(tmp_path: Path) -> None:
    assert points(swept(tmp_path, OPTIONS, "args.lora_alpha")) == [(8, 16), (32, 16)]


def test_constants_of_the_sweep_and_of_its_command(tmp_path: Path) -> None:
    constant = f"{SWEEP}  lora_alpha:\n    value: 64\n"
    assert points(swept(tmp_path, OPTIONS, "args.lora_alpha", constant)) == [(8, 64), (32, 64)]
    command = SWEEP + "command: ['${env}', python, '${program}', --lora_alpha=4, '${args}']\n"
    assert points(swept(tmp_path, OPTIONS, "args.lora_alpha", command)) == [(8, 4), (32, 4)]


def test_alpha_that_is_drawn(tmp_path: Path) -> None:
    drawn = f"{SWEEP}  lora_alpha:\n    distribution: normal\n    mu: 16\n    sigma: 2\n"
    assert {alpha for _, alpha in points(swept(tmp_path, OPTIONS, "args.lora_alpha", drawn))} == {plain(None)}


def test_a_program_that_is_not_understood(tmp_path: Path) -> None:
    sweep = swept(tmp_path, "args = read_arguments()", "args.lora_alpha")
    assert points(sweep) == [(8, plain(None)), (32, plain(None))]
