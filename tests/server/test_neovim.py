"""Neovim's built-in client with the lines of docs/editors.md: findings, hovering and an applied fix."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
DOCUMENT = (HERE.parents[1] / "docs" / "editors.md").read_text(encoding="utf-8")
BAD = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("microsoft/Phi-3-mini-4k-instruct")
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "o_proj"]))
"""


@pytest.mark.process
@pytest.mark.skipif(shutil.which("nvim") is None, reason="needs nvim (Debian's package neovim)")
def test_findings_hovering_and_a_fix(tmp_path: Path) -> None:
    [init] = re.findall(r"<!-- neovim -->\n```lua\n(.*?)```", DOCUMENT, re.DOTALL)
    (tmp_path / "init.lua").write_text(init)
    (tmp_path / "train.py").write_text(BAD)
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "lora-lint").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lora_lint "$@"\n')
    (commands / "lora-lint").chmod(0o755)
    own = {"FILE": "train.py", "ANSWERS": str(tmp_path / "answers.json"), "XDG_STATE_HOME": str(tmp_path)}
    path = os.pathsep.join((str(commands), os.environ["PATH"]))
    subprocess.run(
        ["nvim", "--headless", "-n", "-i", "NONE", "-u", "init.lua", "-S", str(HERE / "neovim.lua")],
        cwd=tmp_path,
        env={**os.environ, **own, "PATH": path, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.DEVNULL,
        timeout=200,
        check=True,
        capture_output=True,
    )
    answers = json.loads((tmp_path / "answers.json").read_text())
    assert answers.get("problem") is None
    assert (answers["code"], answers["line"]) == ("LL202", 4)
    assert answers["column"] == BAD.splitlines()[4].index('"q_proj"')
    assert "`q_proj` is not in this model: it is `qkv_proj` there" in answers["hover"]
    assert answers["text"] == BAD.replace('"q_proj"', '"qkv_proj"')
