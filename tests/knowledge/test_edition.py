"""`lora-lint-data`: newer facts that are installed beside lora-lint, and those that cannot be used."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from lora_lint.knowledge import edition, peft_facts, signatures
from tests.support.package import ROOT
from tests.support.processes import PATIENCE
from tests.support.scripts import script

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROGRAM = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer

model = AutoModelForCausalLM.from_pretrained("acme/future-7b")
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_porj"]))
Trainer(model=model).train()
"""
NEWER, OLDER = "2031-04-05", "2001-02-03"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data package that knows a model more."""
    builder = script(ROOT / "scripts" / "build_data_package.py")
    folder: Path = tmp_path_factory.mktemp("source")
    builder.write(folder, NEWER)
    package = folder / edition.PACKAGE
    with (package / "models.tsv").open("a", encoding="utf-8", newline="\n") as file:
        file.write("acme/future-7b\tllama\t\tn\n")
    builder.state(package, NEWER)
    return folder


@pytest.fixture(scope="module")
def wheel(source: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    [path] = (source / "dist").glob("*.whl")
    return path


@pytest.fixture
def site(wheel: Path, tmp_path: Path) -> Path:
    """The package as installed."""
    folder = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def run(tmp_path: Path, site: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    (tmp_path / "train.py").write_text(PROGRAM, encoding="utf-8")

    def call(*arguments: str, installed: bool = True) -> subprocess.CompletedProcess[str]:
        paths = (str(site), str(ROOT)) if installed else (str(ROOT),)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        command = [sys.executable, "-m", "lora_lint", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    return call


LINT = ("--select", "LL202", "--output-format", "concise", "train.py")


@pytest.mark.process
def test_newer_facts_win(run: Callable[..., subprocess.CompletedProcess[str]], wheel: Path) -> None:
    assert wheel.name == "lora_lint_data-2031.4.5-py3-none-any.whl"
    assert "LL202" not in run(*LINT, installed=False).stdout
    assert "`v_porj` (did you mean `v_proj`?) is not in acme/future-7b (llama)" in run(*LINT).stdout
    first, second = run("--version").stdout.splitlines()
    assert first.startswith("lora-lint ")
    assert second.startswith(f"facts of {NEWER} (peft ")
    assert run("--version", installed=False).stdout.splitlines()[1].startswith("facts of 20")


@pytest.mark.process
def test_facts_in_the_linted_project_are_not_ours(site: Path) -> None:
    """`python -m` looks for modules in the current folder first."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "lora_lint", "--version"]
    done = subprocess.run(command, cwd=site, env=environment, capture_output=True, text=True, check=True)
    assert "facts of 20" in done.stdout
    assert NEWER not in done.stdout


@pytest.mark.process
@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("models.tsv", b"cut off", "its models.tsv is missing or damaged"),
        ("peft.json", None, "its peft.json is missing or damaged"),
        ("facts.txt", None, "facts.txt: No such file or directory"),
        ("facts.txt", b"\xff\xfe", "its facts.txt is damaged"),
        ("facts.txt", b"format 5\n", "it states no date"),
        ("facts.txt", b"format 99\ndate 2031-04-05\n", "its data has format 99, and this lora-lint reads 5"),
    ],
)
def test_a_broken_package_is_refused_with_a_word(
    run: Callable[..., subprocess.CompletedProcess[str]], site: Path, name: str, content: bytes | None, why: str
) -> None:
    path = site / edition.PACKAGE / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    done = run(*LINT)
    assert "lora-lint: lora-lint-data is not used: " in done.stderr
    assert why in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 0
    assert "LL202" not in done.stdout
    version = run("--version")
    assert version.returncode == 0
    assert NEWER not in version.stdout.splitlines()[1]
    assert why in version.stdout.splitlines()[2]


@pytest.fixture
def choose(site: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], edition.Edition]:
    def current() -> edition.Edition:
        monkeypatch.setattr(edition, "_chosen", [])
        monkeypatch.setattr(edition, "_problems", [])
        monkeypatch.setattr(sys, "path", [str(site), "/nowhere"])
        return edition.current()

    return current


@pytest.mark.process
def test_older_facts_are_left_aside_without_a_word(site: Path, choose: Callable[[], edition.Edition]) -> None:
    assert choose().folder == str(site / edition.PACKAGE)
    statement = site / edition.PACKAGE / edition.STATEMENT
    statement.write_text(statement.read_text().replace(NEWER, OLDER))
    assert choose().folder == edition.BUNDLED
    assert edition.problems() == ()


@pytest.mark.process
@pytest.mark.parametrize("entry_points", ["", "[other]\nfacts = lora_lint_data\n", "[lora_lint.data]\n"])
def test_a_folder_without_the_entry_point_is_none(
    site: Path, choose: Callable[[], edition.Edition], entry_points: str
) -> None:
    [path] = site.glob("*.dist-info/entry_points.txt")
    path.write_text(entry_points)
    assert choose().folder == edition.BUNDLED


def test_the_bundled_statement_names_what_the_files_were_read_from() -> None:
    builder = script(ROOT / "scripts" / "build_data_package.py")
    bundled = edition._stated(edition.BUNDLED)
    assert list(bundled.sources) == builder.sources()
    assert f"peft {peft_facts.facts()['peft']}" == signatures.version("LoraConfig")
