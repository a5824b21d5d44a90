"""Modules that several programs import: followed once, and the same for each program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lora_lint.interpreter.machine import Machine
from lora_lint.programs import python
from lora_lint.project import Project
from lora_lint.run.values import known
from lora_lint.source import SourceFile
from tests.support.reading import plain, read_python

if TYPE_CHECKING:
    import ast

    from lora_lint.interpreter.definitions import ProgramFile

TUNING = """\
from peft import LoraConfig, get_peft_model

SETTINGS = {"r": 8}
TARGETS = ["q_proj"]


class Tuner:
    rank = 8


def add_lora(model, r=None):
    config = LoraConfig(r=r or SETTINGS["r"], lora_alpha=Tuner.rank, target_modules=TARGETS)
    return get_peft_model(model, config)
"""
PROGRAM = "from transformers import AutoModelForCausalLM\nimport tuning\nfrom tuning import add_lora\n{}\n"
PROGRAM += "model = add_lora(AutoModelForCausalLM.from_pretrained('gpt2'), {})\n"
CHANGES = (
    "tuning.SETTINGS['r'] = 64",
    "tuning.SETTINGS = {'r': 64}",
    "tuning.SETTINGS[unknown] = 64",
    "tuning.TARGETS.append('v_proj')",
    "tuning.TARGETS.extend(unknown)",
    "tuning.Tuner.rank = 64",
    "if unknown:\n    tuning.Tuner.rank = 64",
    "tuning.extra = 1",
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    (tmp_path / "tuning.py").write_text(TUNING)
    monkeypatch.chdir(tmp_path)
    return Project()


def read(project: Project, program: str) -> python.Program:
    return python.read(SourceFile("program.py", "python", program.encode()), project)


@pytest.mark.parametrize("change", CHANGES)
def test_what_one_program_changes_is_undone_for_the_next(project: Project, change: str) -> None:
    plain = PROGRAM.format("", "None")
    first = read(project, plain)
    assert "8" in repr(first)
    read(project, PROGRAM.format(change, "None"))
    assert repr(read(project, plain)) == repr(first)
    assert repr(read(Project(), plain)) == repr(first)


@pytest.mark.parametrize("change", CHANGES)
def test_a_program_sees_its_own_changes(project: Project, change: str) -> None:
    program = PROGRAM.format(change, "None")
    alone = read(Project(), program)
    read(project, PROGRAM.format("", "None"))
    assert repr(read(project, program)) == repr(alone)


def test_a_shared_module_is_followed_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    followed = []
    load = Machine.load

    def counted(self: Machine, module: ProgramFile, tree: ast.Module) -> None:
        followed.append(module.source.path)
        load(self, module, tree)

    monkeypatch.setattr(Machine, "load", counted)
    for rank in (4, 8, 16):
        [run] = read(project, PROGRAM.format("", rank)).reading.runs
        assert known(run.adapter.rank) == rank
    assert followed == ["tuning.py"]


@pytest.mark.parametrize(
    "more",
    [
        "from peft import LoraConfig\nDEFAULT = LoraConfig(r=8)\n",
        "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--r', type=int, default=8)\n"
        "args = parser.parse_args()\n",
        "import subprocess\nsubprocess.run(['python', 'train.py', '--lora_r', '8'])\n",
    ],
)
def test_a_module_that_does_more_is_followed_for_each_program(project: Project, more: str) -> None:
    Path("tuning.py").write_text(TUNING + more)
    program = PROGRAM.format("", "4")
    assert repr(read(project, program)) == repr(read(project, program)) == repr(read(Project(), program))


def test_modules_that_import_each_other_are_the_same_from_both_sides(project: Project) -> None:
    Path("tuning.py").write_text(TUNING + "from other import Base\n\nclass Mine(Base):\n    pass\n")
    Path("other.py").write_text("import tuning\n\nclass Base(tuning.Tuner):\n    rank = 16\n")
    first = PROGRAM.format("from other import Base", "Base.rank")
    second = PROGRAM.format("from tuning import Mine", "Mine.rank")
    together = [repr(read(project, program)) for program in (first, second, first)]
    assert together == [repr(read(Project(), program)) for program in (first, second, first)]


def test_a_module_that_one_branch_imports_keeps_its_names_for_the_next(project: Project) -> None:
    program = "from transformers import AutoModelForCausalLM\nfrom peft import PeftModel\nfrom tuning import add_lora\n"
    for number in (1, 2):
        loaded = "AutoModelForCausalLM.from_pretrained('gpt2')"
        program += f"def train_{number}():\n    model: PeftModel = add_lora({loaded}, {number})\n"
    runs = read(project, program).reading.runs
    assert [known(run.adapter.rank) for run in runs] == [1, 2]


COPIED = """
from transformers import AutoModelForCausalLM, Trainer
from IMPORTED import LoraConfig, TaskType, get_peft_model
config = LoraConfig(task_type=TaskType.CAUSAL_LM, r=12, lora_nums=8)
model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), config)
Trainer(model=model).train()
"""


@pytest.mark.parametrize("imported", ["tools.my_peft", "tools.adapting"])
@pytest.mark.parametrize("whole", [True, False])
def test_a_copy_of_peft_under_another_name(imported: str, whole: bool, tmp_path: Path) -> None:
    """Its functions are PEFT's; it may have more arguments."""
    folder = tmp_path / imported.replace(".", "/")
    (folder / "tuners").mkdir(parents=True)
    (folder / "__init__.py").write_text("from .peft_model import LoraConfig, TaskType, get_peft_model\n")
    own = "class LoraConfig: pass\nclass TaskType: pass\ndef get_peft_model(model, config): pass\n"
    (folder / "peft_model.py").write_text(own)
    if whole:
        (folder / "tuners/__init__.py").write_text("")
    runs = read_python(COPIED.replace("IMPORTED", imported), tmp_path).runs
    assert [plain(run.adapter.rank) for run in runs] == ([12] if whole else [])
    assert all(not run.problems for run in runs)
