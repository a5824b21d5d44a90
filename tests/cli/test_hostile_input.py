"""Input that is made to break a linter, given to the command as a process: one finding for what cannot be read, none
for what can, no traceback, no hang, and all other files are linted all the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import hostile
from tests.support.processes import COMMAND, PATIENCE

pytestmark = pytest.mark.process
ROOT = Path(__file__).parents[2]
LORA = "from peft import LoraConfig, get_peft_model\nconfig = LoraConfig(r=8, lora_alpha=16)\n"
BROKEN = LORA.replace("lora_alpha=16", "lora_alpha=0")
YAML = "base_model: a/b\nadapter: lora\nlora_r: 8\nlora_alpha: 16\ndatasets: []\n"
NESTED_CALLS = "\n".join(f"def f{n}(x):\n    return f{n + 1}(x) + f{n + 1}(x)" for n in range(60))


def notebook(*sources: Any, **extra: Any) -> bytes:
    cells = [{"cell_type": "code", "source": source, "metadata": {}, "outputs": []} for source in sources]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **extra}).encode()


UNREADABLE: dict[str, bytes] = {
    "parentheses.py": (LORA + "x = " + "(" * 3000 + ")" * 3000).encode(),
    "brackets.py": (LORA + "x = " + "[" * 100_000).encode(),
    "closed_brackets.py": (LORA + "x = " + "[" * 100_000 + "]" * 100_000).encode(),
    "unary.py": (LORA + "x = " + "-" * 100_000 + "1").encode(),
    "power.py": (LORA + "x = " + "**".join(["1"] * 20_000)).encode(),
    "indents.py": (LORA + "".join(" " * n + "if x:\n" for n in range(150)) + " " * 150 + "pass\n").encode(),
    "nul.py": LORA.encode() + b"\0",
    "bad_utf8.py": LORA.encode() + b"name = '\xff\xfe'\n",
    "bad_cookie.py": b"# -*- coding: no-such-codec -*-\n" + LORA.encode(),
    "syntax.py": (LORA + "def broken(:\n").encode(),
    "tabs.py": (LORA + "if x:\n        y\n\tz\n").encode(),
    "brackets.yaml": (YAML + "x: " + "[" * 100_000).encode(),
    "closed_brackets.yaml": (YAML + "x: " + "[" * 100_000 + "]" * 100_000).encode(),
    "bomb.yaml": (
        YAML + "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40))
    ).encode(),
    "merge_bomb.yaml": (
        YAML
        + "m0: &m0 {k: 1}\n"
        + "".join(f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 20)}]}}\n" for n in range(1, 40))
    ).encode(),
    "itself.yaml": (YAML + "loop: &loop [*loop]\n").encode(),
    "merges_itself.yaml": (YAML + "loop: &loop\n  <<: *loop\n").encode(),
    "no_anchor.yaml": (YAML + "x: *nowhere\n").encode(),
    "bad_utf8.yaml": YAML.encode() + b"x: \xff\n",
    "syntax.yaml": (YAML + "x: [1, 2\n").encode(),
    "brackets.json": b'{"peft_type": "LORA", "x": ' + b"[" * 100_000,
    "closed_brackets.json": b'{"peft_type": "LORA", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "long_number.json": b'{"peft_type": "LORA", "r": ' + b"9" * 100_000 + b"}",
    "syntax.json": b'{"peft_type": "LORA", "r": }',
    "bad_utf8.json": b'{"peft_type": "LORA", "x": "\xff"}',
    "no_json.ipynb": b"{ LoraConfig",
    "no_cells.ipynb": b'{"LoraConfig": 1}',
    "cells_no_list.ipynb": b'{"cells": {"LoraConfig": 1}, "metadata": {}}',
    "deep.ipynb": b'{"LoraConfig": 1, "cells": ' + b"[" * 100_000,
}
"""One LL900 each."""

READABLE: dict[str, bytes] = {
    "substitutions.sh": b"python train.py --lora_r 8 " + b"$(" * 20_000,
    "conditions.sh": b"if true; then " * 20_000 + b"python train.py --lora_r 8\n" + b"fi;" * 20_000,
    "doubling.sh": b"a=lora\n" + b"a=$a$a\n" * 200 + b"python train.py --lora_r $a\n",
    "loops.sh": b"".join(b"for i%d in {1..60}; do " % n for n in range(20)) + b"python lora.py --r 8;" + b"done;" * 20,
    "calls.sh": b"".join(b"lora%d() { lora%d; lora%d; }\n" % (n, n + 1, n + 1) for n in range(60)) + b"lora0",
    "not_a_script.sh": b"lora_r=8\n" + bytes(range(1, 128)) * 3_000,
    "empty.py": b"",
    "bom.py": b"\xef\xbb\xbf" + LORA.encode(),
    "latin1.py": b"# -*- coding: latin-1 -*-\nname = '\xe9'\n" + LORA.encode(),
    "mac.py": LORA.replace("\n", "\r").encode(),
    "dos.py": LORA.replace("\n", "\r\n").encode(),
    "form_feed.py": ("\f" + LORA).encode(),
    "long_line.py": (LORA + "x = '" + "a" * 1_000_000 + "'\n").encode(),
    "huge_power.py": (LORA + "n = 10**10**10\nr = 9**9**9\nLoraConfig(r=n)\n").encode(),
    "huge_text.py": (
        LORA + "s = 'a' * 10**9\nt = [0] * 10**9\nu = '%999999999d' % 1\nLoraConfig(target_modules=s)\n"
    ).encode(),
    "huge_shift.py": (LORA + "n = 1 << 10**9\nLoraConfig(r=n)\n").encode(),
    "huge_range.py": (LORA + "for r in range(10**12):\n    LoraConfig(r=r, lora_alpha=16)\n").encode(),
    "doubling_list.py": (LORA + "x = ['a']\n" + "x = x + x\n" * 60 + "LoraConfig(target_modules=x)\n").encode(),
    "doubling_text.py": (LORA + "x = 'a'\n" + "x = x + x\n" * 60 + "LoraConfig(target_modules=x)\n").encode(),
    "comprehensions.py": (
        LORA + "x = [a for a in range(999) for b in range(999) for c in range(999) for d in range(999)]\n"
    ).encode(),
    "products.py": (
        LORA + "from itertools import product\nfor c in product(range(99), repeat=9):\n    LoraConfig(r=c[0])\n"
    ).encode(),
    "branches.py": (
        LORA
        + "r = 1\n"
        + "".join(f"if c{n}:\n    r = r + {n}\nelse:\n    r = r * 3\n" for n in range(40))
        + "LoraConfig(r=r)\n"
    ).encode(),
    "loops.py": (
        LORA + "".join("    " * n + f"for i{n} in range(50):\n" for n in range(15)) + "    " * 15 + "LoraConfig(r=8)\n"
    ).encode(),
    "forever.py": (LORA + "while True:\n    LoraConfig(r=8)\n").encode(),
    "recursion.py": (LORA + "def f(x):\n    return f(x + 1)\nLoraConfig(r=f(0))\n").encode(),
    "mutual.py": (LORA + "def f(x):\n    return g(x)\ndef g(x):\n    return f(x)\nLoraConfig(r=f(0))\n").encode(),
    "exponential_calls.py": (LORA + NESTED_CALLS + "\ndef f60(x):\n    return x\nLoraConfig(r=f0(1))\n").encode(),
    "own_list.py": (LORA + "x = []\nx.append(x)\nLoraConfig(target_modules=x)\n").encode(),
    "own_base.py": (LORA + "class A(A):\n    r = 8\nLoraConfig(r=A().r)\n").encode(),
    "own_name.py": (LORA + "r = r\nLoraConfig(r=r)\nlambda: (yield)\n").encode(),
    "circle_a.py": (LORA + "from circle_b import r\nLoraConfig(r=r)\n").encode(),
    "circle_b.py": (LORA + "from circle_a import r\nLoraConfig(r=r)\n").encode(),
    "self_import.py": (LORA + "from self_import import *\nimport self_import\nLoraConfig(r=self_import.r)\n").encode(),
    "divide.py": (LORA + "x = 1 / 0\ny = 5 % 0\nz = [][0]\nLoraConfig(r=x, lora_alpha=y, target_modules=z)\n").encode(),
    "surrogates.py": (LORA + "x = '\\ud800'\nLoraConfig(r=8, target_modules=[x])\n").encode(),
    "regex.py": (LORA + "LoraConfig(r=8, target_modules='(a+)+$' + '(' )\n").encode(),
    "utf16.yaml": YAML.encode("utf-16"),
    "utf16.json": '{"peft_type": "LORA", "r": 8}'.encode("utf-16"),
    "documents.yaml": ("---\n" * 5000 + YAML).encode(),
    "big_numbers.yaml": (YAML + "x: " + "9" * 5000 + "\ny: 1e999999\nz: .nan\n").encode(),
    "tags.yaml": (YAML + "x: !!python/object/apply:os.system ['touch pwned']\n").encode(),
    "nan.json": b'{"peft_type": "LORA", "r": NaN, "lora_alpha": Infinity}',
    "magics.ipynb": notebook("%pip install peft\n!ls {x}\n?help\n", LORA, "%%bash\nrm -rf nothing\n"),
    "broken_cell.ipynb": notebook("def broken(:\n", LORA),
    "sources.ipynb": notebook(LORA.splitlines(keepends=True), "", []),
    "odd_cells.ipynb": notebook(LORA, 3, None, {"a": 1}),
    "surrogates.ipynb": notebook(LORA, "x = '\ud800'\n", "!echo \ud800\n"),
    "nul.ipynb": notebook(LORA, "x = '\0'\n"),
    "deep_cell.ipynb": notebook(LORA, "x = " + "(" * 3000 + ")" * 3000),
    "unfinished_cells.ipynb": notebook(LORA, "if x:\n", "    y\n", "@z\n", "def f(): pass\n", "a = \\\n", ""),
    "long.ipynb": notebook(LORA, *["x = 1\n"] * 20_000),
}
"""No LL900."""

# Python 3.10 still parses that many attributes of attributes, and following them takes no recursion.
(READABLE if sys.version_info < (3, 11) else UNREADABLE)["attributes.py"] = (LORA + "x" + ".y" * 50_000).encode()


def lint(folder: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Status, JSON report and stderr of the command, run in a folder."""
    done = subprocess.run(
        [*COMMAND, "check", "--isolated", "--output-format", "json", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=PATIENCE,
    )
    return done.returncode, json.loads(done.stdout), done.stderr


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, Any], str, Path]:
    """One run over all of the files, and one that is simply wrong: all together take no more than one file may."""
    folder = tmp_path_factory.mktemp("hostile") / "files"
    folder.mkdir()
    for name, data in (UNREADABLE | READABLE).items():
        (folder / name).write_bytes(data)
    (folder / "zz_last.py").write_text(BROKEN)
    run = lint if os.name == "nt" else measured
    return *run(folder, "--isolated", "."), folder


