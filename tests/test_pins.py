"""The versions that a project pins select what its settings mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint import checker, discovery, pins
from lora_lint.project import Project
from lora_lint.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint.run import Run

PROGRAM = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("mistralai/Mixtral-8x7B-v0.1")
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["w1", "w2"], use_rslora=True))
"""


def run_of(folder: Path, **files: str) -> Run:
    """The run of a program in a folder below that of the files that pin."""
    (folder / ".git").mkdir()
    (folder / "src").mkdir()
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    path = (folder / "src/train.py").as_posix()
    found = discovery.Found(path, "python", PROGRAM.encode(), True)
    _, reading, _ = checker.reading_of(found, Settings(), Project(folder.as_posix()), [])
    (run,) = reading.runs
    return run


@pytest.mark.parametrize(
    "requirement, below",
    [
        ("==0.7.1", (0, 7, 2)),
        ("== 0.7", (0, 7, 1)),
        ("==0.7.*", (0, 8)),
        ("~=0.7.1", (0, 8)),
        ("~=0.7", (1,)),
        ("<0.8", (0, 8)),
        ("<=0.8.2", (0, 8, 3)),
        (">=0.4,<0.8", (0, 8)),
        ("^0.7.0", (0, 8)),
        ("^1.2", (2,)),
        ("0.7.1", (0, 7, 2)),
        (">=0.4", None),
        ("!=0.5", None),
        ("", None),
        ("*", None),
        ("@ git+https://example.org/peft@v0.7.1", None),
    ],
)
def test_upper_bounds(requirement: str, below: tuple[int, ...] | None) -> None:
    assert pins._upper(requirement) == below


@pytest.mark.parametrize(
    "name, text",
    [
        ("requirements__txt", "torch\npeft==0.7.1  # the last that works\n"),
        ("requirements-gpu__txt", "PEFT[extra] == 0.7.1; python_version > '3.8'\n"),
        ("pyproject__toml", '[project]\ndependencies = ["torch", "peft<0.8"]\n'),
        ("pyproject__toml", '[tool.poetry.dependencies]\npeft = "^0.7.0"\n'),
        ("pyproject__toml", '[tool.poetry.dependencies]\npeft = {extras = ["x"], version = "0.7.1"}\n'),
        ("uv__lock", '[[package]]\nname = "peft"\nversion = "0.7.1"\nsource = { }\n'),
    ],
)
def test_an_old_peft_does_not_know_rslora(tmp_path: Path, name: str, text: str) -> None:
    (problem,) = run_of(tmp_path, **{name: text}).problems
    assert (problem.key, problem.consequence) == ("use_rslora", "raises a TypeError")
    assert "before PEFT 0.8.0" in problem.owner
    assert name.replace("__", ".") in problem.owner


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"requirements__txt": "peft>=0.4\n"},
        {"requirements__txt": "peft==0.8.0\n"},
        {"requirements__txt": "peft\n"},
        {"requirements__txt": "peft-utils==0.1\n"},
        {"requirements__txt": "# peft==0.4.0\n"},
        {"requirements__txt": "peft==0.7.1\n", "requirements-new__txt": "peft==0.17.0\n"},
        {"requirements__txt": "peft==0.7.1\n", "uv__lock": 'name = "peft"\nversion = "0.17.0"\n'},
    ],
)
def test_a_peft_that_may_be_newer(tmp_path: Path, files: dict[str, str]) -> None:
    assert run_of(tmp_path, **files).problems == ()


def test_transformers_selects_the_names_of_its_version(tmp_path: Path) -> None:
    assert run_of(tmp_path, requirements__txt="transformers==4.40.0\n").model.transformers == "4"


@pytest.mark.parametrize("text", ["transformers>=4.40\n", "transformers==5.2.0\n", "transformers<6\n"])
def test_transformers_may_be_the_newest(tmp_path: Path, text: str) -> None:
    assert run_of(tmp_path, requirements__txt=text).model.transformers is None


def test_what_is_outside_of_the_repository_pins_nothing(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("peft==0.7.1\n", encoding="utf-8")
    inner = tmp_path / "inner"
    inner.mkdir()
    assert run_of(inner).problems == ()
