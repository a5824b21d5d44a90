"""LL101, LL102, LL103, LL104 and LL107 are one system: one of them speaks, and what it proposes lints clean."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import pytest

from lora_lint.fixes.edits import applied
from lora_lint.fixes.made import edits_of
from lora_lint.linting import engine
from lora_lint.linting.outcome import readable
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
    if text == "as here,":
        return Form(start.alpha, start.rslora, comment)
    spelled = re.fullmatch(
        r"`\w+ = ([^`]+)`( at every rank)?( without rsLoRA| with `use_rslora`)?( in the program)?", text
    )
    assert spelled is not None, text
    alpha = re.sub(r"\b(lora_r|lora_rank|r)\b", "RANK", spelled[1])
    rslora = start.rslora if spelled[3] is None else spelled[3] == " with `use_rslora`"
    return Form(alpha, rslora, comment)


@pytest.mark.slow
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


# --- fixes ------------------------------------------------------------------------------------------------------------

RANKS = (1, 2, 3, 4, 7, 8, 12, 16, 24, 32, 48, 64, 85, 128, 256)
ALPHAS = (0.5, 1, 2, 8, 16, 22.5, 32, 64, 100, 128, 256, 640)


def linted(text: str, *codes: str) -> list[Finding]:
    every = engine.lint_text(text.encode(), "train.py", Settings()).findings
    return [finding for finding in every if finding.code in (codes or SYSTEM)]


def fixed_once(text: str, finding: Finding) -> str | None:
    """The text after the one fix; None where there is none to make."""
    if finding.fix is None or not finding.fix.changes:
        return None
    source = readable("train.py", "python", text.encode())
    edits = edits_of(finding.fix, lambda _: source)
    assert edits
    return applied(source.utf8, edits).decode()


def arguments(text: str) -> dict[str, object]:
    call = next(node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    return {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}


def scale_of(text: str) -> float:
    """What PEFT multiplies with, reckoned here (tuners/lora/layer.py)."""
    given = arguments(text)
    rank, alpha = given["r"], given["lora_alpha"]
    assert isinstance(rank, int) and isinstance(alpha, (int, float))
    return alpha / (sqrt(rank) if given.get("use_rslora") else rank)


@pytest.mark.slow
@pytest.mark.parametrize("rslora", [False, True])
@pytest.mark.parametrize("rank", RANKS)
def test_one_fix_does_what_it_says(rank: int, rslora: bool) -> None:
    for alpha in ALPHAS:
        flag = ", use_rslora=True" if rslora else ""
        text = f'from peft import LoraConfig\n\nconfig = LoraConfig(r={rank}, lora_alpha={alpha}, target_modules=["q_proj"]{flag})\n'
        found = linted(text)
        assert len(found) <= 1, text
        expected = scale_of(text)
        outside = expected < 0.2497 or expected > (8.009 if rslora else 4.005)
        assert outside is bool(found and found[0].code in ("LL103", "LL104")), (text, found)
        for finding in found:
            after = fixed_once(text, finding)
            assert after is not None
            assert f"`lora_alpha={arguments(after)['lora_alpha']}`" in finding.message, (finding.message, after)
            if finding.code == "LL102":
                assert scale_of(after) == pytest.approx(expected, rel=1e-3)
                assert linted(after) == []
            else:
                assert 0.2497 <= scale_of(after) <= 8.009
                left = {each.code for each in linted(after)}
                assert left <= set(finding.fix.announces if finding.fix is not None else ()), after


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [(4, 8), (8, 16, 32, 64), (16, 128), (1, 256), (64, 96)])
@pytest.mark.parametrize("alpha", ALPHAS)
def test_the_fix_of_a_sweep_leaves_it_clean(ranks: tuple[int, ...], alpha: float) -> None:
    text = loop(Form(str(alpha)))["train.py"].replace("(8, 16, 32, 64)", str(ranks))
    [finding] = linted(text)
    after = fixed_once(text, finding)
    assert finding.code == "LL101"
    assert after is not None
    assert linted(after) == [], after
    tied = re.search(r"lora_alpha=(.*?),", after)
    assert tied is not None
    assert f"`lora_alpha = {tied[1].replace('rank', 'r')}` with the comment" in finding.message
    assert tied[1] in ("rank", "2 * rank")


@pytest.mark.slow
@pytest.mark.parametrize("own", RANKS)
@pytest.mark.parametrize(("rank", "alpha"), [(8, 16), (16, 8), (7, 22.5), (64, 100)])
def test_a_pattern_gets_the_scale_of_the_others(rank: int, alpha: float, own: int) -> None:
    text = (
        f"from peft import LoraConfig\n\nconfig = LoraConfig(r={rank}, lora_alpha={alpha}, "
        f'target_modules=["q_proj", "v_proj"], rank_pattern={{"q_proj": {own}}})\n'
    )
    found = linted(text, "LL106")
    assert len(found) == (own != rank)
    for finding in found:
        after = fixed_once(text, finding)
        assert after is not None
        pattern = arguments(after)["alpha_pattern"]
        assert isinstance(pattern, dict)
        assert f"alpha_pattern={pattern}" in finding.message
        assert pattern["q_proj"] / own == pytest.approx(alpha / rank, rel=1e-3)
        assert linted(after, "LL106") == []


# --- who speaks -------------------------------------------------------------------------------------------------------

HIGH = "from peft import LoraConfig\n\nconfig = LoraConfig(r=64, lora_alpha=8, target_modules=['q_proj'])\n"


def test_the_next_one_speaks_where_a_rule_is_off() -> None:
    assert [finding.code for finding in linted(HIGH)] == ["LL104"]
    without = Settings(ignore=("LL104",))
    assert [finding.code for finding in engine.lint_text(HIGH.encode(), "train.py", without).findings] == ["LL102"]
    off_here = Settings(per_file_ignores=(("train.py", ("LL104",)),))
    assert [finding.code for finding in engine.lint_text(HIGH.encode(), "train.py", off_here).findings] == ["LL102"]


def test_the_level_that_the_user_gives_decides() -> None:
    settings = Settings(levels={"LL102": "error"})
    assert [finding.code for finding in engine.lint_text(HIGH.encode(), "train.py", settings).findings] == ["LL102"]


def test_an_ignored_finding_is_not_followed_by_the_next() -> None:
    """One comment settles a scale, and one that was written for the other rule is of use still."""
    ignored = HIGH.replace("])\n", "])  # lora-lint: ignore[LL104]\n")
    assert engine.lint_text(ignored.encode(), "train.py", Settings()).findings == ()
    both = ignored.replace("LL104", "LL104, LL102")
    assert engine.lint_text(both.encode(), "train.py", Settings()).findings == ()


def test_the_setting_states_the_school_of_all_files() -> None:
    text = loop(Form("2 * RANK"))["train.py"]
    assert [finding.code for finding in linted(text)] == ["LL107"]
    assert engine.lint_text(text.encode(), "train.py", Settings(sweep_keeps="ratio")).findings == ()


def test_a_misspelt_statement_is_noted() -> None:
    text = loop(Form("2 * RANK", comment="# lora-lint: sweep-keeps=ratios"))["train.py"]
    outcome = engine.lint_text(text.encode(), "train.py", Settings())
    assert [finding.code for finding in outcome.findings] == ["LL107"]
    assert "`sweep-keeps=ratios` is ignored: it is neither `ratio` nor `step`" in outcome.notes[0]
