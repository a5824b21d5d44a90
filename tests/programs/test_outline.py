"""Which importers of files that make adapters are followed, and that the order of files changes no report."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint.programs.files import ProjectLoader, worth_following
from lora_lint.programs.outline import Outline
from lora_lint.project import Project
from lora_lint.source import SourceFile

TUNING = """\
import logging
from peft import LoraConfig, get_peft_model
from pkg.names import clean

logger = logging.getLogger(__name__)
DEFAULT = LoraConfig(r=8)


def add_lora(model, r):
    return get_peft_model(model, LoraConfig(r=r, lora_alpha=4 * r, target_modules=["q_proj"]))


def build(name, r):
    return add_lora(name, r)


class Tuner:
    rank = 8

    def tune(self, model):
        return add_lora(model, self.rank)


def describe(model):
    logger.info(clean(model))


def is_ready():
    return True
"""
LOADING = """\
from peft import PeftConfig, PeftModel


def load(model, path):
    \"\"\"Loads what LoraConfig(r=8) made.\"\"\"
    return PeftModel.from_pretrained(model, path)


def read(path) -> "PeftConfig":
    return PeftConfig.from_pretrained(path)
"""
NAMES = "def clean(name):\n    return str(name)\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").write_text("from .tuning import build, describe\n")
    (tmp_path / "pkg" / "tuning.py").write_text(TUNING)
    (tmp_path / "pkg" / "names.py").write_text(NAMES)
    (tmp_path / "pkg" / "loading.py").write_text(LOADING)
    monkeypatch.chdir(tmp_path)
    return Project()


def is_followed(project: Project, program: str) -> bool:
    source = SourceFile("program.py", "python", program.encode())
    return worth_following(source, ProjectLoader(project))


@pytest.mark.parametrize(
    "program",
    [
        "from pkg.tuning import add_lora\nmodel = add_lora(base, 8)\n",
        "from pkg.tuning import build\nmodel = build('gpt2', 8)\n",
        "from pkg.tuning import (\n    describe,  # (first)\n    build as make,\n)\nmake('gpt2', 8)\n",
        "from pkg import build\nbuild('gpt2', 8)\n",
        "from pkg import tuning\ntuning.build('gpt2', 8)\n",
        "import pkg.tuning as t\nt.build('gpt2', 8)\n",
        "from pkg.tuning import *\nbuild('gpt2', 8)\n",
        "from pkg.tuning import DEFAULT\nuse(DEFAULT)\n",
        "from pkg.tuning import build\n\ndef main():\n    build('gpt2', 8)\n\nif __name__ == '__main__':\n    main()\n",
        "def main():\n    from pkg.tuning import build\n    return build('gpt2', 8)\n\nif not main():\n    raise SystemExit\n",
        "from pkg.tuning import Tuner\n\nclass Mine(Tuner):\n    rank = 4\n\nMine().tune(base)\n",
        "from pkg.tuning import build\n\nclass Run:\n    model = [\n        build('gpt2', 8),\n    ]\n",
        "from pkg.tuning import build\n\n@kept\nclass Run:\n    model = [\n        build('gpt2', 8),\n    ]\n",
        "from pkg.tuning import build\n\nSTEPS = {'lora': build}\nSTEPS['lora']('gpt2', 8)\n",
        "import pkg.tuning\ngetattr(pkg.tuning, 'build')('gpt2', 8)\n",
        "from pkg.tuning import describe\nmodel.load_adapter('out')\n",
    ],
)
def test_a_program_that_reaches_an_adapter_is_followed(project: Project, program: str) -> None:
    assert is_followed(project, program)


@pytest.mark.parametrize(
    "program",
    [
        "from pkg.tuning import build\n\ndef main():\n    build('gpt2', 8)\n",
        "from pkg.tuning import describe\ndescribe(model)\n",
        "from pkg import describe\ndescribe(model)\n",
        "from pkg.tuning import Tuner\n\nclass Mine(Tuner):\n    '''Builds: build(8).'''\n    rank = 4\n",
        "from pkg.tuning import build, is_ready\nif is_ready():\n    print('ready to build')\n",
        "from pkg.tuning import build\n__all__ = ['build']\n",
        "from pkg.tuning import build\n\n@decorated\ndef main():\n    build('gpt2', 8)\n",
        "from pkg.tuning import build\n\nclass Run:\n    def build(self):\n        return build('gpt2', 8)\n",
        "import pkg.names\nprint(pkg.names.clean('x'))\n",
        "from pkg.loading import load, read\nload(model, read('out').base_model)\n",  # whose run would be its own
    ],
)
def test_a_program_that_reaches_none_is_not(project: Project, program: str) -> None:
    assert not is_followed(project, program)


def test_an_adapter_that_a_trainer_takes_from_elsewhere(project: Project) -> None:
    Path("pkg/engine.py").write_text(
        "from pkg.tuning import build\n\nclass Engine:\n    def __init__(self, rank):\n        self.model = build('gpt2', rank)\n"
    )
    assert is_followed(project, "from pkg.engine import Engine\nEngine(8)\n")
    assert not is_followed(project, "from pkg.engine import Engine\nprint('none is made')\n")


def test_a_circle_of_imports_ends(project: Project) -> None:
    Path("pkg/names.py").write_text("from pkg.tuning import describe\n\ndef clean(name):\n    return describe(name)\n")
    assert not is_followed(project, "from pkg.tuning import describe\ndescribe(model)\n")


@given(st.text(alphabet="abf \n\t:()[]{}'\"#\\@,.=*", max_size=200))
def test_any_text_has_an_outline(text: str) -> None:
    outline = Outline(f"import os\n{text}\nfrom a import b\n".encode())
    assert all(outline.mentioned_by(name) is not None for name in (*outline.names, *outline.running))
    assert outline.imports.keys() >= {b"os"}


@pytest.mark.process
@pytest.mark.usefixtures("project")
def test_the_order_of_files_and_the_number_of_processes_change_no_report(tmp_path: Path) -> None:
    for number in range(12):
        Path(f"train_{number}.py").write_text(
            "from transformers import AutoModelForCausalLM\nfrom pkg import build\nimport pkg.tuning\n"
            f"pkg.tuning.Tuner.rank = {number + 1}\npkg.tuning.DEFAULT.r = {number + 1}\n"
            f"model = build(AutoModelForCausalLM.from_pretrained('gpt2'), {4 * number + 4})\n"
        )
    files = [f"train_{number}.py" for number in range(12)] + ["pkg/tuning.py", "pkg/__init__.py", "pkg/names.py"]
    reports = set()
    for seed, jobs in enumerate(("1", "1", "2", "2")):
        random.Random(seed).shuffle(files)
        options = ("--isolated", "--no-cache", "--jobs", jobs, "--output-format", "json")
        command = [sys.executable, "-m", "lora_lint", *options, *files]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode in (0, 1), done.stderr
        reports.add(done.stdout)
    [report] = reports
    assert json.loads(report)["summary"]["runs"] >= 12
