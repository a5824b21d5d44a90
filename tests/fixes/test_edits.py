"""Fixes: the edits of every change, what must survive them, and the command line that makes them."""

from __future__ import annotations

import ast
import json
import os
import re
import stat
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lora_lint import catalogue
from lora_lint.finding import Add, Bind, Drop, Fix, Follow, Into, Move, Rename, Through, Tie, Unfold, Write, fixable
from lora_lint.fixes.edits import Edit, applied
from lora_lint.fixes.files import Unwritable, edited
from lora_lint.fixes.made import edits_of
from lora_lint.fixes.session import Fixed, diff, fixed_text
from lora_lint.knowledge import schemas
from lora_lint.linting import engine
from lora_lint.linting.outcome import readable
from lora_lint.records import replace
from lora_lint.settings import Settings
from lora_lint.source import SourceFile, Span
from tests.support import pages
from tests.support.kinds import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lora_lint.finding import Change, Finding

NAMED = Settings(extend_select=tuple(catalogue.rules()))
ALL = Settings(extend_select=tuple(catalogue.rules()), confidence="possible")


def span_in(text: str, part: str, path: str = "train.py") -> Span:
    assert text.count(part) == 1, part
    start = text.encode().index(part.encode())
    return Span(path, start, start + len(part.encode()))


def after(text: str, change: Change, path: str = "train.py") -> str | None:
    """The text after one change, None where it cannot be made."""
    source = SourceFile(path, kind_of(path), text.encode())
    edits = edits_of(Fix("safe", "", (change,)), lambda _: source)
    return applied(source.utf8, edits).decode() if edits else None


# Python


@pytest.mark.parametrize(
    ("text", "call", "expected"),
    [
        ("f()", "f()", "f(key=True)"),
        ("f(a)", "f(a)", "f(a, key=True)"),
        ("f(a, )", "f(a, )", "f(a, key=True, )"),
        ("x = g(f(a, b=(1)), 2)", "f(a, b=(1))", "x = g(f(a, b=(1), key=True), 2)"),
        ("f(\n    a,\n    b=1,\n)", None, "f(\n    a,\n    b=1,\n    key=True,\n)"),
        ("f(\n    a,\n    b=1\n)", None, "f(\n    a,\n    b=1,\n    key=True\n)"),
        ("f(\n    a,  # one\n    b=1,  # two\n)", None, "f(\n    a,  # one\n    b=1,  # two\n    key=True,\n)"),
        ("f(\n    a,\n    b=1  # two\n)", None, "f(\n    a,\n    b=1,  # two\n    key=True\n)"),
        ("f(\n    a,\n    # more\n)", None, "f(\n    a,\n    key=True,\n    # more\n)"),
        ("f(a,\n  b=1,\n  )", None, "f(a,\n  b=1,\n  key=True,\n  )"),
        ("f(a,\n  b=[1,\n     2])", None, "f(a,\n  b=[1,\n     2], key=True)"),
        ("f(\r\n\ta,\r\n)", None, "f(\r\n\ta,\r\n\tkey=True,\r\n)"),
        ("f('ü', b='ß')", None, "f('ü', b='ß', key=True)"),
        ("f(**{'a': 1})", None, "f(**{'a': 1}, key=True)"),
        ("f(**rest)", None, None),
        ("f(**{'key': 1})", None, None),
        ("f(*rest)", None, None),
        ("f(a, key=False)", None, "f(a, key=True)"),
        ("f(a, key=other)", None, None),
    ],
)
def test_add_to_a_call(text: str, call: str | None, expected: str | None) -> None:
    helper = "def f(*names, a=0, b=0, key=None, **rest): ...\n"
    made = after(helper + text, Add(span_in(helper + text, call or text), "key", True))
    assert made == (None if expected is None else helper + expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f(a, key=1)", "f(a)"),
        ("f(key=1)", "f()"),
        ("f(key=1, a=2)", "f(a=2)"),
        ("f(a, key=1, b=2)", "f(a, b=2)"),
        ("f(\n    a,\n    key=1,\n    b=2,\n)", "f(\n    a,\n    b=2,\n)"),
        ("f(\n    a,\n    key=1\n)", "f(\n    a\n)"),
        ("f(\n    a,\n    key=1,  # why\n)", "f(\n    a,\n    # why\n)"),
        ("f(\n    a,  # why\n    key=1\n)", "f(\n    a,  # why\n)"),
        ("f(\n    a,\n    key=1  # why\n)", "f(\n    a,\n    # why\n)"),
        ("f(a, key=1  # why\n)", "f(a  # why\n)"),
        ("f(\n\tkey=[\n\t\t1,\n\t],\n)", "f(\n)"),
        ("f(**{'a': 1, 'key': 2})", "f(**{'a': 1})"),
        ("f(**{'key': 2, 'a': 1})", "f(**{'a': 1})"),
        ("f(a)", None),
    ],
)
def test_drop_from_a_call(text: str, expected: str | None) -> None:
    start = max(text.find("1" if "key=1" in text else "2"), 0)
    value = "[\n\t\t1,\n\t]" if "key=[" in text else text[start : start + 1]
    start = text.index(value)
    assert after(text, Drop(Span("train.py", start, start + len(value)), "key")) == expected


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
        ('f(a=[\n  "x",  # why\n])', '[\n  "x",  # why\n]', ("y",), 'f(a=[\n  "y",  # why\n])'),
        ("f(a=[\n  'x',\n  'y',\n])", "[\n  'x',\n  'y',\n]", ("x",), "f(a=[\n  'x',\n])"),
        ("f(a=[\n  'x',  # why\n  'y',\n])", "[\n  'x',  # why\n  'y',\n]", ("y",), None),
        ("f(a=['x', 'y',\n  'z'])", "['x', 'y',\n  'z']", ("x", "y", "z", "w"), "f(a=['x', 'y',\n  'z', 'w'])"),
        ("f(a=['x', 'y', 'z'])", "['x', 'y', 'z']", ("w", "z"), "f(a=['w', 'z'])"),
        ("f(a=['x', 'y', 'z'])", "['x', 'y', 'z']", ("y", "z"), "f(a=['y', 'z'])"),
        ("f(a=['y'])", "['y']", ("x", "y"), "f(a=['x', 'y'])"),
        ("f(a=('x', 'y'))", "('x', 'y')", ("x",), "f(a=('x',))"),
        ("f(a=8.0)", "8.0", 8, "f(a=8)"),
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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("c = f(a=x)", "c = f(a=x, alpha=2 * x)"),
        ("c = f(a=x, alpha=1)", None),
        ("c = f(a=8)", None),
    ],
)
def test_tie_an_argument_that_is_not_given(text: str, expected: str | None) -> None:
    helper = "def f(a, alpha=0): ...\n"
    made = after(helper + text, Tie(span_in(helper + text, text[4:]), "a", 2.0, "alpha"))
    assert made == (None if expected is None else helper + expected)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("from peft import LoraConfig\nc = LoraConfig(r=8)", True),
        ("from peft import LoraConfig as L\nc = L(r=8)", True),
        ("import peft as p\nc = p.LoraConfig(r=8)", True),
        ("from peft import *\nc = LoraConfig(r=8)", True),
        ("from peft import LoraConfig\nc = LoraConfig(r=8, **{'lora_alpha': 8})", True),
        ("def make(r, target_modules=None): ...\nc = make(r=8)", True),
        # A helper that does not take it, or may not; and a keyword that may be there already.
        ("def make(r): ...\nc = make(r=8)", False),
        ("def make(r, **more): ...\nc = make(r=8)", False),
        ("def make(target_modules, r=8): ...\nc = make(['a'], r=8)", False),
        ("from helpers import make\nc = make(r=8)", False),
        ("from helpers import *\nc = LoraConfig(r=8)", False),
        ("class LoraConfig: ...\nc = LoraConfig(r=8)", False),
        ("from peft import LoraConfig\nclass Mine(LoraConfig): ...\nc = Mine(r=8)", False),
        ("from peft import LoraConfig\nmake = LoraConfig\nc = make(r=8)", False),
        ("from peft import LoraConfig\nc = LoraConfig(r=8, **more)", False),
        ("from peft import LoraConfig\nc = LoraConfig(*more, r=8)", False),
        ("from peft import VeraConfig\nc = VeraConfig(r=8).rank()", False),
        # It is written afterwards.
        ("from peft import LoraConfig\nc = LoraConfig(r=8)\nc.target_modules = names()", False),
        ("from peft import LoraConfig\nc = LoraConfig(r=8)\nsetattr(c, name, names())", False),
        # Nested more deeply than libcst can take.
        ("from peft import LoraConfig\nc = LoraConfig(r=8)\nx = " + "+".join(["1"] * 2000), False),
        ("from peft import LoraConfig\nc = LoraConfig(r=8)\nx = " + "[" * 90 + "]" * 90, True),
    ],
)
def test_a_keyword_is_added_where_it_is_surely_taken(text: str, made: bool) -> None:
    call = next(part for part in re.findall(r"c = (.*)", text))
    found = after(text, Add(span_in(text, call), "target_modules", "all-linear"))
    assert (found is not None) is made


