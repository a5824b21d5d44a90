"""What starts a program: each file that may do so is read once for all programs of a project."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lora_lint.programs.callers import always_given
from lora_lint.project import Project
from lora_lint.readers import files

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from lora_lint.source import FileKind, SourceFile


def test_notebooks_are_decoded_once_however_many_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("lora_lint.project._KEPT", 2)
    for number in range(6):
        cell = {"cell_type": "code", "source": f"!python train_{number}.py --rank {number}", "outputs": []}
        notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (tmp_path / f"{number}.ipynb").write_text(json.dumps(notebook))
        (tmp_path / f"train_{number}.py").write_text("print()\n")
    decoded: list[str] = []
    usual = files.decode

    def counted(path: str, kind: FileKind, data: bytes) -> SourceFile:
        decoded.append(path)
        return usual(path, kind, data)

    monkeypatch.setattr(files, "decode", counted)
    project = Project()
    given = [always_given(f"train_{number}.py", project) for number in range(6)]
    assert [str(options["rank"][0].value) for options in given] == ["0", "1", "2", "3", "4", "5"]
    assert len(decoded) <= 2 * 6, "once to find the names, and once for the commands"
