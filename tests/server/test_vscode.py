"""The VS Code extension: its settings are those of the linter, it can be installed from any registry, and its own tests
and its package are made where Node is."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from lora_lint.settings import table_schema
from tests.support.scripts import script

ROOT = Path(__file__).parents[2]
EXTENSION = ROOT / "editors" / "vscode"
PACKAGE = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
OLDEST_NODE = 20


def node() -> int:
    """The major version of Node; 0 without Node or npm."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        return 0
    found = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    return int(found.lstrip("v").partition(".")[0] or 0)


def test_the_settings_are_those_of_the_schema() -> None:
    """`python scripts/vscode_settings.py` writes them."""
    own = PACKAGE["contributes"]["configuration"]["properties"]["lora-lint.settings"]
    assert list(own["properties"]) == list(table_schema()["properties"])
    assert "$ref" not in json.dumps(own)
    program = script(ROOT / "scripts" / "vscode_settings.py")
    text = (EXTENSION / "package.json").read_text(encoding="utf-8")
    assert program.updated(text) == text


def test_the_lock_names_no_registry() -> None:
    text = (EXTENSION / "package-lock.json").read_text(encoding="utf-8")
    packages = json.loads(text)["packages"]
    assert all("resolved" not in each for each in packages.values())
    assert all("integrity" in each for path, each in packages.items() if path)
    assert "registry" not in text


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="needs Node 20 or newer with npm")
def test_its_tests_pass_and_its_package_is_built(tmp_path: Path) -> None:
    if node() < OLDEST_NODE:
        pytest.skip(f"needs Node {OLDEST_NODE} or newer: this one is {node()}")
    folder = tmp_path / "editors" / "vscode"
    shutil.copytree(EXTENSION, folder, ignore=shutil.ignore_patterns("node_modules", "out", "dist", "*.vsix"))
    schema = Path("lora_lint", "knowledge", "data", "settings.schema.json")
    (tmp_path / schema.parent).mkdir(parents=True)
    for name in (Path("LICENSE"), schema):
        shutil.copy(ROOT / name, tmp_path / name)
    fetched = npm(folder, 300, "ci", "--prefer-offline", "--no-progress")
    if fetched.returncode and any(word in fetched.stderr for word in ("ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "ECONN")):
        pytest.skip("needs the network for npm's packages")
    assert fetched.returncode == 0, fetched.stderr
    for task in ("test", "package"):
        done = npm(folder, 120, "run", task)
        assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(folder / "lora-lint.vsix") as package:
        names = set(package.namelist())
    assert {"extension/package.json", "extension/dist/extension.js", "extension/settings.schema.json"} <= names
    assert not any("node_modules" in name or name.endswith(".ts") for name in names)


def npm(folder: Path, seconds: float, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["npm", *arguments]
    try:
        return subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=seconds, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm {arguments[0]} takes more than {seconds:.0f} s here")
