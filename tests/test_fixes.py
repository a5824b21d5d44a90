"""Fixes: the edits of every change, what must survive them, and the command line that makes them."""

from __future__ import annotations

import ast
import json
import os
import stat
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint import engine
from lora_lint.finding import Add, Drop, Fix, Into, Move, Rename, Tie, Write
from lora_lint.fixes import applied, edits_of
from lora_lint.fixes.session import fixable, fixed_text
from lora_lint.outcome import readable
from lora_lint.settings import Settings
from lora_lint.source import SourceFile, Span
from tests import pages

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lora_lint.finding import Change, Finding
    from lora_lint.source import FileKind

ALL = Settings(confidence="possible")


def span_in(text: str, part: str, path: str = "train.py") -> Span:
    assert text.count(part) == 1, part
    start = text.encode().index(part.encode())
    return Span(path, start, start + len(part.encode()))


def after(text: str, change: Change, path: str = "train.py") -> str | None:
    """The text after one change, None where it cannot be made."""
    kinds: dict[str, FileKind] = {"py": "python", "yaml": "yaml", "json": "json"}
    source = SourceFile(path, kinds[path.rpartition(".")[2]], text.encode())
    edits = edits_of(Fix("safe", "", (change,)), lambda _: source)
    return applied(source.utf8, edits).decode() if edits else None


# Python


@pytest.mark.parametrize(
    ("text", "call", "expected"),
    [
        ("f()", "f()", "f(key=True)"),
        ("f(a)", "f(a)", "f(a, key=True)"),
        ("f(a, )", "f(a, )", "f(a, key=True )"),
        ("x = g(f(a, b=(1)), 2)", "f(a, b=(1))", "x = g(f(a, b=(1), key=True), 2)"),
        ("f(\n    a,\n    b=1,\n)", None, "f(\n    a,\n    b=1,\n    key=True,\n)"),
        ("f(\n    a,\n    b=1\n)", None, "f(\n    a,\n    b=1,\n    key=True\n)"),
        ("f(\n    a,  # one\n    b=1,  # two\n)", None, "f(\n    a,  # one\n    b=1,  # two\n    key=True,\n)"),
        ("f(\n    a,\n    b=1  # two\n)", None, "f(\n    a,\n    b=1,  # two\n    key=True\n)"),
        ("f(a,\n  b=[1,\n     2])", None, "f(a,\n  b=[1,\n     2], key=True)"),
        ("f(\r\n\ta,\r\n)", None, "f(\r\n\ta,\r\n\tkey=True,\r\n)"),
        ("f('ü', b='ß')", None, "f('ü', b='ß', key=True)"),
        ("f(**rest)", None, "f(**rest, key=True)"),
        ("f(a, key=False)", None, "f(a, key=True)"),
        ("f(a, key=other)", None, None),
    ],
)
def test_add_to_a_call(text: str, call: str | None, expected: str | None) -> None:
    assert after(text, Add(span_in(text, call or text), "key", True)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f(a, key=1)", "f(a)"),
        ("f(key=1)", "f()"),
        ("f(key=1, a=2)", "f(a=2)"),
        ("f(a, key=1, b=2)", "f(a, b=2)"),
        ("f(\n    a,\n    key=1,\n    b=2,\n)", "f(\n    a,\n    b=2,\n)"),
        ("f(\n    a,\n    key=1\n)", "f(\n    a\n)"),
        ("f(\n    a,\n    key=1,  # why\n)", None),
        ("f(a)", None),
    ],
)
def test_drop_from_a_call(text: str, expected: str | None) -> None:
    assert after(text, Drop(span_in(text, text), "key")) == expected


@pytest.mark.parametrize(
    ("text", "part", "value", "expected"),
    [
        ("f(a=16)", "16", 4, "f(a=4)"),
        ("f(a=16)", "16", 4.0, "f(a=4)"),
        ("f(a=16)", "16", 5.65, "f(a=5.65)"),
        ("f(a='x')", "'x'", "y", "f(a='y')"),
        ('f(a="x")', '"x"', r"a\.b", 'f(a=r"a\\.b")'),
        ("f(a=['x', 'y'])", "['x', 'y']", ("z",), "f(a=['z'])"),
        ('f(a=("x",))', '("x",)', ("y", "z"), 'f(a=("y", "z"))'),
        ('f(a=["x"])', '["x"]', "all-linear", 'f(a="all-linear")'),
        ('f(a=[\n  "x",  # why\n])', '[\n  "x",  # why\n]', ("y",), None),
        ('f(a={"x": 1})', '{"x": 1}', {"x": 2, "y": 3.0}, 'f(a={"x": 2, "y": 3})'),
        ("f(a={'x': 1})", "{'x': 1}", {"x": 2}, "f(a={'x': 2})"),
        ("f(a={**b})", "{**b}", {"x": 2}, None),
        ("f(a=b + 1)", "b + 1", 2, None),
        ("f(a=b)", "b", 2, None),
    ],
)
def test_write_over_a_literal(text: str, part: str, value: object, expected: str | None) -> None:
    start = text.rindex(part)
    assert after(text, Write(Span("train.py", start, start + len(part)), value)) == expected


