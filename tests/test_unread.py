"""What limits leave unread is told: in the outcome, and so on stderr and in JSON."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from lora_lint import inspection
from lora_lint.engine import lint, lint_text
from lora_lint.settings import Settings
from lora_lint.unread import Unread

if TYPE_CHECKING:
    from pathlib import Path

PEFT = "from peft import LoraConfig, get_peft_model\n"
MANY = PEFT + "for r in range(1, 300):\n    LoraConfig(r=r, lora_alpha=2 * r)\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def unread(text: str, path: str = "a.py") -> list[tuple[str, str]]:
    return [(each.limit, each.detail) for each in lint_text(text, path, Settings()).unread]


TURNS = "has 299 turns, and more than 64 are not followed one by one"


@pytest.mark.parametrize(
    ("text", "limit", "detail"),
    [
        (MANY, "turns", f"the loop in line 2 {TURNS}"),
        (PEFT + "[LoraConfig(r=r) for r in range(1, 300)]\n", "turns", f"the loop in line 2 {TURNS}"),
        (
            PEFT + "ranks = [2 * n for n in range(1, 300)]\nfor r in ranks:\n    LoraConfig(r=r)\n",
            "turns",
            f"the loop in line 3 {TURNS}",
        ),
        (
            PEFT + "r = 0\nwhile r < 999:\n    r = r + 1\n    LoraConfig(r=r)\n",
            "turns",
            "of the loop in line 3 64 turns are followed, and it has more",
        ),
        (
            PEFT + "for a in range(60):\n  for b in range(60):\n    LoraConfig(r=a + b + 1)\n",
            "runs",
            "it makes more than 500 adapters, and the others are not judged",
        ),
        (
            PEFT
            + "for a in range(60):\n  for b in range(60):\n    for c in range(60):\n      x = a\nLoraConfig(r=8)\n",
            "steps",
            "it takes more than",
        ),
        (
            "import subprocess\nfor r in range(60):\n  for s in range(3):\n    subprocess.run(['python', 'lora.py'])\n",
            "launches",
            "it starts more than 64 programs, and the others are not followed",
        ),
        (
            PEFT + "".join(f"def f{n}(r):\n    LoraConfig(r=r)\n    f{n + 1}(r + 1)\n" for n in range(40)) + "f0(1)\n",
            "calls",
            "calls are followed",
        ),
    ],
)
def test_a_program_that_is_too_long(text: str, limit: str, detail: str) -> None:
    assert [(limit, True)] == [(each, found.startswith(detail)) for each, found in unread(text) if each == limit]


@pytest.mark.parametrize(
    "text",
    [
        PEFT + "LoraConfig(r=8)\nfor step in range(10_000):\n    loss = step\n",
        PEFT + "names = [f'layer.{n}' for n in range(1000)]\nLoraConfig(r=8)\n",
        PEFT + "def f(n):\n    return f(n + 1)\nLoraConfig(r=f(8))\n",
        PEFT + "for r in (4, 8, 16):\n    LoraConfig(r=r)\n",
    ],
)
def test_what_has_nothing_to_do_with_adapters_is_not_told(text: str) -> None:
    assert unread(text) == []


def test_more_files_than_are_followed(here: Path) -> None:
    for n in range(200):
        (here / f"m{n}.py").write_text(f"from peft import LoraConfig\nc{n} = LoraConfig(r={n + 1}, lora_alpha=8)\n")
    imports = "".join(f"from m{n} import c{n}\nx = c{n}\n" for n in range(200))
    (here / "main.py").write_text(PEFT + imports)
    [found] = [each for each in lint(["main.py"], Settings()).unread if each.limit == "imports"]
    assert found.path == "main.py"
    assert "of what it imports" in found.detail


def test_a_script_with_many_turns() -> None:
    text = "for r in " + " ".join(map(str, range(1, 100))) + "; do python train.py --lora_r $r --lora_alpha 16; done\n"
    assert unread(text, "a.sh") == [("turns", "a loop has 99 turns, of which 64 are followed")]


def test_it_is_kept_and_inspected(here: Path) -> None:
    from lora_lint.cache import Cache

    (here / "a.py").write_text(MANY)
    settings = Settings()
    first = lint(["."], settings, cache=Cache(settings))
    again = lint(["."], settings, cache=Cache(settings))
    assert first.unread == again.unread == (Unread("a.py", "turns", f"the loop in line 2 {TURNS}"),)
    assert again.notes == (f"a.py: not read in full: the loop in line 2 {TURNS}",)
    seen = inspection.inspect(["."], settings)
    assert json.loads(inspection.as_json(seen))["unread"] == [first.unread[0].as_json()]
    assert seen.notes == again.notes


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "`git lfs pull`"),
        (b"", "header is longer than the file"),
        (b"\x10\0\0\0\0\0\0\0{", "header is longer than the file"),
    ],
)
def test_weights_that_cannot_be_read(here: Path, data: bytes, told: str) -> None:
    (here / "adapter_config.json").write_text('{"peft_type": "LORA", "r": 8, "lora_alpha": 16}')
    (here / "adapter_model.safetensors").write_bytes(data)
    [found] = lint(["adapter_config.json"], Settings()).unread
    assert (found.path, found.limit) == ("adapter_model.safetensors", "weights")
    assert told in found.detail


def test_python_does_not_need_the_parser_of_shell(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lora_lint.readers import shell

    (here / "run.sh").write_text("python train.py --lora_r 8\n")
    (here / "train.py").write_text(
        "import argparse\n" + PEFT + "p = argparse.ArgumentParser()\np.add_argument('--lora_r', type=int, default=8)\n"
        "a = p.parse_args()\nLoraConfig(r=a.lora_r, lora_alpha=0)\n"
    )
    shell._parser.cache_clear()
    monkeypatch.setitem(sys.modules, "tree_sitter", None)
    found = {(finding.span.path, finding.code) for finding in lint(["."], Settings()).findings}
    shell._parser.cache_clear()
    assert ("train.py", "LL105") in found
    assert {code for path, code in found if path == "run.sh"} == {"LL900"}
