"""Nothing outside of the project is read, shown or written, also not through a link, unless it was named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lora_lint.system import bounds
from tests.support.processes import PATIENCE

ROOT = Path(__file__).parents[2]
HEAD = """\
import json, yaml
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, Trainer
model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
"""
LOADS = (
    HEAD
    + """\
token = json.load(open("{}"))["token"]
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=8, target_modules=[token, "q_proj"]))
"""
)
BROKEN = (
    HEAD
    + """\
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=0, target_modules=["q_proj"]))
"""
)
FROZEN = (
    HEAD
    + """\
model = PeftModel.from_pretrained(model, "adapter")
Trainer(model=model, train_dataset=data).train()
"""
)
SECRET = "s3cret"
pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(sys.platform == "win32", reason="links take rights there"),
]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository as current folder, with a secret beside it."""
    write(tmp_path / "secrets/x.json", json.dumps({"token": SECRET}))
    write(tmp_path / "secrets/train.py", BROKEN)
    (tmp_path / "repo/.git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "repo")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in ("LORA_LINT_CACHE_DIR", "LORA_LINT_NO_CACHE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def write(path: Path | str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lora_lint", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE,
    )


def shown(*arguments: str) -> bool:
    """Whether anything that the linter writes shows the secret."""
    calls = [("--output-format", each) for each in ("full", "json", "github")] + [("inspect",)]
    told = [run(*call, *arguments) for call in calls]
    assert all(done.returncode in (0, 1) and "Traceback" not in done.stderr for done in told)
    return any(SECRET in done.stdout + done.stderr for done in told)


@pytest.mark.parametrize("path", ["../../../secrets/x.json", "../../../repo/../secrets/x.json"])
def test_a_file_above_the_project_is_not_read(path: str) -> None:
    write("deep/er/train.py", LOADS.format(path))
    assert not shown(".")
    assert not shown("deep/er/train.py")


def test_a_file_of_the_project_is_read_wherever_the_linter_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    write("conf/x.json", json.dumps({"token": SECRET}))
    write("deep/er/train.py", LOADS.format("../../conf/x.json"))
    assert shown(".")
    monkeypatch.chdir("deep/er")
    assert shown("train.py"), "the repository is the project"


def test_without_a_repository_the_settings_tell_where_the_project_begins(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "repo/.git").rmdir()
    write("below/train.py", LOADS.format("../x.json"))
    write("x.json", json.dumps({"token": SECRET}))
    monkeypatch.chdir("below")
    assert not shown("train.py")
    write("../lora-lint.toml", "")
    assert shown("train.py")


def test_a_link_out_is_not_followed(here: Path) -> None:
    write("train.py", LOADS.format("x.json"))
    Path("x.json").symlink_to("../secrets/x.json")
    assert not shown("train.py")
    write("folder.py", LOADS.format("linked/x.json"))
    Path("linked").symlink_to(here / "secrets")
    assert not shown("folder.py")


def test_a_link_within_is_followed_until_it_leads_out() -> None:
    """Also where the result of the first lint is kept."""
    write("conf/x.json", json.dumps({"token": SECRET}))
    write("train.py", LOADS.format("x.json"))
    Path("x.json").symlink_to("conf/x.json")
    assert shown("train.py")
    Path("x.json").unlink()
    Path("x.json").symlink_to("../secrets/x.json")
    assert not shown("train.py")


def test_modules_and_requirements_behind_links_are_not_read(here: Path) -> None:
    write(here / "secrets/helper.py", "ALPHA = 0\n")
    write(here / "secrets/requirements.txt", f"peft=={'0.1'} # {SECRET}\n")
    Path("helper.py").symlink_to(here / "secrets/helper.py")
    Path("requirements.txt").symlink_to(here / "secrets/requirements.txt")
    write("train.py", "from helper import ALPHA\n" + BROKEN.replace("lora_alpha=0", "lora_alpha=ALPHA"))
    assert "LL105" not in run("train.py").stdout
    assert not shown("train.py")
    write("common/helper.py", "ALPHA = 0\n")
    Path("helper.py").unlink()
    write("helper.py", "from common.helper import ALPHA\n")
    assert "LL105" in run("train.py").stdout, "modules of the project are"


def test_a_walk_passes_over_links_out(here: Path) -> None:
    write("mine.py", BROKEN)
    for name in ("a.py", "b.py"):
        Path(name).symlink_to(here / "secrets/train.py")
    Path("c.py").symlink_to("mine.py")
    done = run(".")
    assert "mine.py:5" in done.stdout and "c.py:5" in done.stdout
    assert "a.py:5" not in done.stdout
    assert done.stderr == (
        "lora-lint: a.py and 1 more: skipped, a link leads out of the project (name it to lint it)\n"
    )
    assert "a.py:5" in run("a.py").stdout


def test_what_is_named_is_read_with_its_own_project(here: Path) -> None:
    write(here / "other/x.json", json.dumps({"token": SECRET}))
    write(here / "other/train.py", LOADS.format("x.json"))
    assert shown("../other/train.py")
    Path("linked").symlink_to(here / "other")
    assert shown("linked")


def test_of_a_model_elsewhere_only_what_the_tables_know_is_shown(here: Path) -> None:
    write(here / "secrets/config.json", json.dumps({"model_type": SECRET}))
    write("train.py", BROKEN.replace("meta-llama/Llama-2-7b-hf", "../secrets"))
    assert not shown("train.py")
    write(here / "secrets/config.json", json.dumps({"model_type": "gpt2"}))
    assert "LL201" in run("train.py").stdout
    write("mine/config.json", json.dumps({"model_type": SECRET}))
    write("train.py", BROKEN.replace("meta-llama/Llama-2-7b-hf", "mine"))
    assert shown("train.py")


def test_settings_behind_a_link_out_are_refused(here: Path) -> None:
    write(here / "secrets/lora-lint.toml", f"{SECRET} = 1\n")
    Path("lora-lint.toml").symlink_to(here / "secrets/lora-lint.toml")
    done = run(".")
    assert done.returncode == 2
    assert "lora-lint.toml: this link leads out of the project; name the file with --config" in done.stderr
    assert SECRET not in done.stderr


@pytest.mark.parametrize("linked", ["file", "folder"])
def test_fixes_are_not_written_through_a_link_out(linked: str, here: Path) -> None:
    target = here / "secrets/train.py"
    write(target, FROZEN)
    if linked == "file":
        Path("train.py").symlink_to(target)
    else:
        Path("folder").symlink_to(target.parent)
    path = "train.py" if linked == "file" else "folder/train.py"
    done = run("--fix", path)
    assert done.returncode == 1
    assert f"{path}: not fixed, it is a link that leads out of the project" in done.stderr
    assert target.read_text() == FROZEN
    os.chdir(here / "secrets")
    assert run("--fix", "train.py").returncode == 0


@pytest.mark.parametrize("option", ["--output-file", "--write-baseline", "--verify-report"])
@pytest.mark.parametrize("name", ["x.json", "new.json"])
def test_reports_are_not_written_through_a_link_out(option: str, name: str, here: Path) -> None:
    """A checkout may hold a link of the name that a workflow writes its report to."""
    Path("report").symlink_to(here / "secrets" / name)
    before = sorted(path.name for path in (here / "secrets").iterdir())
    done = run(option, "report", ".")
    assert done.returncode == 2
    assert "report: cannot be written, it is a link that leads out of the project" in done.stderr
    assert sorted(path.name for path in (here / "secrets").iterdir()) == before
    assert SECRET in (here / "secrets/x.json").read_text()


def test_the_home_folder_makes_no_project_of_all_that_is_in_it(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some keep their settings in a repository there."""
    (here / "repo/.git").rmdir()
    (here / ".git").mkdir()
    assert bounds.tree() == str(here)
    monkeypatch.setenv("HOME", str(here))
    assert bounds.tree() == str(here / "repo")
