"""`lora_lint.lint(...)` gives what the command prints."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import lora_lint

BAD = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer

model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
model = get_peft_model(model, LoraConfig(r=0, target_modules="all-linear"))
Trainer(model=model).train()
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(BAD)
    return tmp_path


def command(*arguments: str) -> list[dict[str, object]]:
    """The findings that the command prints."""
    line = [sys.executable, "-m", "lora_lint", "--output-format", "json", *arguments]
    found = subprocess.run(line, capture_output=True, text=True, check=False).stdout
    printed: list[dict[str, object]] = json.loads(found)["findings"]
    return printed


@pytest.mark.process
@pytest.mark.parametrize("paths", [(), ("train.py",), (Path("train.py"),)])
def test_the_findings_are_those_of_the_command(paths: tuple[str | Path, ...]) -> None:
    report = lora_lint.lint(*paths)
    printed = command(*map(str, paths))
    assert printed
    for finding, other in zip(report.findings, printed, strict=True):
        for name in ("code", "name", "level", "confidence", "message", "path", "line", "column", "end_line", "cell"):
            assert getattr(finding, name) == other[name]
    assert (report.files, report.runs) == (1, 1)


def test_a_text() -> None:
    [finding] = lora_lint.lint_text(BAD, select=["LL902"]).findings
    assert (finding.code, finding.line, finding.path) == ("LL902", 5, "train.py")
    assert str(finding).startswith("train.py:5:")
    assert lora_lint.lint_text("lora_r: 8\n", "c.yaml").findings == ()


def test_options_and_the_settings_of_the_folder(here: Path) -> None:
    assert lora_lint.lint(ignore=["LL902", "LL501"]).findings == ()
    (here / "lora-lint.toml").write_text('ignore = ["ALL"]\n')
    assert lora_lint.lint().findings == ()
    assert lora_lint.lint(isolated=True).of_level("error")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lora_lint.lint("nope.py"), "nope.py: no such file or folder"),
        (lambda: lora_lint.lint(select=["LL9999"]), "LL9999"),
        (lambda: lora_lint.lint(config="nope.toml"), "nope.toml"),
    ],
)
def test_what_cannot_be_linted(call: object, message: str) -> None:
    with pytest.raises(lora_lint.LoraLintError, match=message):
        call()  # type: ignore[operator]


def test_an_option_that_does_not_exist() -> None:
    with pytest.raises(TypeError, match="'selct'"):
        lora_lint.lint(selct=["LL1"])  # type: ignore[call-arg]


@pytest.mark.process
def test_it_stays_light() -> None:
    program = (
        "import sys, lora_lint; assert 'lora_lint.api' not in sys.modules; lora_lint.lint('train.py');"
        "assert not {'torch', 'click', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.process
def test_the_example_of_the_readme(here: Path) -> None:
    (here / "train.py").write_text(BAD.replace("r=0", "r=8").replace("all-linear", "q_prj"))
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    example = readme.partition("## From Python")[2].partition("```python\n")[2].partition("```")[0]
    done = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("train.py 5 LL201 ")
