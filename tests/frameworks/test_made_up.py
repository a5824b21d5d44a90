"""A framework that is one file: a record that is put into the folder is walked, read, linted, fixed, inspected and
recommended for, and nothing that is said of its runs names a key that it lacks."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from lora_lint import discovery, frameworks, marks
from lora_lint.__main__ import main
from lora_lint.commands.recommend import recommend
from lora_lint.frameworks import registry
from lora_lint.inspection.runs import inspect
from lora_lint.linting import engine
from lora_lint.report.inspect import as_json, as_text
from lora_lint.run.values import known
from lora_lint.settings import Settings
from scripts import generate_marks
from tests.support.reading import config, only, shell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODULE = '''
"""TinkerTune: `method: low-rank`."""

from lora_lint.run.framework import CommandLine, Framework

FRAMEWORK = Framework(
    name="tinkertune",
    title="TinkerTune",
    source="tinkertune",
    version=(0, 1),
    keys={"rank": "width", "alpha": "strength", "dropout": "noise", "target_modules": "layers"},
    other_keys={"model": "base", "learning_rate": "rate", "epochs": "rounds", "dataset": "corpus"},
    defaults={"rank": 8, "alpha": 16, "dropout": 0.0, "target_modules": "all-linear", "learning_rate": 1e-4},
    kinds=("yaml",),
    marks=((b"low-rank",),),
    tells=(b"low-rank",),
    commands=(CommandLine("command", "tinkertune", ("train",), config="first", implied={"method": "low-rank"}),),
    tells_in_commands=(rb"\\btinkertune\\s+train\\b",),
    every_layer="every",
    says_lora={"method": "low-rank"},
    recommended=("rank", "alpha", "target_modules", "learning_rate", "epochs"),
)
'''
CONFIG = """\
method: low-rank
base: meta-llama/Llama-3.1-8B
width: 16
strength: 640
layers: [q_proj, v_proj, qkv]
rate: 0.0001
"""


@pytest.fixture(autouse=True)
def registered(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The framework's file lies in the folder, and the marks are written anew."""
    folder = tmp_path_factory.mktemp("frameworks")
    (folder / "tinkertune.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.setattr(frameworks, "__path__", [*frameworks.__path__, str(folder)])
    written: dict[str, object] = {}
    exec(generate_marks.text(registry.every()), written)
    for name in vars(marks).keys() & written.keys():
        if name.isupper():
            monkeypatch.setattr(marks, name, written[name])
    yield
    sys.modules.pop("lora_lint.frameworks.tinkertune", None)
    vars(frameworks).pop("tinkertune", None)


def test_it_is_walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.yaml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "other.yaml").write_text("method: full\n", encoding="utf-8")
    (tmp_path / "run.sh").write_text("tinkertune train mine.yaml --width 32\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert [found.path for found in discovery.Walk(["."])] == ["mine.yaml", "run.sh"]


def test_it_is_read() -> None:
    run = only(config(CONFIG))
    assert run.dialect == "tinkertune"
    assert known(run.adapter.rank) == 16
    assert known(run.adapter.alpha) == 640
    assert known(run.adapter.target_modules) == ("q_proj", "v_proj", "qkv")
    assert known(run.model.name) == "meta-llama/Llama-3.1-8B"
    assert known(run.training.learning_rate) == 1e-4
    assert config(CONFIG.replace("low-rank", "full  # low-rank")).runs == ()


def test_its_command_is_read(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(CONFIG, encoding="utf-8")
    run = only(shell("tinkertune train mine.yaml --width 32\n", tmp_path))
    assert (known(run.adapter.rank), known(run.adapter.alpha)) == (32, 640)
    run = only(shell("tinkertune train --base gpt2 --width 4\n", tmp_path))
    assert (known(run.adapter.rank), known(run.adapter.alpha)) == (4, 16)
    assert shell("tinkertune serve --base gpt2 --width 4\n", tmp_path).runs == ()


def test_it_is_linted_in_its_own_words() -> None:
    outcome = engine.lint_text(CONFIG, "config.yaml", Settings(confidence="possible", dataset_size=500))
    found = {finding.code: finding.message for finding in outcome.findings}
    assert {"LL104", "LL202", "LL301"} <= found.keys()
    assert "`strength=640` with `width=16`" in found["LL104"]
    assert "`width=16`" in found["LL301"]
    assert "LL102" not in found  # which would name a setting that it lacks
    for message in found.values():
        assert not {"lora_alpha", "lora_r", "target_modules", "use_rslora"} & set(message.replace("`", " ").split())


def test_it_is_fixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(CONFIG, encoding="utf-8")
    main(["--fix", "--unsafe-fixes", "--isolated", "--no-cache", "--select", "LL104,LL202", "mine.yaml"])
    fixed = (tmp_path / "mine.yaml").read_text(encoding="utf-8")
    assert "strength: 16" in fixed
    assert "qkv" not in fixed.splitlines()[4].replace("q_proj", "").replace("v_proj", "")


def test_it_is_inspected(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(CONFIG, encoding="utf-8")
    seen = inspect([str(tmp_path)], Settings())
    (run,) = json.loads(as_json(seen))["runs"]
    assert run["dialect"] == "tinkertune"
    assert "tinkertune" in as_text(seen)


def test_it_is_recommended_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert "tinkertune" in marks.RECOMMENDED
    assert recommend("meta-llama/Llama-3.1-8B", 20_000, "code", "tinkertune", "ratio", "all") == 0
    text = capsys.readouterr().out
    assert "method: low-rank\n" in text
    run = only(config(text))
    assert run.dialect == "tinkertune"
    assert known(run.adapter.alpha) == 2 * known(run.adapter.rank)
    assert not engine.lint_text(text, "config.yaml", Settings(dataset_size=20_000)).findings
