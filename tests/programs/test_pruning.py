"""What nothing asks for is left out before a program is parsed, and nothing else."""

from __future__ import annotations

import ast
import re
import sysconfig
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint import catalogue
from lora_lint.linting.engine import lint, lint_text
from lora_lint.linting.reading import read
from lora_lint.programs.pruning import MAX_DEFINITIONS, parse_asked, without_unasked
from lora_lint.project import Project
from lora_lint.readers.errors import Unreadable
from lora_lint.settings import Settings
from lora_lint.source import SourceFile
from tests.support.reading import ROOT

FENCED = re.compile(r"(?ms)^```python[^\n]*\n(.*?)^```")

RUN = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(r=8, target_modules=["c_attn"]))
"""
BROKEN = "def report(values):\n    return values values\n"


def names(program: str) -> list[str]:
    """The functions and classes of a module that are left."""
    tree = parse_asked(SourceFile("train.py", "python", program.encode()))
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]


@pytest.mark.parametrize(
    "unasked",
    [
        "def plot(losses):\n    draw(losses)\n",
        "async def plot(losses):\n    await draw(losses)\n",
        "class Plot:\n    size = 3\n\n    def draw(self):\n        return self.size\n",
        "@torch.no_grad()\ndef plot(losses):\n    draw(losses)\n",
        "@dataclass\nclass Plot:\n    size: int = 3\n",
        "@dataclass(\n    frozen=True,\n)\nclass Plot:\n    size: int = 3\n",
        'def plot(losses):\n    """Draws\n# nothing\nx = 1\n"""\n    draw(losses)\n',
        "def plot(\n    losses,\n):\n    draw(\n        losses\n)\n",
        "def plot(losses):\n    draw(losses)\n# a remark\n    save(losses)\n",
        "def plot(losses):\r\n    draw(losses)\r\n",
        "def plot(losses): draw(losses)\n",
        "def plot(x):\n    return helper(x)\n\n\ndef helper(x):\n    return plot(x)\n",
    ],
)
def test_what_nothing_asks_for_is_left_out(unasked: str) -> None:
    assert names(RUN + unasked) == []
    assert names(unasked + RUN) == []


@pytest.mark.parametrize(
    "asked",
    [
        "def loss(x):\n    return x\n\n\ntrainer = Trainer(compute_loss=loss)\n",
        "def loss(x):\n    return x\n\n\ntrainer = make('loss')\n",
        "def outer(x):\n    return loss(x)\n\n\ndef loss(x):\n    return x\n\n\nouter(3)\n",
        "class Base:\n    pass\n\n\nclass Model(Base):\n    pass\n\n\nmodel = Model()\n",
        "def build():\n    return LoraConfig(r=8)\n",
        "def main():\n    return build()\n\n\ndef build():\n    return LoraConfig(r=8)\n",
        "def main():\n    Maker().build()\n\n\nclass Maker:\n    def build(self):\n        return LoraConfig(r=8)\n",
        "@app.command()\ndef main(rank: int = 8):\n    start(rank)\n",
        "@torch.no_grad()\n@register\ndef evaluate():\n    pass\n",
        "def loss(x):\n    return x\n\n\nglobals()[name](3)\n",
        "def smile(x):\n    return x + ':-)'\n",
        "def deep(x):\n    return " + "(" * 21 + "x" + ")" * 21 + "\n",
    ],
)
def test_what_may_be_asked_for_stays(asked: str) -> None:
    whole = [node.name for node in ast.parse(RUN + asked).body if hasattr(node, "name")]
    assert names(RUN + asked) == whole


@pytest.mark.parametrize(
    "text",
    [
        'TEMPLATE = """\ndef plot(x):\n    return x\n"""\n',
        "TEMPLATE = '''\nclass Plot:\n    pass\n'''\n",
        "TEMPLATE = 'a \\\ndef plot(x): pass'\n",
        'NAMES = ["#", """\ndef plot(x):\n    return x\n"""]\n',
        'TEMPLATE = """ \\"""\ndef plot(x):\n    return x\n"""\n',
        "x = 1  # '''\ndef plot(x):\n    return '''a'''\n",
    ],
)
def test_the_text_of_a_string_stays(text: str) -> None:
    program = RUN + text
    assert ast.dump(parse_asked(SourceFile("a.py", "python", program.encode()))) == ast.dump(ast.parse(program))


def test_places_stay() -> None:
    text = ("def plot(x):\n    return 'ä'\n\n\n" + RUN).encode()
    shorter = without_unasked(b"\n" + text)
    assert shorter.count(b"\n") == text.count(b"\n") + 1
    assert shorter.endswith(RUN.encode())
    assert b"plot" not in shorter


