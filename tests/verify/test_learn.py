"""`lora-lint learn`: a model type that nobody knows, made by a class of transformers under a new name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.processes import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.process, pytest.mark.torch]

TYPE = """\
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM


class NewConfig(LlamaConfig):
    model_type = "new_type"


class NewForCausalLM(LlamaForCausalLM):
    config_class = NewConfig


AutoConfig.register("new_type", NewConfig)
AutoModelForCausalLM.register(NewConfig, NewForCausalLM)
"""
CONFIG = {
    "model_type": "new_type",
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 128,
    "tie_word_embeddings": False,
}
PROGRAM = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer

model = AutoModelForCausalLM.from_pretrained("org/new-model")
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_porj"]))
Trainer(model=model).train()
"""


def lora_lint(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lora_lint", *arguments]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "new_types.py").write_text(TYPE, encoding="utf-8")
    (tmp_path / "model").mkdir()
    (tmp_path / "model/config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    (tmp_path / "train.py").write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "lora-lint.toml").write_text('[models]\n"org/new-model" = "facts"\n', encoding="utf-8")
    return tmp_path


def test_what_nobody_knows_is_silent_before_and_exact_after(project: Path) -> None:
    before = lora_lint(project, "--select", "LL2", "train.py")
    assert before.returncode == 0, before.stdout + before.stderr
    learnt = lora_lint(project, "learn", "model", "--import", "new_types", "--out", "facts")
    assert learnt.returncode == 0, learnt.stderr
    assert "NewForCausalLM" in learnt.stdout
    after = lora_lint(project, "--select", "LL2", "--output-format", "concise", "train.py")
    assert "LL202" in after.stdout
    assert "v_porj" in after.stdout
    (run,) = json.loads(lora_lint(project, "inspect", "--output-format", "json", "train.py").stdout)["runs"]
    assert run["parameters"]["trainable"] == 3 * 8 * (64 + 64)


def test_what_is_learnt_holds_for_its_own_config_alone(project: Path) -> None:
    assert lora_lint(project, "learn", "model", "--import", "new_types", "--out", "facts").returncode == 0
    wider = {**json.loads((project / "facts/config.json").read_text(encoding="utf-8")), "hidden_size": 128}
    (project / "facts/config.json").write_text(json.dumps(wider), encoding="utf-8")
    (run,) = json.loads(lora_lint(project, "inspect", "--output-format", "json", "train.py").stdout)["runs"]
    assert "trainable" not in run["parameters"]


@pytest.mark.parametrize("content", ["{", "[]", '{"type": "new_type"}', '{"type": "new_type", "versions": {"5": 1}}'])
def test_a_broken_file_is_as_good_as_none(project: Path, content: str) -> None:
    (project / "facts").mkdir()
    (project / "facts/config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    (project / "facts/modules.json").write_text(content, encoding="utf-8")
    done = lora_lint(project, "--select", "LL2", "train.py")
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("no_such_type",), "no_such_type"),
        (("model",), "new_type"),
        (("model", "--import", "no_such_module"), "no_such_module"),
        (("model", "--import", "new_types", "--out", "train.py/x"), "train.py/x"),
    ],
)
def test_what_cannot_be_learnt_has_a_reason(project: Path, arguments: tuple[str, ...], reason: str) -> None:
    done = lora_lint(project, "learn", *arguments)
    assert done.returncode == 2
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project / "lora-lint-models").exists()
