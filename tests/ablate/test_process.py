"""`lora-lint ablate` as a process: what a user runs, on a model that takes a moment."""

from __future__ import annotations

import inspect
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

import lora_lint
from lora_lint.cli import main
from lora_lint.commands.requests import UsageError
from tests.support import small_model
from tests.support.processes import COMMAND, PATIENCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

pytestmark = [pytest.mark.process, pytest.mark.torch]
PROGRAM = """\
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

model = AutoModelForCausalLM.from_pretrained("MODEL")
config = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
model = get_peft_model(model, config)
data = load_dataset("json", data_files="data.jsonl", split="train")
arguments = TrainingArguments("out", learning_rate=2e-3, per_device_train_batch_size=8)
Trainer(model=model, args=arguments, train_dataset=data).train()
"""
SMALL = ("--steps", "8", "--examples", "64", "--threads", "1", "--device", "cpu")
MEASURED = ("train_time_seconds", "seconds", "memory_bytes")
"""What the machine decides, and not the seeds."""
KEYS = {
    *("config", "target_modules", "rank", "lora_alpha", "use_rslora", "use_dora", "trainable_params"),
    *("trainable_pct", "train_loss", "eval_loss", "train_time_seconds"),
}


def ablate(folder: Path, *words: str, start: Sequence[str] = COMMAND) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "RAY_USAGE_STATS_ENABLED": "0"}
    return subprocess.run(
        [*start, "ablate", *words], cwd=folder, capture_output=True, text=True, timeout=PATIENCE, env=environment
    )


