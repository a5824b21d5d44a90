"""What starts a program: each file that may do so is read once for all programs of a project."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lora_lint.programs.callers import always_given
from lora_lint.project import Project
from lora_lint.readers import notebook as notebook_reader
from lora_lint.run.values import Unknown, alternatives
from tests.support.reading import only, plain, read_python

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint.source import SourceFile


def test_notebooks_are_decoded_once_however_many_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("lora_lint.project._KEPT", 2)
    for number in range(6):
        sources = ("this is no Pythön", f"!python train_{number}.py --rank {number}")
        cells = [{"cell_type": "code", "source": source, "outputs": []} for source in sources]
        notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (tmp_path / f"{number}.ipynb").write_text(json.dumps(notebook))
        (tmp_path / f"train_{number}.py").write_text("print()\n")
    decoded: list[str] = []
    usual = notebook_reader.read_cells

    def counted(path: str, data: bytes) -> SourceFile:
        decoded.append(path)
        return usual(path, data)

    monkeypatch.setattr(notebook_reader, "read_cells", counted)
    project = Project()
    given = [always_given(f"train_{number}.py", project) for number in range(6)]
    assert [str(options["rank"][0].value) for options in given] == ["0", "1", "2", "3", "4", "5"]
    assert 6 <= len(decoded) <= 2 * 6, "once to find the names, and once for the commands"
    for number, options in enumerate(given):
        node = options["rank"][0]
        source = project.load(f"{number}.ipynb")
        assert source is not None
        assert source.utf8[node.span.start : node.span.end].decode() == "#", "a line for the shell is a comment there"
        assert source.locate(node.span).cell == 2


PROGRAM = """
import argparse, yaml
from dataclasses import dataclass, field
from typing import Optional
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, HfArgumentParser, Trainer
PARSER
model = get_peft_model(AutoModelForCausalLM.from_pretrained(args.model), LoraConfig(r=args.rank))
Trainer(model=model).train()
"""
ARGPARSE = """
parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--rank", type=int, default=8)
args = parser.parse_args()
"""
FIELDS = """
@dataclass
class Settings:
    model: Optional[str] = field(default=None)
    rank: int = 8
(args,) = HfArgumentParser(Settings).parse_args_into_dataclasses()
"""
PAGE = """\
```bash
python train.py --model gpt2 --rank 64
```
Or `python train.py --model none`.
"""


@pytest.mark.parametrize("parser", [ARGPARSE, FIELDS])
def test_a_page_gives_what_has_no_default(parser: str, tmp_path: Path) -> None:
    """Another default than a page's is the program's own: the page is an example."""
    program = PROGRAM.replace("PARSER", parser)
    (tmp_path / "train.py").write_text(program)
    assert plain(only(read_python(program, tmp_path)).model.name) is Unknown
    (tmp_path / "README.md").write_text(PAGE)
    run = only(read_python(program, tmp_path))
    assert (plain(run.model.name), plain(run.adapter.rank)) == ("gpt2", 8)
    (name,) = alternatives(run.model.name)
    assert name.origin == "cli-default"
    assert run.elsewhere == ()
    (tmp_path / "run.sh").write_text("python train.py --model EleutherAI/pythia-70m\n")
    assert plain(only(read_python(program, tmp_path)).model.name) == "EleutherAI/pythia-70m"


@pytest.mark.parametrize(
    ("more", "models"),
    [
        ("python train.py --model gpt2-large", {"gpt2", "gpt2-large"}),
        ("python train.py --rank 4", set()),
        ("python train.py --model <your model>", set()),
        ("python other/train.py --rank 4", {"gpt2"}),
    ],
)
def test_several_commands_on_a_page(more: str, models: set[str], tmp_path: Path) -> None:
    program = PROGRAM.replace("PARSER", ARGPARSE)
    (tmp_path / "other").mkdir()
    for path in ("train.py", "other/train.py"):
        (tmp_path / path).write_text(program)
    (tmp_path / "README.md").write_text(f"{PAGE}```\n{more}\n```\n")
    run = only(read_python(program, tmp_path))
    assert {known.value for known in alternatives(run.model.name)} == models


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/home/me/project/tools/train.py", True),
        ("/home/me/train.py", False),
        ("/tools/train.py", True),
        ("tools/train.py", True),
    ],
)
def test_a_program_by_its_path_on_the_authors_machine(path: str, found: bool, tmp_path: Path) -> None:
    """The name alone is that of many programs."""
    program = PROGRAM.replace("PARSER", ARGPARSE)
    (tmp_path / "tools").mkdir()
    (tmp_path / "scripts").mkdir()
    (tmp_path / "tools/train.py").write_text(program)
    (tmp_path / "train.py").write_text("print()\n")
    (tmp_path / "scripts/run.sh").write_text(f"python {path} --model gpt2\n")
    project = Project(tmp_path.as_posix())
    assert ("model" in always_given(f"{tmp_path.as_posix()}/tools/train.py", project)) is found