def test_the_run_ends_as_documented(report: tuple[int, dict[str, Any], str, Path]) -> None:
    status, _, told, folder = report
    assert status == 1
    assert "Traceback" not in told
    assert "bug in lora-lint" not in told
    assert report[1]["unread"] == [] or {each["limit"] for each in report[1]["unread"]}.isdisjoint({"time"})
    assert not (folder / "pwned").exists()


def test_nothing_is_our_own_fault(report: tuple[int, dict[str, Any], str, Path]) -> None:
    assert [finding for finding in report[1]["findings"] if "bug in lora-lint" in finding["message"]] == []


@pytest.mark.parametrize("name", UNREADABLE)
def test_one_finding_for_what_cannot_be_read(report: tuple[int, dict[str, Any], str, Path], name: str) -> None:
    found = [finding for finding in report[1]["findings"] if finding["path"] == name]
    assert [finding["code"] for finding in found] == ["LL900"]
    assert found[0]["line"] >= 1


@pytest.mark.parametrize("name", READABLE)
def test_none_for_what_can(report: tuple[int, dict[str, Any], str, Path], name: str) -> None:
    found = [finding for finding in report[1]["findings"] if finding["path"] == name]
    assert "LL900" not in {finding["code"] for finding in found}


def test_the_others_are_linted_all_the_same(report: tuple[int, dict[str, Any], str, Path]) -> None:
    found = [finding["code"] for finding in report[1]["findings"] if finding["path"] == "zz_last.py"]
    assert found == ["LL105"]


