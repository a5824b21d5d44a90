"""Config files that a pattern matches."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from lora_lint.libraries.matching_files import MOST_FILES
from lora_lint.run.values import Unknown
from tests.support.reading import IMPORTS, only, plain, read_python

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = f"""
import glob, json
from pathlib import Path
{IMPORTS}
for path in PATTERN:
    given = json.loads(Path(path).read_text())
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    model = get_peft_model(model, LoraConfig(r=given["r"], lora_alpha=16, target_modules=["c_attn"]))
    Trainer(model=model).train()
"""


def ranks(pattern: str, folder: Path, count: int = 2) -> list[object]:
    (folder / "configs").mkdir()
    for number in range(count):
        (folder / "configs" / f"{number:02}.json").write_text(f'{{"r": {number + 4}}}')
    return [plain(run.adapter.rank) for run in read_python(PROGRAM.replace("PATTERN", pattern), folder).runs]


@pytest.mark.parametrize(
    "pattern",
    ['sorted(Path("configs").glob("*.json"))', 'glob.glob("configs/*.json")', 'sorted(glob.glob("./configs/0?.json"))'],
)
def test_each_file_is_read_by_itself(pattern: str, tmp_path: Path) -> None:
    assert ranks(pattern, tmp_path) == [4, 5]


@pytest.mark.parametrize("pattern", ['glob.glob("*/*.json")', 'glob.glob("configs/*")', 'glob.glob("other/*.json")'])
def test_other_patterns(pattern: str, tmp_path: Path) -> None:
    assert ranks(pattern, tmp_path) == [Unknown]


def test_too_many_files_are_data(tmp_path: Path) -> None:
    assert ranks('glob.glob("configs/*.json")', tmp_path, MOST_FILES[".json"] + 1) == [Unknown]


def test_the_rows_of_data_in_several_files(tmp_path: Path) -> None:
    """Concatenated, they are as many as there are lines in all."""
    (tmp_path / "parts").mkdir()
    for number in (3, 4):
        (tmp_path / "parts" / f"{number}.jsonl").write_text('{"text": "a"}\n' * number)
    program = """
    from pathlib import Path
    from datasets import concatenate_datasets, load_dataset
    files = sorted(Path("parts").glob("*.jsonl"))
    rows = concatenate_datasets([load_dataset("json", data_files=str(file), split="train") for file in files])
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["c_attn"]))
    Trainer(model=model, train_dataset=rows).train()
    """
    assert plain(only(read_python(IMPORTS + textwrap.dedent(program), tmp_path)).dataset.size) == 7


@pytest.mark.parametrize(("first", "found"), [("own-project", True), ("other-project", False), ("own", False)])
def test_a_path_from_the_folder_that_a_project_is_cloned_into(first: str, found: bool, tmp_path: Path) -> None:
    project = tmp_path / "own-project-main"
    (project / "data").mkdir(parents=True)
    (project / "data" / "train.jsonl").write_text('{"text": "a"}\n' * 5)
    program = f"""
    from datasets import load_dataset
    rows = load_dataset("json", data_files="{first}/data/train.jsonl", split="train")
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["c_attn"]))
    Trainer(model=model, train_dataset=rows).train()
    """
    size = plain(only(read_python(IMPORTS + textwrap.dedent(program), project)).dataset.size)
    assert size == (5 if found else Unknown)
