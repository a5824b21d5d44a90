"""`lora-lint --verify` as a process: what a user runs, on models that are on this machine."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from transformers import AutoModelForCausalLM, Phi3Config

from tests.support import small_model
from tests.support.processes import PATIENCE, line_with

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.process
ROOT = Path(__file__).parents[2]
IMPORTS = """\
from datasets import load_dataset
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
"""
PROGRAMS = {
    "phi3.py": """
model = AutoModelForCausalLM.from_pretrained("phi3")
names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
model = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules=names, task_type="CAUSAL_LM"))
Trainer(model=model).train()
""",
    "adam.py": """
for rank in (4, 16, 64):
    model = AutoModelForCausalLM.from_pretrained("small")
    model = get_peft_model(model, LoraConfig(r=rank, lora_alpha=16, target_modules=["q_proj", "v_proj", "down_proj"]))
    arguments = TrainingArguments("out", learning_rate=1e-4, per_device_train_batch_size=2)
    Trainer(model=model, args=arguments).train()
""",
    "sgd.py": """
for rank in (4, 16, 64):
    model = AutoModelForCausalLM.from_pretrained("small")
    model = get_peft_model(model, LoraConfig(r=rank, lora_alpha=16, target_modules=["q_proj", "v_proj", "down_proj"]))
    arguments = TrainingArguments("out", learning_rate=1e-2, per_device_train_batch_size=2, optim="sgd")
    Trainer(model=model, args=arguments).train()
""",
    "unfrozen.py": """
model = AutoModelForCausalLM.from_pretrained("small")
model = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj"]))
for parameter in model.parameters():
    parameter.requires_grad = True
Trainer(model=model).train()
""",
    "frozen.py": """
model = AutoModelForCausalLM.from_pretrained("small")
model = PeftModel.from_pretrained(model, "adapter")
Trainer(model=model).train()
""",
    "data.py": """
model = AutoModelForCausalLM.from_pretrained("small")
model = get_peft_model(model, LoraConfig(r=32, lora_alpha=64, target_modules=["q_proj", "v_proj", "down_proj"]))
data = load_dataset("json", data_files="data.jsonl", split="train")
arguments = TrainingArguments("out", learning_rate=2e-3, per_device_train_batch_size=16, num_train_epochs=6)
Trainer(model=model, args=arguments, train_dataset=data).train()
""",
    "absent.py": """
model = AutoModelForCausalLM.from_pretrained("./no_such_folder")
model = get_peft_model(model, LoraConfig(r=4, lora_alpha=0, target_modules=["q_proj"]))
Trainer(model=model).train()
""",
}
"""The six cases of a run that can be settled, and what cannot be."""


def environment(home: Path) -> dict[str, str]:
    """Nothing of this machine's caches, no network, and one thread a process."""
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "HOME": str(home),
        "USERPROFILE": str(home),
        "HF_HOME": str(home / "hf"),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONIOENCODING": "utf-8",
    }


