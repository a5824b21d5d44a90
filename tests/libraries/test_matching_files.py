"""Config files that a pattern matches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.libraries.matching_files import MOST_FILES
from lora_lint.run.values import Unknown
from tests.support.reading import IMPORTS, plain, read_python

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
    assert ranks('glob.glob("configs/*.json")', tmp_path, MOST_FILES + 1) == [Unknown]