@pytest.mark.parametrize("method", ["load_adapter", "add_adapter"])
def test_a_keyword_is_added_to_a_method_that_loads_or_makes_an_adapter(method: str) -> None:
    call = f"model.{method}('a', x)"
    text = f"from peft import PeftModel\nmodel = PeftModel.from_pretrained(base, 'b')\n{call}\n"
    assert after(text, Add(span_in(text, call), "key", True)) == text.replace("x)", "x, key=True)")
    other = text.replace(method, "eval")
    assert after(other, Add(span_in(other, call.replace(method, "eval")), "key", True)) is None


@pytest.mark.parametrize(
    ("between", "made"),
    [
        ("print(a)\na.print_trainable_parameters()\n", True),
        ("assert isinstance(a, b) and type(a) is b and len(a)\n", True),
        ("a.config.use_cache = False\n", False),
        ("a.eval()\n", False),
        ("change(a)\n", False),
        ("other.x = 1\n", True),
    ],
)
def test_a_statement_moves_past_what_leaves_it_alone(between: str, made: bool) -> None:
    text = f"a = wrap(a)\n{between}a = prepare(a)\n"
    found = after(text, Move(span_in(text, "prepare(a)"), span_in(text, "wrap(a)")))
    assert found == (f"a = prepare(a)\na = wrap(a)\n{between}" if made else None)


