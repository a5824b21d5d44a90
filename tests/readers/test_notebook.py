"""Notebooks: cells, magics, broken cells, and where findings are."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint.linting import engine
from lora_lint.linting.reading import read
from lora_lint.project import Project
from lora_lint.readers.errors import Unreadable
from lora_lint.readers.notebook import read_notebook
from lora_lint.readers.python import parse
from lora_lint.run.values import Known
from lora_lint.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

IMPORTS = "from peft import LoraConfig, get_peft_model\nfrom transformers import AutoModelForCausalLM\n"
MODEL = 'model = AutoModelForCausalLM.from_pretrained("gpt2")\n'
BROKEN = 'model = get_peft_model(model, LoraConfig(\n    r=8, lora_alpha=0, target_modules=["c_attn"]))\n'


def notebook(*cells: Any, **extra: Any) -> bytes:
    made = [
        cell if isinstance(cell, dict) else
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None,
         "source": cell.splitlines(keepends=True) if isinstance(cell, str) else cell}
        for cell in cells
    ]  # fmt: skip
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **extra}).encode()


def found(data: bytes) -> list[tuple[str, int | None, int, int]]:
    outcome = engine.lint_text(data, "n.ipynb", Settings(), kind="notebook")
    places = [outcome.source("n.ipynb").locate(finding.span) for finding in outcome.findings]
    return [(f.code, p.cell, p.line, p.column) for f, p in zip(outcome.findings, places, strict=True)]


HERE = [("LL105", 3, 2, 21)]


@pytest.mark.parametrize(
    "first",
    [
        IMPORTS,
        "!pip install -q peft \\\n    transformers\n" + IMPORTS,
        "%load_ext autoreload\n%autoreload 2\n" + IMPORTS,
        "%%time\n" + IMPORTS,
        "%%capture out\n" + IMPORTS,
        "files = !ls\n" + IMPORTS,
        "LoraConfig?\n" + IMPORTS,
        "if True:\n    !pip install peft\n" + IMPORTS,
        "import os; os.environ['ü'] = 'ß'\n" + IMPORTS,
        "await something()\n" + IMPORTS,
    ],
)
def test_what_only_ipython_understands(first: str) -> None:
    assert found(notebook(first, MODEL, BROKEN)) == HERE


def test_other_cells_do_not_count() -> None:
    prose = {"cell_type": "markdown", "metadata": {}, "source": ["```python\nlora_alpha=0\n```"]}
    raw = {"cell_type": "raw", "metadata": {}, "source": "lora_alpha=0"}
    assert found(notebook(IMPORTS, prose, raw, MODEL, BROKEN)) == HERE


@pytest.mark.parametrize("bad", ["def (:\n", "%%bash\nset -e\npip install peft\n", "%%html\n<b>\n", "x = (\n", ""])
def test_a_cell_that_is_no_python_is_passed_over(bad: str) -> None:
    assert found(notebook(IMPORTS, bad + ("" if bad else "\n"), MODEL, BROKEN)) == [("LL105", 4, 2, 21)]


def test_a_source_in_one_text_and_windows_newlines() -> None:
    cells = [IMPORTS.replace("\n", "\r\n"), MODEL, BROKEN.replace("\n", "\r\n")]
    assert found(notebook(*({"cell_type": "code", "source": cell} for cell in cells))) == HERE


def test_format_3() -> None:
    cells = [{"cell_type": "code", "language": "python", "input": [cell]} for cell in (IMPORTS, MODEL, BROKEN)]
    data = json.dumps({"worksheets": [{"cells": cells}], "metadata": {}, "nbformat": 3, "nbformat_minor": 0})
    assert found(data.encode()) == HERE


@pytest.mark.parametrize("language", ["R", "julia"])
def test_another_language(language: str) -> None:
    assert found(notebook(IMPORTS, MODEL, BROKEN, metadata={"kernelspec": {"language": language}})) == []


def test_comments_in_cells() -> None:
    hushed = BROKEN.replace("]))", "]))  # lora-lint: ignore[LL105] a test")
    assert found(notebook(IMPORTS, MODEL, hushed)) == []
    assert found(notebook("# lora-lint: ignore-file[LL105]\n" + IMPORTS, MODEL, BROKEN)) == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not valid JSON"),
        (b"\xff\xfe", "not valid UTF-8"),
        (b"[]", "not an object"),
        (b"{}", "no list of cells"),
        (b'{"cells": 1}', "no list of cells"),
        (b'{"cells": [}', "not valid JSON"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"cells": [], "x": ' + b"9" * 6000 + b"}", "not valid JSON"),
    ],
)
def test_no_notebook(data: bytes, message: str) -> None:
    with pytest.raises(Unreadable, match=message):
        read_notebook("n.ipynb", data)


@pytest.mark.parametrize(
    "cells", [[], [1, None], [{"cell_type": "code"}], [{"cell_type": "code", "source": [1, None]}]]
)
def test_odd_cells(cells: list[Any]) -> None:
    source = read_notebook("n.ipynb", json.dumps({"cells": cells}).encode())
    assert source.utf8.strip() == b""


_TEXTS = st.text(st.sampled_from('"[]{}\\\n ,:outputswidg<é'), max_size=12)
_JSON = st.recursive(
    st.none() | st.integers() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS | st.sampled_from(["outputs", "source"]), inner),
    max_leaves=12,
)


@given(
    st.lists(st.tuples(st.lists(_JSON, max_size=3), _TEXTS), max_size=3),
    st.dictionaries(_TEXTS | st.just("cell_type"), _JSON, max_size=3),
)
def test_outputs_and_widgets_change_nothing(cells: list[tuple[list[Any], str]], widgets: dict[str, Any]) -> None:
    made = [{"cell_type": "code", "outputs": outputs, "source": [source]} for outputs, source in cells]
    document = {"cells": made, "metadata": {"widgets": widgets}}
    bare = {"cells": [{**cell, "outputs": []} for cell in made], "metadata": {}}
    expected = read_notebook("n.ipynb", json.dumps(bare).encode())
    for indent in (None, 1, 4):
        assert read_notebook("n.ipynb", json.dumps(document, indent=indent).encode()) == expected


def test_a_cell_is_read_wherever_its_lines_are_broken() -> None:
    hides = '{"cells": [{\n "outputs": [\n  ], "cell_type": "code", "source": "a = 1", "x": [\n ]\n}]}'
    assert read_notebook("n.ipynb", hides.encode()).text == "a = 1"


@pytest.mark.parametrize("left", ["<<<<<<< HEAD", "   ]"])
def test_outputs_that_are_broken(left: str) -> None:
    made = {"cells": [{"cell_type": "code", "outputs": [["said"]], "source": "a = 1"}]}
    lines = json.dumps(made, indent=1).split("\n")
    lines.insert(lines.index('     "said"'), left)
    with pytest.raises(Unreadable, match="not valid JSON"):
        read_notebook("n.ipynb", "\n".join(lines).encode())


def test_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from lora_lint.__main__ import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "n.ipynb").write_bytes(notebook(IMPORTS, MODEL, BROKEN))
    assert main(["n.ipynb"]) == 1
    assert "n.ipynb:cell 3:2:21: error LL105" in capsys.readouterr().out
    main(["n.ipynb", "--output-format", "json"])
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["cell"], finding["line"], finding["column"]) == (3, 2, 21)


@pytest.mark.parametrize(
    "first, second",
    [
        ("@decorated", "def f():\n    pass"),
        ("if x:", "    y = 1"),
        ("x = 1 \\", ""),
        ("x = (1,", "2)"),
        ('text = """', '"""'),
    ],
)
def test_a_cell_that_only_another_one_would_complete_is_broken(first: str, second: str) -> None:
    source = read_notebook("a.ipynb", notebook("a = 1", first, second))
    lines = source.text.split("\n")
    assert lines[0] == "a = 1"
    assert lines[1] == "#" * len(first)


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("print(f'{a['b']:.1f}')", True),
        ("type A = int", True),
        ("print(f'{'=' * 60}')\ntrainer.train()", True),
        ("print(f'{a['b')", False),
        ("print(f\n)", True),
        ("print(f'", False),
        ("type A =", False),
    ],
)
def test_cells_for_a_newer_python_are_read(cell: str, kept: bool) -> None:
    source = read_notebook("a.ipynb", notebook("%pip install peft", cell, "x = 1"))
    assert (cell in source.text) is kept
    assert isinstance(parse(source).body[-1], ast.Assign)


def test_cells_that_are_all_valid_are_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []
    real = ast.parse
    monkeypatch.setattr(ast, "parse", lambda text: texts.append(text) or real(text))
    source = read_notebook("a.ipynb", notebook("import peft", "@decorated\ndef f():\n    pass", "", "x = 1"))
    assert parse(source).body[1].name == "f"  # type: ignore[attr-defined]
    assert texts == [source.text]
    parse(source)
    assert len(texts) == 2  # the tree is kept for one call only


def test_cells_with_characters_that_no_program_has() -> None:
    source = read_notebook("a.ipynb", notebook("a = 1", "b = '\0'", "c = '\ud800'", "d = !ls \ud800"))
    assert source.text.split("\n")[1] == "#######"
    assert len(source.cells) == 4


def output(source: str, *printed: str) -> dict[str, Any]:
    outputs = [{"output_type": "stream", "name": "stdout", "text": text.splitlines(keepends=True)} for text in printed]
    return {"cell_type": "code", "metadata": {}, "execution_count": 1, "outputs": outputs, "source": source}


TRAIN = (
    IMPORTS
    + MODEL
    + "from trl import SFTTrainer\ntrainer = SFTTrainer(model, train_dataset=load(), peft_config=LoraConfig())\n"
)
UNSLOTH = "==((====))==  Unsloth\n   \\\\   /|    Num examples = 1,850 | Num Epochs = 3 | Total steps = 60\n"
LOGGED = "***** Running training *****\n  Num examples = 1850\n  Num Epochs = 3\n"
TOKENIZED = "Tokenizing train dataset: 100%|██████████| 1850/1850 [00:10<00:00, 1022.03 examples/s]\n"
MAPPED = "Map (num_proc=2):   0%|          | 0/1850 [00:00<?, ? examples/s]\n"
EVALUATED = "***** Running Evaluation *****\n  Num examples = 77\n  Batch size = 8\n"


@pytest.mark.parametrize(
    ("printed", "size"),
    [
        ((UNSLOTH,), 1850),
        ((LOGGED, EVALUATED), 1850),
        ((UNSLOTH, LOGGED), 1850),
        ((UNSLOTH, LOGGED.replace("1850", "60")), None),  # of two trainings
        ((EVALUATED,), None),
        ((TOKENIZED, TOKENIZED.replace("100%", "  0%").replace("1850/", "0/")), 1850),
        ((TOKENIZED.replace("train", "eval"),), None),
        ((TOKENIZED, TOKENIZED.replace("1850", "60")), None),
        ((TOKENIZED.replace("1850", "60"), UNSLOTH), 1850),
        ((MAPPED, MAPPED.replace("1850", "205")), None),  # the cell creates no trainer
        ((), None),
    ],
)
def test_what_the_trainer_printed(printed: tuple[str, ...], size: int | None) -> None:
    source = read_notebook("n.ipynb", notebook(TRAIN, output("trainer.train()", *printed)))
    assert source.trained_on == size
    (run,) = read(source, Project("."))
    assert (run.dataset.size.value if isinstance(run.dataset.size, Known) else None) == size


@pytest.mark.parametrize(
    ("source", "size"),
    [
        ("trainer = SFTTrainer(model, train_dataset=rows)", 1850),
        ("rows = rows.map(f)\ntrainer = SFTTrainer(model, train_dataset=rows)", None),
        ("rows = rows.map(f)", None),
    ],
)
def test_rows_that_a_trainer_prepares(source: str, size: int | None) -> None:
    """Those for training come first."""
    cell = output(source, MAPPED, MAPPED.replace("1850", "205"))
    assert read_notebook("n.ipynb", notebook(TRAIN, cell)).trained_on == size


def test_packs_are_not_examples() -> None:
    cells = ("args = SFTConfig(packing = True)\n", output("trainer.train()", UNSLOTH))
    assert read_notebook("n.ipynb", notebook(*cells)).trained_on is None


def test_what_is_printed_does_not_overrule_the_program() -> None:
    text = TRAIN.replace("load()", 'load_dataset("tatsu-lab/alpaca", split="train")')
    source = read_notebook("n.ipynb", notebook("from datasets import load_dataset\n" + text, output("", UNSLOTH)))
    (run,) = read(source, Project("."))
    assert isinstance(run.dataset.size, Known)
    assert run.dataset.size.value == 52_002


@pytest.mark.parametrize(
    "outputs", [None, 3, [None], [{"text": 3}], [{"text": [None, "Num examples = 1,0 | Num Epochs = 1"]}]]
)
def test_outputs_of_another_form(outputs: Any) -> None:
    cell = output("x = 1  # Num examples = ")
    cell["outputs"] = outputs
    assert read_notebook("n.ipynb", notebook(cell)).trained_on in (None, 10)
