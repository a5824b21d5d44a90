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


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [
        *((key, "rank", 8) for key in ("lora_r", "lora_rank", "peft_r", "r", "rank", "model.lora_r", "lora-rank")),
        *((key, "alpha", 16) for key in ("lora_alpha", "peft_alpha", "alpha")),
        *((key, "use_rslora", True) for key in ("use_rslora", "rslora", "peft_use_rslora", "lora_use_rslora")),
    ],
)
def test_spellings_of_the_settings(key: str, field: str, value: object) -> None:
    rank = "" if field == "rank" else "  lora_r:\n    values: [8, 32]\n"
    swept = f"  {key}:\n    value: {value}\n"
    (run, *_) = config(f"method: grid\nname: lora\nparameters:\n{rank}{swept}", "sweep.yaml").runs
    assert plain(getattr(run.adapter, field)) == value
    assert run.adapter.key(field) == key


@pytest.mark.parametrize("method", ["grid", "random", "bayes"])
def test_methods_of_sweeps(method: str) -> None:
    assert len(config(SWEEP.replace("grid", method), "sweep.yaml").runs) == 2
    assert config(SWEEP.replace("grid", "hill-climbing"), "sweep.yaml").runs == ()


@pytest.mark.parametrize(
    ("key", "value", "name"),
    [
        *((key, "gpt2", "name") for key in ("model_name_or_path", "base_model", "model_name", "model", "model_id")),
        *((key, 1e-4, "learning_rate") for key in ("learning_rate", "lr")),
    ],
)
def test_what_a_sweep_holds_fixed(key: str, value: object, name: str) -> None:
    run = config(f"{SWEEP}  {key}:\n    value: {value}\n", "sweep.yaml").runs[0]
    assert plain(getattr(run.model if name == "name" else run.training, name)) == value


@pytest.mark.parametrize(
    ("distribution", "ranks"),
    [
        *((f"    distribution: {name}\n", {4, 64}) for name in ("int_uniform", "uniform", "q_uniform")),
        *((f"    distribution: {name}\n", {4, 64}) for name in ("q_log_uniform_values", "log_uniform_values")),
        ("", {4, 64}),
        ("    distribution: q_log_uniform\n", set()),
    ],
)
def test_distributions_of_the_rank(distribution: str, ranks: set[int]) -> None:
    text = f"method: bayes\nparameters:\n  lora_r:\n{distribution}    min: 4\n    max: 64\n"
    assert {plain(run.adapter.rank) for run in config(text, "sweep.yaml").runs} == ranks