@pytest.mark.parametrize(
    "text",
    [
        "from unsloth import FastLanguageModel as F\nm = F.get_peft_model(m)",
        "from helpers import get_peft_model\nm = get_peft_model(m, c)",
        "from peft import get_peft_model\ndef prepare(m): ...\nm = get_peft_model(m, c)",
        "from peft import get_peft_model\nfrom helpers import prepare\nm = get_peft_model(m, c)",
    ],
)
def test_an_import_of_another_name_is_not_taken_for_pefts(text: str) -> None:
    assert after(text, Through(span_in(text, text[text.rindex("m = ") + 4 :]), "prepare")) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 16\nf(alpha=a)", "a = 4\nf(alpha=a)"),
        ("d = {'r': 1, 'alpha': 16}\nf(**d)", "d = {'r': 1, 'alpha': 4}\nf(**d)"),
        ("d = dict(r=1, alpha=16)\nf(**d)", "d = dict(r=1, alpha=4)\nf(**d)"),
        # Something else takes it too, or may.
        ("a = 16\nprint(a)\nf(alpha=a)", None),
        ("a = 16\na = 1\nf(alpha=a)", None),
        *((f"a = 16\nf(alpha=a)\nsave({seeing})", None) for seeing in ("globals()", "locals()", "vars()", "eval(x)")),
        ("a = 16\nf(alpha=a)\nexec(x)", None),
        ("for a in (16, 8):\n    f(alpha=a)", None),
        ("def g(a=16):\n    f(alpha=a)", None),
    ],
)
def test_a_value_that_is_written_elsewhere(text: str, expected: str | None) -> None:
    call = text[text.index("f(a" if "f(a" in text else "f(**") :].partition("\n")[0]
    assert after(text, Write(span_in(text, "16"), 4, span_in(text, call))) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from peft import get_peft_model\nm = get_peft_model(m, c)",
         "from peft import get_peft_model, prepare\nm = get_peft_model(prepare(m), c)"),
        ("from peft import get_peft_model as wrap\nm = wrap(model=load(1))",
         "from peft import get_peft_model as wrap, prepare\nm = wrap(model=prepare(load(1)))"),
        ("from peft import (\n    get_peft_model,\n)\nm = get_peft_model(m, c)",
         "from peft import (\n    get_peft_model,\n    prepare,\n)\nm = get_peft_model(prepare(m), c)"),
        ("from peft import prepare\nfrom peft import get_peft_model\nm = get_peft_model(m, c)",
         "from peft import prepare\nfrom peft import get_peft_model\nm = get_peft_model(prepare(m), c)"),
        # Another function's import is none here.
        ("from peft import get_peft_model\ndef f():\n    from peft import prepare\nm = get_peft_model(m, c)",
         "from peft import get_peft_model, prepare\ndef f():\n    from peft import prepare\nm = get_peft_model(prepare(m), c)"),
        ("from peft import (  # parts\n    get_peft_model,  # wraps\n    LoraConfig,\n)\nm = get_peft_model(m, c)",
         "from peft import (  # parts\n    get_peft_model,  # wraps\n    prepare,\n    LoraConfig,\n)\nm = get_peft_model(prepare(m), c)"),
        ("try:\n    from peft import get_peft_model\nexcept ImportError:\n    from peft.x import get_peft_model\nm = get_peft_model(m, c)", None),
        ("import peft\nm = peft.get_peft_model(m, c)", "import peft\nm = peft.get_peft_model(peft.prepare(m), c)"),
        ("from peft import *\nm = get_peft_model(m, c)", None),
        ("from peft import get_peft_model\nm = get_peft_model(*m)", None),
    ],
)  # fmt: skip
def test_a_call_goes_through_a_function_first(text: str, expected: str | None) -> None:
    call = text[text.rindex("m = ") + 4 :]
    assert after(text, Through(span_in(text, call), "prepare")) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = a.append('b')", "x = [*a, 'b']"),
        ("x = a.extend(b)", "x = [*a, *b]"),
        ("x = ['a'].append(\n    'b',  # why\n)", "x = [*['a'],\n    'b',  # why\n]"),
        ("x = a.extend(  # why\n    b)", "x = [*a,  # why\n    *b]"),
        ("x = (a or c).append(b)", "x = [*(a or c), b]"),
        ("x = a.extend(b or c)", "x = [*a, *(b or c)]"),
        ("x = a.append(b for b in c)", "x = [*a, (b for b in c)]"),
        ("x = (a\n     # why\n     .append(b))", None),
        ("x = a.append(*b)", None),
        ("x = a.remove('b')", None),
    ],
)
def test_the_list_that_a_call_makes(text: str, expected: str | None) -> None:
    assert after(text, Unfold(span_in(text, text[4:]))) == expected


@pytest.mark.parametrize(
    ("text", "part", "expected"),
    [
        ("f(lora_aplha=16)", "16", "f(lora_alpha=16)"),
        ("f(lora_aplha=alpha)", "alpha)", None),
        ("d = {'lora_aplha': 16}\nf(**d)", "16", "d = {'lora_alpha': 16}\nf(**d)"),
        ("d = {'lora_aplha': 16}\nf(**d)\ng(d['lora_aplha'])", "16", None),
    ],
)
def test_rename_an_argument(text: str, part: str, expected: str | None) -> None:
    assert after(text, Rename(span_in(text, part), "lora_alpha")) == expected


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("import os\nx = 1  # lora-lint: ignore[LL102] why\n", "a.py", "import os\nx = 1\n"),
        ("x = 1\n# lora-lint: ignore-file[LL102]\ny = 2\n", "a.py", "x = 1\ny = 2\n"),
        ("x = 1  # noqa: E501, LL102\n", "a.py", "x = 1  # noqa: E501\n"),
        ("x = 1  # noqa: LL102\n", "a.py", "x = 1\n"),
        ("x = 1  # lora-lint: ignore[LL102]  # other\n", "a.py", "x = 1  # other\n"),
        ("x = 1  # other  # lora-lint: ignore[LL102]\n", "a.py", "x = 1  # other\n"),
        ("# lora-lint: ignore[LL102]\nlora_r: 8\nlora_alpha: 8\n", "a.yaml", "lora_r: 8\nlora_alpha: 8\n"),
        ("r: 1  # lora-lint: ignore[LL102]\r\nb: 1\r\n", "a.yaml", "r: 1\r\nb: 1\r\n"),
        ("run --r 1  # lora-lint: ignore[LL102]\n", "a.sh", "run --r 1\n"),
    ],
)
def test_an_idle_comment_goes(text: str, name: str, expected: str) -> None:
    once = fixed_text(text.encode(), name, kind_of(name), ALL, unsafe=False)
    assert once.after.decode() == expected


