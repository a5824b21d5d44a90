"""What starts a program: each file that may do so is read once for all programs of a project."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lora_lint.programs.callers import always_given
from lora_lint.project import Project
from lora_lint.readers import notebook as notebook_reader
from lora_lint.run.cases import together
from lora_lint.run.values import Unknown, alternatives
from tests.support.reading import only, plain, read_python, shell

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


@pytest.mark.parametrize("folder", ["docs", "docs/guides"])
def test_a_page_that_explains_the_project_at_length(folder: str, tmp_path: Path) -> None:
    program = PROGRAM.replace("PARSER", ARGPARSE)
    (tmp_path / "train.py").write_text(program)
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "start.md").write_text(PAGE)
    assert plain(only(read_python(program, tmp_path)).model.name) == "gpt2"
    (tmp_path / "README.md").write_text(PAGE.replace("gpt2", "gpt2-large"))
    assert plain(only(read_python(program, tmp_path)).model.name) == "gpt2-large"


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


LOADING = """
import argparse, yaml
from pathlib import Path
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer
parser = argparse.ArgumentParser()
parser.add_argument("--config", type=KIND, required=True)
args = parser.parse_args()
with OPENED as file:
    cfg = yaml.safe_load(file)
config = LoraConfig(r=int(cfg["r"]), lora_alpha=cfg["alpha"], target_modules=cfg["targets"])
model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), config)
Trainer(model=model).train()
"""
"""A program whose config file has no default."""
HEADS = {
    "docstring": '"""Fine-tunes.\n\nUsage:\n    python tools/train.py \\\\\n        --config a.yaml --out <folder>\n"""\n',
    "raw docstring": 'r"""\n$ CUDA_VISIBLE_DEVICES=0 python tools/train.py \\\n    --config a.yaml  # a small one\n"""\n',
    "comments": "#!/usr/bin/env python\n# Usage:\n#   python -m tools.train \\\n#       --config a.yaml\n#\n# Bye.\n\n",
}


def loading(folder: Path, kind: str = "str", opened: str = "open(args.config)") -> str:
    """The program, with config files beside it in `folder`."""
    (folder / "a.yaml").write_text("r: 8\nalpha: 16\ntargets: [c_attn]\n")
    (folder / "b.yaml").write_text("r: 32\nalpha: 64\ntargets: [c_attn]\n")
    (folder / "c.yaml").write_text("r: 32\nalpha: 64\ntargets: [c_attn]\n")
    return LOADING.replace("KIND", kind).replace("OPENED", opened)


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_the_head_of_a_program_shows_its_use(head: str, tmp_path: Path) -> None:
    program = loading(tmp_path)
    (tmp_path / "tools").mkdir()
    assert plain(only(read_python(program, tmp_path, "tools/train.py")).adapter.rank) is Unknown
    (tmp_path / "tools/train.py").write_text(head + program)
    run = only(read_python(head + program, tmp_path, "tools/train.py"))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (8, 16)
    (known,) = alternatives(run.adapter.rank)
    assert known.origin == "cli-default"
    assert run.elsewhere == ()


def test_prose_in_the_head_of_a_program_is_no_command(tmp_path: Path) -> None:
    head = '"""Do not start train.py with --config a.yaml, or in python train.py.\n\nSee --config b.yaml."""\n'
    (tmp_path / "train.py").write_text(head + loading(tmp_path))
    assert plain(only(read_python(head + loading(tmp_path), tmp_path)).adapter.rank) is Unknown


@pytest.mark.parametrize(
    ("kind", "opened"),
    [("str", "open(args.config)"), ("Path", "args.config.open()"), ("str", "Path(args.config).open()")],
)
def test_each_config_file_of_several_commands_has_its_own_settings(kind: str, opened: str, tmp_path: Path) -> None:
    """The rank of one file never goes with the alpha of another; two files may agree."""
    program = loading(tmp_path, kind, opened)
    (tmp_path / "train.py").write_text(program)
    for name in "abc":
        (tmp_path / f"run_{name}.sh").write_text(f"python train.py --config {name}.yaml\n")
    adapter = only(read_python(program, tmp_path)).adapter
    assert (plain(adapter.rank), plain(adapter.alpha), plain(adapter.target_modules)) == (
        {8, 32},
        {16, 64},
        ("c_attn",),
    )
    pairs = {(rank.value, alpha.value) for rank, alpha in together(adapter.rank, adapter.alpha)}
    assert pairs == {(8, 16), (32, 64)}
    (tmp_path / "run_d.sh").write_text("python train.py --config of_yours.yaml\n")
    assert plain(only(read_python(program, tmp_path)).adapter.rank) == {8, 32}


