"""What several files make of one value is one finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.linting import engine
from lora_lint.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from lora_lint.finding import Finding

CONFIG = """\
base_model: Qwen/Qwen2.5-7B
adapter: lora
lora_r: 64
lora_alpha: 16
lora_target_modules: [q_proj, v_proj]
datasets: [{path: mhenrichsen/alpaca_2k_test, type: alpaca}]
"""
PROGRAM = """\
import yaml
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

cfg = yaml.safe_load(open("axolotl.yaml"))
model = AutoModelForCausalLM.from_pretrained(cfg["base_model"])
targets = cfg["lora_target_modules"]
model = get_peft_model(model, LoraConfig(r=cfg["lora_r"], lora_alpha=ALPHA, target_modules=targets))
"""


def found(folder: Path, monkeypatch: pytest.MonkeyPatch, **files: str) -> list[Finding]:
    monkeypatch.chdir(folder)
    for name, text in files.items():
        (folder / f"{name}.{'yaml' if name == 'axolotl' else 'py'}").write_text(text, encoding="utf-8")
    return [each for each in engine.lint(["."], Settings(), jobs=1).findings if each.code == "LL102"]


def test_it_is_told_where_the_value_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = PROGRAM.replace("ALPHA", 'cfg["lora_alpha"]')
    (finding,) = found(tmp_path, monkeypatch, axolotl=CONFIG, a=program, b=program)
    assert finding.span.path == "axolotl.yaml"
    assert [related.span.path for related in finding.related if related.message == "the same applies here"] == [
        "a.py",
        "b.py",
    ]


def test_or_else_in_the_first_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = PROGRAM.replace("ALPHA", 'cfg["lora_alpha"]').replace("axolotl", "settings")
    (tmp_path / "settings.yaml").write_text("lora_r: 64\nlora_alpha: 16\nlora_target_modules: [q_proj]\n")
    (finding,) = found(tmp_path, monkeypatch, b=program, a=program.replace("base_model", "model"))
    assert finding.span.path == "a.py"
    assert "b.py" in {related.span.path for related in finding.related}


def test_another_alpha_is_another_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    same, other = PROGRAM.replace("ALPHA", 'cfg["lora_alpha"]'), PROGRAM.replace("ALPHA", "32")
    findings = found(tmp_path, monkeypatch, axolotl=CONFIG, a=same, b=other)
    assert [finding.span.path for finding in findings] == ["axolotl.yaml", "b.py"]


def test_a_comment_silences_only_its_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = PROGRAM.replace("ALPHA", 'cfg["lora_alpha"]')
    quiet = program.replace("target_modules=targets))", "target_modules=targets))  # lora-lint: ignore[LL102]")
    (finding,) = found(tmp_path, monkeypatch, axolotl=CONFIG, a=quiet, b=program)
    assert {"b.py"} == {related.span.path for related in finding.related if related.message == "the same applies here"}


ADAPTER = """\
{"peft_type": "LORA", "base_model_name_or_path": "microsoft/Phi-3.5-mini-instruct", "r": 8, "lora_alpha": 16,
 "target_modules": ["q_proj", "o_proj"]}
"""


def test_the_checkpoints_of_one_training_are_one_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("a", "a/checkpoint-10", "a/checkpoint-20", "b/final", "b/checkpoint-10", "c/one", "c/two"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "adapter_config.json").write_text(ADAPTER, encoding="utf-8")
    (tmp_path / "a/checkpoint-20/adapter_config.json").write_text(ADAPTER.replace("q_proj", "k_proj"), encoding="utf-8")
    findings = [each for each in engine.lint(["."], Settings(), jobs=1).findings if each.code == "LL202"]
    places = {
        each.span.path: [related.span.path for related in each.related if related.message == "the same applies here"]
        for each in findings
    }
    assert places == {
        "a/adapter_config.json": ["a/checkpoint-10/adapter_config.json"],
        "a/checkpoint-20/adapter_config.json": [],
        "b/checkpoint-10/adapter_config.json": ["b/final/adapter_config.json"],
        "c/one/adapter_config.json": [],
        "c/two/adapter_config.json": [],
    }
