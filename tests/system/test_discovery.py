"""What a walk finds, what it passes over, and what the prefilter may not hide."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint import discovery
from lora_lint.discovery import Walk, display, kind_of
from lora_lint.excludes import excluder, matcher
from lora_lint.prefilter import programs, relevant, telling


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(path: str, data: bytes | str = "import peft\n") -> None:
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data if isinstance(data, bytes) else data.encode())


def paths(*given: str, **options: object) -> list[str]:
    return [found.path for found in Walk(given, **options)]  # type: ignore[arg-type]


def test_walk_is_sorted_and_takes_only_files_it_can_read() -> None:
    for name in (
        "b.py",
        "a.yaml",
        "sub/c.ipynb",
        "sub/d.json",
        "z.yml",
        "notes.md",
        "run.sh",
        "f.fish",
        ".hidden/e.py",
    ):
        put(name)
    assert paths(".") == ["a.yaml", "b.py", "run.sh", "z.yml", ".hidden/e.py", "sub/c.ipynb", "sub/d.json"]


def test_walk_counts_all_files_and_yields_the_relevant() -> None:
    put("a.py")
    put("b.py", "print('exploration')")
    walk = Walk(["."])
    assert [found.path for found in walk] == ["a.py"]
    assert walk.files == 2
    assert paths(".", prefilter=False) == ["a.py", "b.py"]


@pytest.mark.parametrize("name", ["test_train.py", "tests/lora_test.py", "tests/conftest.py"])
def test_tests_are_skipped_on_a_walk(name: str) -> None:
    put(name, "import peft\nimport pytest\n\n\ndef test_it(): ...\n")
    put("train.py")
    walk = Walk(["."])
    assert [found.path for found in walk] == ["train.py"]
    assert walk.notes == ["1 test file skipped: tests train no adapter that is kept (name a file to lint it)"]
    assert walk.files == 2
    assert paths(name) == [name]


def test_what_the_tests_of_a_folder_share_is_skipped() -> None:
    put("tests/tuner/base.py", "import peft\n\n\nclass TunerTest:\n    tuner = None\n")
    walk = Walk(["."])
    assert (list(walk), len(walk.notes)) == ([], 1)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("test_lora.py", "import peft\nmodel.train()\n"),  # tries something out
        ("latest.py", "import peft\nimport unittest\n"),
        ("contest_test.ipynb", "import peft\nimport pytest\n"),
        ("tests/train.py", "import peft\n\n\nclass Trainer:\n    def test(self): ...\n"),
        ("latests/base.py", "import peft\n\n\nclass TunerTest:\n    tuner = None\n"),
    ],
)
def test_programs_with_the_name_of_a_test(name: str, text: str) -> None:
    put(name, text)
    walk = Walk(["."])
    assert ([found.path for found in walk], walk.notes) == ([name], [])


def test_tests_about_other_things_are_not_mentioned() -> None:
    put("test_other.py", "import pytest\n")
    walk = Walk(["."])
    assert (list(walk), walk.notes) == ([], [])


@pytest.mark.parametrize(
    "statement",
    [
        "import helpers",
        "import os, tools.helpers as h",
        "from helpers import build",
        "from .helpers import build",
        "def f():\n    from tools.helpers import (build,\n  other)",
        "from tools import helpers",
        "from tools import (\n    other,\n    helpers,\n)",
    ],
)
def test_programs_that_import_a_relevant_one_are_relevant(statement: str) -> None:
    put("helpers.py")
    put("train.py", f"x = 1\r\n{statement}\n")
    put("other.py", "import os\nimportant helpers\n")
    assert paths(".") == ["helpers.py", "train.py"]


def test_programs_that_import_a_relevant_one_through_its_package() -> None:
    put("chat/modeling.py")
    put("chat/__init__.py", "from .modeling import ChatModel\n")
    put("train.py", "from chat import ChatModel\n")
    put("other/__init__.py", "from .things import Thing\n")
    put("unrelated.py", "from other import Thing\n")
    found = {found.path for found in Walk(["."])}
    assert found == {"chat/modeling.py", "chat/__init__.py", "train.py"}


def test_programs_that_import_a_relevant_one_from_their_own_package() -> None:
    put("chat/modeling.py")
    put("chat/__init__.py", "from .modeling import train\n")
    put("chat/__main__.py", "from . import train\n")
    put("other/__init__.py", "from .things import train\n")
    put("other/__main__.py", "from . import train\n")
    found = {found.path for found in Walk(["."])}
    assert found == {"chat/modeling.py", "chat/__init__.py", "chat/__main__.py"}


def test_packages_and_notebooks_too() -> None:
    put("tools/__init__.py")
    put("a.ipynb", '{"cells": [{"source": ["x = 1\\n", "from tools import build\\n"]}]}')
    put("b.py", "print()\n")
    assert paths(".") == ["tools/__init__.py", "a.ipynb"]


def test_default_excludes_hold_for_a_walk_only() -> None:
    put("node_modules/a.py")
    put("sub/.venv/a.py")
    put("myenv/pyvenv.cfg")
    put("myenv/lib/a.py")
    put("build/a.py")
    assert paths(".") == []
    assert paths("build") == ["build/a.py"]
    assert paths("build/a.py") == ["build/a.py"]


@pytest.mark.parametrize("setup", ["pyproject.toml", "setup.py"])
@pytest.mark.parametrize("package", ["src/peft", "trl"])
def test_examples_of_a_copied_library_are_not_the_projects(setup: str, package: str) -> None:
    put(f"third/copy/{package}/__init__.py")
    put("third/copy/examples/sft/train.py")
    put("third/copy/own/train.py")
    put("examples/train.py")
    assert "third/copy/examples/sft/train.py" in paths(".")  # without a setup file it is only a package of that name
    put(f"third/copy/{setup}", "[project]\n")
    walk = Walk(["."])
    found = {found.path for found in walk}
    assert {"third/copy/own/train.py", "examples/train.py"} <= found
    assert "third/copy/examples/sft/train.py" not in found
    (note,) = walk.notes
    assert note.startswith(f"third/copy/examples: skipped, they are {package.removeprefix('src/')}'s own")
    assert "third/copy/examples/sft/train.py" in paths("third/copy")
    assert paths("third/copy/examples") == ["third/copy/examples/sft/train.py"]


@pytest.mark.parametrize("folder", ["", "src/", "third/"])
def test_a_copied_package_of_a_library_is_not_the_projects(folder: str) -> None:
    put(f"{folder}trl/models.py")
    put(f"{folder}own/train.py")
    put(f"{folder}trl/__init__.py", '"""Runs of ours with TRL."""\n')
    assert paths(".") == [f"{folder}own/train.py", f"{folder}trl/models.py"]
    put(f"{folder}trl/__init__.py", '__version__ = "0.7.11"\n')
    put("pyproject.toml", '[project]\nname = "trl-experiments"\n')
    walk = Walk(["."])
    assert [found.path for found in walk] == [f"{folder}own/train.py"]
    assert walk.notes == [f"{folder}trl: skipped, its code is trl's own (name the folder to lint it)"]
    assert paths(f"{folder}trl") == [f"{folder}trl/models.py"]


@pytest.mark.parametrize("folder", ["", "src/"])
def test_the_repository_of_a_library_is_read(folder: str) -> None:
    put(f"{folder}trl/__init__.py", '__version__ = "0.7.11"\n')
    put(f"{folder}trl/models.py")
    put("setup.py", 'setup(\n    name="trl",\n)\n')
    assert f"{folder}trl/models.py" in paths(".")


def test_what_assistants_are_taught_is_not_the_projects() -> None:
    for folder in (".agents", ".claude", ".codex", ".cursor"):
        put(f"{folder}/skills/trainer/scripts/train.py")
    assert paths(".") == []
    assert paths(".agents") == [".agents/skills/trainer/scripts/train.py"]


def test_vocabularies_are_not_read_on_a_walk() -> None:
    """A tokenizer lies in each checkpoint, and its words include "lora"."""
    put("checkpoint-10/tokenizer.json", '{"model": {"vocab": {"lora": 7}}}')
    assert paths(".") == []
    assert paths("checkpoint-10/tokenizer.json") == ["checkpoint-10/tokenizer.json"]


def test_exclude_globs() -> None:
    for name in ("a.py", "old/a.py", "sub/old/b.py", "sub/c_test.py", "sub/deep/d.py"):
        put(name)
    assert paths(".", excluded=excluder(["old"])) == ["a.py", "sub/c_test.py", "sub/deep/d.py"]
    assert paths(".", excluded=excluder(["*_test.py", "sub/old/"])) == ["a.py", "old/a.py", "sub/deep/d.py"]
    assert paths(".", excluded=excluder(["sub/**"])) == ["a.py", "old/a.py"]
    assert paths("a.py", excluded=excluder(["a.py"])) == ["a.py"]


def test_same_file_is_read_once(here: Path) -> None:
    put("sub/a.py")
    assert paths("sub/a.py", ".", "./sub", str(here / "sub")) == ["sub/a.py"]


def test_what_is_not_there() -> None:
    put("a.py")
    walk = Walk(["nope.py", "a.py"])
    assert [found.path for found in walk] == ["a.py"]
    assert walk.missing == ["nope.py: no such file or folder"]


def test_a_path_with_a_nul_is_missing() -> None:
    walk = Walk(["a\0b.py"])
    assert list(walk) == []
    assert len(walk.missing) == 1


def test_named_files_are_read_whatever_they_hold() -> None:
    put("plain.py", "print()")
    assert paths("plain.py") == ["plain.py"]


def test_named_files_of_other_kinds_are_noted() -> None:
    put("run.fish")
    walk = Walk(["run.fish"])
    assert list(walk) == []
    assert "run.fish: skipped" in walk.notes[0]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links() -> None:
    put("sub/a.py")
    Path("sub/up").symlink_to("..")
    Path("sub/b.py").symlink_to("a.py")
    Path("c.py").symlink_to("gone.py")
    Path("loop").symlink_to("loop")
    assert paths(".") == ["sub/a.py", "sub/b.py"]
    walk = Walk(["c.py"])
    assert list(walk) == []
    assert walk.missing == ["c.py: the link leads nowhere"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes there")
def test_pipes_are_not_waited_for() -> None:
    os.mkfifo("pipe.py")
    walk = Walk([".", "pipe.py"])
    assert list(walk) == []
    assert "not a regular file" in walk.notes[0]


def test_large_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "SIZE_LIMIT", 100_000)
    put("about.py", b"import peft\n" + b"#" * 200_000)
    put("other.py", b"#" * 200_000)
    put("data.json", b'[{"text": "LoRA and peft"}' + b" " * 200_000)
    found = [(each.path, each.data, each.limit) for each in Walk(["."])]
    assert found == [("about.py", None, None), ("other.py", None, "size")]
    [named] = Walk(["other.py"])
    assert named.limit is None
    assert named.problem is not None
    assert "larger" in named.problem


def test_reading_in_pieces() -> None:
    data = os.urandom(3_000_000)
    put("a.py", data)
    assert discovery.read("a.py", 10_000_000) == data
    assert discovery.read("a.py", 2_000_000) is None


def test_unreadable_files(monkeypatch: pytest.MonkeyPatch) -> None:
    put("a.py")
    put("b.py")

    def refuse(path: str, _limit: int) -> bytes:
        if path == "a.py":
            raise PermissionError(13, "Permission denied")
        return b"peft"

    monkeypatch.setattr(discovery, "read", refuse)
    found = list(Walk(["."]))
    assert [(each.path, each.problem) for each in found] == [
        ("a.py", "This file cannot be read (Permission denied)"),
        ("b.py", None),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "LoraConfig(r=8)",
        "get_peft_model(model)",
        "PEFT_TYPE: LORA",
        "adapter: qlora",
        '{"peft_type": "LORA"}',
        "# lora-lint: ignore",
        "x = 1  # NOQA: LL102",
        "explora and lora",
        "lora_r: 8",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_relevant(text: str, encoding: str) -> None:
    assert relevant(text.encode(encoding))


@pytest.mark.parametrize("text", ["", "print()", "exploration of explorable worlds", "x = 1  # noqa: E501", "flor a"])
def test_irrelevant(text: str) -> None:
    assert not relevant(text.encode())


@given(st.binary(), st.sampled_from([b"LoraConfig", b"get_peft_model", b"lora_r", b"QLoRA", b"PeftModel"]), st.binary())
def test_a_word_is_never_missed(before: bytes, word: bytes, after: bytes) -> None:
    assert relevant(before + b" " + word + after)


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("from peft import (", "python", True),
        ("print 'lora'", "python", False),
        ("lora_r: [", "yaml", True),
        ("adapter: qlora\nx: [", "yaml", True),
        ("text: about lora and more {{", "yaml", False),
        ("[[datasets]]\nimage_directory = 'a", "toml", True),
        ("[[directory]]\npath = ", "toml", True),
        ("[[datasets]]\nname = ", "toml", False),
        ('{"lora_r": 8', "json", True),
        ('{"text": "LoRA: a method"}\n{"text": ', "json", False),
    ],
)
def test_telling(text: str, kind: discovery.FileKind, expected: bool) -> None:
    assert telling(text.encode(), kind) is expected


def test_display(here: Path) -> None:
    assert display("./a/../b.py") == "b.py"
    assert display(str(here / "sub" / "a.py")) == "sub/a.py"
    assert display(str(here)) == "."
    assert display(str(here.parent / "other.py")).startswith("/") or os.name == "nt"


def test_kinds() -> None:
    assert kind_of("a/b.PY") == "python"
    assert kind_of("a.b/train") == "python"
    assert kind_of("a/b.ipynb") == "notebook"
    assert kind_of("b.txt") is None


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("*.py", "a/b.py", True),
        ("examples/*", "examples/a/b.py", True),
        ("examples/*.py", "examples/a/b.py", False),
        ("examples/**/*.py", "examples/a/b.py", True),
        ("examples/**/*.py", "examples/b.py", True),
        ("examples", "examples/b.py", True),
        ("examples", "my_examples/b.py", False),
        ("train_[ab].py", "train_a.py", True),
        ("train_[!ab].py", "train_a.py", False),
        ("train_[0-9].py", "train_7.py", True),
        ("train_?.py", "train_xy.py", False),
        ("[", "[", True),
    ],
)
def test_matcher(pattern: str, path: str, expected: bool) -> None:
    assert matcher(pattern)(path) is expected


def test_globs_start_from_their_root(here: Path) -> None:
    assert matcher("sub/*.py", str(here.parent))("a.py") is False
    assert matcher(f"{here.name}/*.py", str(here.parent))("a.py") is True


def test_the_programs_that_a_script_names_are_found_past_an_image_of_megabytes() -> None:
    image = b"iVBORw0KGgo" * 20_000  # one word, which takes minutes if it is read from each letter
    assert programs(b"python src/train.py\n" + image + b"\n./my_run.py --image " + image) == b"train my_run"