def test_a_file_of_very_many_definitions_is_read_in_full() -> None:
    many = "".join(f"def step_{index}(x):\n    return x\n" for index in range(MAX_DEFINITIONS + 1))
    assert without_unasked((RUN + many).encode()) == (RUN + many).encode()


def left_out(program: str) -> list[ast.stmt]:
    """The statements that are left out; those that stay are as they were, places included."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = ast.parse(program)
        try:
            rest = ast.parse(without_unasked(program.encode()).decode())
        except SyntaxError:
            return []  # cut in the middle of something, so that the whole is read
    stay = [ast.dump(node, include_attributes=True) for node in rest.body]
    gone: list[ast.stmt] = []
    for node in whole.body:
        if stay and ast.dump(node, include_attributes=True) == stay[0]:
            del stay[0]
        else:
            gone.append(node)
    assert not stay
    return gone


BLOCKS = st.sampled_from(
    [
        "def plot(x):\n    return x\n",
        'def plot(x):\n    """Draws.\n\nNot indented.\n"""\n    return x\n',
        "def loss(x):\n    if x:\n        return [\n1,\n]\n    # nothing\n# here\n    return plot(x)\n",
        "class Plot:\n    '''A \"\"\" plot'''\n    size = 1\n",
        "@torch.no_grad()\nasync def walk():\n    pass\n",
        "@app.command(\n    name='x',\n)\ndef main():\n    pass\n",
        'TEXT = """\ndef plot():\n    pass\n"""\n',
        'TEXT = ("#", """\nclass Plot:\n    pass\n""")\n',
        "value = loss(3)\n",
        "if True:\n    def inner():\n        pass\nelse:\n    value = Plot\n",
        "value = 'a \\\ndef main(): pass'\n",
        "\n\n# a remark: def main(): '''\n",
        "def lora():\n    return LoraConfig(r=8)\n",
        "def start():\n    lora()\n",
        "\x0cdef page():\n    pass\n",
    ]
)


@given(st.lists(BLOCKS, max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_only_whole_definitions_are_left_out(blocks: list[str], newline: str) -> None:
    program = "".join(blocks).replace("\n", newline)
    for node in left_out(program):
        assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        assert node.name not in ("lora", "main")
        assert node.name != "start" or "def lora" not in program


@pytest.mark.slow
def test_only_whole_definitions_of_real_programs_are_left_out() -> None:
    """The modules of Python's own library, which are written in every style there is."""
    without = 0
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("[a-t]*.py")):
        gone = left_out(path.read_text(encoding="utf-8"))
        assert all(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for node in gone), path
        without += bool(gone)
    assert without > 20


HELPERS = """\
class Meter:
    \'\'\'Means of
what is logged.
\'\'\'

    def update(self, **values: float) -> None:
        self.values = values


@torch.no_grad()
def perplexity(losses):
    return sum(
        losses
) / 2  # a closing bracket goes on


async def upload(folder: str): print(folder)
"""


def programs() -> list[str]:
    """The Python of the catalogue's pages and of the examples."""
    pages = [match for rule in catalogue.rules().values() for match in re.findall(FENCED, rule.body)]
    return pages + [path.read_text(encoding="utf-8") for path in sorted((ROOT / "examples").rglob("*.py"))]


def test_the_same_is_read_without_it() -> None:
    assert names(RUN + HELPERS) == []
    found = 0
    for number, program in enumerate(programs()):
        source = SourceFile(f"{number}.py", "python", f"{program}\n\n{HELPERS}\n\n".encode())
        try:
            whole = read(source, Project("."), every_line=True)
        except Unreadable:
            continue
        assert read(source, Project(".")) == whole, program
        found += len(whole.runs)
    assert found > 200


def test_what_is_wrong_in_it_is_told_where_the_script_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(RUN + BROKEN)
    assert [finding.code for finding in lint(["train.py"], Settings()).findings] == ["LL900"]
    assert [finding.code for finding in lint_text(RUN + BROKEN, "train.py", Settings()).findings] == ["LL900"]
    assert "LL900" not in {finding.code for finding in lint(["."], Settings()).findings}


@pytest.mark.parametrize("broken", ["def report(:\n    pass\n", "def report(x):\n    return (x]\n", "class Report(\n"])
def test_brackets_that_are_no_pairs_are_always_told(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(RUN + broken)
    assert [finding.code for finding in lint(["."], Settings()).findings] == ["LL900"]


def test_what_is_wrong_elsewhere_is_always_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(BROKEN.replace("report", "unasked") + "\n\n" + RUN + "value = (\n")
    assert [finding.code for finding in lint(["."], Settings()).findings] == ["LL900"]
