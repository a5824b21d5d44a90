"""Output that cannot be delivered: no traceback, no result that is lost, and the exit status says so."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from lora_lint.__main__ import main
from lora_lint.commands.check import check
from lora_lint.commands.ending import guarded
from lora_lint.commands.requests import Check, Input, Verification
from tests.support.processes import PATIENCE

ROOT = Path(__file__).parents[2]
BROKEN = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=0, target_modules=["q_proj", "v_proj"]))
"""
FULL = "standard output cannot be written to (No space left on device)"
pytestmark = pytest.mark.process
posix = pytest.mark.skipif(sys.platform == "win32", reason="a shell, and devices")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    Path("a.py").write_text(BROKEN)
    return tmp_path


def shell(redirections: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command with its streams redirected by a shell."""
    command = shlex.join([sys.executable, "-m", "lora_lint", *arguments])
    return subprocess.run(
        ["sh", "-c", f"exec {command} {redirections}"], capture_output=True, text=True, timeout=PATIENCE
    )


CALLS = (
    ("a.py",),
    ("--output-format", "json", "a.py"),
    ("--output-format", "sarif", "--statistics", "a.py"),
    ("--diff", "--unsafe-fixes", "a.py"),
    ("inspect", "a.py"),
    ("rules",),
    ("explain", "LL101"),
    ("--help",),
    ("--version",),
)


@posix
@pytest.mark.parametrize("arguments", CALLS, ids=" ".join)
def test_a_full_disk_is_told(arguments: tuple[str, ...]) -> None:
    if arguments[0] == "--diff":
        Path("a.py").write_text(BROKEN.replace("lora_alpha=0", "lora_alpha=512"))
    done = shell("> /dev/full", *arguments)
    assert done.returncode == 2
    [told] = done.stderr.splitlines()
    assert FULL in told or "No space left on device" in told


@posix
@pytest.mark.parametrize("arguments", CALLS[:-2], ids=" ".join)
def test_a_closed_output_is_told(arguments: tuple[str, ...]) -> None:
    done = shell(">&-", *arguments)
    assert (done.returncode, done.stderr) == (2, "lora-lint: error: standard output is closed\n")


@posix
def test_output_that_nobody_needs_may_be_closed() -> None:
    assert shell(">&-", "--output-file", "out.txt", "a.py").returncode == 1
    assert "LL105" in Path("out.txt").read_text()
    assert shell("2>&-", "none.py").returncode == 2
    assert shell("2> /dev/full", "--statistics", "--output-format", "json", "a.py").returncode == 1
    done = shell("2>&-", "--output-format", "json", "none.py", "a.py")
    assert done.returncode == 2
    assert json.loads(done.stdout)["summary"]["errors"] == 1, "what goes to stderr is not in it"


@posix
def test_input_that_is_closed() -> None:
    done = shell("<&-", "-")
    assert (done.returncode, done.stderr) == (2, "lora-lint: error: standard input is closed\n")


@posix
@pytest.mark.parametrize(
    "arguments", [*CALLS, ("--jobs", "1", "a.py"), ("check", "--help"), ("explain", "-h")], ids=" ".join
)
def test_a_reader_that_has_gone(arguments: tuple[str, ...]) -> None:
    Path("a.py").write_text(BROKEN.replace("lora_alpha=0", "lora_alpha=512") * 400)
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        command = [sys.executable, "-m", "lora_lint", *arguments]
        done = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (2, b"")


@pytest.mark.parametrize("option", ["--output-file", "--write-baseline", "--verify-report"])
@pytest.mark.parametrize("path", ["no/such/folder", "below"])
def test_where_a_report_goes_is_looked_at_before_the_work(
    option: str, path: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("below").mkdir()
    monkeypatch.setattr("lora_lint.linting.engine.lint", lambda *_, **__: pytest.fail("it worked first"))
    assert main([option, path, "a.py"]) == 2
    assert path in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--output-file", "--write-baseline"])
@pytest.mark.parametrize(
    ("path", "others"),
    [("a.py", ("a.py",)), ("./a.py", (".",)), ("b.yaml", (".",)), ("c.json", ("c.json", "a.py"))],
    ids=str,
)
def test_a_report_does_not_replace_what_is_linted(
    option: str, path: str, others: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """A name that was forgotten makes the file to be linted the one to be written."""
    Path("b.yaml").write_text("a: 1\n")
    Path("c.json").write_text("{}\n")
    before = {each.name: each.read_bytes() for each in Path().glob("*.*")}
    assert main(["--no-cache", option, path, *others]) == 2
    assert f"{path}: cannot be written, it is" in capsys.readouterr().err
    assert {each.name: each.read_bytes() for each in Path().glob("*.*")} == before


def test_two_reports_are_not_written_into_one_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--output-file", "new.json", "--write-baseline", "./new.json", "a.py"]) == 2
    assert "written to by another option" in capsys.readouterr().err
    assert not Path("new.json").exists()


@pytest.mark.parametrize("name", ["old.json", "old.txt", "old", "old.md"])
def test_an_earlier_report_is_replaced(name: str) -> None:
    for _ in range(2):
        assert main(["--no-cache", "--output-format", "json", "--output-file", name, "a.py"]) == 1
    assert json.loads(Path(name).read_text())["summary"]["errors"] == 1


@posix
@pytest.mark.parametrize("option", ["--output-file", "--write-baseline"])
def test_a_report_that_cannot_be_written_after_all_is_not_lost(option: str) -> None:
    done = shell("", "--output-format", "json", option, "/dev/full", "a.py")
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert json.loads(done.stdout)["summary"]["errors"] == 1


@pytest.mark.parametrize("option", ["--output-file", "--write-baseline"])
def test_a_disk_that_is_full_at_the_last_moment(
    option: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    Path("out").write_text("old")
    monkeypatch.setattr(os, "replace", full)
    assert main(["--no-cache", option, "out", "a.py"]) == 2
    told = capsys.readouterr()
    assert "LL105" in told.out
    assert "No space left on device" in told.err
    assert sorted(path.name for path in Path().iterdir()) == ["a.py", "out"]
    assert Path("out").read_text() == "old"


@posix
def test_a_report_goes_into_a_pipe() -> None:
    done = shell("| cat", "--output-file", "/dev/stdout", "a.py")
    assert "LL105" in done.stdout
    assert done.stderr == ""


def test_an_interrupt_before_the_first_experiment_keeps_the_findings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lora_lint.verify.session.NEEDED", ())
    monkeypatch.setattr("lora_lint.verify.session.settle", interrupted)
    request = Check(Input(["a.py"]), verification=Verification())
    assert guarded(lambda: check(request)) == 130
    told = capsys.readouterr()
    assert "LL105" in told.out
    assert told.err == "lora-lint: interrupted\n"