Files = dict[str, tuple[int, int]]
CPU_SECONDS = 10
MEMORY = 500 << 20


def files_in(folder: Path) -> Files:
    """Every file of a folder with its size and the time it was changed."""
    paths = (path for path in folder.rglob("*") if not path.is_dir())
    return {str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in paths}


MEASURE = """
import json, resource, subprocess, sys
status = subprocess.run(sys.argv[2:]).returncode
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as file:
    json.dump([status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss], file)
"""
"""Runs a command and writes down its exit status, CPU seconds and memory. A process of its own, since a child's peak
begins with the memory of its parent, and that of these tests may hold torch."""


def measured(folder: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """`lint` in one process, which takes no more CPU seconds and memory than one file may, and writes nothing."""
    before = files_in(folder)
    output, told, usage = (folder.parent / name for name in ("report.json", "stderr.txt", "usage.json"))
    lint = [*COMMAND, "check", "--no-cache", "--jobs", "1", "--output-format", "json"]
    with output.open("wb") as stdout, told.open("wb") as stderr:
        subprocess.run(
            [sys.executable, "-c", MEASURE, str(usage), *lint, *arguments],
            cwd=folder,
            stdout=stdout,
            stderr=stderr,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            timeout=PATIENCE,
            check=True,
        )
    status, seconds, memory = json.loads(usage.read_text())
    errors = told.read_text(encoding="utf-8", errors="replace")
    assert "Traceback" not in errors
    assert seconds < CPU_SECONDS
    assert memory * (1 if sys.platform == "darwin" else 1024) < MEMORY
    assert files_in(folder) == before
    report = json.loads(output.read_text(encoding="utf-8"))
    assert not [finding for finding in report["findings"] if "bug in lora-lint" in finding["message"]]
    return status, report, errors


@pytest.fixture(scope="module", params=hostile.BATCHES)
def batch(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any], str]:
    name = request.param
    folder = tmp_path_factory.mktemp(name) / "files"
    for path, data in hostile.BATCHES[name].items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        if path.startswith("sparse") and path.endswith(".safetensors"):
            os.truncate(place, len(data) + hostile.SPARSE)
    (folder / "zz_last.py").write_text(BROKEN)
    status, report, told = measured(folder, *([] if name == "globs" else ["--isolated"]), ".")
    assert status == 1
    return name, report, told