def here(*words: str) -> str:
    """What the command prints, in this process, which has torch loaded already."""
    done = CliRunner().invoke(main, ["ablate", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def results(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "ablation_results.json").read_text(encoding="utf-8"))
    return found


def without_measured(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The results without what depends on the machine."""
    kept = []
    for row in rows:
        seeds = [{key: value for key, value in seed.items() if key not in MEASURED} for seed in row["seeds"]]
        kept.append({key: value for key, value in row.items() if key not in MEASURED} | {"seeds": seeds})
    return kept


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a program, a model and data."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(small_model.tiny(), folder / "tiny")
    (folder / "train.py").write_text(PROGRAM.replace("MODEL", "tiny"))
    lines = [line.strip() for line in Path(inspect.getfile(inspect)).read_text().splitlines() if len(line) > 40]
    (folder / "data.jsonl").write_text("".join(json.dumps({"text": line}) + "\n" for line in lines[:80]))
    return folder


@pytest.fixture(scope="module")
def study(project: Path) -> subprocess.CompletedProcess[str]:
    """A study of five arms, of which one cannot be wrapped."""
    varied = ("--vary", "rank=4,16", "--vary", "rslora,dora", "--vary", "targets=q_proj+v_proj,no_such_layer")
    return ablate(project, "train.py", *SMALL, *varied, "--output", "study")


WITHOUT_THE_EXTRA = """
import sys

sys.modules.update(dict.fromkeys(("torch", "transformers", "peft", "safetensors", "jinja2", "markupsafe")))
from lora_lint.__main__ import main

sys.exit(main())
"""


def test_without_the_extra(tmp_path: Path) -> None:
    """One line that says what to install."""
    (tmp_path / "train.py").write_text("print(1)\n")
    done = ablate(tmp_path, "train.py", start=(sys.executable, "-c", WITHOUT_THE_EXTRA))
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        'lora-lint: error: ablate needs torch, transformers, peft, safetensors, jinja2: pip install "lora-lint[ablate]"'
    ]


def test_a_study_ends_with_a_table_and_an_answer(study: subprocess.CompletedProcess[str]) -> None:
    assert (study.returncode, study.stderr) == (0, "")
    assert "vs baseline" in study.stdout
    assert "Pareto front" in study.stdout
    assert "is the same training as query-value r=8" in study.stdout
    assert "\x1b" not in study.stdout


def test_the_results_have_what_others_build_on(study: subprocess.CompletedProcess[str], project: Path) -> None:
    assert study.returncode == 0
    rows = results(project / "study")
    assert all(row.keys() >= KEYS for row in rows)
    finished = [row for row in rows if row["status"] == "finished"]
    assert [row["eval_loss"] for row in finished] == sorted(row["eval_loss"] for row in finished)
    assert [row["baseline"] for row in rows].count(True) == 1
    by_name = {row["name"]: row for row in rows}
    plain, stable = by_name["query-value r=8"], by_name["query-value r=8 rsLoRA"]
    assert plain["seeds"][0]["eval_loss"] == stable["seeds"][0]["eval_loss"]
    assert plain["trainable_params"] == 2 * 2 * 8 * (64 + 64)
    assert plain["config"] == {"r": 8, "lora_alpha": 16, "target_modules": ["q_proj", "v_proj"]}


def test_first_steps_are_equal_and_measured(study: subprocess.CompletedProcess[str], project: Path) -> None:
    assert study.returncode == 0
    rows = [row for row in results(project / "study") if row["status"] != "failed"]
    base = next(row for row in rows if row["baseline"])
    for row in rows:
        assert row["first_step"] == pytest.approx(base["first_step"], rel=0.06)
    larger = next(row for row in rows if row["name"] == "query-value r=16")
    assert larger["lora_alpha"] == pytest.approx(16, rel=0.2)  # under Adam alpha/r keeps the step, whatever the rank


def test_an_arm_that_fails_is_recorded(study: subprocess.CompletedProcess[str], project: Path) -> None:
    failed = [row for row in results(project / "study") if row["status"] == "failed"]
    assert failed
    assert all("PEFT refuses" in row["reason"] for row in failed)
    assert "no_such_layer r=4: failed" in study.stdout


def test_the_recommendation_lints_clean(study: subprocess.CompletedProcess[str], project: Path) -> None:
    assert (project / "study" / "recommended.py").read_text() in study.stdout
    report = lora_lint.lint(str(project / "study" / "recommended.py"), isolated=True)
    assert report.runs == 1
    assert report.findings == ()


def test_the_page_holds_the_answer(study: subprocess.CompletedProcess[str], project: Path) -> None:
    assert study.returncode == 0
    page = (project / "study" / "ablation.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 3
    assert "lora-lint ablate train.py --steps 8" in page
    for row in results(project / "study"):
        assert row["name"] in page
    assert "http" not in page


def test_a_finished_study_is_not_made_again(
    study: subprocess.CompletedProcess[str], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    before = (project / "study" / "journal.jsonl").read_bytes()
    rows = results(project / "study")
    assert here(*study.args[len(COMMAND) + 1 :]) == study.stdout
    assert (project / "study" / "journal.jsonl").read_bytes() == before
    assert results(project / "study") == rows


KILLED = """
import os, signal, sys
from lora_lint.ablate import runner
made, count = runner.perform, 0
def perform(*given):
    global count
    count += 1
    if count > 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return made(*given)
runner.perform = perform
from lora_lint.__main__ import main
sys.exit(main())
"""


def test_a_killed_study_goes_on_with_the_same_result(study: subprocess.CompletedProcess[str], project: Path) -> None:
    words = [*study.args[len(COMMAND) + 1 : -1], "killed"]
    killed = ablate(project, *words, start=(sys.executable, "-c", KILLED))
    assert killed.returncode == -9, killed.stderr
    journal = project / "killed" / "journal.jsonl"
    before = journal.read_bytes()
    assert sum(b'"trial"' in line for line in before.splitlines()) == 7
    resumed = ablate(project, *words)
    assert resumed.returncode == 0, resumed.stderr
    assert journal.read_bytes().startswith(before)
    assert without_measured(results(project / "killed")) == without_measured(results(project / "study"))
    assert not list((project / "killed").glob("paused/*"))


def test_a_file_describes_the_study(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "ablation.yaml").write_text(
        "run: train.py\nvary:\n  rank: [4]\n  targets: [attention]\nfair: ratio\nsteps: 4\nexamples: 64\nseeds: 3\n"
    )
    monkeypatch.chdir(project)
    here("ablation.yaml", "--threads", "1", "--device", "cpu", "--output", "described")
    rows = {row["name"]: row for row in results(project / "described")}
    assert rows.keys() == {"query-value r=8", "attention r=4"}
    assert rows["attention r=4"]["lora_alpha"] == 8  # alpha/r is the baseline's


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("missing.py",), "no such file"),
        (("data.jsonl",), "no LoRA training"),
        (("train.py", "--vary", "rank=0"), "whole numbers above 0"),
        (("train.py", "--vary", "alpha=8,16"), "has no effect with --fair step"),
        (
            ("train.py", "--model", "acme/none"),
            "(`hf download acme/none` brings them): give a folder that has them with --model FOLDER",
        ),
        (("odd.yaml",), "'rank' is not an option of a study"),
    ],
)
def test_what_cannot_be_studied_is_said(project: Path, words: tuple[str, ...], said: str) -> None:
    (project / "odd.yaml").write_text("run: train.py\nvary: [dora]\nrank: 8\n")
    done = ablate(project, *words, "--output", "refused")
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (project / "refused").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--data", "acme/none"), "`hf download --repo-type dataset acme/none`, or give --data FILE"),
        (("--output", "train.py/in"), "cannot be written"),
        (("--time-budget", "1", "--output", "short"), "raise --time-budget"),
    ],
)
def test_what_is_missing_is_said(
    project: Path, words: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    with pytest.raises(UsageError, match=said):
        CliRunner().invoke(main, ["ablate", "train.py", "--device", "cpu", *words], catch_exceptions=False)


def test_no_more_threads_than_the_environment_allows() -> None:
    code = "from lora_lint.ablate import prepare; print(prepare.usual_threads())"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert done.stdout == "1\n"
