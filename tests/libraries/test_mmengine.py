"""Config files of mmengine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.run.values import Unknown
from tests.support.reading import IMPORTS, only, plain, read_python

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = f"""
from LIBRARY import Config
{IMPORTS}
cfg = Config.fromfile("FILE")
model = AutoModelForCausalLM.from_pretrained(cfg.model.name)
lora = LoraConfig(r=cfg.lora.r, lora_alpha=cfg.lora["alpha"], target_modules=cfg.lora.get("targets"))
Trainer(model=get_peft_model(model, lora)).train()
"""
BASE = 'model = dict(name="gpt2")\nlora = dict(alpha=32, targets=["c_attn"])\n'
FILES = {
    "base.py": BASE,
    "own.py": '_base_ = "./base.py"\nRANK = 16\nlora = dict(r=RANK, alpha=64)\n',
    "anew.py": '_base_ = ["base.py"]\nlora = dict(_delete_=True, r=16, alpha=64, targets=["c_proj"])\n',
    "own.yaml": "model: {name: gpt2}\nlora: {r: 16, alpha: 64, targets: [c_attn]}\n",
    "lost.py": '_base_ = "./nowhere.py"\nlora = dict(r=16)\n',
}


def read(file: str, folder: Path, library: str = "mmengine.config") -> tuple[object, ...]:
    (folder / "configs").mkdir()
    for name, text in FILES.items():
        (folder / "configs" / name).write_text(text)
    program = PROGRAM.replace("LIBRARY", library).replace("FILE", f"configs/{file}")
    run = only(read_python(program, folder))
    told = (run.adapter.rank, run.adapter.alpha, run.adapter.target_modules, run.model.name)
    return tuple(map(plain, told))


@pytest.mark.parametrize("library", ["mmengine", "mmengine.config", "mmcv"])
@pytest.mark.parametrize(
    ("file", "targets"), [("own.py", ("c_attn",)), ("anew.py", ("c_proj",)), ("own.yaml", ("c_attn",))]
)
def test_a_file_and_those_that_it_builds_on(file: str, targets: object, library: str, tmp_path: Path) -> None:
    assert read(file, tmp_path, library) == (16, 64, targets, "gpt2")


def test_a_base_that_is_not_there(tmp_path: Path) -> None:
    assert read("lost.py", tmp_path) == (Unknown,) * 4