@pytest.mark.skipif(os.name == "nt", reason="nothing says there what a process took")
class TestTimeAndMemory:
    """Each batch as one process: all of it together takes no more than one file may."""

    def test_the_others_are_linted(self, batch: tuple[str, dict[str, Any], str]) -> None:
        found = [finding["code"] for finding in batch[1]["findings"] if finding["path"] == "zz_last.py"]
        assert found == ["LL105"]

    def test_what_is_left_unread_is_told(self, batch: tuple[str, dict[str, Any], str]) -> None:
        name, report, told = batch
        assert report["summary"]["unread"] == len(report["unread"])
        for each in report["unread"]:
            assert f"{each['path']}: not read in full: {each['detail']}" in told
        limits = {each["path"]: each["limit"] for each in report["unread"]}
        codes = {finding["path"] for finding in report["findings"] if finding["code"] == "LL900"}
        if name == "endless":
            assert (limits, codes) == ({"noqa.py": "time"}, {"noqa.py"})
        if name == "weights":
            assert set(limits.values()) == {"weights"}
            assert len(limits) == 13
        if name == "wide":
            assert {"grid.py", "choices.py", "sweep.yaml"} <= limits.keys()

    def test_depth_that_is_only_length_is_read(self, batch: tuple[str, dict[str, Any], str]) -> None:
        name, report, _ = batch
        if name == "read":
            assert {each["path"] for each in report["findings"] if each["code"] == "LL105"} >= hostile.READ.keys()
            assert not [each for each in report["findings"] if each["code"] == "LL900"]

    def test_peft_hangs_too(self, batch: tuple[str, dict[str, Any], str]) -> None:
        name, report, _ = batch
        if name != "regexes":
            return
        hanging = {each["path"] for each in report["findings"] if "hangs once the model is loaded" in each["message"]}
        for field in ("target_modules", "rank_pattern", "layers_pattern", "modules_to_save", "alpha_pattern"):
            assert {f"{field}1.py", f"{field}1/adapter_config.json"} <= hanging
        assert {f"axolotl{number}.yaml" for number in range(5)} <= hanging
        judged = {each["path"] for each in report["findings"] if each["code"].startswith("LL2")}
        assert not judged & hanging

    @pytest.mark.skipif(os.name == "nt", reason="links and pipes are made otherwise there")
    def test_pipes_devices_and_links(self, tmp_path: Path) -> None:
        folder = tmp_path / "files"
        (folder / "sub").mkdir(parents=True)
        (folder / "zero.py").symlink_to("/dev/zero")
        (folder / "random.yaml").symlink_to("/dev/urandom")
        (folder / "terminal.json").symlink_to("/dev/tty")
        (folder / "null.sh").symlink_to("/dev/null")
        os.mkfifo(folder / "pipe.yaml")
        (folder / "sub" / "up").symlink_to("..", target_is_directory=True)
        (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "r": 8, "base_model_name_or_path": "sub"}')
        os.mkfifo(folder / "adapter_model.safetensors")
        (folder / "sub" / "config.json").symlink_to("/dev/zero")
        (folder / "zz_last.py").write_text(BROKEN)
        named = ("zero.py", "random.yaml", "terminal.json", "null.sh", "pipe.yaml")
        for arguments in ((".",), (*named, "adapter_config.json", "zz_last.py")):
            status, report, _ = measured(folder, "--isolated", *arguments)
            assert status == 1
            assert [each["code"] for each in report["findings"] if each["path"] == "zz_last.py"] == ["LL105"]