def test_tie_alpha_to_the_rank() -> None:
    text = "for rank in ranks:\n    LoraConfig(r=rank, lora_alpha=16)"
    tied = Tie(span_in(text, "16"), "r", 2.0)
    assert after(text, tied) == "for rank in ranks:\n    LoraConfig(r=rank, lora_alpha=2 * rank)"
    assert after("LoraConfig(r=8, lora_alpha=16)", Tie(Span("train.py", 27, 29), "r", 2.0)) is None


@pytest.mark.parametrize(
    ("text", "what", "before", "expected"),
    [
        ("a = 1\na = wrap(a)\nc = prepare(a)\nd = 2\n", "prepare(a)", "wrap(a)",
         "a = 1\nc = prepare(a)\na = wrap(a)\nd = 2\n"),
        ("if x:\n    a = wrap(a)\n    a = prepare(\n        a,\n    )\n    d = 2\n", "prepare(\n        a,\n    )", "wrap(a)",
         "if x:\n    a = prepare(\n        a,\n    )\n    a = wrap(a)\n    d = 2\n"),
        ("a = wrap(a)\n\n# why\na = prepare(a)\n", "prepare(a)", "wrap(a)", "a = prepare(a)\na = wrap(a)\n\n# why\n"),
        ("a = wrap(a)\na = prepare(a)", "prepare(a)", "wrap(a)", "a = prepare(a)\na = wrap(a)"),
        # What is prepared has another name before it is wrapped, is made in between, or another branch wraps it.
        ("b = wrap(a)\nc = prepare(b)\nd = 2\n", "prepare(b)", "wrap(a)", None),
        ("a = wrap(a)\nd = 2\na = prepare(a, d)\n", "prepare(a, d)", "wrap(a)", None),
        ("c = load()\nfor r in s:\n    b = wrap(c)\n", "wrap(c)", "load()", None),
        ("a = wrap(a); c = prepare(a)\nd = 2\n", "prepare(a)", "wrap(a)", None),
        ("a = load(); a = wrap(a)\na = prepare(a)\nd = 2\n", "prepare(a)", "wrap(a)", None),
        ("if x: a = wrap(a)\na = prepare(a)\n", "prepare(a)", "wrap(a)", None),
        ("a = wrap(a)\nc = prepare('''\n  x\n''')\nd = 2\n", "prepare('''\n  x\n''')", "wrap(a)",
         "c = prepare('''\n  x\n''')\na = wrap(a)\nd = 2\n"),
        # A keyword of the same name is no variable.
        ("a = wrap(a)\nn = a\na = prepare(a, n=1)\n", "prepare(a, n=1)", "wrap(a)", "a = prepare(a, n=1)\na = wrap(a)\nn = a\n"),
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
        ("r: 1\n", Add(Span("c.yaml", 3, 4), "t", ["q_proj", "true"]), 'r: 1\nt: [q_proj, "true"]\n'),
        ("r: 1\n", Add(Span("c.yaml", 3, 4), "t", ("q_proj", "true")), 'r: 1\nt: [q_proj, "true"]\n'),
        ("a:\n  - lora_r: 16\n    b: 1\n", Add(Span("c.yaml", 7, 13), "rs", 1.5),
         "a:\n  - lora_r: 16\n    rs: 1.5\n    b: 1\n"),
        ("{lora_r: 16, b: 1}", Add(Span("c.yaml", 9, 11), "rs", True), "{lora_r: 16, rs: true, b: 1}"),
        ("rs: false\nlora_r: 16\n", Add(Span("c.yaml", 10, 16), "rs", True), "rs: true\nlora_r: 16\n"),
        ("lora_r: 16\r\nb: 1\r\n", Add(Span("c.yaml", 8, 10), "rs", True), "lora_r: 16\r\nrs: true\r\nb: 1\r\n"),
        ("a: 1\nb: 2\nc: 3\n", Drop(Span("c.yaml", 0, 1), "b"), "a: 1\nc: 3\n"),
        ("a: 1\nb: 2  # why\n", Drop(Span("c.yaml", 0, 1), "b"), "a: 1\n# why\n"),
        ("{a: 1, b: 2}", Drop(Span("c.yaml", 1, 2), "b"), "{a: 1}"),
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


# TOML


@pytest.mark.parametrize(
    ("text", "part", "change", "expected"),
    [
        ("a = 1\nr = 8 # rank\n", "8", Write(Span("", 0, 0), 16), "a = 1\nr = 16 # rank\n"),
        ("r = 'x'\n", "'x'", Write(Span("", 0, 0), "y"), 'r = "y"\n'),
        ("on = true\n", "true", Write(Span("", 0, 0), False), "on = false\n"),
        ("[s]\nr = 8 # a\nb = 1\n", "8", Add(Span("", 0, 0), "alpha", 16.0), "[s]\nr = 8 # a\nalpha = 16\nb = 1\n"),
        ("  r = 8\r\n", "8", Add(Span("", 0, 0), "alpha", 16), "  r = 8\r\n  alpha = 16\r\n"),
        ("t = { r = 8 }\n", "8", Add(Span("", 0, 0), "alpha", 16), "t = { r = 8, alpha = 16 }\n"),
        ("r = 8\nalpha = 1\n", "8", Add(Span("", 0, 0), "alpha", 16), "r = 8\nalpha = 16\n"),
        ("r = 8\nbad = 1\n", "bad", Rename(Span("", 0, 0), "good"), "r = 8\ngood = 1\n"),
        ('r = 8\n"bad" = 1\n', '"bad"', Rename(Span("", 0, 0), "good"), 'r = 8\n"good" = 1\n'),
        ("r = 8\nbad = 1\n", "8", Drop(Span("", 0, 0), "bad"), "r = 8\n"),
        ("t = ['a', 'b']\n", "['a', 'b']", Write(Span("", 0, 0), ("c",)), 't = ["c"]\n'),
    ],
)  # fmt: skip
def test_toml(text: str, part: str, change: Change, expected: str | None) -> None:
    assert after(text, replace(change, span=span_in(text, part, "c.toml")), "c.toml") == expected


# shell scripts


@pytest.mark.parametrize(
    ("text", "part", "change", "expected"),
    [
        ("run --lora_alpha 64 --x 1", "64", Write(Span("", 0, 0), 16), "run --lora_alpha 16 --x 1"),
        ("run --lora_alpha=64", "64", Write(Span("", 0, 0), 16.0), "run --lora_alpha=16"),
        ("run \\\n    --lora_alpha \\\n    '64'\n", "'64'", Write(Span("", 0, 0), 16), "run \\\n    --lora_alpha \\\n    '16'\n"),
        ("run --use_rslora false", "false", Write(Span("", 0, 0), True), "run --use_rslora true"),
        ("run --lora_alpha 64", "64", Write(Span("", 0, 0), 2.83), None),
        ("A=64\nrun --lora_alpha $A", "64", Write(Span("", 0, 0), 16), None),
        ("for a in 64; do run --lora_alpha $a; done", "64", Write(Span("", 0, 0), 16), None),
        ("run --lora_alpha ${A:-64}", "64", Write(Span("", 0, 0), 16), None),
        ("run --lora_alpha $((64))", "64", Write(Span("", 0, 0), 16), None),
        ("run --targets q_proj", "q_proj", Write(Span("", 0, 0), ("a", "b")), None),
        ("run --lora_aplha 64", "--lora_aplha", Rename(Span("", 0, 0), "lora_alpha"), "run --lora_alpha 64"),
        ("run --lora-aplha=64", "--lora-aplha", Rename(Span("", 0, 0), "lora_alpha"), "run --lora-alpha=64"),
        ("run --lora_r 64", "64", Add(Span("", 0, 0), "use_rslora", True), None),
        ("run --r $R --lora_alpha 64", "64", Tie(Span("", 0, 0), "r", 1), "run --r $R --lora_alpha $R"),
        ('run --r="${R}" \\\n  --lora_alpha=64', "64", Tie(Span("", 0, 0), "r", 2),
         'run --r="${R}" \\\n  --lora_alpha=$((2 * R))'),
        ("run --lora-r $R --lora_alpha 64", "64", Tie(Span("", 0, 0), "lora_r", 1), "run --lora-r $R --lora_alpha $R"),
        ("run --r $R --lora_alpha 64", "64", Tie(Span("", 0, 0), "r", 0.5), None),
        ("run --r 8 --lora_alpha 64", "64", Tie(Span("", 0, 0), "r", 1), None),
        ("run --r $R-x --lora_alpha 64", "64", Tie(Span("", 0, 0), "r", 1), None),
        ("run --r $R --r $S --lora_alpha 64", "64", Tie(Span("", 0, 0), "r", 1), None),
        ("run --r $R\nrun --lora_alpha 64", "64", Tie(Span("", 0, 0), "r", 1), None),
    ],
)  # fmt: skip
def test_shell(text: str, part: str, change: Change, expected: str | None) -> None:
    assert after(text, replace(change, span=span_in(text, part, "run.sh")), "run.sh") == expected


def test_a_shell_script_is_fixed() -> None:
    text = (
        "# train\nllamafactory-cli train --stage sft --do_train true --finetuning_type lora --lora_rank 8 \\\n"
        "    --model_name_or_path Qwen/Qwen2.5-7B --dataset x --lora_alpha 128 --output_dir out\n"
    )
    once = fixed_text(text.encode(), "run.sh", "shell", Settings(select=("LL104",)), unsafe=True)
    assert once.after.decode() == text.replace("--lora_alpha 128", "--lora_alpha 8")


def test_a_sweep_in_a_shell_script_is_tied() -> None:
    text = (
        "for r in 8 16 32; do\n  swift sft --model Qwen/Qwen2.5-7B --tuner_type lora --dataset x \\\n"
        "    --lora_rank $r --lora_alpha 8\ndone\n"
    )
    once = fixed_text(text.encode(), "run.sh", "shell", Settings(select=("LL101",)), unsafe=True)
    tied = text.replace("--lora_alpha 8", "--lora_alpha $r")
    assert once.after.decode() == tied.replace("  swift", "  # lora-lint: sweep-keeps=ratio\n  swift")


LOOP = "for r in s:\n    b = wrap(c, r)\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("c = load()\n" + LOOP, "for r in s:\n    c = load()\n    b = wrap(c, r)\n"),
        ("n = 'm'\nc = load(\n    n,\n)  # the base\nt = 1\n" + LOOP,
         "n = 'm'\nt = 1\nfor r in s:\n    c = load(\n        n,\n    )  # the base\n    b = wrap(c, r)\n"),
        ("def f(s):\n    c = load()\n    for r in s:\n        # a turn\n        b = wrap(c, r)\n    return 1\n",
         "def f(s):\n    for r in s:\n        # a turn\n        c = load()\n        b = wrap(c, r)\n    return 1\n"),
        # Another function's variable of that name, and a text over several lines.
        ("c = load()\n" + LOOP + "def g(c):\n    return c\n", "for r in s:\n    c = load()\n    b = wrap(c, r)\ndef g(c):\n    return c\n"),
        ("c = load('''\nx''')\n" + LOOP, "for r in s:\n    c = load('''\nx''')\n    b = wrap(c, r)\n"),
        ("c = load()\n" + LOOP + "def g():\n    return c\n", None),
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


@pytest.mark.slow
@pytest.mark.parametrize("example", FIXABLE, ids=str)
def test_a_fixed_example_is_clean_and_stays_so(
    example: pages.Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    kind = kind_of(example.name)
    before = example.text.encode()
    source = readable(example.name, kind, before)

    def of_this_rule(data: bytes) -> list[Finding]:
        found = engine.lint_text(data, example.name, ALL, kind=kind).findings
        return [finding for finding in found if finding.code == example.code]

    found = of_this_rule(before)
    can = {
        f.span
        for f in found
        if f.fix and fixable(f, unsafe=True, named=ALL.named()) and edits_of(f.fix, lambda _: source)
    }
    once = fixed_text(before, example.name, kind, ALL, unsafe=True)
    assert once.problem == ""
    assert len(of_this_rule(once.after)) <= len(found) - len(can), once.left
    again = fixed_text(once.after, example.name, kind, ALL, unsafe=True)
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


@pytest.mark.slow
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
    fixed = fixed_text(data, "train.py", "python", NAMED, unsafe=True)
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
    assert fixed_text(fixed.after, "train.py", "python", NAMED, unsafe=True).after == fixed.after


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
    fixed = fixed_text(data, "n.ipynb", "notebook", NAMED, unsafe=True)
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


def test_the_last_statement_of_a_cell_moves() -> None:
    cells = [["a = wrap(a)\n", "c = prepare(a)"], ["d = 2"]]
    data = json.dumps({"cells": [{"cell_type": "code", "source": lines} for lines in cells]}).encode()
    source = readable("n.ipynb", "notebook", data)
    what, before = (span_in(source.utf8.decode(), part, "n.ipynb") for part in ("prepare(a)", "wrap(a)"))
    edits = edits_of(Fix("safe", "", (Move(what, before),)), lambda _: source)
    now = ["".join(cell["source"]) for cell in json.loads(edited(data, source, edits))["cells"]]
    assert now == ["c = prepare(a)\na = wrap(a)", "d = 2"]


@pytest.mark.parametrize("whole", [True, False])
def test_no_edit_goes_over_two_cells_of_a_notebook(whole: bool) -> None:
    data = notebook("lora_alpha = 16" if whole else ["lora_alpha = 16"])
    source = readable("n.ipynb", "notebook", data)
    with pytest.raises(Unwritable, match="more than one cell"):
        edited(data, source, [Edit(Span("n.ipynb", 0, source.utf8.index(b"16")), "")])


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "utf-8-sig"])
def test_encodings_of_python(encoding: str) -> None:
    head = "# -*- coding: latin-1 -*-\n" if encoding == "latin-1" else ""
    data = (head + PROGRAM.replace("%time", "# größer")).encode(encoding)
    fixed = fixed_text(data, "train.py", "python", NAMED, unsafe=True)
    assert (fixed.findings, fixed.problem) == (1, "")
    assert "# größer" in fixed.after.decode(encoding)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8"])
def test_encodings_of_yaml(encoding: str) -> None:
    text = "base_model: meta-llama/Llama-2-7b-hf\nadapter: lora\nlora_r: 16\nlora_alpha: 16 # größe\nlora_target_linear: true\n"
    fixed = fixed_text(text.encode(encoding), "a.yaml", "yaml", NAMED, unsafe=True)
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


@pytest.mark.process
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


@pytest.mark.process
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
    assert script.read_text(encoding="utf-8") == text, "alone it changes nothing"
    assert result.returncode == 1
    assert "can be fixed with `--fix --unsafe-fixes`" in result.stderr
    result = run(tmp_path, "--fix", "--unsafe-fixes", "train.py")
    assert result.returncode == 0, result
    assert "LoraConfig(r=1, lora_alpha=1" in script.read_text(encoding="utf-8")


@pytest.mark.process
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


@pytest.mark.process
def test_edits_for_editors(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(FROZEN, encoding="utf-8")
    document = json.loads(run(tmp_path, "--output-format", "json", "train.py").stdout)
    (fix,) = [finding["fix"] for finding in document["findings"]]
    assert fix == {"applicability": "safe", "message": "Add is_trainable=True; other rules may then apply"}
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


@pytest.mark.parametrize(
    ("rank", "alpha", "expected"), [(64, 32, "lora_alpha: 4"), (32, 16, None), (16, 32, "lora_alpha: 8")]
)
def test_a_framework_gets_an_alpha_that_it_takes(rank: int, alpha: int, expected: str | None) -> None:
    """axolotl's alpha is a whole number."""
    text = f"base_model: a/b\nadapter: lora\nlora_r: {rank}\nlora_alpha: {alpha}\nlora_target_linear: true\n"
    once = fixed_text(text.encode(), "a.yaml", "yaml", Settings(select=("LL102",)), unsafe=True).after.decode()
    assert once == text if expected is None else expected in once


@pytest.mark.parametrize("rank", ["r", "lora_r"])
@pytest.mark.parametrize("alpha", ["alpha", "lora_alpha"])
def test_a_block_that_any_program_may_read_gets_no_new_keys(rank: str, alpha: str) -> None:
    """Most programs read such a block key by key, and would see the new alpha without rsLoRA."""
    block = f"lora:\n  {rank}: 64\n  {alpha}: 64\n  target_modules: [q_proj]\n"
    before = f"model_name: meta-llama/Llama-3.1-8B\n{block}".encode()
    selected = Settings(select=("LL102",))
    assert [each.code for each in engine.lint_text(before, "a.yaml", selected).findings] == ["LL102"]
    once = fixed_text(before, "a.yaml", "yaml", selected, unsafe=True)
    assert (once.findings, once.after) == (0, before)


@pytest.mark.parametrize(
    ("text", "written"), [("q_proj", '["q_proj"]'), ("q_proj, v_proj", '["q_proj", "v_proj"]'), ("c_attn", "")]
)
def test_a_text_that_was_meant_as_a_list(text: str, written: str) -> None:
    """PEFT takes a text for a regex over whole paths, and raises for one that matches nothing."""
    before = CALL.format(q='"', comment="", a="", b="", c="", d="", e="").replace('["q_proj", "v_proj"]', f'"{text}"')
    once = fixed_text(before.encode(), "train.py", "python", Settings(select=("LL201",)), unsafe=False).after.decode()
    assert once == (before.replace(f'"{text}"', written) if written else before)


@pytest.mark.parametrize(("end", "remark"), [(b"\n", b""), (b"", b"\\ No newline at end of file\n")])
def test_a_diff_shows_the_last_line_as_it_ends(end: bytes, remark: bytes) -> None:
    shown = diff(Fixed("a.py", b"a = 1\nb = 1" + end, b"a = 1\nb = 2" + end, 1))
    assert shown == (b"--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n a = 1\n-b = 1\n" + remark + b"+b = 2\n" + remark)


@pytest.mark.parametrize("names", [["q_proj", "k_proj"], ("q_proj", "k_proj")])
@pytest.mark.parametrize("comma", [",", ", "])
def test_a_list_in_one_text_stays_one(names: list[str] | tuple[str, ...], comma: str) -> None:
    text = f"lora_target: q_proj{comma}v_proj\n"
    wanted = Write(span_in(text, f"q_proj{comma}v_proj", "c.yaml"), names)
    assert yaml.safe_load(after(text, wanted, "c.yaml") or "") == {"lora_target": f"q_proj{comma}k_proj"}


HEAD = "base_model: a/b\nadapter: lora\nlora_target_linear: true\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD + "lora_r: 64\nlora_alpha: &a 64\n", HEAD + "lora_r: 64\npeft_use_rslora: true\nlora_alpha: &a 8\n"),
        (HEAD + "lora_r: 64\nlora_alpha: &a 64\nwidth: *a\n", None),
        (HEAD + "lora_r: &r 64\nlora_alpha: *r\n", None),
        (
            "x: &d\n  lora_r: 64\n  lora_alpha: 64\n" + HEAD + "<<: *d\n",
            "x: &d\n  lora_r: 64\n  peft_use_rslora: true\n  lora_alpha: 8\n" + HEAD + "<<: *d\n",
        ),
        ("x: &d\n  lora_r: 64\n  lora_alpha: 64\n" + HEAD + "<<: *d\ny: *d\n", None),
    ],
)
def test_what_an_alias_takes_too_is_left_alone(text: str, expected: str | None) -> None:
    once = fixed_text(text.encode(), "a.yaml", "yaml", Settings(select=("LL102",)), unsafe=True)
    assert once.after.decode() == (text if expected is None else expected)


