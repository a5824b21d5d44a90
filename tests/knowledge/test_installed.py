"""The keywords of an installed PEFT, read from its source."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lora_lint.knowledge import installed, signatures
from lora_lint.system import disk
from tests.support.processes import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

BASE = """\
raise SystemExit("imported")


class PeftConfigMixin(PushToHubMixin):
    peft_version: Optional[str] = None


class PeftConfig(PeftConfigMixin):
    task_type: Optional[str] = None
"""
LORA = """\
raise SystemExit("imported")


@dataclass
class LoraConfig(PeftConfig):
    r: int = field(default=8)
    use_quantum: bool = field(default=False, metadata={"help": "newer than what is known"})
    runtime_config: Any = field(init=False)
    NOT_A_FIELD = 3
"""
PROGRAM = "from peft import LoraConfig\n\nconfig = LoraConfig(r=8, use_quantum=True, use_magic=True)\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name, text in (("config.py", BASE), ("tuners/lora/config.py", LORA)):
        path = tmp_path / "site" / "peft" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "site"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], frozenset[str]]:
    def keywords(folder: Path) -> frozenset[str]:
        monkeypatch.setattr(sys, "path", [str(folder), "/nowhere"])
        monkeypatch.setattr(installed, "_kept", disk.Remembered())
        return installed.keywords("LoraConfig")

    return keywords


def test_keywords_of_the_class_and_its_bases(site: Path, read: Callable[[Path], frozenset[str]]) -> None:
    assert read(site) == {"peft_version", "task_type", "r", "use_quantum"}


def test_without_peft_there_are_none(tmp_path: Path, read: Callable[[Path], frozenset[str]]) -> None:
    assert read(tmp_path) == frozenset()


@pytest.mark.parametrize("text", ["class LoraConfig(:", "class LoraConfig(\0)", "(" * 5000 + "class LoraConfig(", ""])
def test_a_source_that_cannot_be_read_has_none(site: Path, read: Callable[[Path], frozenset[str]], text: str) -> None:
    (site / "peft/tuners/lora/config.py").write_text(text, encoding="utf-8")
    assert read(site) == frozenset()


def test_classes_that_are_their_own_base_come_to_an_end(site: Path, read: Callable[[Path], frozenset[str]]) -> None:
    text = "class LoraConfig(Other):\n    r: int = 8\nclass Other(LoraConfig):\n    s: int = 8\n"
    (site / "peft/tuners/lora/config.py").write_text(text, encoding="utf-8")
    assert read(site) == {"r", "s"}


def test_what_it_rests_on_is_noted(site: Path, read: Callable[[Path], frozenset[str]]) -> None:
    with disk.Watch() as watch:
        read(site)
    assert ("content", os.path.join(site, "peft/tuners/lora/config.py")) in watch.noted


@pytest.mark.torch
def test_the_real_one_has_the_keywords_that_are_known() -> None:
    import peft

    assert signatures.version("LoraConfig") == f"peft {peft.__version__}"
    for name in ("LoraConfig", "AdaLoraConfig", "VeraConfig", "OFTConfig", "PromptTuningConfig"):
        assert installed.keywords(name) == signatures.keywords(name), name


@pytest.mark.process
def test_a_keyword_of_the_installed_peft_is_no_mistake(site: Path, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(PROGRAM, encoding="utf-8")
    command = [sys.executable, "-m", "lora_lint", "--select", "LL901", "--output-format", "concise", "train.py"]
    own = str(Path(installed.__file__).parents[2])
    outputs = []
    for path in ((own,), (str(site), own)):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=PATIENCE)
        outputs.append(done.stdout)
        assert "Traceback" not in done.stderr
    assert [output.count("`use_quantum`") for output in outputs] == [1, 0]
    assert [output.count("`use_magic`") for output in outputs] == [1, 1]
