"""What Windows lacks and does otherwise, taken away here: signals and modules of POSIX, consoles of one byte a character,
files that another program holds open. The systems themselves are in the workflow `ci.yml`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lora_lint.report import FORMATS
from tests.support.package import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.process

START = """\
import _signal, multiprocessing, os, signal, sys
for name in ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"):
    sys.modules[name] = None
kept = {"SIGABRT", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM", "SIG_DFL", "SIG_IGN"}
for module in (signal, _signal):
    for name in [each for each in vars(module) if each.startswith(("SIG", "ITIMER")) and each not in kept]:
        delattr(module, name)
    for name in ("alarm", "getitimer", "pthread_kill", "pthread_sigmask", "setitimer", "siginterrupt", "sigwait"):
        delattr(module, name)
for name in ("O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "chown", "fchmod", "fork", "getloadavg", "getpgid", "geteuid",
             "getuid", "killpg", "mkfifo", "sched_getaffinity", "setsid", "sysconf", "uname", "wait4"):
    delattr(os, name)
multiprocessing.set_start_method("spawn")
"""
HELD = """\
import os
def replace(*_):
    raise PermissionError(13, "The process cannot access the file because it is being used by another process")
os.replace = os.rename = replace
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with copies of the examples."""
    for name in ("broken", "healthy"):
        shutil.copytree(ROOT / "examples" / name, tmp_path / "work" / name)
    return tmp_path / "work"


def lint(place: Path, *arguments: str, start: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """lora-lint as a process of its own, in which `start` is executed before anything else."""
    custom = place.parent / "start"
    custom.mkdir(exist_ok=True)
    (custom / "sitecustomize.py").write_text(start)
    path = os.pathsep.join((str(custom), str(ROOT)))
    return subprocess.run(
        [sys.executable, "-m", "lora_lint", *arguments],
        cwd=place,
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        check=False,
        timeout=300,
    )


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_same_is_found_without_what_posix_alone_has(place: Path, jobs: str) -> None:
    arguments = ("--output-format", "json", "--jobs", jobs, ".")
    usual, here = lint(place, *arguments, "--no-cache"), lint(place, *arguments, start=START)
    assert (here.returncode, here.stderr) == (1, b"")
    assert json.loads(here.stdout) == json.loads(usual.stdout)
    again = lint(place, *arguments, start=START)  # from the cache
    assert again.stdout == here.stdout


def test_the_other_commands_without_what_posix_alone_has(place: Path) -> None:
    for arguments in (("inspect", "healthy"), ("recommend", "--model", "gpt2"), ("explain", "LL101"), ("--fix", ".")):
        usual, here = lint(place, *arguments, "--isolated"), lint(place, *arguments, "--isolated", start=START)
        assert b"Traceback" not in here.stderr
        if "--fix" not in arguments:
            assert (here.returncode, here.stdout) == (usual.returncode, usual.stdout)


@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "cp932", "ascii"])
@pytest.mark.parametrize("output", sorted(FORMATS))
def test_a_console_shows_every_format_in_its_encoding(place: Path, output: str, encoding: str) -> None:
    (place / "größe 模型.py").write_bytes((place / "broken/rank_sweep.py").read_bytes())
    done = lint(place, "--no-cache", "--output-format", output, ".", PYTHONIOENCODING=encoding)
    assert done.returncode == 1, done.stderr
    assert b"Traceback" not in done.stderr
    text = done.stdout.decode(encoding if FORMATS[output].for_people else "utf-8")
    assert "LL101" in text
    assert "\ufffd" not in text


def test_no_file_is_opened_in_the_encoding_of_the_system(place: Path) -> None:
    options = {"PYTHONWARNDEFAULTENCODING": "1", "PYTHONWARNINGS": "error::EncodingWarning"}
    for arguments in (("--fix", "--unsafe-fixes", "."), ("inspect", "."), ("recommend", "--model", "gpt2")):
        done = lint(place, *arguments, **options)
        assert b"EncodingWarning" not in done.stderr, done.stderr
        assert done.returncode in (0, 1), done.stderr


def test_a_file_that_another_program_holds_stays_as_it_is(place: Path) -> None:
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    done = lint(place, "--fix", "--unsafe-fixes", ".", start=HELD)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert b"being used by another process" in done.stderr
    after = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert {path: text for path, text in after.items() if ".lora-lint-cache" not in path.parts} == before