def test_a_list_that_another_adapter_takes_too_is_left_alone() -> None:
    text = (
        "from peft import LoraConfig, get_peft_model\nfrom transformers import AutoModelForCausalLM as Auto\n"
        'TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj"]\n'
        'phi = get_peft_model(Auto.from_pretrained("microsoft/Phi-3-mini-4k-instruct"), '
        "LoraConfig(target_modules=TARGETS))\n"
    )
    other = (
        'llama = get_peft_model(Auto.from_pretrained("meta-llama/Llama-3.1-8B"), LoraConfig(target_modules=TARGETS))'
    )
    for before, written in (
        (text, '["qkv_proj", "o_proj"]'),
        (text + other, '["q_proj", "k_proj", "v_proj", "o_proj"]'),
    ):
        once = fixed_text(before.encode(), "train.py", "python", Settings(select=("LL202",)), unsafe=True)
        assert f"TARGETS = {written}\n" in once.after.decode()


def test_a_dead_entry_beside_all_layers_goes() -> None:
    before = CALL.format(q='"', comment="", a="", b="", c="", d="", e="").replace(
        '"q_proj", "v_proj"', '"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "in_proj", "up_proj", "down_proj"'
    )
    once = fixed_text(before.encode(), "train.py", "python", Settings(select=("LL202",)), unsafe=False).after.decode()
    assert once == before.replace(' "in_proj",', "")