class TestFilesystem:
    def test_a_huge_file_is_not_read(self, tmp_path: Path) -> None:
        for name in ("huge.py", "huge.yaml", "huge.ipynb"):
            with (tmp_path / name).open("wb") as file:
                file.write(LORA.encode())
                file.truncate(1 << 30)
        (tmp_path / "broken.py").write_text(BROKEN)
        status, report, _ = lint(tmp_path, "huge.py", "huge.yaml", "huge.ipynb", "broken.py")
        assert status == 1
        assert sorted((finding["path"], finding["code"]) for finding in report["findings"]) == [
            ("broken.py", "LL105"),
            ("huge.ipynb", "LL900"),
            ("huge.py", "LL900"),
            ("huge.yaml", "LL900"),
        ]

    @pytest.mark.skipif(os.name == "nt", reason="links and pipes are made otherwise there")
    def test_links_pipes_and_folders(self, tmp_path: Path) -> None:
        (tmp_path / "broken.py").write_text(BROKEN)
        (tmp_path / "round").symlink_to(tmp_path, target_is_directory=True)
        (tmp_path / "a.py").symlink_to(tmp_path / "b.py")
        (tmp_path / "b.py").symlink_to(tmp_path / "a.py")
        (tmp_path / "gone.py").symlink_to(tmp_path / "nothing.py")
        (tmp_path / "folder.py").mkdir()
        (tmp_path / "folder.py" / "inner.py").write_text(BROKEN)
        os.mkfifo(tmp_path / "pipe.py")
        status, report, _ = lint(tmp_path, ".")
        assert status == 1
        found = sorted((finding["path"], finding["code"]) for finding in report["findings"])
        assert ("broken.py", "LL105") in found
        assert ("folder.py/inner.py", "LL105") in found
        assert {code for path, code in found if path not in ("broken.py", "folder.py/inner.py")} <= {"LL900"}

    def test_a_path_that_is_not_there(self, tmp_path: Path) -> None:
        (tmp_path / "broken.py").write_text(BROKEN)
        status, report, told = lint(tmp_path, "broken.py", "nothing.py")
        assert status == 2
        assert [finding["code"] for finding in report["findings"]] == ["LL105"]
        assert "nothing.py" in told

    def test_odd_names(self, tmp_path: Path) -> None:
        for name in ("with space.py", "näme.py", "-dash.py", "quote'\".py"):
            (tmp_path / name).write_text(BROKEN)
        status, report, _ = lint(tmp_path, ".")
        assert status == 1
        assert sorted(finding["path"] for finding in report["findings"]) == sorted(
            ("with space.py", "näme.py", "-dash.py", "quote'\".py")
        )

    @pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid"), reason="rights are other ones there")
    def test_a_file_that_must_not_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "broken.py").write_text(BROKEN)
        closed = tmp_path / "closed.py"
        closed.write_text(BROKEN)
        closed.chmod(0)
        (tmp_path / "closed").mkdir(mode=0)
        try:
            status, report, told = lint(tmp_path, ".")
        finally:
            (tmp_path / "closed").chmod(0o755)
        found = {finding["path"]: finding["code"] for finding in report["findings"]}
        assert (status, found["broken.py"]) == (1, "LL105")
        assert found["closed.py"] == ("LL900" if os.geteuid() else "LL105")  # root may read everything
        assert "Traceback" not in told