@pytest.mark.parametrize("place", ["acme/sft/train.py", "src/acme/sft/train.py"])
def test_a_script_may_start_a_module(place: str, tmp_path: Path) -> None:
    """A package is installed from the folder `src`."""
    program = loading(tmp_path)
    (tmp_path / place).parent.mkdir(parents=True)
    (tmp_path / place).write_text(program)
    assert plain(only(read_python(program, tmp_path, place)).adapter.rank) is Unknown
    (tmp_path / "train.sh").write_text("python -m acme.sft.train --config b.yaml\n")
    assert plain(only(read_python(program, tmp_path, place)).adapter.rank) == 32
    (tmp_path / "other.sh").write_text("python -m other.sft.train --debug\n")
    assert plain(only(read_python(program, tmp_path, place)).adapter.rank) == 32


COMMANDS = {
    "pyproject.toml": '[project]\nname = "tuner"\n[project.scripts]\n"tune-it" = "tuner.cli:main"\nother = "tuner.no:main"\n',
    "setup.py": 'setup(entry_points={"console_scripts": ["other=tuner.no:main", "tune-it  = tuner.cli:main"]})\n',
    "setup.cfg": "[options.entry_points]\nconsole_scripts =\n    tune-it = tuner.cli:main\n",
}
CLI = """
import argparse
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--lora_r", type=int, default=8)
    args = parser.parse_args()
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(args.model), LoraConfig(r=args.lora_r))
    Trainer(model=model).train()
"""


@pytest.mark.parametrize("start", ["tune-it", "uv run tune-it", "poetry run tune-it"])
@pytest.mark.parametrize("file", COMMANDS)
@pytest.mark.parametrize("place", ["tuner", "src/tuner"])
def test_a_command_that_the_project_installs(start: str, file: str, place: str, tmp_path: Path) -> None:
    """A script that calls it is a run with its options; a page gives what has no default."""
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / "cli.py").write_text(CLI)
    (tmp_path / file).write_text(COMMANDS[file])
    run = only(shell(f"{start} --model gpt2 --lora_r 64", tmp_path))
    assert (plain(run.model.name), plain(run.adapter.rank)) == ("gpt2", 64)
    assert plain(only(read_python(CLI, tmp_path, f"{place}/cli.py")).model.name) is Unknown
    (tmp_path / "README.md").write_text(f"```bash\n{start} --model gpt2\n```\n")
    assert plain(only(read_python(CLI, tmp_path, f"{place}/cli.py")).model.name) == "gpt2"


def test_a_command_of_another_package(tmp_path: Path) -> None:
    (tmp_path / "cli.py").write_text(CLI)
    assert shell("tune-it --model gpt2 --lora_r 64", tmp_path).runs == ()


@pytest.mark.parametrize(
    ("file", "text", "found"),
    [
        ("README.md", "```bash\ntrain.py --model gpt2 --rank 64\n```\n", True),
        ("README.md", "```bash\npython train.py --model gpt2 --other 64\n```\n", False),
        ("README.md", "```bash\npython other/train.py --model gpt2\n```\n", False),
        ("jobs/run.sh", "cd ../src\npython train.py --model gpt2\n", True),
    ],
)
def test_a_command_that_leaves_out_the_folder(file: str, text: str, found: bool, tmp_path: Path) -> None:
    program = PROGRAM.replace("PARSER", ARGPARSE)
    for place, content in (("src/train.py", program), (file, text)):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text(content)
    run = only(read_python(program, tmp_path, "src/train.py"))
    assert plain(run.model.name) == ("gpt2" if found else Unknown)