def test_a_name_that_the_config_of_a_model_may_ask_for_stays() -> None:
    """LFM2 has `in_proj` in its layers of convolution, which the default of its class has none of."""
    before = CALL.format(q='"', comment="", a="", b="", c="", d="", e="").replace(
        "meta-llama/Llama-2-7b-hf", "LiquidAI/LFM2.5-1.2B-Instruct"
    )
    before = before.replace(
        '"q_proj", "v_proj"', '"q_proj", "k_proj", "v_proj", "out_proj", "in_proj", "w1", "w2", "w3"'
    )
    assert [f for f in engine.lint_text(before.encode(), "train.py", ALL).findings if f.code == "LL202"] == []


# what a fix must not write


@pytest.mark.parametrize(("rslora", "alpha"), [(", use_rslora=True", "22.63"), ("", "8")])
def test_a_lower_rank_keeps_the_scale(rslora: str, alpha: str) -> None:
    """LL301 at r=64, alpha=64 on 900 examples, for which the rule of thumb is 8."""
    before = (
        "# lora-lint: dataset-size=900\n"
        + CALL.format(q='"', comment="", a="", b="", c="", d="", e="").replace(
            "r=16,lora_alpha=16", f"r=64, lora_alpha=64{rslora}"
        )
        + "from transformers import Trainer\nTrainer(model=model, train_dataset=data).train()\n"
    )
    once = fixed_text(before.encode(), "train.py", "python", Settings(select=("LL301",)), unsafe=True)
    assert f"r=8, lora_alpha={alpha}{rslora}" in once.after.decode(), once


