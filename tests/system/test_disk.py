"""What the disk is asked, and what is held instead of it."""

from __future__ import annotations

import os
from pathlib import Path

from lora_lint import discovery
from lora_lint.system import disk


def test_files_that_hold_other_bytes(tmp_path: Path) -> None:
    path, beside = str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")
    Path(path).write_bytes(b"old")
    Path(beside).write_bytes(b"old")
    with disk.Watch() as before:
        disk.read(path, 10)
    with disk.Instead({path: b"other"}), disk.Watch() as watch:
        assert (disk.read(path, 10), disk.size(path), disk.read(path, 4)) == (b"other", 5, None)
        assert discovery.read(os.path.relpath(path), 10) == b"other"
        assert (disk.read(beside, 10), disk.size(beside)) == (b"old", 3)
    assert watch.noted["content", path] != before.noted["content", path]
    assert (disk.read(path, 10), disk.size(path)) == (b"old", 3)


def test_what_is_remembered_without_a_watch_is_asked_again_under_one(tmp_path: Path) -> None:
    path = str(tmp_path / "a.yaml")
    Path(path).write_bytes(b"old")
    remembered: disk.Remembered[str, int | None] = disk.Remembered()
    assert remembered.get(path, disk.size) == 3
    for _ in range(2):
        with disk.Watch() as watch:
            assert remembered.get(path, disk.size) == 3
        assert watch.noted == {("size", path): "3"}
    assert remembered.get(path, lambda _: None) == 3