def lora_lint(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lora_lint", *arguments],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        env={**environment(folder.parent), **more},
        timeout=PATIENCE,
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all programs, their models and their data."""
    folder = tmp_path_factory.mktemp("verify") / "project"
    folder.mkdir()
    for name, text in PROGRAMS.items():
        (folder / name).write_text(IMPORTS + text)
    shutil.copytree(small_model.folder(), folder / "small")
    Phi3Config(
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        vocab_size=128,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    ).save_pretrained(folder / "phi3")
    lines = [line.strip() for line in Path(re.__file__).read_text().splitlines() if len(line.strip()) > 30]
    (folder / "data.jsonl").write_text("".join(json.dumps({"text": line}) + "\n" for line in lines[:32]))
    return folder


def files(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def outcome(project: Path) -> tuple[subprocess.CompletedProcess[str], set[str]]:
    """One run over everything, and what it wrote."""
    before = files(project)
    temporary = project.parent / "tmp"
    temporary.mkdir()
    done = lora_lint(
        project,
        *("--verify", "--device", "cpu", "--time-budget", str(PATIENCE), "--no-cache", "--output-format", "json"),
        *("--select", "LL101,LL105,LL202,LL301,LL401,LL402", "--verify-report", "page.html", "."),
        TMPDIR=str(temporary),
    )
    assert done.stdout, done.stderr
    after = files(project)
    assert all(after[name] == stamp for name, stamp in before.items())
    assert not [path for path in temporary.rglob("*") if path.is_file()]
    return done, set(after) - set(before)


def verdict_of(done: subprocess.CompletedProcess[str], path: str, code: str) -> dict[str, Any]:
    [finding] = [each for each in json.loads(done.stdout)["findings"] if (each["path"], each["code"]) == (path, code)]
    verdict: dict[str, Any] = finding["verdict"]
    return verdict


def test_llama_names_on_phi3(outcome: Any) -> None:
    verdict = verdict_of(outcome[0], "phi3.py", "LL202")
    assert verdict["status"] == "confirmed"
    assert verdict["device"] == "meta"
    # o_proj 64 -> 64 and down_proj 96 -> 64 in two layers, at rank 4.
    assert verdict["measurements"]["trainable"] == 2 * 4 * ((64 + 64) + (96 + 64))
    assert "2,304 trainable parameters" in verdict["reason"]


def test_a_sweep_with_one_alpha(outcome: Any) -> None:
    adam, sgd = (verdict_of(outcome[0], name, "LL101") for name in ("adam.py", "sgd.py"))
    assert adam["status"] == "refuted"
    assert "no harm measured" in adam["reason"]
    assert sgd["status"] == "confirmed"
    assert "shrinks" in sgd["reason"]
    assert set(adam["measurements"]["step"]) == {"4", "16", "64"}
    assert adam["device"] == "cpu"


def test_unfrozen_and_frozen(outcome: Any) -> None:
    unfrozen = verdict_of(outcome[0], "unfrozen.py", "LL401")
    assert unfrozen["status"] == "confirmed"
    assert any("embed_tokens" in name for name in unfrozen["measurements"]["foreign_parameters"])
    frozen = verdict_of(outcome[0], "frozen.py", "LL402")
    assert frozen["status"] == "confirmed"
    assert frozen["measurements"]["adapter_trainable"] == 0


def test_over_training(outcome: Any) -> None:
    verdict = verdict_of(outcome[0], "data.py", "LL301")
    assert verdict["status"] in ("refuted", "inconclusive"), verdict["reason"]
    assert "r=32" in verdict["reason"] and "nats" in verdict["reason"]
    assert verdict["measurements"]["epochs"] == 6
    assert verdict["measurements"]["data"].startswith("data.jsonl")


def test_a_model_that_is_not_there(outcome: Any) -> None:
    verdict = verdict_of(outcome[0], "absent.py", "LL105")
    assert verdict["status"] == "skipped"
    assert "the config of ./no_such_folder is not available" in verdict["reason"]


def test_progress_goes_to_stderr(outcome: Any) -> None:
    lines = outcome[0].stderr.splitlines()
    assert re.match(r"\[1/7\] LL\d+ \S+: .+ \(about \d+:\d\d left\)$", lines[0]), lines
    assert outcome[0].returncode == 1


def test_the_page_is_the_only_file_that_is_written_and_needs_no_other(outcome: Any, project: Path) -> None:
    assert outcome[1] == {"page.html"}
    page = (project / "page.html").read_text(encoding="utf-8")
    for finding in json.loads(outcome[0].stdout)["findings"]:
        assert finding["code"] in page and f">{finding['verdict']['status']}<" in page
    assert "<svg" in page and "<table" in page
    assert not re.search(r"""<(script|link|img|iframe)|src=|@import|url\(""", page)


def test_a_refuted_finding_does_not_fail_the_gate(project: Path) -> None:
    done = lora_lint(project, "--verify", "--device", "cpu", "--select", "LL101", "adam.py")
    assert done.returncode == 0
    assert "refuted" in done.stdout
    assert lora_lint(project, "--select", "LL101", "adam.py").returncode == 1


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_keeps_the_verdicts_until_then(project: Path) -> None:
    command = ("--verify", "--device", "cpu", "--time-budget", str(PATIENCE), "--no-cache", "--output-format", "json")
    process = subprocess.Popen(
        [sys.executable, "-m", "lora_lint", *command, "--select", "LL202,LL301", "phi3.py", "data.py"],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=environment(project.parent),
    )
    assert process.stderr is not None
    line_with("LL301", process.stderr)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "Traceback" not in err
    verdicts = {each["code"]: each["verdict"] for each in json.loads(out)["findings"]}
    assert verdicts["LL202"]["status"] == "confirmed"
    assert verdicts["LL301"]["status"] == "skipped"
    assert verdicts["LL301"]["reason"] == "interrupted before it was settled"


def test_without_the_extra(project: Path) -> None:
    """One line that says what to install."""
    hidden = project.parent / "hidden"
    hidden.mkdir(exist_ok=True)
    (hidden / "sitecustomize.py").write_text(
        "import importlib.util as util\nreal = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'torch' else real(name, *rest)\n"
    )
    done = lora_lint(project, "--verify", "phi3.py", PYTHONPATH=f"{hidden}{os.pathsep}{ROOT}")
    assert done.returncode == 2
    assert done.stderr.splitlines() == ['lora-lint: error: --verify needs torch: pip install "lora-lint[verify]"']
    assert not done.stdout


class Evil:
    """What a pickle can do when it is read."""

    def __reduce__(self) -> Any:
        return (Path.touch, (Path("ran"),))


@pytest.fixture
def pickled(project: Path) -> Iterator[Path]:
    """The small model with its weights in pickled form alone."""
    folder = project / "pickled"
    AutoModelForCausalLM.from_pretrained(small_model.folder()).config.save_pretrained(folder)
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Evil()))
    (project / "pickled.py").write_text(IMPORTS + PROGRAMS["adam.py"].replace('"small"', '"pickled"'))
    yield folder
    (project / "pickled.py").unlink()


@pytest.mark.usefixtures("pickled")
def test_nothing_is_unpickled(project: Path) -> None:
    command = ("--verify", "--device", "cpu", "--select", "LL101", "--output-format", "json", "pickled.py")
    verdict = verdict_of(lora_lint(project, *command), "pickled.py", "LL101")
    assert verdict["reason"].startswith("proxy: ")
    assert "only in pickled form, which is never read" in verdict["reason"]
    assert not (project / "ran").exists()