@pytest.mark.parametrize("code", ["LL209", "LL603"])
def test_the_last_target_stays(code: str) -> None:
    """PEFT refuses a list that is empty."""
    text = (
        "from peft import LoraConfig, get_peft_model\nfrom transformers import AutoModelForCausalLM, Trainer\n"
        'model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")\n'
        'model = get_peft_model(model, LoraConfig(target_modules=["wte"]))\n'
        "Trainer(model=model, train_dataset=data).train()\n"
    )
    once = fixed_text(text.encode(), "train.py", "python", Settings(select=(code,)), unsafe=True)
    assert once.after == once.before


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("", True),
        (', modules_to_save=["lm_head"]', True),
        (", trainable_token_indices=[1]", True),
        (', target_parameters=["mlp.experts.gate_up_proj"]', False),
    ],
)
def test_an_empty_list_of_targets_is_told(more: str, told: bool) -> None:
    text = f"from peft import LoraConfig\nLoraConfig(r=8, target_modules=[]{more})\n"
    found = engine.lint_text(text, "train.py", Settings()).findings
    assert ("LL902" in {finding.code for finding in found}) is told


@pytest.mark.parametrize(("value", "renamed"), [("[1, 2]", False), ("8", True)])
def test_a_key_is_renamed_where_the_value_fits(value: str, renamed: bool) -> None:
    text = f"base_model: a/b\nadapter: lora\nlora_rr: {value}\nlora_target_linear: true\n"
    once = fixed_text(text.encode(), "a.yaml", "yaml", Settings(), unsafe=True)
    assert (once.after.decode() == text.replace("lora_rr", "lora_r")) is renamed


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("lora_target_modules:\n  - all-linear\n", "lora_target_modules: all-linear\n"),
        ("lora_target_modules:\n  - all-linear", "lora_target_modules: all-linear"),
        ("lora_target_modules:\n- all-linear\n", "lora_target_modules: all-linear\n"),
        ("lora_target_modules:\n  - all-linear  # every layer\n", None),
        ("lora_target_modules: [all-linear]\n", "lora_target_modules: all-linear\n"),
    ],
)
def test_a_list_of_one_becomes_a_text(written: str, expected: str | None) -> None:
    head = "base_model: meta-llama/Llama-3.1-8B\ndatasets:\n  - path: x\n    type: alpaca\nadapter: lora\nlora_r: 8\n"
    once = fixed_text((head + written).encode(), "a.yaml", "yaml", Settings(), unsafe=True)
    assert once.after.decode() == head + (written if expected is None else expected)


