"""docs/architecture.md: each walkthrough is carried out in a copy of the package, and prints what the page shows."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from runpy import run_path

import pytest

from lora_lint.libraries.marks import LIBRARIES
from tests.support.processes import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
_BLOCK = re.compile(
    r"(?:<!-- (?P<mark>.+?) -->\n)?^(?P<fence>```+)(?P<kind>\w+)\n(?P<text>.*?)^(?P=fence)$", re.M | re.S
)
_PLACE = re.compile(r"in (?P<path>\S+) (?P<how>below|above|instead of) `(?P<line>.+)`")


def sections() -> dict[str, str]:
    """The walkthroughs of the page by their titles."""
    parts = re.split(r"^## (Adding .+)$", PAGE, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def changed(text: str, how: str, line: str, addition: str) -> str:
    """A text with some lines beside, or instead of, one that it has once."""
    lines = text.splitlines(keepends=True)
    [place] = [number for number, each in enumerate(lines) if each.rstrip("\n") == line]
    start, end = {"below": (place + 1, place + 1), "above": (place, place), "instead of": (place, place + 1)}[how]
    return "".join([*lines[:start], addition, *lines[end:]])


def run(command: str, copy: Path, folder: Path) -> str:
    """What a command of the page prints, with lora-lint and the scripts of the copy; scripts start in the copy."""
    script = command.startswith("python scripts/")
    command = command.replace("lora-lint ", f"{sys.executable} -m lora_lint --no-cache ", 1) if not script else command
    command = re.sub(r"-m lora_lint --no-cache inspect", "-m lora_lint inspect", command)
    command = command.replace("python scripts/", f"{sys.executable} scripts/", 1)
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=copy if script else folder,
        env={"PYTHONPATH": str(copy), "PATH": "/usr/bin:/bin", "HF_HUB_OFFLINE": "1", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


@pytest.mark.process
@pytest.mark.parametrize("title", sections())
def test_the_walkthrough_works(title: str, tmp_path: Path) -> None:
    if title == "Adding an experiment":
        pytest.importorskip("peft", reason="an experiment asks PEFT")
    copy, folder = tmp_path / "copy", tmp_path / "project"
    folder.mkdir()
    for part in ("lora_lint", "rules", "scripts"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    outputs = 0
    for block in _BLOCK.finditer(sections()[title]):
        mark, text = block["mark"] or "", block["text"]
        if block["kind"] == "console":
            command, _, expected = text.removeprefix("$ ").partition("\n")
            printed = run(command, copy, folder)
            assert printed.startswith(expected), f"{command}\n{printed}"
            outputs += bool(expected)
        elif place := _PLACE.fullmatch(mark):
            target = copy / place["path"]
            target.write_text(changed(target.read_text(), place["how"], place["line"], text))
        else:
            kind, _, name = mark.partition(" ")
            assert kind in ("new", "file"), f"what is to be done with this block?\n{text}"
            target = (copy if kind == "new" else folder) / name
            assert kind == "file" or not target.exists()
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
    assert outputs, "the walkthrough shows nothing that works"
    if title == "Adding a library":  # names beside it are still names of their own
        marks = run_path(str(copy / "lora_lint/libraries/marks.py"))
        assert marks["LIBRARIES"] == {*LIBRARIES, "acme_data"}


def test_the_page_names_each_room() -> None:
    table = PAGE.partition("## The rooms")[2].partition("## ")[0]
    named = set(re.findall(r"`(\w+)/?`", table))
    places = (path for path in (ROOT / "lora_lint").iterdir() if path.suffix == ".py" or any(path.glob("*.py")))
    rooms = {path.stem for path in places if path.stem[0] != "_"}
    assert rooms - named <= {"records", "unread"}
