"""The GitHub action: its steps as they are written, in a checkout that would run code of its own."""

from __future__ import annotations

import os
import re
import shutil
import site
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
SETUP, INSTALL, CACHE, RUN, UPLOAD = ACTION["runs"]["steps"]
BASH = shutil.which("bash") or "bash"
BROKEN = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=0, target_modules=["q_proj", "v_proj"]))
"""
HOSTILE = "import os\nopen(os.environ['HOSTILE'], 'a').write(__file__ + '\\n')\n"
MODULES = ("sitecustomize", "usercustomize", "venv", "ensurepip", "pip", "lora_lint", "json", "click", "yaml", "re")
BACKEND = """\
import zipfile

def build_wheel(folder, *_):
    name = "stand_in-1-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.writestr("stand_in-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: stand-in\\nVersion: 1\\n")
        wheel.writestr("stand_in-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("stand_in-1.dist-info/RECORD", "")
        wheel.writestr("stand_in.py", "")
    return name
"""
pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(sys.platform == "win32", reason="the steps are for bash, and paths are written otherwise"),
]


class Job:
    """A job on a runner: the folders and files that it gives to its steps."""

    def __init__(self, folder: Path) -> None:
        self.workspace, self.temp, self.action = folder / "checkout", folder / "temp", folder / "action"
        self.output, self.summary, self.hostile = folder / "output", folder / "summary", folder / "hostile"
        for each in (self.workspace, self.temp, self.action):
            each.mkdir()
        self.python = sys.executable

    def run(self, step: dict[str, Any], **inputs: str) -> subprocess.CompletedProcess[str]:
        """A step as the runner would start it, in a workflow that has the checkout on PYTHONPATH."""
        given = {name: field.get("default", "") for name, field in ACTION["inputs"].items()} | inputs
        known = {f"inputs.{name}": value for name, value in given.items()} | {
            "steps.python.outputs.python-path": sys.executable,
            "steps.install.outputs.python": self.python,
            "github.action_path": str(self.action),
            "runner.temp": str(self.temp),
        }

        def filled(text: str) -> str:
            return re.sub(r"\$\{\{ (.+?) \}\}", lambda match: known[match[1]], text)

        assert "${{" not in step["run"], "it would be read as code"
        environment = {
            **os.environ,
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "HOSTILE": str(self.hostile),
            "PYTHONPATH": str(self.workspace),
            **{name: filled(value) for name, value in step["env"].items()},
        }
        return subprocess.run(
            [BASH, "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=filled(step.get("working-directory", str(self.workspace))),
            env=environment,
            capture_output=True,
            text=True,
        )


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A job in a checkout whose modules would run instead of the real ones."""
    job = Job(tmp_path)
    for name in MODULES:
        (job.workspace / f"{name}.py").write_text(HOSTILE)
    (job.workspace / "pip").mkdir()
    (job.workspace / "pip/__init__.py").write_text(HOSTILE)
    (job.workspace / "pip/__main__.py").write_text(HOSTILE)
    (job.workspace / "train.py").write_text(BROKEN)
    return job


def test_nothing_of_the_checkout_is_run(job: Job) -> None:
    (job.action / "pyproject.toml").write_text(
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
    )
    (job.action / "backend.py").write_text(BACKEND)
    done = job.run(INSTALL)
    assert done.returncode == 0, done.stderr
    assert not job.hostile.exists()
    job.python = job.output.read_text().strip().removeprefix("python=")
    [packages] = (job.temp / "lora-lint").glob("lib/*/site-packages")
    assert (packages / "stand_in.py").exists()
    # What is installed is this lora-lint, with what it needs.
    (packages / "real.pth").write_text("\n".join([str(ROOT), *site.getsitepackages()]))
    done = job.run(RUN)
    assert not job.hostile.exists()
    assert done.returncode == 1, done.stderr
    assert "::error title=LL105 zero-scale,file=train.py,line=5" in done.stdout
    summary = job.summary.read_text()
    assert summary.startswith("### lora-lint\n\n1 error in 1 run of ")
    assert "| error | [LL105](https://github.com/lora-lint/lora-lint/blob/main/rules/LL105-zero-scale.md)" in summary
    assert "| `train.py:5:" in summary
    assert job.output.read_text().splitlines()[1:] == ["errors=1", "warnings=0", "advice=0", "fixable=0"]
    named = {f"steps.{RUN['id']}.outputs.{name}" for name in ("errors", "warnings", "advice", "fixable")}
    assert {output["value"].strip("${ }") for output in ACTION["outputs"].values()} == named
    assert CACHE["with"]["path"] == "${{ runner.temp }}/.lora-lint-cache"
    assert (job.temp / ".lora-lint-cache").is_dir()
    assert not (job.workspace / ".lora-lint-cache").exists()


def test_a_path_that_does_not_exist_is_the_whole_answer(job: Job) -> None:
    job.python = sys.executable
    done = job.run(RUN, paths="gone.py")
    assert done.returncode == 2
    assert "gone.py" in done.stderr
    assert "Traceback" not in done.stderr


def test_words_are_taken_as_they_are(job: Job) -> None:
    """With a command instead of Python that prints its arguments."""
    printer = job.temp / "print"
    printer.write_text("#!/bin/sh\nprintf '[%s]' \"$@\"\nexit 3\n")
    printer.chmod(0o755)
    job.python = str(printer)
    for output_format, expected in (
        ("github", "[github][--fail-on][error][--][a.py][*]"),
        ("sarif", "[sarif][--output-file][o ut][--fail-on][error][--][a.py][*]"),
    ):
        given = {"paths": "a.py *", "arguments": "--fail-on error", "output-file": "o ut"}
        done = job.run(RUN, format=output_format, **given)
        options = f"[-I][-m][lora_lint][check][--cache-dir][{job.temp}][--output-format]"
        assert done.stdout == options + expected
        assert done.returncode == 3


def test_actions_are_pinned_to_commits() -> None:
    for text in ((ROOT / "action.yml").read_text(), (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")):
        for used in re.findall(r"uses: (?!lora-lint/)(.+)", text):
            assert re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used), used
    assert SETUP["uses"].startswith("actions/setup-python@")