def test_no_message_names_a_key_that_axolotl_does_not_know() -> None:
    text = (
        "base_model: NousResearch/Meta-Llama-3-8B\nadapter: lora\nlora_r: 8\nlora_alpha: 8\n"
        "lora_target_modules: [q_proj, lm_head]\ndatasets:\n  - path: x\n    type: alpaca\n"
    )
    (told,) = [f.message for f in engine.lint_text(text, "a.yaml", Settings()).findings if f.code == "LL209"]
    (key,) = re.findall(r"use `(\w+)`", told)
    assert key in schemas.keys("axolotl")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("m.add(\n    'a',\n)\nm.train()", "m.add(\n    'a',\n)\nm.set(\"a\")\nm.train()"),
        ("if x:\n    self.m.add('a')  # why", "if x:\n    self.m.add('a')  # why\n    self.m.set(\"a\")"),
        ("x = m.add('a')", None),
        ("m.add('a'); m.train()", None),
        ("add('a')", None),
        ("make().add('a')", None),
    ],
)
def test_a_call_is_followed_by_another_of_the_same_object(text: str, expected: str | None) -> None:
    start = text.index("m.add") if "m.add" in text else text.index("make" if "make" in text else "add")
    start -= len("self.") if "self." in text else 0
    call = text[start : text.index(")", text.index("'a'")) + 1]
    assert after(text, Follow(span_in(text, call), "set", "a")) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("m.merge()", "m = m.merge()"),
        ("self.m.merge()", "self.m = self.m.merge()"),
        ("x = m.merge()", None),
        ("make().merge()", None),
        ("m.merge().save()", None),
    ],
)
def test_the_value_of_a_call_is_given_to_its_object(text: str, expected: str | None) -> None:
    call = text.removeprefix("x = ").removesuffix(".save()")
    assert after(text, Bind(span_in(text, call))) == expected
