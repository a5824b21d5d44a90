"""LL101, LL102, LL103, LL104 and LL107 are one system: one of them speaks, and what it proposes lints clean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from lora_lint import engine
from lora_lint.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint.finding import Finding

SYSTEM = frozenset({"LL101", "LL102", "LL103", "LL104", "LL107"})
MODEL = 'AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")'
IMPORTS = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

"""
TRAIN = 'Trainer(get_peft_model(model, config), TrainingArguments("out", learning_rate=2e-4{optim})).train()'


@dataclass(frozen=True)
class Form:
    """One way to write a sweep: alpha as an expression in the rank, rsLoRA, and a comment."""

    alpha: str
    rslora: bool = False
    comment: str = ""

    def with_rank(self, name: str) -> str:
        return self.alpha.replace("RANK", name)


def config(form: Form, rank: str) -> str:
    alpha = f", lora_alpha={form.with_rank(rank)}" if form.alpha else ""
    rslora = ", use_rslora=True" if form.rslora else ""
    return f'LoraConfig(r={rank}{alpha}{rslora}, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")'


def loop(form: Form, optim: str = "") -> dict[str, str]:
    return {
        "train.py": f"""{IMPORTS}{form.comment}
for rank in (8, 16, 32, 64):
    model = {MODEL}
    config = {config(form, "rank")}
    {TRAIN.format(optim=optim)}
"""
    }


def loop_under_sgd(form: Form) -> dict[str, str]:
    return loop(form, ', optim="sgd"')


def helper(form: Form) -> dict[str, str]:
    return {
        "train.py": f"""{IMPORTS}
def fine_tune(rank):
    model = {MODEL}
    {form.comment}
    config = {config(form, "rank")}
    {TRAIN.format(optim="")}


fine_tune(8)
fine_tune(32)
fine_tune(128)
"""
    }


def grid(form: Form) -> dict[str, str]:
    return {
        "train.py": f"""from itertools import product

{IMPORTS}{form.comment}
for rank, dropout in product([8, 16, 64], [0.0, 0.1]):
    model = {MODEL}
    config = {config(form, "rank")}
    config.lora_dropout = dropout
    {TRAIN.format(optim="")}
"""
    }


def dataclasses(form: Form) -> dict[str, str]:
    rows = "\n".join(
        f"    Recipe(name={f'r{rank}'!r}, r={rank}, alpha={form.with_rank(str(rank))})," for rank in (8, 16, 64)
    )
    rslora = ", use_rslora=True" if form.rslora else ""
    return {
        "train.py": f"""from dataclasses import dataclass

{IMPORTS}
@dataclass
class Recipe:
    name: str
    r: int
    alpha: float


{form.comment}
RECIPES = [
{rows}
]

for recipe in RECIPES:
    model = {MODEL}
    config = LoraConfig(r=recipe.r, lora_alpha=recipe.alpha{rslora}, target_modules=["q_proj", "v_proj"])
    {TRAIN.format(optim="")}
"""
    }


def optuna(form: Form) -> dict[str, str]:
    return {
        "train.py": f"""import optuna

{IMPORTS}
def objective(trial):
    rank = trial.suggest_categorical("r", [8, 16, 64])
    model = {MODEL}
    {form.comment}
    config = {config(form, "rank")}
    {TRAIN.format(optim="")}
    return 0.0


optuna.create_study().optimize(objective, n_trials=20)
"""
    }


def hydra(form: Form) -> dict[str, str]:
    return {
        "train.py": f"""import hydra

{IMPORTS}
@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg):
    model = {MODEL}
    {form.comment}
    config = {config(form, "cfg.lora.r")}
    {TRAIN.format(optim="")}


main()
""",
        "conf/config.yaml": "lora:\n  r: 8\nhydra:\n  mode: MULTIRUN\n  sweeper:\n    params:\n      lora.r: 8,16,64\n",
    }


def shell(form: Form) -> dict[str, str]:
    alpha = f" --lora_alpha {re.sub('RANK', 'r', f'$(({form.alpha}))') if 'RANK' in form.alpha else form.alpha}"
    return {
        "run.sh": f"""{form.comment}
for r in 8 16 64; do
    swift sft --model Qwen/Qwen2.5-7B-Instruct --dataset data/train.jsonl --tuner_type lora \\
        --lora_rank $r{alpha}{" --use_rslora true" if form.rslora else ""} --output_dir out/$r
done
"""
    }


