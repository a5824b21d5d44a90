"""The wheel on each supported Python that this machine has: it installs, and finds the same."""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.package import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.process, pytest.mark.slow]
SUPPORTED = range(10, 15)


def interpreter(version: str) -> str | None:
    """The command of a Python with pip, on the path or kept by pyenv; None if this machine has none."""
    root = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    kept = sorted(glob.glob(os.path.join(root, "versions", f"{version}.*", "bin", "python")))
    for command in (shutil.which(f"python{version}"), *kept):
        # what a version manager puts on the path may only say that the version is not chosen
        if command and subprocess.run([command, "-c", "import pip, venv"], capture_output=True).returncode == 0:
            return command
    return None


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    build = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder), "--target", "wheel"]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [path] = folder.glob("*.whl")
    return path


def findings(*command: str, environment: dict[str, str] | None = None) -> str:
    """What a lint of the examples prints as JSON."""
    lint = [*command, "--no-cache", "--output-format", "json", "--fail-on", "never", "examples"]
    done = subprocess.run(lint, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def expected() -> str:
    found = findings(sys.executable, "-m", "lora_lint")
    assert "LL101" in found
    return found


@pytest.mark.parametrize("version", [f"3.{minor}" for minor in SUPPORTED if minor != sys.version_info.minor])
def test_another_python_installs_the_wheel_and_finds_the_same(
    version: str, wheel: Path, expected: str, tmp_path: Path
) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"there is no Python {version} on this machine")
    folder = tmp_path / "environment"
    subprocess.run([python, "-m", "venv", str(folder)], check=True, capture_output=True)
    scripts = folder / ("Scripts" if sys.platform == "win32" else "bin")
    install = [str(scripts / "python"), "-I", "-m", "pip", "install", "--quiet", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    assert findings(str(scripts / "lora-lint"), environment=alone) == expected
