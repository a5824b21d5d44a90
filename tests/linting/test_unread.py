"""What limits leave unread is told: in the outcome, and so on stderr and in JSON."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from lora_lint.inspection import runs as inspection
from lora_lint.linting.engine import lint, lint_text
from lora_lint.report.inspect import as_json
from lora_lint.settings import Settings
from lora_lint.unread import Unread

if TYPE_CHECKING:
    from pathlib import Path

PEFT = "from peft import LoraConfig, get_peft_model\n"
ADAPTED = PEFT + "def adapted(model):\n    return get_peft_model(model, LoraConfig(r=8, lora_alpha=16))\n"
MANY = PEFT + "for r in range(1, 300):\n    LoraConfig(r=r, lora_alpha=2 * r)\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def unread(text: str, path: str = "a.py") -> list[tuple[str, str]]:
    return [(each.limit, each.detail) for each in lint_text(text, path, Settings()).unread]


SEARCHED = [("r", [2, 4, 8, 16]), ("alpha", [4, 8, 16, 32, 64])]
TURNS = "has 299 iterations, but more than 64 are not followed one by one"


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
            "64 iterations of the loop in line 3 are followed, but it has more",
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
        (
            PEFT
            + "def objective(trial):\n"
            + "".join(f"    {a} = trial.suggest_categorical('{a}', {values})\n" for a, values in SEARCHED)
            + "    LoraConfig(r=r, lora_alpha=alpha)\n"
            + "import optuna\noptuna.create_study().optimize(objective)\n",
            "variants",
            "a search tries 20 combinations of r and lora_alpha, of which 16 are judged",
        ),
        (
            PEFT + "from sklearn.model_selection import ParameterGrid\n"
            "for each in ParameterGrid({'r': [1, 2, 4, 8], 'a': [1, 2, 4, 8], 'd': [0, 0.1, 0.2, 0.3, 0.4]}):\n"
            "    LoraConfig(r=each['r'], lora_alpha=each['a'], lora_dropout=each['d'])\n",
            "variants",
            "a grid has 80 combinations, of which 64 are followed",
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


def test_a_module_that_is_too_large(here: Path) -> None:
    (here / "table.py").write_text("RANK = 8\n" + "# a comment\n" * 100_000)
    (here / "main.py").write_text(PEFT + "from table import RANK\nLoraConfig(r=RANK, lora_alpha=16)\n")
    assert lint(["main.py"], Settings()).unread == (
        Unread("main.py", "size", "of what it imports, files of more than 1,000,000 bytes are not followed: table.py"),
    )


CALLED = """\
import argparse
from peft import LoraConfig
parser = argparse.ArgumentParser()
parser.add_argument("--lora_r", type=int, default=8)
args = parser.parse_args()
LoraConfig(r=args.lora_r, lora_alpha=16)
"""


@pytest.mark.parametrize(("count", "left"), [(200, 0), (203, 3)])
def test_more_scripts_than_are_searched(here: Path, count: int, left: int) -> None:
    (here / "train.py").write_text(CALLED)
    for n in range(count):
        (here / f"run{n}.sh").write_text("echo done\n")
    found = [(each.path, each.limit, each.detail) for each in lint(["train.py"], Settings()).unread]
    told = f"200 shell scripts are searched for calls of it, but {left} more are not"
    assert found == ([("train.py", "scripts", told)] if left else [])


HYDRA = """\
import hydra
from peft import LoraConfig
@hydra.main(version_base=None, config_path="conf", config_name="c0")
def main(cfg):
    LoraConfig(r=cfg.r, lora_alpha=16)
