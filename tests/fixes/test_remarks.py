"""`--add-ignore`: comments that suppress what a report has, in each language that has comments."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lora_lint.fixes.remarks import LONGEST, remarked, why_no_reason
from lora_lint.linting import engine
from lora_lint.settings import Settings

PYTHON = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("microsoft/Phi-3-mini-4k-instruct")
config = LoraConfig(
    r=64,
    lora_alpha=16,  # as QLoRA
    target_modules=["q_proj", "o_proj"],
)
model = get_peft_model(model, config)
"""
YAML = """\
base_model: mistralai/Mistral-7B-v0.1
adapter: lora
lora_r: 4
lora_alpha: 64
lora_target_modules:
  - q_proj
  - v_porj
datasets:
  - path: x
    type: alpaca
"""
SHELL = """\
#!/bin/bash
for model in mistralai/Mistral-7B-v0.1; do
  llamafactory-cli train \\
    --finetuning_type lora --stage sft --do_train --model_name_or_path mistralai/Mistral-7B-v0.1 \\
    --lora_rank 4 --lora_alpha 64 --dataset x --template mistral --output_dir out \\
    --lora_target q_proj,v_porj
done
"""


def notebook(program: str) -> str:
    lines = program.splitlines(keepends=True)
    cells = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": part}
        for part in (lines[:4], lines[4:])
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1)


FILES = {
    "train.py": PYTHON,
    "windows.py": PYTHON.replace("\n", "\r\n"),
    "n.ipynb": notebook(PYTHON),
    "a.yaml": YAML,
    "a.sh": SHELL,
    "there.py": PYTHON.replace("    r=64,", "    # lora-lint: ignore[LL104] as in the paper\n    r=64,"),
    "behind.yaml": YAML.replace("lora_alpha: 64", "lora_alpha: 64  # four times too much"),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_all_is_suppressed_and_no_comment_is_added_twice(name: str) -> None:
    Path(name).write_bytes(FILES[name].encode())
    before = engine.lint([name], Settings())
    wrong = [finding for finding in before.findings if finding.code != "LL910"]
    assert len(wrong) == 2
    [file] = remarked(before, "as in the paper", Settings())
    assert (file.problem, file.findings) == ("", 2)
    Path(name).write_bytes(file.after)
    after = engine.lint([name], Settings())
    assert {finding.code for finding in after.findings} <= {"LL910"} and after.summary.suppressed == 2
    assert remarked(after, "again", Settings()) == []
    assert file.after.count(b"\r\n") == (file.after.count(b"\n") if name == "windows.py" else 0)


def test_what_is_written() -> None:
    for name in ("train.py", "a.yaml", "a.sh"):
        Path(name).write_text(FILES[name])
    files = {file.path: file.after.decode() for file in remarked(engine.lint(["."], Settings()), "kept", Settings())}
    assert "    # lora-lint: ignore[LL102] kept\n    r=64,\n    lora_alpha=16,  # as QLoRA\n" in files["train.py"]
    assert "# lora-lint: ignore[LL104] kept\nlora_alpha: 64\n" in files["a.yaml"]
    assert "  # lora-lint: ignore[LL104, LL202] kept\n  llamafactory-cli train" in files["a.sh"]


def test_a_comment_that_is_there_names_more_rules() -> None:
    Path("there.py").write_text(FILES["there.py"])
    [file] = remarked(engine.lint(["there.py"], Settings()), "kept", Settings())
    assert b"# lora-lint: ignore[LL104, LL102] as in the paper\n    r=64," in file.after


def test_json_has_no_comments() -> None:
    Path("adapter_config.json").write_text('{"peft_type": "LORA", "r": 8, "lora_alpha": 0}')
    [file] = remarked(engine.lint(["."], Settings()), "kept", Settings())
    assert file.after == file.before and "JSON has no comments" in file.problem


@pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "a # b", "\x1b[31m", "x" * (LONGEST + 1)])
def test_what_is_no_reason(reason: str) -> None:
    assert why_no_reason(reason)


def test_what_is_a_reason() -> None:
    assert why_no_reason("as in the paper, 表 3") is None