OTHERS = """\
import yaml
from helper import rank
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM
with open("run.yaml") as file:
    given = yaml.safe_load(file)
model = AutoModelForCausalLM.from_pretrained("mine")
model = get_peft_model(model, LoraConfig(r=rank, lora_alpha=given["alpha"], target_modules=["q_proj"]))
get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(r=8, lora_alpha=0))
"""
AXOLOTL = "base_model: ./mine\nadapter: lora\nlora_r: 8\nlora_alpha: 16\ndatasets:\n  - path: rows.jsonl\n"
ADAPTER = '{"peft_type": "LORA", "r": 8, "lora_alpha": 16, "base_model_name_or_path": "mine"}'
DEPENDENCIES = ("helper.py", "run.yaml", "mine/config.json", "rows.jsonl", "adapter_model.safetensors")


def damaged(path: Path, how: str) -> None:
    """Puts something in the place of a file that others refer to."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if how == "pipe":
        os.mkfifo(path)
    elif how == "folder":
        path.mkdir()
    elif how == "link to itself":
        path.symlink_to(path)
    elif how == "huge":
        with path.open("wb") as file:
            file.truncate(1 << 30)
    elif how == "deep":
        path.write_bytes(b"[" * 100_000)
    elif how == "binary":
        path.write_bytes(bytes(range(256)) * 100)
    else:
        path.write_bytes(b"")


class TestFilesThatOthersReferTo:
    @pytest.mark.skipif(os.name == "nt", reason="links and pipes are made otherwise there")
    @pytest.mark.parametrize("how", ["pipe", "folder", "link to itself", "huge", "deep", "binary", "empty"])
    def test_they_do_no_harm(self, tmp_path: Path, how: str) -> None:
        """Neither when they are met first, nor when they take the place of what an earlier lint has seen there."""
        (tmp_path / "train.py").write_text(OTHERS)
        (tmp_path / "run.yml").write_text(AXOLOTL)
        (tmp_path / "adapter_config.json").write_text(ADAPTER)
        for before in (False, True):
            for name in DEPENDENCIES:
                path = tmp_path / name
                if path.is_dir() and not path.is_symlink():
                    path.rmdir()
                if before:
                    path.unlink(missing_ok=True)
                    path.write_text('{"model_type": "llama"}')
            if before:
                lint(tmp_path, "train.py", "run.yml", "adapter_config.json")
            for name in DEPENDENCIES:
                damaged(tmp_path / name, how)
            status, report, told = lint(tmp_path, "train.py", "run.yml", "adapter_config.json")
            assert status == 1, told
            lines = [line for line in told.splitlines() if ": not read in full: " not in line]
            assert lines == []
            found = [(finding["path"], finding["line"], finding["code"]) for finding in report["findings"]]
            assert ("train.py", 9, "LL105") in found
            assert "LL900" not in {code for _, _, code in found}


class TestCache:
    @pytest.mark.parametrize("content", [b"", b"\0" * 100, b"[" * 100_000, b"{}\n{}"])
    def test_whatever_lies_in_it(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "broken.py").write_text(BROKEN)
        first = lint(tmp_path, ".")
        for entry in (tmp_path / ".lora-lint-cache").rglob("*"):
            if entry.is_file():
                entry.write_bytes(content)
        assert lint(tmp_path, ".") == first
        assert lint(tmp_path, ".") == first

    @pytest.mark.skipif(os.name == "nt", reason="links and pipes are made otherwise there")
    def test_what_stands_in_its_place(self, tmp_path: Path) -> None:
        (tmp_path / "broken.py").write_text(BROKEN)
        place = tmp_path / ".lora-lint-cache"
        for how in ("pipe", "link to itself", "empty"):
            damaged(place, how)
            status, report, told = lint(tmp_path, ".")
            assert (status, told) == (1, "")
            assert [finding["code"] for finding in report["findings"]] == ["LL105"]