def wandb(form: Form) -> dict[str, str]:
    """What follows the rank is computed in the program, and not in the sweep."""
    there = f"  lora_alpha:\n    value: {form.alpha}\n" if "RANK" not in form.alpha else ""
    alpha = form.with_rank("args.lora_r") if "RANK" in form.alpha else "args.lora_alpha"
    rslora = ", use_rslora=True" if form.rslora else ""
    return {
        "sweep.yaml": f"""{form.comment}
program: train.py
method: grid
parameters:
  lora_r:
    values: [8, 16, 64]
{there}""",
        "train.py": f"""import argparse

{IMPORTS}
parser = argparse.ArgumentParser()
parser.add_argument("--lora_r", type=int)
parser.add_argument("--lora_alpha", type=float)
args = parser.parse_args()
model = {MODEL}
config = LoraConfig(r=args.lora_r, lora_alpha={alpha}{rslora}, target_modules=["q_proj", "v_proj"])
{TRAIN.format(optim="")}
""",
    }


SPELLINGS = (loop, loop_under_sgd, helper, grid, dataclasses, optuna, hydra, shell, wandb)
STARTS = {
    "fixed": (Form("16"), "LL101"),
    "fixed and too small": (Form("1"), "LL101"),
    "fixed and large": (Form("64"), "LL101"),
    "tied": (Form("2 * RANK"), "LL107"),
    "tied and too large": (Form("8 * RANK"), "LL104"),
    "rsLoRA": (Form("16", rslora=True), "LL107"),
    "rsLoRA and tied": (Form("2 * RANK", rslora=True), "LL103"),
    "rsLoRA and too large": (Form("256", rslora=True), "LL103"),
}


def of_system(files: dict[str, str], folder: Path, settings: Settings | None = None) -> list[Finding]:
    """What the rules of the system find in the first file."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    outcome = engine.lint([next(iter(files))], settings or Settings(), jobs=1)
    assert outcome.summary.runs
    return [finding for finding in outcome.findings if finding.code in SYSTEM]


def forms(start: Form, message: str) -> list[Form]:
    """What a message proposes for each school, as it spells it."""
    found = re.search(
        r"a constant ratio, (.*?) with the comment `(.*?)`, or a rank-invariant step, (.*?) with `(#.*?)`", message
    )
    assert found is not None, message
    return [_form(start, *found.groups()[:2]), _form(start, *found.groups()[2:])]


def _form(start: Form, text: str, comment: str) -> Form:
    if text == "as it is":
        return Form(start.alpha, start.rslora, comment)
    spelled = re.fullmatch(
        r"`\w+ = ([^`]+)`( at every rank)?( without rsLoRA| with `use_rslora`)?( in the program)?", text
    )
    assert spelled is not None, text
    alpha = re.sub(r"\b(lora_r|lora_rank|r)\b", "RANK", spelled[1])
    rslora = start.rslora if spelled[3] is None else spelled[3] == " with `use_rslora`"
    return Form(alpha, rslora, comment)


@pytest.mark.parametrize("spelling", SPELLINGS, ids=lambda spelling: spelling.__name__)
@pytest.mark.parametrize("start", STARTS)
def test_each_school_has_a_form_that_lints_clean(
    start: str, spelling: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(spelling)
    monkeypatch.chdir(tmp_path)
    form, code = STARTS[start]
    found = of_system(spelling(form), tmp_path)
    if spelling is loop_under_sgd and start == "rsLoRA":
        assert not found or [finding.code for finding in found] == ["LL102"]  # one alpha keeps the step under SGD
        return
    assert [finding.code for finding in found] == [code], [finding.message for finding in found]
    proposed = forms(form, found[0].message)
    assert [each.comment for each in proposed] == ["# lora-lint: sweep-keeps=ratio", "# lora-lint: sweep-keeps=step"]
    for each in proposed:
        left = of_system(spelling(each), tmp_path)
        assert not left, (each, [finding.message for finding in left])
