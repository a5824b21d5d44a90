"""Files are written whole or not at all, also where an interrupt comes in between."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from lora_lint.system import interrupts
from lora_lint.system.writing import create_file, replace_file, why_unwritable, write_report

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes, links and signals")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


@posix
def test_links_and_modes_stay() -> None:
    Path("real.txt").write_text("old")
    Path("real.txt").chmod(0o640)
    Path("link.txt").symlink_to("real.txt")
    write_report("link.txt", "new ä\n")
    assert Path("real.txt").read_bytes() == "new ä\n".encode()
    assert Path("link.txt").is_symlink()
    assert Path("real.txt").stat().st_mode & 0o777 == 0o640
    assert names() == ["link.txt", "real.txt"]


@posix
def test_a_new_file_has_the_usual_mode() -> None:
    Path("usual").write_text("")
    write_report("new", "")
    assert Path("new").stat().st_mode == Path("usual").stat().st_mode


@pytest.mark.parametrize("step", ["open", "write", "chmod", "replace"])
def test_a_failed_write_leaves_nothing_behind(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.txt").write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        if step == "write":
            patch.setattr("builtins.open", lambda *_: Full())
        else:
            patch.setattr(os, step, fail)
        with pytest.raises(OSError, match="No space"):
            replace_file("a.txt", b"new")
    assert names() == ["a.txt"]
    assert Path("a.txt").read_text() == "old"


class Full:
    """A file on a full disk."""

    def __enter__(self) -> Full:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def write(self, _: bytes) -> None:
        raise OSError(28, "No space left on device")


def test_nothing_is_created_over_another_file() -> None:
    Path("there").write_text("old")
    with pytest.raises(FileExistsError):
        create_file("there", b"new")
    assert Path("there").read_text() == "old"


@posix
def test_nothing_is_created_through_a_link() -> None:
    Path("link").symlink_to("elsewhere")
    with pytest.raises(OSError):
        create_file("link", b"new")
    assert not Path("elsewhere").exists()


@posix
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_waits_for_the_file(number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = os.replace

    def interrupted(source: str, target: str) -> None:
        os.kill(os.getpid(), number)
        replace(source, target)

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught, interrupts.terminable():
        replace_file("a.txt", b"new")
        raise AssertionError("it was lost")
    assert interrupts.status_of(caught.value) == 128 + number
    assert names() == ["a.txt"]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


@posix
def test_files_are_written_by_other_threads_too() -> None:
    thread = threading.Thread(target=replace_file, args=("a.txt", b"new"))
    thread.start()
    thread.join()
    assert Path("a.txt").read_text() == "new"


@posix
def test_what_speaks_against_a_report() -> None:
    Path("folder").mkdir()
    assert why_unwritable("new.txt") is None
    assert why_unwritable("folder/new.txt") is None
    assert why_unwritable("/dev/null") is None
    assert why_unwritable("folder") == "it is a folder"
    assert why_unwritable("none/new.txt") == "its folder does not exist"
    assert names() == ["folder"]
    if os.getuid():
        Path("folder").chmod(0o555)
        assert why_unwritable("folder/new.txt") == "its folder cannot be written to"