def test_tie_alpha_to_the_rank() -> None:
    text = "for rank in ranks:\n    LoraConfig(r=rank, lora_alpha=16)"
    tied = Tie(span_in(text, "16"), "r", 2.0)
    assert after(text, tied) == "for rank in ranks:\n    LoraConfig(r=rank, lora_alpha=2 * rank)"
    assert after("LoraConfig(r=8, lora_alpha=16)", Tie(Span("train.py", 27, 29), "r", 2.0)) is None


@pytest.mark.parametrize(
    ("text", "what", "before", "expected"),
    [
        ("a = 1\nb = wrap(a)\nc = prepare(b)\nd = 2\n", "prepare(b)", "wrap(a)",
         "a = 1\nc = prepare(b)\nb = wrap(a)\nd = 2\n"),
        ("if x:\n    b = wrap(a)\n    c = prepare(\n        b,\n    )\n    d = 2\n", "prepare(\n        b,\n    )", "wrap(a)",
         "if x:\n    c = prepare(\n        b,\n    )\n    b = wrap(a)\n    d = 2\n"),
        ("c = load()\nfor r in s:\n    b = wrap(c)\n", "wrap(c)", "load()", "b = wrap(c)\nc = load()\nfor r in s:\n"),
        ("b = wrap(a); c = prepare(b)\nd = 2\n", "prepare(b)", "wrap(a)", None),
        ("b = wrap(a)\nc = prepare('''\n  x\n''')\nd = 2\n", "prepare('''\n  x\n''')", "wrap(a)", None),
    ],
)  # fmt: skip
def test_move_a_statement(text: str, what: str, before: str, expected: str | None) -> None:
    assert after(text, Move(span_in(text, what), span_in(text, before))) == expected


# YAML and JSON


@pytest.mark.parametrize(
    ("text", "change", "expected"),
    [
        ("lora_r: 16\nother: 1\n", Add(Span("c.yaml", 8, 10), "rs", True), "lora_r: 16\nrs: true\nother: 1\n"),
        ("lora_r: 16  # why\n", Add(Span("c.yaml", 8, 10), "rs", True), "lora_r: 16  # why\nrs: true\n"),
        ("a:\n  - lora_r: 16\n    b: 1\n", Add(Span("c.yaml", 7, 13), "rs", 1.5),
         "a:\n  - lora_r: 16\n    rs: 1.5\n    b: 1\n"),
        ("{lora_r: 16, b: 1}", Add(Span("c.yaml", 9, 11), "rs", True), "{lora_r: 16, rs: true, b: 1}"),
        ("rs: false\nlora_r: 16\n", Add(Span("c.yaml", 10, 16), "rs", True), "rs: true\nlora_r: 16\n"),
        ("lora_r: 16\r\nb: 1\r\n", Add(Span("c.yaml", 8, 10), "rs", True), "lora_r: 16\r\nrs: true\r\nb: 1\r\n"),
        ("a: 1\nb: 2\nc: 3\n", Drop(Span("c.yaml", 0, 1), "b"), "a: 1\nc: 3\n"),
        ("a: 1\nb: 2  # why\n", Drop(Span("c.yaml", 0, 1), "b"), None),
        ("lora_dropuot: 1\n", Rename(Span("c.yaml", 0, 12), "lora_dropout"), "lora_dropout: 1\n"),
        ('"dropuot": 1\n', Rename(Span("c.yaml", 0, 9), "dropout"), '"dropout": 1\n'),
        ("a: 16 # why\n", Write(Span("c.yaml", 3, 5), 4.0), "a: 4 # why\n"),
        ("a: 'x'\n", Write(Span("c.yaml", 3, 6), "it's"), "a: 'it''s'\n"),
        ("a: x\n", Write(Span("c.yaml", 3, 4), "true"), 'a: "true"\n'),
        ("a: [x, y]\n", Write(Span("c.yaml", 3, 9), ("z",)), "a: [z]\n"),
    ],
)  # fmt: skip
def test_yaml(text: str, change: Change, expected: str | None) -> None:
    assert after(text, change, "c.yaml") == expected