main()
"""


@pytest.mark.parametrize(("count", "left"), [(6, False), (7, True)])
def test_configs_within_configs(here: Path, count: int, left: bool) -> None:
    (here / "conf").mkdir()
    for n in range(count):
        inner = f"defaults:\n  - c{n + 1}\n" if n + 1 < count else "r: 8\n"
        (here / "conf" / f"c{n}.yaml").write_text(inner)
    (here / "main.py").write_text(HYDRA)
    told = "6 config files that bring in one another are followed, and conf/c6.yaml is not"
    assert lint(["main.py"], Settings()).unread == ((Unread("main.py", "depth", told),) if left else ())


def test_a_multirun_over_many_values(here: Path) -> None:
    (here / "conf").mkdir()
    (here / "conf" / "c0.yaml").write_text("hydra:\n  sweeper:\n    params:\n      r: range(1, 300)\nr: 8\n")
    (here / "main.py").write_text(HYDRA)
    found = [each.detail for each in lint(["main.py"], Settings()).unread if each.limit == "variants"]
    assert found == ["a multirun sweeps over 299 values, of which 64 are followed (and 1 more of the kind)"]


def test_a_sweep_of_many_runs() -> None:
    def sweep(ranks: int, alphas: int) -> str:
        both = list(range(1, ranks + 1)), list(range(1, alphas + 1))
        return "method: grid\nparameters:\n  lora_r: {{values: {}}}\n  lora_alpha: {{values: {}}}\n".format(*both)

    assert unread(sweep(13, 5), "sweep.yaml") == [
        ("variants", "the sweep has 65 combinations of ranks and scales, and more than 64 are not judged")
    ]
    assert unread(sweep(8, 8), "sweep.yaml") == []


TRAIN = "python train.py --lora_r $r --lora_alpha 16"
CUT = "iterations, but more than 64 are not followed"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"for r in {' '.join(map(str, range(1, 100)))}; do {TRAIN}; done", "99 iterations, of which 64 are followed"),
        (f"for r in {{1..99}}; do {TRAIN}; done", f"99 {CUT}"),
        (f"for r in {{100..2}}; do {TRAIN}; done", f"99 {CUT}"),
        (f"for r in $(seq 99); do {TRAIN}; done", f"99 {CUT}"),
        (f"for r in $(seq 2 2 200); do {TRAIN}; done", f"100 {CUT}"),
        (f"for r in {{1..64}}; do {TRAIN}; done", None),
        (f"for r in $(seq 2 2 128); do {TRAIN}; done", None),
        (f"for r in {{1..99}}; do sleep 1; done; r=8; {TRAIN}", None),
        ("for r in {1..99}; do python eval.py $r; done", None),
    ],
)
def test_a_script_with_many_turns(text: str, told: str | None) -> None:
    assert unread(text, "a.sh") == ([("turns", f"a loop has {told}")] if told else [])


def test_a_script_that_counts_for_long() -> None:
    found = unread(f"for ((r=1; r<99; r++)); do {TRAIN}; done\n", "a.sh")
    assert found == [("turns", "64 iterations of a loop are followed, but it has more")]


@pytest.mark.parametrize(
    ("text", "limit", "detail"),
    [
        ("for a in {1..60}; do\n" * 4 + "x=$a\n" + "done\n" * 4 + TRAIN, "steps", "it takes more than 50,000 steps"),
        ("if true; then\n" * 70 + TRAIN + "\n" + "fi\n" * 70, "depth", "statements within more than 60 others"),
        (f"# {TRAIN}\n" + "echo done\n" * 100_001, "size", "a script of more than 1 MB"),
    ],
)
def test_a_script_that_is_not_read_to_its_end(text: str, limit: str, detail: str) -> None:
    [found] = unread(text, "a.sh")
    assert found[0] == limit
    assert found[1].startswith(detail)


def test_a_program_that_a_script_starts(here: Path) -> None:
    (here / "train.py").write_text(CALLED + "for n in range(99):\n    LoraConfig(r=args.lora_r, lora_alpha=n)\n")
    (here / "a.sh").write_text("python train.py --lora_r 8\n")
    detail = "the loop in line 7 has 99 iterations, but more than 64 are not followed one by one"
    assert lint(["a.sh"], Settings()).unread == (Unread("train.py", "turns", detail),)


@pytest.mark.parametrize(
    ("name", "told"),
    [("a.py", True), ("a.ipynb", True), ("a.json", False), ("a.yaml", False), ("a.sh", False)],
)
def test_a_file_of_a_walk_that_is_too_large(here: Path, monkeypatch: pytest.MonkeyPatch, name: str, told: bool) -> None:
    from lora_lint import discovery

    monkeypatch.setattr(discovery, "SIZE_LIMIT", 1_000_000)
    monkeypatch.setattr(discovery, "NOTEBOOK_SIZE_LIMIT", 1_000_000)
    (here / name).write_text("#" * 2_000_000 + "\n" + MANY)
    expected = (Unread(name, "size", "this file is larger than 1 MB"),) if told else ()
    assert lint(["."], Settings()).unread == expected
    seen = inspection.inspect(["."], Settings())
    assert (seen.unread, seen.notes) == (expected, tuple(each.line() for each in expected))


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (
            "a.py",
            "from lora import adapted\nadapted(model)\nx = " + "-" * 100_000 + "1\n",
            "this program is nested too deeply to be parsed",
        ),
        ("a.ipynb", '{"cells": "lora", "x": ' + "[" * 100_000, "this notebook is nested too deeply to be read"),
    ],
)
def test_a_program_that_is_nested_too_deeply(here: Path, name: str, text: str, told: str) -> None:
    (here / "lora.py").write_text(ADAPTED)
    (here / name).write_text(text)
    assert lint(["."], Settings()).unread == (Unread(name, "depth", told),)


def test_a_program_of_one_large_statement(here: Path) -> None:
    """Nothing says that it is about LoRA, and no statement can be told from the text of another."""
    (here / "lora.py").write_text(ADAPTED)
    (here / "a.py").write_text('from lora import adapted\nadapted(model)\nx = """\n' + "text\n" * 250_000 + '"""\n')
    told = "this program has more than 1,000,000 bytes, which is more than is read"
    assert lint(["."], Settings()).unread == (Unread("a.py", "size", told),)
    assert inspection.inspect(["."], Settings()).unread == (Unread("a.py", "size", told),)


def test_it_is_kept_and_inspected(here: Path) -> None:
    from lora_lint.linting.cache import Cache

    (here / "a.py").write_text(MANY)
    settings = Settings()
    first = lint(["."], settings, cache=Cache(settings))
    again = lint(["."], settings, cache=Cache(settings))
    assert first.unread == again.unread == (Unread("a.py", "turns", f"the loop in line 2 {TURNS}"),)
    assert again.notes == (f"a.py: not read in full: the loop in line 2 {TURNS}",)
    seen = inspection.inspect(["."], settings)
    assert json.loads(as_json(seen))["unread"] == [first.unread[0].as_json()]
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
