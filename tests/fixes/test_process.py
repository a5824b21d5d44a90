"""`--fix`, `--diff` and the edits of the reports, as processes: what they do to the bytes of files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.processes import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.process
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

FROZEN = textwrap.dedent(
    """\
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, Trainer

    # größe 😀
    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
    model = PeftModel.from_pretrained(model, "ü😀")
    Trainer(model=model, train_dataset=data).train()
    """
)
FIXED = FROZEN.replace('"ü😀")', '"ü😀", is_trainable=True)')
AXOLOTL = (
    "base_model: tiiuae/falcon-7b # größe 😀\nadapter: lora\nlora_r: 8\nlora_alpha: 128\n"
    "lora_target_modules:\n  - q_proj\n  - v_proj\ndatasets:\n  - path: x\n    type: alpaca\n"
)
READER = textwrap.dedent(
    """\
    import yaml
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    with open("a.yaml") as file:
        settings = yaml.safe_load(file)
    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
    names = settings["lora_target_modules"]
    config = LoraConfig(r=8, lora_alpha=16, target_modules=names, task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
    """
)
"""Takes its names from the config of a run on another model."""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "lora_lint", "--isolated", "--no-cache", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False, env=ENVIRONMENT)


def notebook(code: str) -> bytes:
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "source": code.splitlines(keepends=True)}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=3).encode()


FILES = {
    "train.py": FROZEN.encode(),
    "with space.py": FROZEN.encode(),
    "größe.py": FROZEN.encode(),
    "crlf.py": FROZEN.replace("\n", "\r\n").encode(),
    "bom.py": FROZEN.encode("utf-8-sig"),
    "latin.py": ("# coding: latin-1\n# größe\n" + FROZEN.replace("😀", "")).encode("latin-1"),
    "odd.py": FROZEN.replace("# größe", "# \u2028\x0c\x85 größe").encode(),
    "short.py": FROZEN.rstrip("\n").encode(),
    "n.ipynb": notebook(FROZEN),
    "a.yaml": AXOLOTL.encode(),
    "crlf.yaml": AXOLOTL.replace("\n", "\r\n").encode(),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("tool", ["patch", "git"])
def test_a_diff_is_a_patch(name: str, tool: str, tmp_path: Path) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"there is no {tool} here")
    (tmp_path / name).write_bytes(FILES[name])
    found = run(tmp_path, "--diff", "--unsafe-fixes", name)
    assert (found.returncode, found.stderr) == (1, b"")
    assert (tmp_path / name).read_bytes() == FILES[name]
    command = ["patch", "-p1", "--binary"] if tool == "patch" else ["git", "apply", "--whitespace=nowarn", "-"]
    applied = subprocess.run(command, cwd=tmp_path, input=found.stdout, capture_output=True, check=False)
    assert applied.returncode == 0, (applied, found.stdout.decode(errors="replace"))
    patched = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(FILES[name])
    run(tmp_path, "--fix", "--unsafe-fixes", name)
    assert patched == (tmp_path / name).read_bytes() != FILES[name]


def offsets(text: str, edit: dict[str, Any]) -> tuple[int, int]:
    """Where an edit is, by its lines and columns, which count from 1 in characters."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    return starts[edit["line"] - 1] + edit["column"] - 1, starts[edit["end_line"] - 1] + edit["end_column"] - 1


def with_edits(text: str, edits: list[dict[str, Any]]) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    for edit in sorted(edits, key=lambda edit: offsets(text, edit), reverse=True):
        start, end = offsets(text, edit)
        text = text[:start] + edit["text"].replace("\n", newline) + text[end:]
    return text


@pytest.mark.parametrize("name", [name for name in FILES if not name.endswith("ipynb")])
def test_edits_of_a_report_make_what_fix_makes(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(FILES[name])
    select = ("--select", "LL201,LL402")
    sarif = json.loads(run(tmp_path, *select, "--output-format", "sarif", name).stdout)
    (change,) = sarif["runs"][0]["results"][0]["fixes"][0]["artifactChanges"]
    assert sarif["runs"][0]["columnKind"] == "unicodeCodePoints"
    of_sarif = [
        {
            "line": each["deletedRegion"]["startLine"],
            "column": each["deletedRegion"]["startColumn"],
            "end_line": each["deletedRegion"]["endLine"],
            "end_column": each["deletedRegion"]["endColumn"],
            "text": each["insertedContent"]["text"],
        }
        for each in change["replacements"]
    ]
    run(tmp_path, *select, "--fix", "--unsafe-fixes", name)
    encoding = "latin-1" if name.startswith("latin") else "utf-8-sig" if name.startswith("bom") else "utf-8"
    before, after = FILES[name].decode(encoding), (tmp_path / name).read_bytes().decode(encoding)
    assert with_edits(before, of_sarif) == after != before


def test_the_status_is_1_while_findings_remain(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(FROZEN + "from peft import LoraConfig\nLoraConfig(r=0)\n", encoding="utf-8")
    left = run(tmp_path, "--fix", "train.py")
    assert left.returncode == 1
    assert b"LL902" in left.stdout
    assert b"LL402" not in left.stdout
    assert b"1 finding fixed in 1 file" in left.stderr
    script.write_text(FROZEN, encoding="utf-8")
    clean = run(tmp_path, "--fix", "train.py")
    assert (clean.returncode, script.read_text(encoding="utf-8")) == (0, FIXED)
    again = run(tmp_path, "--fix", "train.py")
    assert (again.returncode, again.stderr, script.read_text(encoding="utf-8")) == (0, b"", FIXED)


def in_process(folder: Path, before: str) -> subprocess.CompletedProcess[bytes]:
    """`lora-lint --fix .` in a process that does something else right before a file is written."""
    program = (
        "import os, signal, sys\nfrom lora_lint.__main__ import main\nfrom lora_lint.fixes import session\n"
        "replace, write = os.replace, session.write\n"
        f"def late(file):\n    {before}\n    write(file)\n"
        "session.write = late\nsys.exit(main(['--isolated', '--no-cache', '--fix', '.']))\n"
    )
    return subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, check=False, env=ENVIRONMENT
    )


def test_a_file_that_changed_since_it_was_read_is_left_alone(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(FROZEN, encoding="utf-8")
    found = in_process(tmp_path, "open('train.py', 'a').write('# mine\\n')")
    assert found.returncode == 1
    assert b"train.py: not fixed, it has changed since it was read" in found.stderr
    assert script.read_text(encoding="utf-8") == FROZEN + "# mine\n"
    assert [path.name for path in tmp_path.iterdir()] == ["train.py"]


def test_a_write_that_fails_leaves_the_file(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(FROZEN, encoding="utf-8")
    stop = "os.replace = lambda *_: (_ for _ in ()).throw(OSError(28, 'No space left on device'))"
    found = in_process(tmp_path, stop)
    assert found.returncode == 2
    assert b"train.py: not fixed, No space left on device" in found.stderr
    assert script.read_text(encoding="utf-8") == FROZEN
    assert [path.name for path in tmp_path.iterdir()] == ["train.py"]


def test_a_process_that_dies_leaves_the_file(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(FROZEN, encoding="utf-8")
    assert in_process(tmp_path, "os.replace = lambda *_: os._exit(9)").returncode == 9
    assert script.read_text(encoding="utf-8") == FROZEN


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
@pytest.mark.parametrize("step", ["chmod", "replace", "unlink"])
def test_an_interrupt_leaves_whole_files_and_nothing_else(name: str, status: int, step: str, tmp_path: Path) -> None:
    """Wherever in the writing of the first of two files it arrives."""
    for file in ("a.py", "b.py"):
        (tmp_path / file).write_text(FROZEN, encoding="utf-8")
    # `unlink` is reached only where the move fails.
    fails = "os.replace = lambda *_: (_ for _ in ()).throw(OSError(28, 'full')); " if step == "unlink" else ""
    interrupt = f"{fails}step = os.{step}; os.{step} = lambda *_: (os.kill(os.getpid(), signal.{name}), step(*_))"
    found = in_process(tmp_path, interrupt)
    assert (found.returncode, found.stdout) == (status, b"")
    assert b"Traceback" not in found.stderr
    assert found.stderr.endswith(b"lora-lint: interrupted\n")
    assert (b"1 finding fixed in 1 file" in found.stderr) == (step != "unlink")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.py", "b.py"]
    assert (tmp_path / "a.py").read_text(encoding="utf-8") == (FROZEN if step == "unlink" else FIXED)
    assert (tmp_path / "b.py").read_text(encoding="utf-8") == FROZEN


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_process_that_is_terminated_leaves_whole_files_and_nothing_else(tmp_path: Path) -> None:
    names = [f"{number:03}.py" for number in range(80)]
    for name in names:
        (tmp_path / name).write_text(FROZEN, encoding="utf-8")
    command = [sys.executable, "-m", "lora_lint", "--isolated", "--fix", "--unsafe-fixes", "--jobs", "2", "."]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, env=ENVIRONMENT)
    while process.poll() is None and (tmp_path / names[0]).read_text(encoding="utf-8") == FROZEN:
        time.sleep(0.001)
    process.terminate()
    _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode in (143, 0)
    assert b"Traceback" not in told
    assert {path.name for path in tmp_path.iterdir()} <= {*names, ".lora-lint-cache"}
    assert {(tmp_path / name).read_text(encoding="utf-8") for name in names} <= {FROZEN, FIXED}
    assert all(len(path.name) == 32 for path in tmp_path.glob(".lora-lint-cache/*/*"))


@pytest.mark.skipif(sys.platform == "win32", reason="links take rights there")
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    target = tmp_path / "folder" / "real.py"
    target.write_text(FROZEN, encoding="utf-8")
    (tmp_path / "train.py").symlink_to(target)
    assert run(tmp_path, "--fix", "train.py").returncode == 0
    assert (tmp_path / "train.py").is_symlink()
    assert target.read_text(encoding="utf-8") == FIXED


@pytest.mark.skipif(sys.platform == "win32", reason="links take rights there")
@pytest.mark.parametrize("name", ["a.py", "z.py"])
def test_a_file_and_a_link_to_it_are_fixed_once(tmp_path: Path, name: str) -> None:
    (tmp_path / "train.py").write_text(FROZEN, encoding="utf-8")
    (tmp_path / name).symlink_to("train.py")
    done = run(tmp_path, "--fix", ".")
    assert (done.returncode, b"not fixed" in done.stderr) == (0, False)
    assert (tmp_path / name).is_symlink()
    assert (tmp_path / "train.py").read_text(encoding="utf-8") == FIXED


def test_a_fix_that_brings_a_finding_where_its_file_is_read_is_withheld(tmp_path: Path) -> None:
    """Two programs take one list of names: what suits the model of the one does not suit the other's."""
    (tmp_path / "a.yaml").write_text(AXOLOTL, encoding="utf-8")
    (tmp_path / "train.py").write_text(READER, encoding="utf-8")
    fixed = run(tmp_path, "--fix", "--unsafe-fixes", "--select", "LL201", ".")
    assert (tmp_path / "a.yaml").read_text(encoding="utf-8") == AXOLOTL
    assert b"a.yaml: 1 finding is not fixed: it would cause LL201 in train.py, line " in fixed.stderr
    shown = run(tmp_path, "--diff", "--unsafe-fixes", "--select", "LL201", ".")
    assert (shown.returncode, shown.stdout) == (0, b"")
    assert b"a.yaml: 1 finding is not fixed" in shown.stderr
    (tmp_path / "train.py").unlink()
    assert b"1 finding fixed" in run(tmp_path, "--fix", "--unsafe-fixes", "--select", "LL201", ".").stderr
    assert "query_key_value" in (tmp_path / "a.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_only_the_file_that_is_read_is_left_alone(jobs: str, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(AXOLOTL, encoding="utf-8")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "names.py").write_text(FROZEN + "RESUMED = model\n", encoding="utf-8")
    (tmp_path / "a.yaml").write_text(AXOLOTL, encoding="utf-8")
    (tmp_path / "train.py").write_text(READER, encoding="utf-8")
    options = ("--fix", "--unsafe-fixes", "--select", "LL201,LL402", "--jobs", jobs)
    fixed = run(tmp_path, *options, ".")
    assert (tmp_path / "a.yaml").read_text(encoding="utf-8") == AXOLOTL
    assert "query_key_value" in (tmp_path / "other.yaml").read_text(encoding="utf-8")
    assert "is_trainable=True" in (tmp_path / "parts" / "names.py").read_text(encoding="utf-8")
    assert fixed.stderr.count(b"not fixed: it would cause") == 1


BATCH = (
    "set ALPHA=1\r\naccelerate launch sdxl_train_network.py --pretrained_model_name_or_path=stabilityai/sdxl ^\r\n"
    " --network_module=networks.lora --network_dim=128 --network_alpha=%ALPHA%\r\n"
)


def test_a_fix_that_cannot_be_written_is_left_to_the_user(tmp_path: Path) -> None:
    (tmp_path / "train.bat").write_bytes(BATCH.encode())
    said = run(tmp_path, "train.bat").stdout.decode()
    assert "= by hand: Set network_alpha to 128" in said
    assert "fixable" not in said
    (tmp_path / "train.bat").write_bytes(BATCH.replace("%ALPHA%", "1").encode())
    said = run(tmp_path, "train.bat").stdout.decode()
    assert "= fix (unsafe): Set network_alpha to 128" in said
    assert "1 fixable with --fix --unsafe-fixes" in said


def test_a_statement_that_cannot_move_is_not_fixed_and_why(tmp_path: Path) -> None:
    shared = (
        "from peft import LoraConfig, get_peft_model\nfrom transformers import AutoModelForCausalLM\n"
        'base = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")\nprint(base)\n'
        'for targets in (["q_proj"], ["gate_proj"]):\n'
        "    model = get_peft_model(base, LoraConfig(r=8, lora_alpha=16, target_modules=targets))\n"
        "    model.save_pretrained(targets[0])\n"
    )
    (tmp_path / "train.py").write_text(shared)
    done = run(tmp_path, "--fix", "--unsafe-fixes", "train.py")
    assert (tmp_path / "train.py").read_text() == shared
    assert b"LL408 on line 6 is not fixed: the change is not certain to be right here" in done.stderr


def test_a_fix_of_advice_says_what_selects_it(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import peft  # lora-lint: ignore[LL101]\n")
    assert b"= fix (safe, with --select LL910): Remove the comment" in run(tmp_path, "train.py").stdout
    assert b"= fix (safe): Remove the comment" in run(tmp_path, "--extend-select", "LL910", "train.py").stdout