def test_a_yaml_list_with_an_item_a_line() -> None:
    text = "targets:\n  - q_proj\n  - k_proj\nb: 1\n"
    node = readable("c.yaml", "yaml", text.encode())
    from lora_lint.readers.yaml import read_yaml

    (document,) = read_yaml(node)
    place = document.get("targets").span  # type: ignore[union-attr]
    assert after(text, Write(place, ("a", "b", "c")), "c.yaml") == "targets:\n  - a\n  - b\n  - c\nb: 1\n"


@pytest.mark.parametrize(
    ("text", "change", "expected"),
    [
        ('{\n  "r": 16,\n  "b": 1\n}', Add(Span("c.json", 9, 11), "rs", True), '{\n  "r": 16,\n  "rs": true,\n  "b": 1\n}'),
        ('{"r": 16}', Add(Span("c.json", 6, 8), "rs", True), '{"r": 16,"rs": true}'),
        ('{"a": 1, "b": 2}', Drop(Span("c.json", 1, 4), "a"), '{"b": 2}'),
        ('{"a": 1, "b": 2}', Drop(Span("c.json", 1, 4), "b"), '{"a": 1}'),
        ('{"r": 16}', Write(Span("c.json", 6, 8), 4.0), '{"r": 4}'),
    ],
)  # fmt: skip
def test_json(text: str, change: Change, expected: str | None) -> None:
    assert after(text, change, "c.json") == expected


def test_the_config_of_a_trained_adapter_is_left_alone() -> None:
    assert after('{"r": 16}', Write(Span("x/adapter_config.json", 6, 8), 4), "x/adapter_config.json") is None


LOOP = "for r in s:\n    b = wrap(c, r)\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("c = load()\n" + LOOP, "for r in s:\n    c = load()\n    b = wrap(c, r)\n"),
        ("n = 'm'\nc = load(\n    n,\n)  # the base\nt = 1\n" + LOOP,
         "n = 'm'\nt = 1\nfor r in s:\n    c = load(\n        n,\n    )  # the base\n    b = wrap(c, r)\n"),
        ("def f(s):\n    c = load()\n    for r in s:\n        # a turn\n        b = wrap(c, r)\n    return 1\n",
         "def f(s):\n    for r in s:\n        # a turn\n        c = load()\n        b = wrap(c, r)\n    return 1\n"),
        ("c = load()\nprint(c)\n" + LOOP, None),
        ("c = load()\n" + LOOP + "print(c)\n", None),
        ("c = load()\n" + LOOP + "    c = None\n", None),
        ("c = load(r)\n" + LOOP, None),
        ("n = 1\nc = load(n)\nn = 2\n" + LOOP, None),
        ("c, d = load()\n" + LOOP, None),
        ("c = d = load()\n" + LOOP, None),
        ("if x:\n    c = load()\n" + LOOP, None),
        ("c = load(); e = 1\n" + LOOP, None),
        ("c = load()\nfor r in s: b = wrap(c, r)\n", None),
    ],
)  # fmt: skip
def test_load_in_each_turn(text: str, expected: str | None) -> None:
    call = text[text.index("load(") : text.index(")", text.index("load(")) + 1]
    assert after(text, Into(span_in(text, call), span_in(text, "for r in s"))) == expected


# every example of the rules' pages


FIXABLE = [example for example in pages.all_examples() if example.kind == "bad" and not example.beside]


@pytest.mark.parametrize("example", FIXABLE, ids=str)
def test_a_fixed_example_is_clean_and_stays_so(
    example: pages.Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    kind = {"py": "python", "yaml": "yaml", "yml": "yaml", "json": "json", "sh": "shell"}[
        example.name.rpartition(".")[2]
    ]
    before = example.text.encode()
    source = readable(example.name, kind, before)  # type: ignore[arg-type]

    def of_this_rule(data: bytes) -> list[Finding]:
        found = engine.lint_text(data, example.name, ALL, kind=kind).findings  # type: ignore[arg-type]
        return [finding for finding in found if finding.code == example.code]

    found = of_this_rule(before)
    can = {f.span for f in found if f.fix and fixable(f, unsafe=True) and edits_of(f.fix, lambda _: source)}
    once = fixed_text(before, example.name, kind, ALL, unsafe=True)  # type: ignore[arg-type]
    assert once.problem == ""
    assert len(of_this_rule(once.after)) <= len(found) - len(can)
    again = fixed_text(once.after, example.name, kind, ALL, unsafe=True)  # type: ignore[arg-type]
    assert again.after == once.after
    if kind == "python" and example.code != "LL900":
        ast.parse(once.after)
    if kind == "json" and example.code != "LL900":
        json.loads(once.after)


# what must survive


CALL = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained({q}meta-llama/Llama-2-7b-hf{q})
{comment}
config = LoraConfig({a}r=16,{b}lora_alpha=16{c},{d}target_modules=[{q}q_proj{q}, {q}v_proj{q}]{e})
model = get_peft_model(model, config)  # ünd
"""
SPACE = st.sampled_from(["", " ", "\n    ", "  # größe\n        ", "\n\n\t"])


@given(
    quote=st.sampled_from(["'", '"']),
    comment=st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=20),
    gaps=st.tuples(
        SPACE, SPACE, st.sampled_from(["", "  # α\n    ", " "]), SPACE, st.sampled_from(["", ",", ",\n", "\n"])
    ),
    newline=st.sampled_from(["\n", "\r\n"]),
    mark=st.booleans(),
)
def test_formatting_survives(
    quote: str, comment: str, gaps: tuple[str, str, str, str, str], newline: str, mark: bool
) -> None:
    a, b, c, d, e = gaps
    text = CALL.format(q=quote, comment="# " + comment.replace("coding", ""), a=a, b=b, c=c, d=d, e=e)
    text = text.replace("\n", newline)
    data = text.encode("utf-8-sig" if mark else "utf-8")
    fixed = fixed_text(data, "train.py", "python", Settings(), unsafe=True)
    assert fixed.problem == ""
    assert fixed.findings == 1, text
    after_text = fixed.after.decode("utf-8-sig" if mark else "utf-8")
    assert fixed.after.startswith(b"\xef\xbb\xbf") is mark
    assert "use_rslora=True" in after_text
    # Take the edits away again: what is left is what was there, letter for letter.
    restored = after_text.replace("lora_alpha=4", "lora_alpha=16", 1)
    at = restored.index("use_rslora=True")
    head, tail = restored[:at], restored[at + len("use_rslora=True") :]
    squeezed = (head.rstrip(" \t\r\n,") + tail.lstrip(",")).replace(" ", "").replace("\t", "")
    plain = text.replace(" ", "").replace("\t", "")
    assert squeezed.replace("\r", "").replace("\n", "").replace(",", "") == plain.replace("\r", "").replace(
        "\n", ""
    ).replace(",", "")
    assert comment.strip() == "" or comment.replace("coding", "") in after_text
    if newline == "\r\n":
        assert after_text.count("\n") == after_text.count("\r\n")
    assert fixed_text(fixed.after, "train.py", "python", Settings(), unsafe=True).after == fixed.after


def notebook(source: object, indent: int | None = 1, **extra: object) -> bytes:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# lora\n"]},
        {
            "cell_type": "code",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": ["!pip install peft\n"],
        },
        {"cell_type": "code", "metadata": {}, "execution_count": 7, "outputs": [{"é": 1.50}], "source": source},
    ]
    return json.dumps(
        {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **extra}, indent=indent
    ).encode()


PROGRAM = CALL.format(q='"', comment="%time", a="\n    ", b="\n    ", c="", d="\n    ", e=",\n")


@pytest.mark.parametrize("indent", [None, 1, 2])
@pytest.mark.parametrize("whole", [True, False])
def test_notebooks(indent: int | None, whole: bool) -> None:
    data = notebook(PROGRAM if whole else PROGRAM.splitlines(keepends=True), indent)
    fixed = fixed_text(data, "n.ipynb", "notebook", Settings(), unsafe=True)
    assert (fixed.findings, fixed.problem) == (1, "")
    before, now = json.loads(data), json.loads(fixed.after)
    text = "".join(now["cells"][2].pop("source"))
    assert text == PROGRAM.replace("lora_alpha=16", "lora_alpha=4").replace(
        '"v_proj"],\n', '"v_proj"],\n    use_rslora=True,\n'
    )
    before["cells"][2].pop("source")
    assert now == before
    if not whole and indent:
        old, new = data.decode().splitlines(), fixed.after.decode().splitlines()
        assert len(new) == len(old) + 1
        assert len(set(old) - set(new)) == 1


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "utf-8-sig"])
def test_encodings_of_python(encoding: str) -> None:
    head = "# -*- coding: latin-1 -*-\n" if encoding == "latin-1" else ""
    data = (head + PROGRAM.replace("%time", "# größer")).encode(encoding)
    fixed = fixed_text(data, "train.py", "python", Settings(), unsafe=True)
    assert (fixed.findings, fixed.problem) == (1, "")
    assert "# größer" in fixed.after.decode(encoding)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8"])
def test_encodings_of_yaml(encoding: str) -> None:
    text = "base_model: meta-llama/Llama-2-7b-hf\nadapter: lora\nlora_r: 16\nlora_alpha: 16 # größe\nlora_target_linear: true\n"
    fixed = fixed_text(text.encode(encoding), "a.yaml", "yaml", Settings(), unsafe=True)
    assert fixed.problem == ""
    assert fixed.after.decode(encoding) == text.replace("lora_alpha: 16", "lora_alpha: 4").replace(
        "lora_r: 16\n", "lora_r: 16\npeft_use_rslora: true\n"
    ) or fixed.after.decode(encoding) == text.replace("lora_alpha: 16", "lora_alpha: 4").replace(
        "true\n", "true\npeft_use_rslora: true\n"
    )


# the command


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lora_lint", "--isolated", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


FROZEN = textwrap.dedent(
    """\
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, Trainer

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
    model = PeftModel.from_pretrained(model, "adapter")
    Trainer(model=model, train_dataset=data).train()
    """
)


def test_fix(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(FROZEN, encoding="utf-8")
    script.chmod(0o750)
    result = run(tmp_path, "--no-cache", "--fix", "train.py")
    assert (result.returncode, "1 finding fixed in 1 file" in result.stderr) == (0, True), result
    assert script.read_text(encoding="utf-8") == FROZEN.replace('"adapter")', '"adapter", is_trainable=True)')
    if os.name == "posix":
        assert stat.S_IMODE(script.stat().st_mode) == 0o750
    assert [path.name for path in tmp_path.iterdir()] == ["train.py"]


def test_unsafe_fixes_are_asked_for(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    text = FROZEN.replace(
        'PeftModel.from_pretrained(model, "adapter")',
        'get_peft_model(model, LoraConfig(r=1, lora_alpha=32, bias="all"))',
    ).replace("import PeftModel", "import LoraConfig, get_peft_model")
    script.write_text(text, encoding="utf-8")
    assert run(tmp_path, "--fix", "train.py").returncode == 1
    assert script.read_text(encoding="utf-8") == text
    result = run(tmp_path, "--unsafe-fixes", "train.py")
    assert result.returncode == 0, result
    assert "LoraConfig(r=1, lora_alpha=1" in script.read_text(encoding="utf-8")


def test_diff_changes_nothing(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(FROZEN, encoding="utf-8")
    result = run(tmp_path, "--diff", "train.py")
    assert result.returncode == 1
    assert '+model = PeftModel.from_pretrained(model, "adapter", is_trainable=True)\n' in result.stdout
    assert script.read_text(encoding="utf-8") == FROZEN
    script.write_text(FROZEN.replace('"adapter")', '"adapter", is_trainable=True)'), encoding="utf-8")
    assert (run(tmp_path, "--diff", "train.py").returncode, run(tmp_path, "--diff", "train.py").stdout) == (0, "")


def test_a_file_that_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    from lora_lint.fixes import session

    script = tmp_path / "train.py"
    script.write_text("other", encoding="utf-8")
    file = session.Fixed(str(script), FROZEN.encode(), b"new", 1)
    with pytest.raises(session.Changed):
        session.write(file)
    assert script.read_text(encoding="utf-8") == "other"
    assert [path.name for path in tmp_path.iterdir()] == ["train.py"]


def test_edits_for_editors(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(FROZEN, encoding="utf-8")
    document = json.loads(run(tmp_path, "--output-format", "json", "train.py").stdout)
    (fix,) = [finding["fix"] for finding in document["findings"]]
    assert fix["applicability"] == "safe"
    (edit,) = fix["edits"]
    assert (edit["line"], edit["column"], edit["text"]) == (5, 51, ", is_trainable=True")
    sarif = json.loads(run(tmp_path, "--output-format", "sarif", "train.py").stdout)
    (change,) = sarif["runs"][0]["results"][0]["fixes"][0]["artifactChanges"]
    (replacement,) = change["replacements"]
    assert replacement["deletedRegion"] == {"startLine": 5, "startColumn": 51, "endLine": 5, "endColumn": 51}
    assert replacement["insertedContent"]["text"] == ", is_trainable=True"


def test_spans_of_other_files_are_not_touched() -> None:
    source = SourceFile("a.py", "python", b"f(a=1)")
    lookup: Callable[[str], SourceFile | None] = lambda path: source if path == "a.py" else None  # noqa: E731
    both = Fix("safe", "", (Write(Span("a.py", 4, 5), 2), Write(Span("b.py", 4, 5), 2)))
    assert edits_of(both, lookup) == ()
